"""States of all agents, by polling `agents/states`.

Source: NICE inContact RealTime API, "Agent states"; both generations of its fields.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from connectors._wire.json_values import flag, identifier, moment, number, text
from connectors._wire.telling import Telling
from connectors.nice_incontact.client import Api
from connectors.nice_incontact.mapping.agents import state_of
from connectors.nice_incontact.pages import Page
from connectors.nice_incontact.polls.listing import ask_since, following, native
from connectors.nice_incontact.vendor import AGENT_STATE_IDS
from gateway.events.agents import AgentSession, AgentStateData
from gateway.states import AgentState

PATH = "agents/states"
_A = AgentState


class Known(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An agent as it was told. `told` counts the changes."""

    state: AgentState
    word: str = ""
    reason: str | None = None
    told: int = 0


class Memory(msgspec.Struct, kw_only=True):
    """Between polls and over restarts."""

    cursor: str | None = None
    agents: dict[str, Known] = msgspec.field(default_factory=dict)


class AgentStates:
    """The list of agents. Of those in `followed` a session tells, sooner and more."""

    name = "agent_states"
    misses = True

    def __init__(self, followed: Collection[str]) -> None:
        self._followed = frozenset(followed)
        self._memory = Memory()

    def restore(self, kept: Any) -> None:
        """Go on from `kept`."""
        self._memory = Memory() if kept is None else msgspec.convert(kept, Memory)

    def keep(self) -> Memory:
        """What was told."""
        return self._memory

    async def ask(self, api: Api, now: datetime) -> Page:  # noqa: ARG002 - the protocol's
        """The agents that changed."""
        return await ask_since(api, PATH, "agentStates", cursor=self._memory.cursor)

    def tell(self, page: Page, telling: Telling, *, fresh: bool) -> None:  # noqa: ARG002 - an agent is new or not
        """Changes of state, and with them beginnings and ends of sessions."""
        self._memory.cursor = following(page, self._memory.cursor)
        for row in page.rows:
            agent = identifier(row.get("agentid"))
            if agent is None:
                telling.not_understood(PATH, "a row without agentId", row)
            elif agent not in self._followed:
                self._agent(agent, row, telling)

    def _agent(self, agent: str, row: dict[str, Any], telling: Telling) -> None:
        word = text(row.get("agentstatename")) or _by_number(row.get("agentstateid"))
        reason = text(row.get("outstatedescription"))
        after_contact = flag(row.get("isacw"))
        state = state_of(word, reason, after_contact=after_contact)
        if state not in {_A.NOT_READY, _A.AFTER_CONTACT, _A.RESERVED}:
            # The last reason stays in the row while the agent works.
            reason = None
        was = self._memory.agents.get(agent)
        if was is not None and (was.state, was.word, was.reason) == (state, word or "", reason):
            return
        known = Known(state=state, word=word or "", reason=reason, told=was.told + 1 if was else 0)
        self._memory.agents[agent] = known
        since = moment(row.get("startdate"))
        at = since if since and since <= telling.received else None
        told = native(PATH, row, state=word or "", reason=reason or "", agentId=agent)
        if was is not None and (was.state is _A.LOGGED_OFF) is not (state is _A.LOGGED_OFF):
            on = state is not _A.LOGGED_OFF
            telling.add(
                "agent.session.started" if on else "agent.session.ended",
                f"agent/{agent}",
                agent,
                AgentSession(
                    agent=agent,
                    station=(
                        text(row.get("stationphonenumber")) or identifier(row.get("stationid"))
                    )
                    if on
                    else None,
                    native=told,
                ),
                agent,
                known.told,
                at=at,
                inferred=True,
            )
        telling.add(
            "agent.state.snapshot" if was is None else "agent.state.changed",
            f"agent/{agent}",
            agent,
            AgentStateData(
                agent=agent,
                state=state,
                previous_state=None if was is None else was.state,
                since=since,
                reason=reason,
                native_state=word,
                native=told,
            ),
            agent,
            known.told,
            # The first one says how the agent stands now, however long already.
            at=None if was is None else at,
        )


def _by_number(value: Any) -> str | None:
    found = number(value)
    return None if found is None else AGENT_STATE_IDS.get(int(found))
