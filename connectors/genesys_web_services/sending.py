"""A command on its way: spelling by spelling, and what the mapping must know meanwhile."""

from __future__ import annotations

from datetime import datetime

import msgspec

from connectors.genesys_web_services import commands
from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.commands import Request
from connectors.genesys_web_services.mapping import Mapper
from gateway.commands import Outcome, Status
from gateway.errors import ConnectionFailed


async def carry_out(
    http: AgentHttp,
    mapper: Mapper,
    request: Request,
    *,
    sent: datetime,
    reference: str | None = None,
) -> Outcome:
    """Send a command.

    `reference` goes with it to be echoed in the events it causes; None sends nothing.
    Raises what `AgentHttp.post` raises, and CommandUncertain when the answer leaves the result open.
    """
    if reference is not None:
        mapper.expect_reference(reference)
    # The call may end before the answer comes, so what that will mean is noted before the request
    # leaves.
    if request.transfers is not None:
        mapper.expect_transfer(*request.transfers, sent=sent)
    refused = False
    try:
        outcome = await _send(http, request, reference)
        refused = outcome.status is Status.REFUSED
    except ConnectionFailed:
        # By the contract of the client nothing was sent.
        refused = True
        raise
    finally:
        if request.transfers is not None and refused:
            mapper.expect_no_transfer(request.transfers[0])
    if reference is not None and outcome.expectation is not None:
        expectation = msgspec.structs.replace(outcome.expectation, cause=reference)
        return msgspec.structs.replace(outcome, expectation=expectation)
    return outcome


async def _send(http: AgentHttp, request: Request, reference: str | None) -> Outcome:
    """Try the spellings. A refusal is certain, so the next one cannot do anything twice."""
    first, *others = (commands.Spelling(request.path, request.body), *request.others)
    outcome, certain = await _try(http, request, first, reference)
    for spelling in others:
        if certain:
            return outcome
        again, certain = await _try(http, request, spelling, reference)
        if again.status is not Status.REFUSED:
            return again
    # Of several refusals the first is told: it is about the documented spelling.
    return outcome


async def _try(
    http: AgentHttp, request: Request, spelling: commands.Spelling, reference: str | None
) -> tuple[Outcome, bool]:
    """The outcome, and whether it stands: a refusal may mean that another spelling is wanted."""
    if request.upload is not None:
        reply = await http.upload(spelling.path, request.upload)
    elif request.method == "DELETE":
        reply = await http.delete(spelling.path)
    else:
        extra = {} if reference is None else {"referenceId": reference}
        reply = await http.post(spelling.path, spelling.body | extra)
    outcome = commands.outcome_of(request, *reply)
    unknown = outcome.status is Status.REFUSED and commands.is_unknown(*reply)
    return outcome, not unknown
