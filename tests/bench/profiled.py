"""Runs the command `tieline` under cProfile: `python -m tests.bench.profiled OUT run --config FILE`.

Only the loop's thread is profiled. Read the result with `python -m pstats OUT`.
"""

from __future__ import annotations

import cProfile
import sys

from gateway.cli import main

if __name__ == "__main__":
    profiler = cProfile.Profile()
    code = profiler.runcall(main, sys.argv[2:])
    profiler.dump_stats(sys.argv[1])
    sys.exit(code)
