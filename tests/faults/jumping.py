"""The gateway's command with a wall clock that a test can move: `python -m tests.faults.jumping run --config FILE`.

The number in the file that FAULTS_CLOCK_FILE names is added to the time, in seconds.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

import gateway.app
from gateway.cli import main
from gateway.clock import SystemClock


class JumpingClock(SystemClock):
    """The machine's clock, but for what the file says."""

    def __init__(self) -> None:
        self._file = Path(os.environ["FAULTS_CLOCK_FILE"])

    def now(self) -> datetime:
        """The wall-clock time with the jump."""
        return super().now() + timedelta(seconds=float(self._file.read_text() or 0))


if __name__ == "__main__":
    # The clock is handed to everything from one place.
    gateway.app.SystemClock = JumpingClock  # type: ignore[misc]  # the seam is a name
    sys.exit(main())
