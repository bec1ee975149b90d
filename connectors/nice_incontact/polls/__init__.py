"""The feeds that poll: states, contacts and figures of the whole business unit."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.nice_incontact.client import Api
from connectors.nice_incontact.polls.agent_states import AgentStates
from connectors.nice_incontact.polls.contacts_active import ContactsActive
from connectors.nice_incontact.polls.contacts_completed import ContactsCompleted
from connectors.nice_incontact.polls.feed import PollFeed
from connectors.nice_incontact.polls.figures import Figures
from connectors.nice_incontact.polls.listing import Listing
from connectors.nice_incontact.settings import NiceIncontactSettings
from gateway.clock import Clock

__all__ = ["PollFeed", "build"]


def build(
    settings: NiceIncontactSettings, api: Api, *, connector: str, clock: Clock
) -> Sequence[PollFeed]:
    """One feed for each list that the settings name."""
    polls = settings.polls
    followed = {agent.agent_id for agent in settings.all_agents}
    listings: list[tuple[Listing, float]] = []
    if (states := polls.agent_states) is not None:
        listings.append((AgentStates(followed), states.interval_seconds))
    if (active := polls.contacts_active) is not None:
        listing = ContactsActive(followed, whole_every_seconds=active.whole_every_seconds)
        listings.append((listing, active.interval_seconds))
    if (completed := polls.contacts_completed) is not None:
        ended = ContactsCompleted(
            followed, ends_told=active is not None, history_seconds=completed.history_seconds
        )
        listings.append((ended, completed.interval_seconds))
    if (activity := polls.skills_activity) is not None:
        skills = Figures(
            "skills_activity", "skills/activity", "skillActivity", kind="queue", member="skillid"
        )
        listings.append((skills, activity.interval_seconds))
    if (sla := polls.skills_sla_summary) is not None:
        levels = Figures(
            "skills_sla_summary",
            "skills/sla-summary",
            "serviceLevelSummaries",
            kind="queue",
            member="skillid",
            prefix="sla.",
            window_seconds=sla.window_seconds,
        )
        listings.append((levels, sla.interval_seconds))
    if (performance := polls.agents_performance) is not None:
        agents = Figures(
            "agents_performance",
            "agents/performance",
            "agentPerformance",
            kind="agent",
            member="agentid",
            window_seconds=performance.window_seconds,
        )
        listings.append((agents, performance.interval_seconds))
    return tuple(
        PollFeed(listing, api, interval_seconds=interval, connector=connector, clock=clock)
        for listing, interval in listings
    )
