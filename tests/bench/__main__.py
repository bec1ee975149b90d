"""`python -m tests.bench`: measure, print a table, leave nothing behind."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench import bare_kafka
from tests.bench.parts import ALONE, PARTS, SHORT, WITH_BROKER
from tests.bench.report import Results
from tests.bench.rig import rig
from tests.support.peers import installed


async def _measure(arguments: argparse.Namespace, parts: Sequence[str], directory: Path) -> Results:
    """Measure the parts; the report is written after each one, so that a run that is cut short has told something."""
    results = Results.read(arguments.report) if arguments.report else Results()
    console = Console(stderr=True)
    quick = arguments.quick

    def begin(part: str) -> None:
        results.begin(part, quick=quick)
        console.print(f"{part} …")

    def keep() -> None:
        if arguments.report:
            results.write(arguments.report)

    for part in [part for part in parts if part in ALONE]:
        begin(part)
        results.add(part, await ALONE[part](directory, quick=quick))
        keep()
    rest = [part for part in parts if part in WITH_BROKER]
    if rest:
        async with rig(directory, arguments.profile) as shared:
            if rest != ["idle"]:
                await bare_kafka.warm_up(shared)
            for part in rest:
                begin(part)
                results.add(part, await WITH_BROKER[part](shared, quick=quick))
                keep()
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--full", action="store_true", help="every part, not only the short ones")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        action="extend",
        metavar="PART[,PART]",
        help=f"only these parts: {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="keep the figures as JSON; parts measured now take the place of what the file has of them",
    )
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
    if unknown := set(arguments.only or ()) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    wanted = arguments.only or (PARTS if arguments.full else SHORT)
    parts = [part for part in PARTS if part in wanted]
    if not installed():
        sys.stderr.write("the broker is missing: run `make peers`\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.directory) as directory:
        results = uvloop.run(_measure(arguments, parts, Path(directory)))
    console = Console(width=180) if not sys.stdout.isatty() else Console()
    results.show(console, parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
