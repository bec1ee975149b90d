"""Writes the table of proofs into the API's README: `python -m tests.proofs`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.proofs import running, table


async def main() -> None:
    """Run every story of every platform."""
    found = {}
    for name in running.NAMES:
        with tempfile.TemporaryDirectory() as directory:
            found[name] = await running.proofs(name, Path(directory))
    table.write(found)


if __name__ == "__main__":
    asyncio.run(main())
