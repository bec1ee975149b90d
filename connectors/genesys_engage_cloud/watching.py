"""Workbins are silent until they are subscribed to, in each new session.

What is in them comes on the feed, asked for after the subscription, so that nothing falls between.
Source: workspace-client-js 9.0.1, `WorkbinsApi`; the answers are known from agent-api-simulator.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors._wire.arguments import segment
from connectors.genesys_engage_cloud.client import ApiHttp
from connectors.genesys_engage_cloud.vendor import WORKSPACE
from gateway.errors import NotReady, Reason

ALL = "*"
_REFUSALS = frozenset({Reason.REFUSED, Reason.NOT_FOUND, Reason.SERVER_ERROR, Reason.UNSUPPORTED})


async def watch(http: ApiHttp, workbins: Sequence[str]) -> dict[str, str]:
    """Subscribe to workbins and have their content told; those that were refused, with the reason.

    Raises AuthRejected (the session is gone) and NotReady (the platform does not answer).
    """
    refused: dict[str, str] = {}
    for name in workbins:
        place = f"{WORKSPACE}/workbins"
        if name == ALL:
            requests = [f"{place}/subscribe", f"{place}/get-contents"]
        else:
            one = f"{place}/{segment(name, 'workbins')}"
            requests = [f"{one}/subscribe", f"{one}/get-content"]
        try:
            for path in requests:
                await http.call("POST", path, body={"data": {}})
        except NotReady as error:
            if error.reason not in _REFUSALS:
                raise
            refused[name] = error.message
    return refused
