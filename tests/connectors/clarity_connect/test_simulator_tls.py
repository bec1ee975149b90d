"""The simulated token host under TLS, as sites with extended protection have it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from connectors.clarity_connect.simulator import Simulator
from tests.support.certificates import certificate
from tests.support.clarity_desk import QUIET, sign_in


@asynccontextmanager
async def served(path: Path, digest: bytes) -> AsyncIterator[str]:
    """The simulator behind TLS, with handshakes bound to its certificate."""
    simulator = Simulator(QUIET)
    simulator.handshakes.channel_binding = b"tls-server-end-point:" + digest
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    runner = web.AppRunner(simulator.app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("sent", ["right", "wrong", "none"])
async def test_a_handshake_is_bound_to_the_channel(tmp_path: Path, scheme: str, sent: str) -> None:
    """Whoever relays a handshake to another host has the wrong certificate in it."""
    path, digest = certificate(tmp_path)
    bindings = {
        "right": b"tls-server-end-point:" + digest,
        "wrong": b"tls-server-end-point:" + bytes(32),
        "none": b"",
    }
    trust = ssl.create_default_context(cafile=str(path))
    async with served(path, digest) as url:
        status, _ = await sign_in(url, scheme=scheme, ssl=trust, channel_binding=bindings[sent])
    assert status == (200 if sent == "right" else 401)
