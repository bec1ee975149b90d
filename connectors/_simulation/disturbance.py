"""The faults of one HTTP request: late, dropped, answered with an error; before it is carried out or after."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Literal

import msgspec
from aiohttp import web

from connectors._simulation.faults import Fault, FaultKind, FaultPlan

INTERNAL_ERROR = 500


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What is done to a request. `skips`: it is not carried out; `breaks`: its answer is replaced."""

    skips: bool
    breaks: Fault | None


async def disturb(
    plan: FaultPlan, request: web.Request, username: str, target: Literal["feed", "rest"]
) -> Disturbance:
    """Commit the faults that concern the request: wait, or close its socket; tells what is left to do."""
    if fault := plan.strike(FaultKind.SLOW, username, target=target):
        await asyncio.sleep(fault.delay_ms / 1000)
    dropped = plan.strike(FaultKind.DROP, username, target=target)
    if dropped and request.transport is not None:
        await request.read()
        request.transport.abort()
    broken = plan.strike(FaultKind.SERVER_ERROR, username, target=target)
    skips = bool(dropped and not dropped.after_processing) or bool(
        broken and not broken.after_processing
    )
    return Disturbance(skips, broken)


def broken_reply(fault: Fault | None, rng: Random, own: object) -> web.Response:
    """A 5xx answer: 500 is the server's own failure, with `own` as its JSON; the others are HTML."""
    status = fault.status if fault and fault.status else rng.choice((500, 502, 503, 504))
    if status == INTERNAL_ERROR:
        return web.Response(
            body=msgspec.json.encode(own), content_type="application/json", status=status
        )
    html = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return web.Response(text=html, content_type="text/html", status=status)
