"""`python -m tests.bench`: measure, print a table, leave nothing behind."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Awaitable, Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench import bare_kafka
from tests.bench.parts import ALONE, PARTS, SHORT, WITH_BROKER
from tests.bench.report import Figure, Results
from tests.bench.rig import rig
from tests.support.peers import installed


class _Run:
    """One run over some parts. The report is written after each, so that a run that is cut short has told something."""

    def __init__(self, *, quick: bool, report: Path | None) -> None:
        self.results = Results.read(report) if report else Results()
        self.failed: list[str] = []
        self._quick = quick
        self._report = report
        self._console = Console(stderr=True)

    async def measure(self, parts: Sequence[str], directory: Path, profile: Path | None) -> None:
        """Measure the parts; one that fails keeps its older figures and does not stop the others."""
        for part in [part for part in parts if part in ALONE]:
            await self._part(part, ALONE[part](directory, quick=self._quick))
        rest = [part for part in parts if part in WITH_BROKER]
        if not rest:
            return
        async with rig(directory, profile) as shared:
            if rest != ["idle"]:
                await bare_kafka.warm_up(shared)
            for part in rest:
                await self._part(part, WITH_BROKER[part](shared, quick=self._quick))

    async def _part(self, name: str, measured: Awaitable[Sequence[Figure]]) -> None:
        self._console.print(f"{name} …")
        begun = self.results.begin(quick=self._quick)
        try:
            figures = await measured
        except Exception:  # noqa: BLE001 - whatever it is, the other parts can be measured
            self.failed.append(name)
            self._console.print_exception()
            return
        self.results.add(name, begun, figures)
        if self._report:
            self.results.write(self._report)


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
        run = _Run(quick=arguments.quick, report=arguments.report)
        uvloop.run(run.measure(parts, Path(directory), arguments.profile))
    console = Console(width=180) if not sys.stdout.isatty() else Console()
    run.results.show(console, parts)
    if run.failed:
        sys.stderr.write(f"not measured: {', '.join(run.failed)}\n")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
