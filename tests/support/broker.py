"""A Kafka broker to try things with: `make broker`. Its data is gone when it ends."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from tests.support.kafka import KafkaBroker, Node
from tests.support.processes import free_port

SIGNALS = {signal.SIGINT, signal.SIGTERM}


def main(port: int) -> None:
    """Serve on the port until a signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    with tempfile.TemporaryDirectory(prefix="tieline-broker-") as directory:
        broker = KafkaBroker(Path(directory), cluster=(Node(1, port, free_port()),))
        broker.start_blocking()
        print(f"Kafka serves at {broker.bootstrap_servers}; Ctrl-C ends it", flush=True)  # noqa: T201 - a command's output
        signal.sigwait(SIGNALS)
        broker.kill_blocking()


if __name__ == "__main__":
    main(int(sys.argv[1]))
