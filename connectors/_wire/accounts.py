"""Accounts or agents in a file of their own, where there are too many for the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

MAX_ACCOUNTS_FILE_BYTES = 16 * 1024 * 1024

_Account = TypeVar("_Account", bound=BaseModel)


def accounts_of(path: Path, model: type[_Account], what: str = "account") -> tuple[_Account, ...]:
    """Read a file with a list of what `what` names. No message repeats its content, which holds passwords.

    Raises ValueError, worded as what was expected.
    """
    try:
        if path.stat().st_size > MAX_ACCOUNTS_FILE_BYTES:
            raise ValueError(f"expected an {what}s file of at most {MAX_ACCOUNTS_FILE_BYTES} bytes")
        items: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"expected an {what}s file that can be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"expected an {what}s file in YAML or JSON") from None
    if not isinstance(items, list):
        raise ValueError(f"expected an {what}s file with a list of {what}s")  # noqa: TRY004 - pydantic reports only value errors
    accounts = []
    for index, item in enumerate(items):
        try:
            accounts.append(model.model_validate(item))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or what
            raise ValueError(
                f"expected sound {what}s in the file; number {index + 1}, {where}: {first['msg']}"
            ) from None
    return tuple(accounts)
