"""Reading what a server may or may not have, and everything that an agent has.

Servers differ in their resources and accounts in their rights, so most of what is read beside the
agent is optional: that it is not there, or not for this account, is a finding and no failure.
Sources: Genesys Web Services API reference, "Request Parameters" (Object Fields, Subresources),
"Return Values" (Partial Success), "Calls API", "Devices API", "Channels API", "Services".
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.commands import ME
from connectors.genesys_web_services.vendor import StatusCode
from gateway.errors import ConnectionFailed, Reason

ROOT = "/api/v2"
SERVICES = f"{ROOT}/services?fields=*"
_LISTS = ("devices", "channels", "calls", "interactions")
_NOT_FOR_US = frozenset(
    {Reason.NOT_FOUND, Reason.FORBIDDEN, Reason.CLIENT_ERROR, Reason.GONE, Reason.INVALID}
)
_MAX_WHY = 200


async def optional(http: AgentHttp, path: str) -> tuple[dict[str, Any], str]:
    """A resource, or an empty one and the reason why the server has none for this account.

    Raises AuthRejected (the credentials are refused, or a new password is demanded), NotReady (the
    server cannot be reached or cannot serve).
    """
    try:
        return await http.get(path), ""
    except ConnectionFailed as error:
        if error.reason not in _NOT_FOR_US:
            raise
        return {}, error.message


async def everything(http: AgentHttp, *, services: bool) -> dict[str, Any]:
    """The agent with all subresources; what that answer lacks is asked for one by one.

    `services` adds the state of the platform's own services. The result's `statusCode` is 7 if any
    answer was partial. Raises AuthRejected, NotReady.
    """
    reply = await http.get(f"{ME}?subresources=*")
    user = reply.get("user")
    found = reply | user if isinstance(user, dict) else dict(reply)
    partial = _is_partial(reply)
    for name in _LISTS:
        if not isinstance(found.get(name), list):
            more, _ = await optional(http, f"{ME}/{name}?fields=*")
            found[name] = more.get(name)
            partial = partial or _is_partial(more)
    if services:
        more, _ = await optional(http, SERVICES)
        found["services"] = more.get("services")
    found["statusCode"] = StatusCode.PARTIAL if partial else StatusCode.OK
    return found


async def operate(http: AgentHttp, path: str, operation: str) -> str:
    """Post an operation whose answer decides it; returns the server's refusal, or nothing if it did it.

    Raises as `AgentHttp.post` does.
    """
    status, body = await http.post(path, {"operationName": operation})
    try:
        reply = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        reply = None
    if not isinstance(reply, dict):
        return f"answered HTTP {status} with something that is no result"
    code = reply.get("statusCode", reply.get("status", 0))
    if 200 <= status < 300 and code in (0, "0", "ok"):  # noqa: PLR2004 - the statuses of success
        return ""
    said = next(
        (
            text
            for name in ("statusMessage", "description", "errorDescription")
            if isinstance(text := reply.get(name), str) and text
        ),
        "",
    )
    return f"HTTP {status}, code {code}: {said}"[:_MAX_WHY]


def _is_partial(reply: dict[str, Any]) -> bool:
    return reply.get("statusCode") == StatusCode.PARTIAL
