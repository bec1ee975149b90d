"""Topics beside the agent's own: workbins that must be watched, services, supervisors' users, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.genesys_web_services._simulated.workbins import id_of
from connectors.genesys_web_services.settings import GenesysWebServicesSettings
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings
from connectors.genesys_web_services.vendor import USERS_TOPIC
from gateway.commands import Verb
from tests.connectors.genesys_web_services.harness import PASSWORD, Consumer, connected_to
from tests.support.waiting import until

ACCOUNTS = [{"username": f"agent000{number}", "password": PASSWORD} for number in (1, 2)]
SUPERVISOR = [{**ACCOUNTS[0], "topics": [USERS_TOPIC]}, ACCOUNTS[1]]


@asynccontextmanager
async def site(
    *, connector: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[Simulator, Consumer]]:
    """A simulator in which nothing happens by itself, and the reader of its first agent."""
    chosen = {"agents": 2, "events_per_second": 0, "timeout_ms": 2_000, "ack": True, **settings}
    async with (
        Simulator(SimulatorSettings(**chosen)) as simulator,
        connected_to(simulator.url, **(connector or {})) as connected,
        Consumer(connected) as consumer,
    ):
        yield simulator, consumer


@pytest.mark.parametrize("form", ["root", "me", "both"])
@pytest.mark.parametrize("wanted", [["Drafts"], [id_of("Drafts")], ["*"]])
async def test_workbins_are_watched_in_the_form_that_the_server_takes(
    form: str, wanted: list[str]
) -> None:
    async with site(connector={"workbins": wanted}, workbin_path=form) as (simulator, consumer):
        agent = simulator.world.agents["agent0002"]
        email = simulator.media.invite(agent, "email")
        simulator.media.park(agent, email, "Drafts")
        parked = await consumer.event("interaction.parked", interaction=email.id)
        simulator.media.pull(agent, email)
        await consumer.event("interaction.pulled", interaction=email.id)

    data: Any = parked.data
    assert (data.workbin.id, data.workbin.owner, data.actor) == ("Drafts", "agent0002", "agent")


async def test_no_workbin_is_watched_unless_it_is_wanted() -> None:
    async with site() as (simulator, _):
        assert simulator.workbins.subscriptions == 0


async def test_workbins_are_watched_anew_in_every_new_session() -> None:
    async with site(connector={"workbins": ["Drafts"]}) as (simulator, consumer):
        simulator._sessions.end_all("agent0001")
        await until(lambda: simulator.workbins.watchers("Drafts"))
        agent = simulator.world.agents["agent0002"]
        email = simulator.media.invite(agent, "email")
        simulator.media.park(agent, email, "Drafts")
        await consumer.event("interaction.parked", interaction=email.id)
        assert consumer.gaps == []


async def test_what_changed_in_a_workbin_during_a_gap_is_told_reconciled() -> None:
    async with site(connector={"workbins": ["Drafts"]}) as (simulator, consumer):
        agent = simulator.world.agents["agent0002"]
        stays, goes, comes = (simulator.media.invite(agent, "email") for _ in range(3))
        for one in (stays, goes):
            simulator.media.park(agent, one, "Drafts")
            await consumer.event("interaction.parked", interaction=one.id)
        await consumer.stop()
        simulator.media.pull(agent, goes)
        simulator.media.park(agent, comes, "Drafts")
        events = await consumer.connector.snapshot(consumer.feed)

    told = {
        (event.subject, event.type.split(".")[2], event.provenance.value, event.confidence.value)
        for event in events
        if event.subject.startswith("interaction/")
    }
    assert told == {
        (f"interaction/{comes.id}", "parked", "reconciled", "observed"),
        (f"interaction/{goes.id}", "pulled", "reconciled", "inferred"),
    }


async def test_a_fresh_start_tells_what_lies_in_the_workbins() -> None:
    async with Simulator(SimulatorSettings(agents=2, events_per_second=0)) as simulator:
        agent = simulator.world.agents["agent0002"]
        email = simulator.media.invite(agent, "email")
        simulator.media.park(agent, email, "Drafts")
        async with (
            connected_to(simulator.url, workbins=["*"]) as connected,
            Consumer(connected) as consumer,
        ):
            event = await consumer.event("interaction.parked", interaction=email.id)

    assert event.provenance.value == "snapshot"


async def test_a_workbin_that_does_not_exist_is_told_in_the_diagnostics() -> None:
    async with site(connector={"workbins": ["Drafts", "Attic"]}) as (_, consumer):
        shown = consumer.feed.diagnostics()["workbins"]

    assert shown == {"Drafts": "", "Attic": "there is no such workbin"}


async def test_ones_own_pull_is_told_once_although_two_topics_tell_it() -> None:
    async with site(connector={"workbins": ["*"]}) as (simulator, consumer):
        agent = simulator.world.agents["agent0001"]
        email = simulator.media.invite(agent, "email")
        simulator.media.park(agent, email, "Drafts")
        await consumer.event("interaction.parked")
        await consumer.execute(Verb.AGENT_LOGIN)
        simulator.media.pull(agent, email)
        await consumer.event("interaction.pulled")
        simulator.media.invite(agent, "chat")
        await consumer.event("interaction.offered", media="chat")

    assert consumer.verbs().count("interaction.pulled") == 1


async def test_a_service_that_goes_down_is_told_once_and_stands_in_the_diagnostics() -> None:
    async with (
        site(connector={"accounts": ACCOUNTS}) as (simulator, consumer),
        Consumer(consumer.connector, number=1) as other,
    ):
        simulator.dictionaries.set_service("Voice", "Inactive")
        event = await consumer.event("service.state.changed", service="Voice", state="down")
        simulator.dictionaries.set_service("Voice", "Active")
        again = await consumer.event("service.state.changed", service="Voice", state="up")
        shown = consumer.connector.diagnostics()["services"]
        assert shown == dict.fromkeys(("Provisioning", "Voice", "Reporting", "Media"), "up")

    assert again.data.previous == "down"  # type: ignore[attr-defined]  # a service event has it
    assert event.data.native.reference  # type: ignore[attr-defined]  # a service event has it
    assert "service.state.changed" not in other.verbs()


async def test_a_service_that_is_down_at_the_start_is_told_as_a_snapshot() -> None:
    async with Simulator(SimulatorSettings(agents=1, events_per_second=0)) as simulator:
        simulator.dictionaries.set_service("Media", "ReadOnly")
        async with connected_to(simulator.url) as connected, Consumer(connected) as consumer:
            event = await consumer.event("service.state.changed", service="Media")

    assert event.data.state == "degraded"  # type: ignore[attr-defined]  # a service event has it
    assert event.provenance.value == "snapshot"


async def test_a_supervisor_hears_of_the_passwords_of_others() -> None:
    async with site(connector={"accounts": SUPERVISOR}, supervisors=1) as (simulator, consumer):
        agent = simulator.world.agents["agent0002"]
        body = {"oldPassword": "c2VjcmV0", "newPassword": "b3RoZXI="}
        outcome = simulator.world.change_password(agent, body)
        assert outcome.then is not None
        outcome.then()
        event = await consumer.event("account.password.changed", account=agent.id)

    assert event.subject == f"agent/{agent.id}"


async def test_a_topic_that_an_account_may_not_hear_is_told_in_the_diagnostics_only() -> None:
    async with site(connector={"accounts": SUPERVISOR}) as (simulator, consumer):
        simulator.telephony.incoming(simulator.world.agents["agent0001"])
        await consumer.event("call.offered")
        refused = consumer.feed.diagnostics()["refused_topics"]

    assert set(refused) == {USERS_TOPIC}
    assert "vendor.message" not in consumer.verbs()


async def test_a_server_without_the_newer_topics_serves_the_older_ones() -> None:
    newer = ("/v2/me/chats", "/v2/me/workitems", "/v2/me/workbins")
    async with site(refused_topics=newer) as (simulator, consumer):
        simulator.telephony.incoming(simulator.world.agents["agent0001"])
        await consumer.event("call.offered")

        assert set(consumer.feed.diagnostics()["refused_topics"]) == set(newer)


async def test_a_topic_that_is_always_there_is_missed_with_an_event() -> None:
    async with site(refused_topics=("/v2/me/devices",)) as (_, consumer):
        event = await consumer.event("vendor.message", topic="/v2/me/devices")

    assert event.data.why.startswith("the subscription was refused")  # type: ignore[attr-defined]  # a vendor message has it


def test_topics_of_the_site_are_the_first_accounts_only() -> None:
    settings = GenesysWebServicesSettings.model_validate(
        {"base_url": "http://gws.example.com", "accounts": SUPERVISOR}
    )
    first, second = (set(settings.topics_of(one)) for one in settings.all_accounts)

    assert first - second == {USERS_TOPIC, "/notifications/services"}
    assert second == set(settings.topics)
