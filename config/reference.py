"""The tables of settings in `README.md`, made from the models: `python -m config.reference` writes them anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.settings import ConnectorBlock, GatewaySettings, SinkBlock
from config.shape import alternatives, is_path, is_secret

README = Path(__file__).with_name("README.md")
BEGIN = "<!-- settings: made by `python -m config.reference` -->"
END = "<!-- end of settings -->"


def table(model: type[BaseModel], prefix: str = "") -> str:
    """A Markdown table of every setting of a model, nested ones by their dotted keys."""
    rows = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{key}` | {kind} | {default} | {meaning} |"
        for key, kind, default, meaning in _rows(model, prefix)
    ]
    return "\n".join(rows)


def render() -> str:
    """All tables of the README."""
    parts = [
        "### `gateway`",
        table(GatewaySettings, "gateway."),
        "### Every block of `connectors`",
        table(ConnectorBlock, "connectors[]."),
        "All other keys of a block are the platform's: see the README in its folder.",
        "### Every block of `sinks`",
        table(SinkBlock, "sinks[]."),
        "All other keys of a block are the sink's: see the README in its folder.",
    ]
    return "\n\n".join(parts)


def replace_tables(text: str) -> str:
    """The README's text with the tables of now."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{render()}\n\n{END}{tail}"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, info in model.model_fields.items():
        key = prefix + (info.alias or name)
        meaning = (info.description or "").replace("|", "\\|").replace("\n", " ")
        nested, many = _nested(info.annotation)
        optional = _optional(info.annotation)
        if nested is None:
            yield key, _kind(info.annotation), _default(info), meaning
            continue
        if many or optional:
            yield key, "list of mappings" if many else "mapping", _default(info), meaning
        yield from _rows(nested, f"{key}[]." if many else f"{key}.")


def _nested(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model below a key, and whether there may be many of it."""
    for member in alternatives(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member, False
        if get_origin(member) in {list, tuple} and get_args(member):
            inner, _ = _nested(get_args(member)[0])
            if inner is not None:
                return inner, True
    return None, False


def _optional(annotation: Any) -> bool:
    return type(None) in alternatives(annotation)


def _kind(annotation: Any) -> str:
    if is_secret(annotation):
        return "secret"
    if is_path(annotation):
        return "path"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    for member in alternatives(annotation):
        if member in names:
            return names[member]
        origin, arguments = get_origin(member), get_args(member)
        if origin is Literal:
            return ", ".join(f"`{choice}`" for choice in arguments)
        if origin in {list, tuple} and arguments:
            return f"list of {_kind(arguments[0])}"
        if origin is dict:
            return "mapping"
    return "text"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{json.dumps(value, default=str, ensure_ascii=False)}`"


if __name__ == "__main__":
    README.write_text(replace_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
