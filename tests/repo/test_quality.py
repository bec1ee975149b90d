"""Platforms have all their files, and a checklist that is true."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from config.shape import alternatives
from gateway.contracts import PlatformDescriptor
from gateway.events import CATALOGUE
from tests.repo.checkout import ROOT, platforms, rows, sinks, text

GUIDE = Path("connectors/README.md")
COMMON_KEYS = {"name", "platform"}
FOLDERS = [*platforms(), "_template"]
"""What is copied when a platform is added keeps every rule that a platform keeps."""
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def descriptor(platform: str) -> PlatformDescriptor:
    found = importlib.import_module(f"connectors.{platform}").PLATFORM
    assert isinstance(found, PlatformDescriptor)
    return found


def folder(platform: str) -> Path:
    return Path("connectors") / platform


def readme(platform: str) -> str:
    return text(folder(platform) / "README.md")


def rules() -> dict[str, bool]:
    """Rule to whether it has a check, as the guide says."""
    return {cells[0].strip("`"): cells[2] == "yes" for cells in rows(GUIDE, "## The checklist")}


def checklist(platform: str) -> dict[str, Any]:
    listed: dict[str, Any] = yaml.safe_load(text(folder(platform) / "quality.yaml"))["rules"]
    return listed


def status_of(entry: Any) -> str:
    return str(entry if isinstance(entry, str) else entry["status"])


def without_comments(block: str) -> str:
    return "\n".join(line for line in block.splitlines() if not line.startswith("#")).strip()


def nested(model: type[BaseModel]) -> Iterator[tuple[str, str | None]]:
    """Every setting with its description, those of inner blocks too."""
    for name, field in model.model_fields.items():
        yield name, field.description
        for kind in alternatives(field.annotation):
            inner = [kind, *getattr(kind, "__args__", ())]
            for part in inner:
                if isinstance(part, type) and issubclass(part, BaseModel):
                    yield from nested(part)


def check_settings(platform: str) -> None:
    model, document = descriptor(platform).settings, readme(platform)
    for name in model.model_fields:
        assert re.search(rf"^\| `{name}` \|", document, re.MULTILINE), f"{name} has no row"
    for name, description in nested(model):
        assert description, f"{name} has no description"
        assert f"`{name}`" in document, f"{name} is not in the README"


def check_sample(platform: str) -> None:
    sample = text(folder(platform) / "sample.yaml")
    blocks = BLOCK.findall(readme(platform))
    assert blocks
    assert without_comments(blocks[0]) == without_comments(sample)
    block = yaml.safe_load(sample)
    assert block["platform"] == descriptor(platform).name
    own = {key: value for key, value in block.items() if key not in COMMON_KEYS}
    descriptor(platform).settings.model_validate(own)


def check_events(platform: str) -> None:
    events, document = descriptor(platform).events, readme(platform)
    assert events
    assert events.keys() <= CATALOGUE.keys()
    assert set(events.values()) <= {"full", "partial"}
    short = {name: name.removeprefix("tieline.").removesuffix(".v1") for name in events}
    assert [name for name, word in short.items() if word not in document] == []


def check_commands(platform: str) -> None:
    described, document = descriptor(platform), readme(platform)
    assert [line.verb for line in described.capabilities if f"`{line.verb}`" not in document] == []
    for line in described.capabilities:
        assert set(line.confirmed_by) <= described.events.keys(), line.verb


def check_guarantee(platform: str) -> None:
    assert f"`{descriptor(platform).guarantee}`" in readme(platform)


def check_golden(platform: str) -> None:
    tests = ROOT / "tests" / "connectors" / platform
    fixtures = {path.stem for path in (tests / "fixtures").iterdir()}
    assert fixtures
    assert fixtures <= {path.stem for path in (tests / "golden").iterdir()}


def check_simulator(platform: str) -> None:
    module = importlib.import_module(f"connectors.{platform}.simulator")
    assert {"start", "stop"} <= set(dir(module.Simulator))
    assert module.SimulatorSettings()
    scene = yaml.safe_load(text(folder(platform) / "demo.yaml"))
    assert scene.keys() <= {"simulator", "connector", "commands"}


def check_optional(method: str) -> Callable[[str], None]:
    def check(platform: str) -> None:
        assert f"def {method}(self" in text(folder(platform) / "connector.py")

    return check


CHECKS: dict[str, Callable[[str], None]] = {
    "settings_described": check_settings,
    "sample_loads": check_sample,
    "events_match_the_table": check_events,
    "commands_match_the_table": check_commands,
    "guarantee_stated": check_guarantee,
    "vendor_samples_as_fixtures": check_golden,
    "simulator": check_simulator,
    "diagnostics": check_optional("diagnostics"),
    "probe": check_optional("probe"),
}


def test_the_guide_says_which_rules_are_checked() -> None:
    """A rule's check and its word in the guide belong together."""
    assert {rule for rule, checked in rules().items() if checked} == CHECKS.keys()


@pytest.mark.parametrize("platform", FOLDERS)
def test_a_platform_has_its_files(platform: str) -> None:
    """Who knows one platform knows where everything is in the others; the guide lists the files."""
    missing = [
        cells[0]
        for cells in rows(GUIDE, "## Files of a platform")
        if not any(
            (ROOT / folder(platform) / name).exists() for name in re.findall("`(.+?)`", cells[0])
        )
    ]
    assert missing == []


@pytest.mark.parametrize("platform", FOLDERS)
def test_a_checklist_names_every_rule(platform: str) -> None:
    """Each is done, or to do or exempt with a reason; nothing is left out, and nothing invented."""
    listed = checklist(platform)
    assert listed.keys() == rules().keys()
    for rule, entry in listed.items():
        if status_of(entry) == "done":
            assert entry == "done" or entry.keys() == {"status", "note"}, rule
            continue
        assert status_of(entry) in {"todo", "exempt"}, rule
        assert entry.keys() == {"status", "reason"}, rule
        assert len(entry["reason"].split()) > 2, rule


@pytest.mark.parametrize("rule", CHECKS)
@pytest.mark.parametrize("platform", FOLDERS)
def test_what_a_checklist_calls_done_is_done(platform: str, rule: str) -> None:
    """A promise with a check is kept."""
    if status_of(checklist(platform)[rule]) == "done":
        CHECKS[rule](platform)


@pytest.mark.parametrize("platform", FOLDERS)
def test_a_platform_is_in_the_guide(platform: str) -> None:
    """The table of platforms leads to every folder."""
    assert f"({platform}/README.md)" in text(GUIDE)


@pytest.mark.parametrize("kind", sinks())
def test_the_sample_of_a_sink_is_in_its_readme(kind: str) -> None:
    """What is shown is what is tested; leading comments aside."""
    sample = without_comments(text(Path("sinks") / kind / "sample.yaml"))
    blocks = BLOCK.findall(text(Path("sinks") / kind / "README.md"))
    assert sample in map(without_comments, blocks)
