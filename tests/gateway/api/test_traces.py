"""What a request says about its trace, and metrics that can show one."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
COMMAND = {
    "verb": "agent.set_state",
    "connector": "gws-main",
    "target": {"agent": "anna"},
    "arguments": {"state": "ready"},
}


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ([], None),
        ([TRACEPARENT], TRACEPARENT),
        (["nonsense"], "nonsense"),
        ([TRACEPARENT, TRACEPARENT], None),
    ],
)
async def test_a_command_hands_its_trace_on(
    serve: Serve, runtime: FakeRuntime, values: list[str], taken: str | None
) -> None:
    """What it is worth is judged later; a header that is wrong refuses no command."""
    headers = CIMultiDict([("Traceparent", value) for value in values])
    async with (await serve()).post("/v1/commands", json=COMMAND, headers=headers) as response:
        assert response.status == 202
    (record,) = runtime.records.values()
    assert record.command.traceparent == taken


async def test_metrics_are_openmetrics_for_whoever_can_read_it(serve: Serve) -> None:
    """As a Prometheus asks: better OpenMetrics, else the text format."""
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    async with (await serve()).get("/metrics", headers={"Accept": accept}) as response:
        assert response.headers["Content-Type"] == (
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        )
        assert (await response.text()).endswith("# EOF\n")
