"""What the vendor's "API Overview" of inContact WFO states, in its order."""

from __future__ import annotations

STATEMENTS = (
    "Third-party applications use the API over HTTP",
    "Messages are standard HTTP requests such as GET, POST and PUT",
    "The URI of a command corresponds to its name",
    "Parameters are in the URI or as JSON in the body",
    "Many commands require an agent identifier",
    "AgentIdentifier Agent ID, sent as Id",
    "AgentIdentifier CrmUsername",
    "AgentIdentifier Phone",
    "AgentIdentifier SystemUsername",
    "AgentIdentifier Username",
    "200: the request was completed",
    "200: information was returned, an element was found",
    "404: a body parameter is missing",
    "404: it does not exist in the tracker",
    "404: nothing was found that matched",
    "500: misconfiguration or other problems of the server",
    "Example: Call Start by Id or by Phone",
    "Example: Call Update of user2 by Phone",
    "Example: Blackout Start by Id",
    "Example: Blackout Stop by Id",
    "Example: Call Stop by Id or by Phone",
    "Example: the series for agent 1 on extension 4678",
)
_BY_ID = {"AgentIdentifier": "Id", "Value": "1"}
_BY_PHONE = {"AgentIdentifier": "Phone", "Value": "4678"}
_TAG = {"user2": "1234567890"}
_UPDATE = _BY_PHONE | {"CallMetadata": _TAG}
REQUESTS = (
    ("recording.start", {"agent": "1"}, {}, "api/Record/StartForAgent", _BY_ID),
    ("recording.start", {"device": "4678"}, {}, "api/Record/StartForAgent", _BY_PHONE),
    ("recording.tag", {"device": "4678"}, {"tags": _TAG}, "api/Record/UpdateForAgent", _UPDATE),
    ("recording.pause", {"agent": "1"}, {}, "api/Blackout/StartForAgent", _BY_ID),
    ("recording.resume", {"agent": "1"}, {}, "api/Blackout/StopForAgent", _BY_ID),
    ("recording.stop", {"agent": "1"}, {}, "api/Record/StopForAgent", _BY_ID),
    ("recording.stop", {"device": "4678"}, {}, "api/Record/StopForAgent", _BY_PHONE),
)  # fmt: skip
"""Verb, target, arguments, and the path and body that the overview prints for it."""
