"""The platform's subscriptions, made those of the settings; and how things stand for those they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from connectors.clarity_connect import subscriptions
from connectors.clarity_connect.client import Answer, Api
from connectors.clarity_connect.directory import Directory, Structure
from connectors.clarity_connect.mapping.values import fields, identifier, objects
from connectors.clarity_connect.settings import ClarityConnectSettings
from connectors.clarity_connect.subscriptions import Posting
from gateway.errors import AuthRejected, ConnectionFailed, NotReady, Reason

MAX_SESSIONS_ASKED = 500


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that the platform has: whose it is, and what it was made of."""

    name: str
    digest: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform answered about how things stand: whole agents, and sessions that none of them has."""

    agents: list[Any]
    sessions: dict[str, Any]


class Subscriber:
    """Creates, updates and deletes subscriptions of one connection.

    Attributes:
        made: what the platform has, by its ids; it goes into the resume state.
        names: the platform's ids to our names.
        refused: subscriptions that the platform did not take, and why.
        untold: those of them that no event has told.
    """

    def __init__(self, settings: ClarityConnectSettings, api: Api, directory: Directory) -> None:
        self._settings = settings
        self.api = api
        self.directory = directory
        self.made: dict[str, Made] = {}
        self.names: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.untold: dict[str, str] = {}
        self._structure = Structure(None)

    def restore(self, made: dict[str, Made]) -> None:
        """Take up what was kept."""
        self.made = made
        self.refused.clear()
        self.untold.clear()

    async def subscribe(self, connection: str) -> None:
        """Make the platform's subscriptions those of the settings."""
        wanted = {one.name: one for one in self._settings.subscriptions}
        digests = {name: subscriptions.digest(one) for name, one in wanted.items()}
        same = {made.name for made in self.made.values() if digests.get(made.name) == made.digest}
        missing = [one for name, one in wanted.items() if name not in same]
        if missing or self._needs_structure():
            await self._read_structure()
        for subscription_id, made in list(self.made.items()):
            if made.name not in same:
                posting = subscriptions.deletion(made.name, subscription_id, connection)
                await self._post(posting)
                del self.made[subscription_id]
        if not missing:
            self._rename()
            return
        postings = subscriptions.creations(missing, connection, self._structure.everyone())
        answers = await self._post_all(postings)
        rights: list[ConnectionFailed] = []
        for posting, answer in zip(postings, answers, strict=True):
            if answer.fine:
                number = subscriptions.id_in(answer.body) or wanted[posting.name].subscription_id
                key = number or f"?{posting.name}"
                self.made[key] = Made(name=posting.name, digest=digests[posting.name])
                continue
            failure = self.api.refusal(answer)
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise failure
            self.refused[posting.name] = self.untold[posting.name] = failure.message
            rights.append(failure)
        self._rename()
        if postings and not self.made:
            raise rights[0] if rights else NotReady("no subscription was made")
        if not postings:
            raise AuthRejected(
                f"{self._settings.username!r} sees no agent and no queue",
                reason=Reason.FORBIDDEN,
                hint="give the account's agent business units, or name ids in subscriptions",
            )

    def _needs_structure(self) -> bool:
        return not self._structure.agents and any(
            one.to == "agents" for one in self._settings.subscriptions
        )

    async def _read_structure(self) -> None:
        try:
            self._structure = await self.directory.structure()
        except NotReady as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            self._structure = Structure(None)

    def _rename(self) -> None:
        self.names = {number: made.name for number, made in self.made.items()}

    async def _post_all(self, postings: Sequence[Posting]) -> list[Answer]:
        """Many at once by batch requests; one by one if the server does not take those."""
        answers: list[Answer] = []
        for start in range(0, len(postings), subscriptions.MAX_BATCH):
            part = postings[start : start + subscriptions.MAX_BATCH]
            found: list[tuple[int, Any]] | None = None
            if len(part) > 1:
                whole = await self.api.request("POST", "v2/", subscriptions.batch(part))
                if whole.fine:
                    found = subscriptions.batch_answers(whole.body, len(part))
            if found is None:
                answers += [await self._post(posting) for posting in part]
            else:
                answers += [Answer(status, body) for status, body in found]
        return answers

    async def _post(self, posting: Posting) -> Answer:
        return await self.api.request(posting.method, posting.path, posting.body)

    async def ask_again(self, connection: str) -> None:
        """Updating a subscription to what it is makes the platform tell all of it again, queues too."""
        wanted = {one.name: one for one in self._settings.subscriptions if one.to != "alerts"}
        for number, made in self.made.items():
            one = wanted.get(made.name)
            if one is None or number.startswith("?"):
                continue
            postings = subscriptions.update(one, number, connection, self._structure.everyone())
            if len(postings) == 1:
                await self._post(postings[0])

    async def read(self, told: Iterable[str]) -> Reading:
        """How things stand: agents as a whole, and of the sessions that were `told` those that none of them has."""
        ids = list(
            dict.fromkeys(
                agent
                for one in self._settings.subscriptions
                for agent in self._structure.agents_of(one)
            )
        )
        history = any(one.include_status_history for one in self._settings.subscriptions)
        flags = {"includeStatusHistory": "true"} if history else {}
        try:
            agents = await self.directory.agents(ids, flags=flags) if ids else []
        except AuthRejected:
            # Named agents that we may not see are told with the subscription; others are still asked.
            agents = []
        seen = {session for agent in agents for session in _session_ids(agent)}
        rest = [s for s in told if s not in seen][:MAX_SESSIONS_ASKED]
        answers = await asyncio.gather(*(self._session(one) for one in rest)) if rest else []
        return Reading(agents=agents, sessions=dict(zip(rest, answers, strict=True)))

    async def _session(self, session: str) -> dict[Any, Any]:
        """A session, or an empty one if the platform has it no more, for which it answers 500."""
        answer = await self.api.request("GET", f"v2/sessions/{session}")
        if answer.fine and isinstance(answer.body, dict):
            return answer.body
        if answer.status in {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.NOT_FOUND}:
            return {}
        raise self.api.refusal(answer)


def _session_ids(agent: Any) -> list[str]:
    return [
        number
        for bag in fields(fields(agent).get("sessions")).values()
        for session in objects(fields(bag).get("sessions"))
        if (number := identifier(session.get("sessionId"))) is not None
    ]
