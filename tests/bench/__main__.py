"""`python -m tests.bench`: measure, print a table, leave nothing behind."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench import bare_kafka, idle, journal, pipeline, retention, streams
from tests.bench.report import Results
from tests.bench.rig import rig
from tests.support.peers import installed

ALONE = {
    "journal": journal.measure,
    "retention": retention.measure,
    "streams": streams.measure,
}
PARTS = (*ALONE, "sustained", "delay", "idle")


async def _measure(arguments: argparse.Namespace, directory: Path) -> Results:
    results = Results()
    parts = [part for part in PARTS if part in (arguments.only or PARTS)]
    console = Console(stderr=True)
    for part, measure in ALONE.items():
        if part in parts:
            results.begin(part)
            console.print(f"{part} …")
            results.add(await measure(directory, quick=arguments.quick))
            parts.remove(part)
    if not parts:
        return results
    async with rig(directory, arguments.profile) as shared:
        if parts != ["idle"]:
            await bare_kafka.warm_up(shared)
        for part in parts:
            results.begin(part)
            console.print(f"{part} …")
            match part:
                case "sustained":
                    results.add(await pipeline.sustained(shared, quick=arguments.quick))
                case "delay":
                    results.add(await pipeline.delay(shared, quick=arguments.quick))
                case _:
                    results.add(await idle.measure(shared))
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help="profile the gateway's loop with cProfile; the figures are then of no use",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        help="where journals and the broker write for the time of the run; a disk, not memory",
    )
    arguments = parser.parse_args(argv)
    if not installed():
        sys.stderr.write("the broker is missing: run `make peers`\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.directory) as directory:
        results = uvloop.run(_measure(arguments, Path(directory)))
    results.show(Console(width=180) if not sys.stdout.isatty() else Console())
    if arguments.report:
        arguments.report.write_text(json.dumps(results.as_report(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
