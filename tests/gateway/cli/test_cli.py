"""The command line: help, exit codes, and the subcommands that need no running gateway."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import gateway.cli
from gateway.api.settings import TokenSettings
from gateway.api.tokens import hash_of
from gateway.cli import MODULES, main
from gateway.schemas import documents


def test_every_module_is_a_subcommand_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The names in the list are modules that exist, and each declares itself."""
    folder = Path(gateway.cli.__file__).parent
    assert {path.stem for path in folder.glob("*.py") if path.stem != "__init__"} >= set(MODULES)
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name.replace("_", "-") in text for name in MODULES)


@pytest.mark.parametrize("words", [[], ["nonsense"], ["token"], ["schemas"]])
def test_wrong_arguments_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And usage on standard error."""
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage: tieline" in capsys.readouterr().err


def test_a_subcommand_loads_no_other() -> None:
    """Making a token does not load the gateway."""
    code = (
        "import sys; from gateway.cli import main; main(['token', 'x']);"
        "print([name for name in sys.modules if name in {'aiohttp', 'gateway.app', 'rich'}])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_a_token_is_shown_once_and_its_hash_is_for_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The token alone on standard output, so that it can be piped."""
    assert main(["token", "crm", "--scope", "read", "--scope", "command:call"]) == 0
    out, err = capsys.readouterr()
    token = out.strip()
    assert err == (f'- {{name: crm, hash: "{hash_of(token)}", scopes: ["read", "command:call"]}}\n')
    assert token not in err


def test_a_token_with_limits_is_an_entry_that_the_configuration_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is printed can be pasted: limits and the end are in it."""
    words = ["--connector", "gws-main", "--agent", "7", "--agent", "yes", "--expires"]
    assert main(["token", "crm", *words, "2027-01-31T00:00:00Z"]) == 0
    (entry,) = yaml.safe_load(capsys.readouterr().err)
    settings = TokenSettings(**entry)
    assert (settings.connectors, settings.agents) == (["gws-main"], ["7", "yes"])
    assert settings.expires == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("text", ["tomorrow", "2027-01-31T00:00:00"])
def test_a_token_ends_at_a_time_that_everybody_understands(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A time without its zone is an error."""
    with pytest.raises(SystemExit) as ended:
        main(["token", "crm", "--expires", text])
    assert ended.value.code == 2
    assert "no time with its zone" in capsys.readouterr().err


def test_schemas_are_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One file for each type."""
    assert main(["schemas", "export", str(tmp_path / "new")]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(documents())
    assert "schemas in" in capsys.readouterr().out


def test_a_directory_that_cannot_be_made_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and the reason."""
    (tmp_path / "file").write_text("")
    assert main(["schemas", "export", str(tmp_path / "file")]) == 1
    assert "file" in capsys.readouterr().err
