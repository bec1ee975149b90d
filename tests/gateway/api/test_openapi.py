"""The served description: valid by the specification, true of the table, readable without any other place."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from gateway.api.command_schemas import command_schemas
from gateway.api.problems import Kind
from gateway.api.runtime import ConnectorView
from gateway.api.tokens import hash_of, new_token
from gateway.capabilities import check
from gateway.commands import Argument, Capability, CommandRequest, Target, Verb
from gateway.errors import CommandRefused
from tests.gateway.api.conftest import Serve
from tests.support.fake_runtime import FakeRuntime

READER = new_token()
TOKENS = [{"name": "reader", "hash": hash_of(READER), "scopes": ["read"]}]


async def served(serve: Serve, **settings: Any) -> dict[str, Any]:
    """The document."""
    client = await serve(**settings)
    headers = {"Authorization": f"Bearer {READER}"}
    async with client.get("/openapi.json", headers=headers) as response:
        assert response.status == 200
        document: dict[str, Any] = await response.json()
        return document


@pytest.mark.slow
async def test_the_document_is_valid(serve: Serve) -> None:
    """By the specification's own schemas, with and without credentials."""
    for settings in ({}, {"tokens": TOKENS}):
        validate(await served(serve, **settings), cls=OpenAPIV31SpecValidator)


async def test_every_schema_is_a_valid_schema(serve: Serve) -> None:
    """JSON Schema 2020-12, which is the dialect of OpenAPI 3.1."""
    for schema in (await served(serve))["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


async def test_every_problem_that_the_api_knows_is_described(serve: Serve) -> None:
    """With its status; those of paths and methods that do not exist belong to no operation."""
    described = {
        (urn, int(status))
        for path in (await served(serve, tokens=TOKENS))["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if (problem := answer.get("content", {}).get("application/problem+json"))
        for urn in problem["schema"]["allOf"][1]["properties"]["type"]["enum"]
    }
    beside = {Kind.METHOD_NOT_ALLOWED, Kind.COMMAND_REFUSED}
    assert described == {(kind.urn, int(kind.status)) for kind in set(Kind) - beside}


async def test_security_is_described_as_it_is(serve: Serve) -> None:
    """Where no token is needed, none is described; metrics are open on loopback only."""
    open_document = await served(serve)
    assert "securitySchemes" not in open_document["components"]
    loopback = await served(serve, tokens=TOKENS)
    beyond = await served(serve, tokens=TOKENS, host="0.0.0.0")
    assert "security" not in loopback["paths"]["/healthz"]["get"]
    assert "security" not in loopback["paths"]["/metrics"]["get"]
    assert beyond["paths"]["/metrics"]["get"]["security"] == [{"bearer": ["read"]}]
    assert loopback["paths"]["/v1/feeds"]["get"]["security"] == [{"bearer": ["read"]}]


async def test_beyond_loopback_the_description_needs_a_token(serve: Serve) -> None:
    """It names connectors."""
    client = await serve(tokens=TOKENS, host="0.0.0.0")
    for path in ("/openapi.json", "/docs"):
        async with client.get(path) as response:
            assert response.status == 401


async def test_the_page_shows_every_operation_and_needs_no_other_place(serve: Serve) -> None:
    """No script, no address of another host, and a policy that allows neither."""
    document = await served(serve)
    async with (await serve()).get("/docs") as response:
        text = await response.text()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]+'; frame-ancestors 'none'",
        response.headers["Content-Security-Policy"],
    )
    assert not re.search(r"<script|<link|src=|url\(|https?://(?!json-schema)", text)
    for path in document["paths"].values():
        for operation in path.values():
            assert f'id="{operation["operationId"]}"' in text
    assert "call.dial" in text


def connector(name: str, *capabilities: Capability) -> ConnectorView:
    """A connector with a table."""
    return ConnectorView(
        name=name,
        platform="test_platform",
        guarantee="resumable",
        state="connected",
        feeds={},
        commands=capabilities,
        events={},
        version="1",
    )


TABLE = Capability(
    verb=Verb.CALL_DIAL,
    target=("agent",),
    arguments=(
        Argument(name="destination", kind="string", required=True),
        Argument(name="attempts", kind="integer"),
        Argument(name="speed", kind="number"),
        Argument(name="mode", kind="string", choices=("fast", "slow")),
        Argument(name="data", kind="object"),
        Argument(name="tags", kind="array"),
        Argument(name="loud", kind="boolean"),
    ),
)
GOOD = {"destination": "1"}


@pytest.mark.parametrize(
    ("target", "arguments", "allowed"),
    [
        ({"agent": "a"}, GOOD, True),
        ({"agent": "a", "call": "c"}, GOOD, True),
        ({"agent": ""}, GOOD, False),
        ({}, GOOD, False),
        ({"agent": "a"}, {}, False),
        ({"agent": "a"}, GOOD | {"attempts": 1, "speed": 1, "mode": "slow"}, True),
        ({"agent": "a"}, GOOD | {"data": {"x": None}, "tags": [1], "loud": True}, True),
        ({"agent": "a"}, GOOD | {"attempts": 1.5}, False),
        ({"agent": "a"}, GOOD | {"attempts": True}, False),
        ({"agent": "a"}, GOOD | {"speed": "1"}, False),
        ({"agent": "a"}, GOOD | {"mode": "other"}, False),
        ({"agent": "a"}, GOOD | {"data": []}, False),
        ({"agent": "a"}, GOOD | {"loud": 1}, False),
        ({"agent": "a"}, GOOD | {"unknown": 1}, False),
        ({"agent": "a"}, {"destination": None}, False),
    ],
)
def test_the_schema_of_a_verb_says_what_the_check_does(
    target: dict[str, Any], arguments: dict[str, Any], *, allowed: bool
) -> None:
    """Two descriptions of one table would drift apart unseen."""
    schema = command_schemas([connector("main", TABLE)])["Command.call.dial"]
    body = {"verb": "call.dial", "connector": "main", "target": target, "arguments": arguments}
    assert jsonschema.Draft202012Validator(schema).is_valid(body) is allowed
    request = CommandRequest(
        verb=Verb.CALL_DIAL, connector="main", target=Target(**target), arguments=arguments
    )
    try:
        check(request, (TABLE,))
    except CommandRefused:
        assert not allowed
    else:
        assert allowed


def test_platforms_that_differ_have_a_form_each_and_those_that_do_not_share_one() -> None:
    """The connector chooses the form."""
    other = Capability(verb=Verb.CALL_DIAL, target=("agent", "device"))
    schemas = command_schemas([connector("a", TABLE), connector("b", TABLE), connector("c", other)])
    forms = schemas["Command.call.dial"]["oneOf"]
    assert [form["properties"]["connector"]["enum"] for form in forms] == [["a", "b"], ["c"]]
    assert schemas["Command"]["oneOf"] == [{"$ref": "#/components/schemas/Command.call.dial"}]


async def test_a_connector_that_comes_is_described(
    serve: Serve, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed configuration is taken over without a restart, and so is what clients may send."""
    client = await serve()
    found = runtime.connectors()
    for connectors in ([], [*found, connector("newcomer", TABLE)]):
        monkeypatch.setattr(runtime, "connectors", lambda here=connectors: here)
        async with client.get("/openapi.json") as response:
            document = await response.text()
        async with client.get("/docs") as response:
            page = await response.text()
        for text in (document, page):
            assert ("newcomer" in text) is (connectors != [])


async def test_without_connectors_no_command_is_allowed(
    serve: Serve, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing that would take one."""
    monkeypatch.setattr(runtime, "connectors", list)
    document = await served(serve)
    assert document["components"]["schemas"]["Command"]["oneOf"] == [False]
