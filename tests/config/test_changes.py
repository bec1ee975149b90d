"""What a changed file changes: blocks by name, keys that can be taken over, keys that need a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import Config, load
from config.changes import BlockNames, Changes, changes, with_swapped
from tests.config.plugins import GOOD, TOKEN_HASH, Plugins

SECOND_SINK = "  - {name: copy, kind: test_sink, path: copy}\n"
SECOND_CONNECTOR = (
    "  - {name: other, platform: test_platform, base_url: 'http://127.0.0.1', accounts: []}\nsinks:"
)


def loaded(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> Config:
    path = tmp_path / "tieline.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path, environment or {}, registry=Plugins())


def test_the_same_file_changes_nothing(tmp_path: Path) -> None:
    found = changes(loaded(tmp_path, GOOD), loaded(tmp_path, GOOD))
    assert not found
    assert found == Changes()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (GOOD, GOOD + SECOND_SINK, Changes(sinks=BlockNames(added=("copy",)))),
        (GOOD + SECOND_SINK, GOOD, Changes(sinks=BlockNames(removed=("copy",)))),
        (
            GOOD + SECOND_SINK,
            GOOD + SECOND_SINK.replace("path: copy", "path: elsewhere"),
            Changes(sinks=BlockNames(changed=("copy",))),
        ),
        (
            GOOD,
            GOOD.replace("correct-horse", "another-horse"),
            Changes(connectors=BlockNames(changed=("gws-main",))),
        ),
        (
            GOOD,
            GOOD.replace("name: gws-main", "name: gws-new"),
            Changes(connectors=BlockNames(added=("gws-new",), removed=("gws-main",))),
        ),
    ],
)
def test_blocks_are_compared_by_their_names(
    tmp_path: Path, old: str, new: str, expected: Changes
) -> None:
    assert changes(loaded(tmp_path, old), loaded(tmp_path, new)) == expected


def test_a_secret_that_moves_is_no_change_and_one_that_is_rotated_is(tmp_path: Path) -> None:
    """Secrets are compared by what they are, wherever they stand."""
    secret = tmp_path / "secret"
    secret.write_text("correct-horse\n")
    moved = GOOD.replace("correct-horse", "{file: secret}")
    before = loaded(tmp_path, moved)
    assert not changes(loaded(tmp_path, GOOD), before)
    secret.write_text("a new one\n")
    assert changes(before, loaded(tmp_path, moved)).connectors.changed == ("gws-main",)


def test_keys_of_the_gateway_are_taken_over_or_need_a_restart(tmp_path: Path) -> None:
    """Each is named in full, as in the file."""
    token = f"{{name: t, hash: '{TOKEN_HASH}'}}"
    new = GOOD.replace(
        "api: {host: 127.0.0.1, port: 8080}",
        f"api: {{port: 9, tokens: [{token}]}}\n  shutdown_seconds: 7\n  log: {{level: debug}}",
    )
    found = changes(loaded(tmp_path, GOOD), loaded(tmp_path, new))
    assert found.swapped == ("gateway.api.tokens",)
    assert found.need_restart == (
        "gateway.api.port",
        "gateway.log.level",
        "gateway.shutdown_seconds",
    )
    in_force = with_swapped(loaded(tmp_path, GOOD).gateway, loaded(tmp_path, new).gateway)
    assert [token.name for token in in_force.api.tokens] == ["t"]
    assert (in_force.api.port, in_force.shutdown_seconds) == (8080, 25)
