"""`tieline run`: the gateway as a service."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys
from pathlib import Path

from config import load
from config.settings import Config, LogSettings
from gateway.app import Gateway
from gateway.errors import ConfigError, JournalError, TielineError
from gateway.lifecycle import StopSignal, signals_request
from gateway.logs import configure_logging
from gateway.registry import Registry
from gateway.service_manager import ServiceManager

EXIT_OK = 0
EXIT_NOT_CLEAN = 1
EXIT_CONFIG = 2
EXIT_JOURNAL = 3

_YOUNG_OBJECTS = 400_000
"""So many new objects, a few hundred bytes each, may be alive or waiting in cycles before the collector looks."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "run",
        help="run the gateway",
        description=(
            "Run until SIGTERM or SIGINT; a second signal skips the drain. Exit codes: 0 stopped clean,"
            " 1 stopped at the deadline, 2 configuration, 3 journal."
        ),
    )
    parser.add_argument("--config", required=True, type=Path, metavar="FILE")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the gateway; returns the exit code."""
    try:
        config = load(arguments.config, registry=Registry())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    _set_logging(config.gateway.log)
    try:
        return EXIT_OK if _run(config) else EXIT_NOT_CLEAN
    except TielineError as error:
        return _failed(error)
    except BaseExceptionGroup as group:
        # A part that cannot go on ends the others with it; what it says is inside.
        known, others = group.split(TielineError)
        if known is None or others is not None:
            raise
        return _failed(_first(known))


def _set_logging(settings: LogSettings) -> None:
    configure_logging(level=settings.level, form=settings.format)


def _failed(error: TielineError) -> int:
    sys.stderr.write(f"tieline: {error}\n")
    return EXIT_JOURNAL if isinstance(error, JournalError) else EXIT_CONFIG


def _first(group: BaseExceptionGroup[TielineError]) -> TielineError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _run(config: Config) -> bool:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(config))


def loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """Uvloop where it exists: an idle TLS connection costs it a fifth of the memory."""
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.Loop
    return None


async def _serve(config: Config) -> bool:
    # Events are freed by their counts; what the collector finds at each look is thousands of live sessions and what
    # their replies hold, none of it garbage. Thousands of feeds that answer at once hold more than any low threshold,
    # and each look then stops the loop for 50 ms, each look at the older ones for half a second.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 10, 50)
    stop = StopSignal()
    manager = ServiceManager.from_environment(os.environ)
    gateway = Gateway(config, service_manager=manager, set_logging=_set_logging)
    async with signals_request(stop, reload=gateway.request_reload):
        return await gateway.run(stop)
