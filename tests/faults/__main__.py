"""`python -m tests.faults`: a long run with faults; see the README."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from tests.faults.run import run


def main() -> int:
    """Run, write the report, and say what failed; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="drawn and told unless given")
    parser.add_argument("--report", type=Path, default=Path("faults.json"))
    parser.add_argument("--keep", type=Path, help="a new directory for the journal and all logs")
    parser.add_argument("--kafka", action="store_true", help="with a broker, which is killed too")
    arguments = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True)
    place = nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory()
    with place as directory:
        outcome = asyncio.run(
            run(Path(directory), seed=seed, seconds=arguments.minutes * 60, broker=arguments.kafka)
        )
    arguments.report.write_text(json.dumps(outcome.as_report(), indent=2) + "\n")
    figures = outcome.as_report()
    sys.stdout.write(
        f"seed {seed}: {outcome.rounds} rounds, {sum(outcome.faults.values())} faults,"
        f" worst recovery {figures['recovery_seconds']['worst']} s; report in {arguments.report}\n"
    )
    for failure in outcome.failures:
        sys.stdout.write(f"FAILED {failure}\n")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
