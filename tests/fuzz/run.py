"""`python -m tests.fuzz.run TARGET …`: one target under atheris, guided by the lines it reaches.

An exception is kept with its input and the run goes on: one finding must not hide the next. Only a crash of the
interpreter, an input that takes longer than LONGEST_SECONDS, or memory beyond MOST_MIB ends it; the input is then in
`current`. `python -m tests.fuzz` starts it. libFuzzer's own alarm is not used: it ended runs in which nothing hung.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import mmap
import os
import resource
import sys
import tempfile
import time
import traceback
from hashlib import blake2b
from pathlib import Path
from typing import Any

import atheris

from tests.fuzz import CURRENT, LENGTH_BYTES, MOST_BYTES

with atheris.instrument_imports(include=["config", "connectors", "gateway", "sinks"]):
    from tests.fuzz.table import TARGETS
    from tests.fuzz.target import Source, Target

LONGEST_SECONDS = 20
MOST_MIB = 1_500
WRITE_EVERY_SECONDS = 2.0
NEVER_SECONDS = 1_000_000
MOST_FINDINGS = 200


class Run:
    """One run: what was tried, and what was found."""

    def __init__(self, target: Target, folder: Path, seconds: float) -> None:
        self._target = target
        self._folder = folder
        self._source = Source(target)
        self._started = time.monotonic()
        self._ends = self._started + seconds
        self._written = 0.0
        self._first_mib = 0.0
        self._executions = 0
        self._slowest_seconds = 0.0
        self._slowest = b""
        self._findings: dict[str, int] = {}
        place = folder / CURRENT
        place.write_bytes(bytes(LENGTH_BYTES + MOST_BYTES))
        with place.open("r+b") as file:
            self._current = mmap.mmap(file.fileno(), 0)

    def prepare(self) -> Path:
        """Write the corpus: what was kept of earlier runs stays beside it."""
        corpus = self._folder / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for data in self._source.corpus():
            (corpus / blake2b(data, digest_size=16).hexdigest()).write_bytes(data[:MOST_BYTES])
        return corpus

    def one(self, data: bytes) -> None:
        """Try one input."""
        began = time.process_time()
        self._current[:LENGTH_BYTES] = len(data).to_bytes(LENGTH_BYTES, "big")
        self._current[LENGTH_BYTES : LENGTH_BYTES + len(data)] = data
        try:
            self._target.run(data)
        except Exception as error:  # noqa: BLE001 - whatever a reader raises is what is looked for
            self._found(data, error)
        took = time.process_time() - began
        self._executions += 1
        if took > self._slowest_seconds:
            self._slowest_seconds, self._slowest = took, data
        now = time.monotonic()
        if now - self._written > WRITE_EVERY_SECONDS:
            self._write(now)
        if now > self._ends:
            self._write(now)
            os._exit(0)

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """The next input: mostly a message that is nearly right, sometimes changed bytes."""
        by_bytes = seed % 16 == 0
        changed = None if by_bytes else self._source.changed(data, seed)
        if changed is None:
            drawn = self._source.drawn(seed, 1 + seed % 6)
            changed = drawn if seed % 3 else atheris.Mutate(data, most)
        return changed if len(changed) <= most else data

    def _found(self, data: bytes, error: Exception) -> None:
        frames = [
            f"{Path(frame.filename).name}:{frame.lineno}"
            for frame in traceback.extract_tb(error.__traceback__)[-2:]
        ]
        sort = f"{type(error).__name__} {' '.join(frames)}"
        known = self._findings.get(sort, 0)
        self._findings[sort] = known + 1
        if not known and len(self._findings) <= MOST_FINDINGS:
            name = blake2b(sort.encode(), digest_size=6).hexdigest()
            (self._folder / f"finding-{name}").write_bytes(data)
            told = "".join(traceback.format_exception(error))
            (self._folder / f"finding-{name}.txt").write_text(told, encoding="utf-8")

    def _write(self, now: float) -> None:
        self._written = now
        # A thread without Python: it ends the process even if the input never lets another line run.
        faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self._first_mib = self._first_mib or peak
        report: dict[str, Any] = {
            "target": self._target.name,
            "seconds": round(now - self._started),
            "executions": self._executions,
            "findings": self._findings,
            "slowest_ms": round(1000 * self._slowest_seconds, 1),
            "memory_first_mib": round(self._first_mib),
            "memory_peak_mib": round(peak),
        }
        (self._folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
        (self._folder / "slowest").write_bytes(self._slowest)


def main() -> None:
    """Fuzz until the time is over; does not return."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    tempfile.tempdir = str(arguments.folder)
    run = Run(TARGETS[arguments.target], arguments.folder, arguments.seconds)
    corpus = run.prepare()
    options = [
        sys.argv[0], str(corpus), f"-timeout={NEVER_SECONDS}", f"-rss_limit_mb={MOST_MIB}", f"-max_len={MOST_BYTES}",
        f"-artifact_prefix={arguments.folder}/ended-", "-verbosity=0", "-print_final_stats=0",
    ]  # fmt: skip
    atheris.Setup(options, run.one, custom_mutator=run.mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
