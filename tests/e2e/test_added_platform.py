"""A platform that was made as the guide says, in a distribution of its own, works in the whole gateway."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest

from tests.support import oracle, site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "connectors" / "ADD_A_PLATFORM.md"
TEMPLATES = ("connectors/_template", "tests/connectors/_template")
NAME = "acme_pbx"


def blocks(language: str) -> list[str]:
    """The blocks of the guide in a language, in order."""
    found = re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return [str(block) for block in found]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A place where the first commands of the guide were typed."""
    for folder in TEMPLATES:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.pyc"))
    subprocess.run(["bash", "-euc", blocks("")[0]], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def installed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy as a package outside the repository, with the metadata that an installer leaves."""
    packages = copied / "packages"
    package = shutil.copytree(copied / "connectors" / NAME, packages / NAME)
    for path in package.glob("*.py"):
        path.write_text(path.read_text().replace(f"connectors.{NAME}", NAME))
    (entry,) = re.findall(rf'^({NAME}) = "(.+)"$', blocks("toml")[0], re.MULTILINE)
    metadata = packages / "tieline_acme_pbx-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tieline-acme-pbx\nVersion: 1.0.0\n"
    )
    (metadata / "entry_points.txt").write_text(f"[tieline.connectors]\n{entry[0]} = {entry[1]}\n")
    monkeypatch.setenv("PYTHONPATH", str(packages))


def test_the_copy_names_the_template_nowhere(copied: Path) -> None:
    """Nor is anything left out."""
    for folder in TEMPLATES:
        copy = copied / folder.replace("_template", NAME)
        assert {p.name for p in copy.iterdir()} == {p.name for p in (copied / folder).iterdir()}
        content = "".join(path.read_text() for path in copy.rglob("*.*") if path.is_file())
        assert "_template" not in content
        assert "example_pbx" not in content


@pytest.mark.usefixtures("installed")
async def test_it_loses_nothing_over_a_kill_and_takes_commands(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Simulator and gateway find it by its entry point."""
    async with site.platform(
        tmp_path, http, kind=NAME, agents=5, events_per_second=50, api_key="key"
    ) as platform:
        block = {"name": "pbx", "platform": NAME, "base_url": platform.url, "api_key": "key"}
        configuration = {"connectors": [block], "sinks": [site.file_sink()]}
        async with site.gateway(tmp_path, http, configuration) as gateway:
            gateway.start()
            await gateway.wait_fed()
            gateway.kill()
            gateway.start()
            await gateway.wait_fed()
            await platform.stop_lives()
            await platform.arrived(gateway.lines.read)
            for call in (await gateway.get("/v1/calls"))["items"]:
                target = {"call": call["call"]}
                hung_up = await gateway.command("call.hang_up", target, connector="pbx")
                assert hung_up["status"] == "done", hung_up
            away = await gateway.command(
                "agent.set_state", {"agent": "100"}, {"state": "not_ready"}, connector="pbx"
            )
            assert away["status"] == "done", away
            await platform.arrived(gateway.lines.read)
            seen = gateway.lines.read()
    assert oracle.doubled(seen) == []
    assert [event for event in seen if event.type.startswith("tieline.feed.gap.")] == []
