"""What a good configuration becomes: precedence, references, paths, warnings."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import Config, InvalidConfiguration, load
from tests.config.plugins import GOOD, TOKEN_HASH, Plugins


def loaded(tmp_path: Path, text: str = GOOD, environment: dict[str, str] | None = None) -> Config:
    """Load a text, in a file that only its owner reads."""
    path = tmp_path / "tieline.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path, environment or {}, registry=Plugins())


def test_a_good_file_loads_without_a_warning(tmp_path: Path) -> None:
    """Blocks become named, typed settings."""
    config = loaded(tmp_path)
    assert config.warnings == ()
    assert [(item.name, item.platform) for item in config.connectors] == [
        ("gws-main", "test_platform")
    ]
    assert config.connectors[0].settings.accounts[1].password.get_secret_value() == "battery-staple"
    assert (config.sinks[0].events, config.sinks[0].connectors) == (("tieline.call.*",), ())


@pytest.mark.parametrize(
    ("line", "mask"),
    [
        ("", ("texts",)),
        ("    mask: []\n", ()),
        ("    mask: [personal, data]\n", ("personal", "data")),
    ],
)
def test_a_sink_is_denied_texts_unless_the_file_allows_them(
    tmp_path: Path, line: str, mask: tuple[str, ...]
) -> None:
    """Nobody gets bodies of messages by forgetting a line."""
    text = GOOD.replace("    path: events", f"{line}    path: events")
    assert loaded(tmp_path, text).sinks[0].mask == mask


def test_the_file_overrides_the_default(tmp_path: Path) -> None:
    """A key of the file is used instead of the default."""
    text = GOOD.replace("data_dir: data", "data_dir: data\n  shutdown_seconds: 7")
    assert loaded(tmp_path).gateway.shutdown_seconds == 25
    assert loaded(tmp_path, text).gateway.shutdown_seconds == 7


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    """Whatever the case of the variable."""
    config = loaded(
        tmp_path,
        environment={"TIELINE_GATEWAY__API__PORT": "9", "tieline_gateway__log__level": "debug"},
    )
    assert (config.gateway.api.port, config.gateway.log.level) == (9, "debug")


def test_a_block_is_addressed_by_its_name_and_an_item_by_its_index(tmp_path: Path) -> None:
    """The variable finds its block wherever it stands in the file; the next index extends a list."""
    config = loaded(
        tmp_path,
        environment={
            "TIELINE_CONNECTORS__GWS_MAIN__ACCOUNTS__0__PASSWORD": "from-the-environment",
            "TIELINE_CONNECTORS__GWS_MAIN__ACCOUNTS__2__USERNAME": "carl",
            "TIELINE_CONNECTORS__GWS_MAIN__ACCOUNTS__2__PASSWORD": "{not json",
            "TIELINE_SINKS__LOG__BATCH": "7",
        },
    )
    accounts = config.connectors[0].settings.accounts
    assert [account.username for account in accounts] == ["anna", "ben", "carl"]
    assert accounts[0].password.get_secret_value() == "from-the-environment"
    assert accounts[2].password.get_secret_value() == "{not json"
    assert config.sinks[0].settings.batch == 7


def test_eleven_items_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Index 10 is behind index 9, not behind index 1."""
    variables = {f"TIELINE_SINKS__LOG__SECRETS__{i}": f"secret-{i}" for i in range(11)}
    secrets = loaded(tmp_path, environment=variables).sinks[0].settings.secrets
    assert [item.get_secret_value() for item in secrets] == [f"secret-{i}" for i in range(11)]


def test_a_variable_may_hold_json(tmp_path: Path) -> None:
    """Lists and objects are written as JSON."""
    variables = {
        "TIELINE_SINKS__LOG__EVENTS": '["tieline.agent.*"]',
        "TIELINE_CONNECTORS__GWS_MAIN__HEADERS": '{"X-Site": "north"}',
    }
    config = loaded(tmp_path, environment=variables)
    assert config.sinks[0].events == ("tieline.agent.*",)
    assert config.connectors[0].settings.headers == {"X-Site": "north"}


def test_variables_of_service_discovery_are_no_settings(tmp_path: Path) -> None:
    """Kubernetes sets these for a service that is called tieline."""
    variables = {"TIELINE_SERVICE_HOST": "10.0.0.1", "TIELINE_PORT": "tcp://10.0.0.1:8080"}
    assert loaded(tmp_path, environment=variables) == loaded(tmp_path)


def test_secrets_come_from_files_and_variables(tmp_path: Path) -> None:
    """A path is relative to the configuration file; one newline at the end is not part of the secret."""
    (tmp_path / "secret").write_text("from a file \n")
    text = GOOD.replace("correct-horse", "{file: secret}").replace(
        "battery-staple", "{env: PASSWORD}"
    )
    config = loaded(tmp_path, text, {"PASSWORD": "from a variable"})
    passwords = [
        item.password.get_secret_value() for item in config.connectors[0].settings.accounts
    ]
    assert passwords == ["from a file ", "from a variable"]


def test_secrets_come_from_credentials_of_the_service_manager(tmp_path: Path) -> None:
    """Credentials are files in the directory that systemd names."""
    (tmp_path / "handed-over").mkdir()
    (tmp_path / "handed-over" / "gws").write_text("by systemd\n")
    text = GOOD.replace("correct-horse", "{credential: gws}")
    config = loaded(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path / "handed-over")})
    assert config.connectors[0].settings.accounts[0].password.get_secret_value() == "by systemd"


@pytest.mark.parametrize(
    ("name", "environment", "found"),
    [
        ("gws", {}, "accounts[0].password.credential: found no CREDENTIALS_DIRECTORY"),
        ("gws", {"CREDENTIALS_DIRECTORY": "/nowhere"}, "found no readable file gws"),
        ("../gws", {"CREDENTIALS_DIRECTORY": "/nowhere"}, "found a path ../gws"),
    ],
)
def test_a_credential_that_was_not_handed_over_is_named(
    tmp_path: Path, name: str, environment: dict[str, str], found: str
) -> None:
    """The error says whether the manager, the credential or the name is at fault."""
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(tmp_path, GOOD.replace("correct-horse", f"{{credential: {name}}}"), environment)
    assert found in str(caught.value)


def test_secrets_in_lists_may_be_references(tmp_path: Path) -> None:
    """Each item of a list of secrets stands where it likes."""
    text = GOOD + "    secrets: [first-secret, {env: SECOND}]\n"
    secrets = loaded(tmp_path, text, {"SECOND": "second-secret"}).sinks[0].settings.secrets
    assert [item.get_secret_value() for item in secrets] == ["first-secret", "second-secret"]


def test_a_secret_of_a_variable_may_be_a_reference(tmp_path: Path) -> None:
    """A reference is a JSON object there."""
    variable = "TIELINE_CONNECTORS__GWS_MAIN__ACCOUNTS__0__PASSWORD"
    config = loaded(tmp_path, GOOD, {variable: '{"env": "HELD"}', "HELD": "by another"})
    assert config.connectors[0].settings.accounts[0].password.get_secret_value() == "by another"


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "an empty file"), (b"\n", "an empty file"), (b"\xff", "not UTF-8"), (b"x" * 70_000, "a too large file")],
)  # fmt: skip
def test_a_bad_secret_file_is_an_error_without_its_content(
    tmp_path: Path, content: bytes, found: str
) -> None:
    """Empty, binary and endless files are told apart."""
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(tmp_path, GOOD.replace("correct-horse", "{file: secret}"))
    assert found in str(caught.value)
    assert "xxxx" not in str(caught.value)


def test_paths_are_relative_to_the_configuration_file(tmp_path: Path) -> None:
    """Absolute paths stay; others begin at the file's directory, not at the current one."""
    text = GOOD.replace("base_url", "ca_file: /etc/ca.pem\n    base_url")
    config = loaded(tmp_path, text)
    assert config.gateway.data_dir == tmp_path / "data"
    assert config.sinks[0].settings.path == tmp_path / "events.jsonl"
    assert config.connectors[0].settings.ca_file == Path("/etc/ca.pem")


def test_a_path_that_the_plugin_resolves_is_left_as_it_is(tmp_path: Path) -> None:
    """A sink may take its own from the data directory."""
    config = loaded(tmp_path, GOOD + "    written: out/events.jsonl\n")
    assert config.sinks[0].settings.written == Path("out/events.jsonl")


def test_anchors_merge(tmp_path: Path) -> None:
    """YAML's merge key is no key of its own and not one that is there twice."""
    text = GOOD + "  - &b {name: b, kind: test_sink, path: b}\n  - {<<: *b, name: c}\n"
    assert [sink.name for sink in loaded(tmp_path, text).sinks] == ["log", "b", "c"]


SECOND = """\
  - name: second
    platform: test_platform
    base_url: http://127.0.0.1:8091
    accounts: [{username: carl, password: some-password}]
sinks:
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (GOOD[GOOD.index("sinks:") :], "", "sinks: found no sink, expected at least one"),
        (GOOD[GOOD.index("connectors:") :], "", "connectors: found no connector, expected"),
        (
            GOOD[GOOD.index("sinks:") :],
            SECOND + "  - {name: x, kind: test_sink, path: x, connectors: [gws-main]}\n",
            "connectors[1]: found no sink that takes its events",
        ),
        (
            "host: 127.0.0.1, port: 8080",
            f"host: 0.0.0.0, tokens: [{{name: a, hash: '{TOKEN_HASH}'}}]",
            "gateway.api.tls: found nothing although the API is reachable from elsewhere",
        ),
    ],
)
def test_what_is_doubtful_is_a_warning(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Warnings do not refuse the configuration."""
    warnings = [str(finding) for finding in loaded(tmp_path, GOOD.replace(old, new)).warnings]
    assert any(message in warning for warning in warnings), warnings


def test_a_connector_that_one_sink_takes_is_no_doubt(tmp_path: Path) -> None:
    """A sink without a list of connectors takes all."""
    assert loaded(tmp_path, GOOD.replace("sinks:\n", SECOND)).warnings == ()


def test_a_secret_that_every_user_can_read_is_a_warning(tmp_path: Path) -> None:
    """The warning names the key and not the secret; a reference needs none."""
    path = tmp_path / "tieline.yaml"
    path.write_text(GOOD)
    path.chmod(0o644)
    [warning] = load(path, {}, registry=Plugins()).warnings
    assert "connectors[0].accounts[0].password: found a secret in a file that every user" in str(
        warning
    )
    path.write_text(GOOD.replace("correct-horse", "{env: P}").replace("battery-staple", "{env: P}"))
    assert load(path, {"P": "x"}, registry=Plugins()).warnings == ()


def test_the_configuration_does_not_show_its_secrets(tmp_path: Path) -> None:
    """Not even as a whole."""
    text = repr(loaded(tmp_path))
    assert "correct-horse" not in text
    assert "battery-staple" not in text


def test_a_secret_in_a_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    """A value that is a secret elsewhere, or part of a URL, is left out of messages."""
    text = GOOD.replace("username: ben", "username: ben, mode: correct-horse").replace(
        "base_url: http://", "mode: correct-horse\n    base_url: ftp://user:hunter22@"
    )
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(tmp_path, text)
    message = str(caught.value)
    assert "found '(hidden)', expected 'observe' or 'control'" in message
    assert "hunter22" not in message
    assert "correct-horse" not in message
