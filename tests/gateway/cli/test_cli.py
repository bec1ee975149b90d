"""The command line: help, exit codes, and the subcommands that need no running gateway."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gateway.cli
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
