"""Every verb that a platform claims, through the API: done with its proof, refused, or unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors._simulation.faults import Fault, FaultKind
from gateway.commands import Verb
from gateway.registry import Registry
from tests.proofs import running, table
from tests.proofs.centre import opened
from tests.repo.checkout import platforms

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("name", running.NAMES)
async def test_every_verb_of_a_platform_is_done_and_proved(name: str, tmp_path: Path) -> None:
    """By the event whose id is the verdict's evidence, or by the reply; and the README says by which."""
    found = await running.proofs(name, tmp_path)
    claimed = {line.verb for line in Registry().platform(name).capabilities}
    assert claimed - found.keys() == set(), "verbs that no story does"
    assert table.column(found) == table.published().get(name), "run `python -m tests.proofs`"


@pytest.mark.parametrize("name", running.NAMES)
async def test_what_the_table_forbids_is_refused_before_it_is_sent(
    name: str, tmp_path: Path
) -> None:
    """A verb of other platforms, an argument that is not known, a target that is missing: 422, and the field."""
    part = running.platform(name)
    taken = {line.verb for line in part.capabilities}
    foreign = next(verb for verb in Verb if verb not in taken)
    targeted = next((line.verb for line in part.capabilities if line.target), None)
    verb, command = part.unproven
    async with opened(part, tmp_path) as centre:
        for refused, kind, given in (
            (foreign, "unsupported-command", {}),
            (verb, "invalid-command", {**command, "no_such_argument": 1}),
            (targeted, "invalid-command", {"agent": None}),
        ):
            if refused is not None:
                status, problem = await centre.send(refused, **given)
                assert (status, problem["type"]) == (422, f"urn:tieline:problem:{kind}"), problem
                assert problem["errors"][0]["field"]


@pytest.mark.parametrize("name", running.NAMES)
async def test_what_the_platform_forbids_is_refused_with_its_reason(
    name: str, tmp_path: Path
) -> None:
    """By its reply or by its event; certain, and in words."""
    part = running.platform(name)
    async with opened(part, tmp_path) as centre:
        for refusal in part.refusals:
            status, document = await centre.send(refusal.verb, **refusal.command)
            assert (status, document["status"]) == (200, "refused"), document
            assert document["reason"] == refusal.reason, document
            assert document["message"]


@pytest.mark.parametrize("name", running.NAMES)
async def test_what_no_event_proves_in_time_is_unknown(name: str, tmp_path: Path) -> None:
    """The platform has taken it, and says nothing more."""
    part = running.platform(name)
    verb, command = part.unproven
    async with opened(part, tmp_path) as centre:
        await part.silence(centre)
        status, document = await centre.send(verb, **command, deadline_seconds=3.0)
    assert (status, document["status"], document["reason"]) == (200, "unknown", "deadline")


@pytest.mark.parametrize("name", running.NAMES)
async def test_a_command_whose_answer_is_lost_is_done_when_its_event_comes(
    name: str, tmp_path: Path
) -> None:
    """The platform carries it out and its answer never comes: what was foreseen decides, and nothing is sent twice."""
    part = running.platform(name)
    verb, command = part.unproven
    async with opened(part, tmp_path) as centre:
        lost = Fault(kind=FaultKind.DROP, target="rest", times=1, after_processing=True)
        centre.simulator.commit(lost)
        document = await centre.done(verb, **command)
        active = centre.simulator.plan.active()
    assert document["evidence"]
    assert active == []


def test_every_platform_is_proved() -> None:
    """A platform without stories would not be in the table."""
    assert set(running.NAMES) == set(platforms())
