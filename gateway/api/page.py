"""An OpenAPI document as one page of HTML, without scripts and without anything from elsewhere. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

_STYLE = files("gateway.api").joinpath("page.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'"
"""Allows the page its own style and nothing else. Source: Content Security Policy Level 3, `hash-source`."""
_PLACE = "#/components/schemas/"


def render(document: Mapping[str, Any]) -> str:
    """The page."""
    info = document["info"]
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(info['title'])}</title>",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
            f"<p>{escape(info['description'])} For programs: ",
            '<a href="openapi.json">openapi.json</a>.</p><nav>',
            *(f'<a href="#{tag["name"]}">{escape(tag["name"])}</a>' for tag in document["tags"]),
            '<a href="#schemas">schemas</a></nav>',
            *(part for tag in document["tags"] for part in _family(document, tag["name"])),
            '<h2 id="schemas">schemas</h2>',
            *_schemas(document["components"]["schemas"]),
            "</body></html>",
        ]
    )


def _family(document: Mapping[str, Any], tag: str) -> Iterator[str]:
    yield f'<h2 id="{escape(tag)}">{escape(tag)}</h2>'
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(operation["operationId"])}"><span class="method">{method.upper()}</span>'
    yield f"<code>{escape(path)}</code></h3><p>{escape(operation['summary'])}."
    yield f" {_words(operation.get('description', ''))}</p>"
    yield from _table(
        ("Parameter", "In", "Type", "Meaning"),
        (
            (
                f"<code>{escape(each['name'])}</code>"
                + ("" if each["required"] else " (optional)"),
                escape(each["in"]),
                _type(each["schema"]),
                _words(each.get("description", "")),
            )
            for each in operation.get("parameters", ())
        ),
    )
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(media_type)}</code>, {_type(content['schema'])}</p>"
    yield from _table(
        ("Answer", "Type", "Means"),
        (
            (
                status,
                "<br>".join(
                    _type(content["schema"]) if "json" in media_type else escape(media_type)
                    for media_type, content in answer.get("content", {}).items()
                ),
                _words(answer["description"]),
            )
            for status, answer in operation["responses"].items()
        ),
    )


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code> '
        yield f"{_words(schema.get('description', ''))}</summary>"
        yield f"<pre>{escape(json.dumps(schema, indent=1, ensure_ascii=False))}</pre></details>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of cells that are HTML already; nothing without rows."""
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in rows
    )
    if body:
        cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        yield f"<table><tr>{cells}</tr>{body}</table>"


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "anything"
    reference = schema.get("$ref")
    if reference is not None:
        name = escape(reference.removeprefix(_PLACE))
        return f'<a href="#schema-{name}"><code>{name}</code></a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(map(_type, schema[choice]))
    if "allOf" in schema:
        return _type(schema["allOf"][0])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items'))}"
    kind = schema.get("type", "anything")
    return escape(kind if isinstance(kind, str) else " or ".join(kind))


def _words(text: str) -> str:
    """Text in which what stands in backquotes is code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))
