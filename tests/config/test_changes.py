"""What a changed file changes: blocks by name, keys that can be taken over, keys that need a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import Config, load, load_again
from config.changes import BlockNames, Changes, changes, with_swapped
from tests.config.plugins import GOOD, TOKEN_HASH, Plugins
from tests.support.certificates import certificate

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
    assert found.swapped == ("gateway.api.tokens", "gateway.log.level")
    assert found.need_restart == ("gateway.api.port", "gateway.shutdown_seconds")
    in_force = with_swapped(loaded(tmp_path, GOOD).gateway, loaded(tmp_path, new).gateway)
    assert [token.name for token in in_force.api.tokens] == ["t"]
    assert (in_force.api.port, in_force.shutdown_seconds) == (8080, 25)
    assert in_force.log.level == "debug"


def test_another_content_of_a_file_that_a_setting_names_is_a_change_of_its_block(
    tmp_path: Path,
) -> None:
    """The path is the same; what the plug-in reads there is not."""
    (tmp_path / "ca.pem").write_text("one")
    text = GOOD.replace("    accounts:", "    ca_file: ca.pem\n    accounts:")
    before = loaded(tmp_path, text)
    assert not changes(before, loaded(tmp_path, text))
    (tmp_path / "ca.pem").write_text("two")
    found = changes(before, loaded(tmp_path, text))
    assert found == Changes(connectors=BlockNames(changed=("gws-main",)))


def test_files_that_a_sink_writes_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "written").write_text("an event")
    text = GOOD.replace("path: events.jsonl", "path: events.jsonl\n    written: written")
    before = loaded(tmp_path, text)
    (tmp_path / "written").write_text("two events")
    assert not changes(before, loaded(tmp_path, text))
    assert before.files == {}


def test_a_renewed_certificate_of_the_api_is_taken_over(tmp_path: Path) -> None:
    """Both files by their keys, so that the report says what was renewed."""
    text = GOOD.replace("port: 8080", "port: 8080, tls: {cert: host.pem, key: host.pem}")
    certificate(tmp_path)
    before = loaded(tmp_path, text)
    certificate(tmp_path)
    found = changes(before, loaded(tmp_path, text))
    assert (found.swapped, found.need_restart) == (
        ("gateway.api.tls.cert", "gateway.api.tls.key"),
        (),
    )


def test_the_same_text_is_resolved_again_whatever_stands_in_the_file_by_then(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct-horse\n")
    before = loaded(tmp_path, GOOD.replace("correct-horse", "{file: secret}"))
    secret.write_text("a new one\n")
    before.path.write_text("half a file that somebody is wri")
    after = load_again(before, {}, registry=Plugins())
    assert changes(before, after) == Changes(connectors=BlockNames(changed=("gws-main",)))
    assert after.connectors[0].settings.accounts[0].password.get_secret_value() == "a new one"
    before.path.unlink()
    assert not changes(after, load_again(after, {}, registry=Plugins()))
