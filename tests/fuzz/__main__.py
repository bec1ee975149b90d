"""`python -m tests.fuzz`: fuzz one target or all of them for some minutes each; see the README."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.fuzz import CURRENT, LENGTH_BYTES
from tests.fuzz.table import TARGETS

ROOT = Path(__file__).parents[2]
INSTALLED = Path(__file__).parent / ".installed"
FOLDER = ROOT / ".cache" / "fuzz"
SPARE_SECONDS = 900
"""What a busy machine may need to import everything instrumented."""


def fuzz(name: str, seconds: float, folder: Path) -> dict[str, Any]:
    """One target in a process of its own; when that ends before its time, another goes on."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for old in (*place.glob("finding-*"), *place.glob("ended-*"), place / "report.json"):
        old.unlink(missing_ok=True)
    total: dict[str, Any] = {
        "target": name,
        "seconds": 0,
        "executions": 0,
        "findings": {},
        "ended": [],
    }
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 1:
        command = [
            sys.executable, "-m", "tests.fuzz.run", name, "--seconds", str(left), "--folder", str(place),
        ]  # fmt: skip
        with (place / "log").open("w") as log:
            environment = os.environ | {"PYTHONPATH": f"{INSTALLED}{os.pathsep}{ROOT}"}
            ended = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                check=False,
                stdout=log,
                stderr=log,
                timeout=left + SPARE_SECONDS,
            )
        report = place / "report.json"
        if not report.exists():
            total["ended"].append(f"exit code {ended.returncode} at the start, see {place}/log")
            break
        add(total, json.loads(report.read_text(encoding="utf-8")))
        if ended.returncode:
            kept = place / f"ended-{len(total['ended'])}"
            kept.write_bytes(current(place))
            shutil.copy(place / "log", f"{kept}.log")
            total["ended"].append(f"exit code {ended.returncode}, see {kept}.log")
    return total


def current(place: Path) -> bytes:
    """The input that a process died at."""
    content = (place / CURRENT).read_bytes()
    return content[LENGTH_BYTES : LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "big")]


def add(total: dict[str, Any], part: dict[str, Any]) -> None:
    """Put the figures of one process into those of its target."""
    for name in ("seconds", "executions"):
        total[name] += part[name]
    for name in ("slowest_ms", "memory_first_mib", "memory_peak_mib"):
        total[name] = max(total.get(name, 0), part[name])
    for sort, count in part["findings"].items():
        total["findings"][sort] = total["findings"].get(sort, 0) + count


def main() -> int:
    """Fuzz, write the report, print it as a table; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="default: all")
    parser.add_argument("--jobs", type=int, default=1, help="targets at the same time")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="of corpora, findings and report"
    )
    arguments = parser.parse_args()
    names = arguments.target or list(TARGETS)
    failed = False
    reports = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for report in pool.map(
            lambda name: fuzz(name, arguments.minutes * 60, arguments.folder), names
        ):
            reports.append(report)
            failed = failed or bool(report["findings"] or report["ended"])
            sys.stdout.write(
                f"{report['target']:32} {report['executions']:>10,} inputs {report['seconds']:>5} s"
                f" {len(report['findings']):>3} findings  slowest {report.get('slowest_ms', 0):>7} ms"
                f"  {report.get('memory_peak_mib', 0):>5} MiB {' '.join(report['ended'])}\n"
            )
            sys.stdout.flush()
            told = json.dumps(reports, indent=1)
            (arguments.folder / "report.json").write_text(told + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
