"""The AsyncAPI document: where events go and what a message looks like there, made from the catalogue.

Kafka gets an event in binary mode (attributes as headers, the data as the value), webhooks and the event stream in
structured mode (one JSON object). The event itself is described once, in the schema of its type.

Sources: AsyncAPI 3.0.0; CloudEvents 1.0.2, Kafka protocol binding and HTTP protocol binding; Standard Webhooks.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from gateway.events import CATALOGUE, EventType

FILE = "asyncapi.json"
_STRUCTURED = "application/cloudevents+json"
_TEXT = {"type": "string"}
_TRACE = _TEXT | {"description": "W3C trace context, if the event is traced"}


def asyncapi() -> dict[str, Any]:
    """The whole document. Schemas of events are referred to by their files, which lie beside it."""
    nouns: dict[str, list[EventType]] = {}
    for entry in CATALOGUE.values():
        nouns.setdefault(entry.noun, []).append(entry)
    channels = {f"kafka.{noun}": _topic(noun, entries) for noun, entries in nouns.items()}
    channels["webhook"] = {
        "title": "One webhook",
        "address": "{url}",
        "description": "The receiver of a sink of the kind webhook: one POST for each event, signed.",
        "parameters": {"url": {"description": "`url` of the sink"}},
        "messages": _references("webhook", CATALOGUE.values()),
    }
    channels["stream"] = {
        "title": "The event stream of the control API",
        "address": "/v1/events",
        "description": "Server-sent events; `data` of each is the event, `id` its place, to resume from.",
        "messages": _references("stream", CATALOGUE.values()),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tieline",
            "version": version("tieline"),
            "description": "Canonical events of contact-centre platforms.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            f"send.{name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": str(channel["title"]),
            }
            for name, channel in channels.items()
        },
        "components": {
            "messages": {
                name: message
                for entry in CATALOGUE.values()
                for name, message in (
                    (f"{entry.name}.kafka", _binary(entry)),
                    (f"{entry.name}.webhook", _posted(entry)),
                    (f"{entry.name}.stream", _structured(entry)),
                )
            }
        },
    }


def _topic(noun: str, entries: Iterable[EventType]) -> dict[str, Any]:
    return {
        "title": f"Events about the noun {noun}",
        "address": f"tieline.{noun}",
        "description": "The topic of the setting `tieline.{noun}`, which is the default of a sink of the kind kafka.",
        "messages": _references("kafka", entries),
    }


def _references(kind: str, entries: Iterable[EventType]) -> dict[str, Any]:
    return {entry.name: {"$ref": f"#/components/messages/{entry.name}.{kind}"} for entry in entries}


def _structured(entry: EventType) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.name,
        "contentType": _STRUCTURED,
        "payload": {"$ref": f"./{entry.name}.json"},
    }


def _posted(entry: EventType) -> dict[str, Any]:
    headers = {
        "webhook-id": _TEXT | {"description": "the event's id: the same when it is sent again"},
        "webhook-timestamp": _TEXT | {"description": "when the request was made, Unix seconds"},
        "webhook-signature": _TEXT | {"description": "`v1,` and the signature, for each secret"},
        "traceparent": _TRACE,
    }
    return _structured(entry) | {"headers": {"type": "object", "properties": headers}}


def _binary(entry: EventType) -> dict[str, Any]:
    names = ("id", "source", "subject", "time", "recordedtime", "partitionkey", "sequence")
    headers = {"ce_type": {"const": entry.name}, "ce_specversion": {"const": "1.0"}}
    headers |= {f"ce_{name}": {"$ref": f"./{entry.name}.json#/properties/{name}"} for name in names}
    return {
        "name": entry.name,
        "title": entry.name,
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": headers | {"ce_traceparent": _TRACE, "traceparent": _TRACE},
            "required": sorted(headers),
        },
        "payload": {"$ref": f"./{entry.name}.json#/properties/data"},
        "bindings": {"kafka": {"key": _TEXT | {"description": "`partitionkey`"}}},
    }
