"""One schema for each verb, made from the capability tables of the connectors that take it. Pure.

What `gateway.capabilities.check` takes and refuses, these schemas say: a client that sends what they allow is not
refused for the form of its request.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.api.runtime import ConnectorView
from gateway.commands import Argument, Capability, Target, Verb

NAME = "Command"
"""The schema of any command."""
LONGEST_DEADLINE_SECONDS = 86_400
_PLACE = "#/components/schemas/"

Schema = dict[str, Any]


def command_schemas(connectors: Sequence[ConnectorView]) -> dict[str, Schema]:
    """The schemas by their names: `Command`, which is one of `Command.<verb>`.

    A verb that connectors take in different forms has one form for each, chosen by `connector`.
    """
    forms: defaultdict[Verb, dict[Capability, list[str]]] = defaultdict(dict)
    for connector in connectors:
        for capability in connector.commands:
            forms[capability.verb].setdefault(capability, []).append(connector.name)
    schemas: dict[str, Schema] = {
        f"{NAME}.{verb.value}": _verb(forms[verb]) for verb in Verb if verb in forms
    }
    references = {name.removeprefix(f"{NAME}."): _PLACE + name for name in schemas}
    schemas[NAME] = {
        "title": NAME,
        "description": "A command to send. `verb` says which form it has.",
        "oneOf": [{"$ref": reference} for reference in references.values()] or [False],
        "discriminator": {"propertyName": "verb", "mapping": references},
    }
    return schemas


def _verb(forms: Mapping[Capability, Sequence[str]]) -> Schema:
    found = [_form(capability, connectors) for capability, connectors in forms.items()]
    return found[0] if len(found) == 1 else {"title": found[0]["title"], "oneOf": found}


def _form(capability: Capability, connectors: Sequence[str]) -> Schema:
    target = _target(capability)
    arguments = _arguments(capability.arguments)
    required = ["verb", "connector"]
    required += ["target"] if target["required"] else []
    required += ["arguments"] if arguments["required"] else []
    return {
        "title": capability.verb.value,
        "description": _description(capability),
        "type": "object",
        "properties": {
            "verb": {"const": capability.verb.value},
            "connector": {"enum": list(connectors)},
            "target": target,
            "arguments": arguments,
            "deadline_seconds": {
                "description": "how long the verdict may take; null for the default",
                "anyOf": [
                    {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_DEADLINE_SECONDS},
                    {"type": "null"},
                ],
                "default": None,
            },
        },
        "required": required,
        "additionalProperties": False,
    }


def _target(capability: Capability) -> Schema:
    return {
        "description": "whom or what it is about",
        "type": "object",
        "properties": {
            name: {"type": "string", "minLength": 1}
            if name in capability.target
            else {"type": ["string", "null"]}
            for name in (field.name for field in msgspec.structs.fields(Target))
        },
        "required": list(capability.target),
        "additionalProperties": False,
    }


def _arguments(arguments: Sequence[Argument]) -> Schema:
    return {
        "type": "object",
        "properties": {argument.name: _argument(argument) for argument in arguments},
        "required": [argument.name for argument in arguments if argument.required],
        "additionalProperties": False,
    }


def _argument(argument: Argument) -> Schema:
    schema: Schema = {"type": argument.kind}
    if argument.choices:
        schema["enum"] = list(argument.choices)
    if argument.meaning:
        schema["description"] = argument.meaning
    return schema


def _description(capability: Capability) -> str:
    if capability.confirmed_by:
        proof = "Proved by " + " or ".join(f"`{name}`" for name in capability.confirmed_by)
    else:
        proof = "The platform's reply is the proof"
    return f"{proof}; {capability.note}." if capability.note else f"{proof}."
