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
from connectors.clarity_connect.settings import ClarityConnectSettings, Subscription
from connectors.clarity_connect.subscriptions import Posting
from gateway.clock import Clock
from gateway.errors import AuthRejected, CommandUncertain, ConnectionFailed, NotReady, Reason

MAX_SESSIONS_ASKED = 5_000
_NOT_SHOWN = frozenset(
    {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED}
)
UNNUMBERED = "?"
"""Begins the names of subscriptions whose id the platform did not tell: they can be neither changed nor ended."""
PORTION_SECONDS = 0.5
"""Between two portions, so that what the platform tells is fetched before its buffer runs over."""


class Made(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subscription that the platform has: whose it is, what it was made of, its query, and whom of all it names."""

    name: str
    digest: str
    query: str = ""
    ids: tuple[str, ...] = ()


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

    def __init__(
        self, settings: ClarityConnectSettings, api: Api, directory: Directory, clock: Clock
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.api = api
        self.directory = directory
        self.made: dict[str, Made] = {}
        self.names: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.untold: dict[str, str] = {}
        self._structure = Structure(None)
        self._order = asyncio.Lock()

    def restore(self, made: dict[str, Made]) -> None:
        """Take up what was kept."""
        self.made = made
        self.refused.clear()
        self.untold.clear()

    async def subscribe(self, connection: str) -> None:
        """Make the platform's subscriptions those of the settings.

        Raises:
            AuthRejected: the account may see nothing of it.
            NotReady, CommandUncertain: the platform cannot serve now.
        """
        wanted = {one.name: one for one in self._settings.subscriptions}
        digests = {name: subscriptions.digest(one) for name, one in wanted.items()}
        same = {made.name for made in self.made.values() if digests.get(made.name) == made.digest}
        if same != set(wanted) or self._needs_structure():
            await self._read_structure()
        for number, made in list(self.made.items()):
            if made.name in same:
                continue
            changed = wanted.get(made.name)
            if changed is not None and await self._update(changed, number, connection):
                same.add(made.name)
                continue
            await self._post(subscriptions.deletion(made.name, number, connection))
            del self.made[number]
        missing = [one for name, one in wanted.items() if name not in same]
        if not missing:
            await self._follow(connection)
            return
        postings = subscriptions.creations(missing, connection, self._structure.everyone())
        rights = await self._create(postings)
        if postings and not self.made:
            raise rights[0] if rights else NotReady("no subscription was made")
        if not postings:
            raise AuthRejected(
                f"{self._settings.username!r} sees no agent and no queue",
                reason=Reason.FORBIDDEN,
                hint="give the account's agent business units, or name ids in subscriptions",
            )

    async def follow(self, connection: str) -> bool:
        """Read anew which agents and queues there are; subscriptions to all of them follow. Whether any did.

        Raises:
            NotReady, AuthRejected, CommandUncertain: the platform cannot serve now, or does not let us see it.
        """
        async with self._order:
            await self._read_structure()
            return await self._follow(connection)

    async def _follow(self, connection: str) -> bool:
        """Agents and queues that came are subscribed to, those that went are taken out."""
        before = dict(self.made)
        for one in self._settings.subscriptions:
            kind = subscriptions.everyone_of(one)
            now = self._structure.everyone()[kind] if kind else []
            mine = {n: made for n, made in self.made.items() if made.name == one.name and made.ids}
            if not now or not mine:
                # Whoever sees nobody any more has lost the right to look, which is told elsewhere.
                continue
            had = {each for made in mine.values() for each in made.ids}
            came = [each for each in now if each not in had]
            gone = had.difference(now)
            if one.sum_by != "none":
                if came or gone:
                    await self._change(one, next(iter(mine)), connection, now)
                continue
            for number, made in mine.items():
                left = [each for each in made.ids if each not in gone]
                if len(left) != len(made.ids):
                    await self._change(one, number, connection, left)
            if came:
                await self._create(subscriptions.creations_for(one, connection, came))
        self._rename()
        return before != self.made

    async def _change(
        self, one: Subscription, number: str, connection: str, ids: Sequence[str]
    ) -> None:
        """Let a subscription be to these; one whose id nobody knows stays as it is."""
        if number.startswith(UNNUMBERED):
            return
        made = self.made[number]
        if not ids:
            await self._post(subscriptions.deletion(one.name, number, connection))
            del self.made[number]
            return
        (posting,) = subscriptions.creations_for(one, connection, ids)
        answer = await self._post(subscriptions.update(one, number, connection, posting.query))
        if answer.fine:
            self.made[number] = msgspec.structs.replace(made, query=posting.query, ids=posting.ids)

    async def _update(self, one: Subscription, number: str, connection: str) -> bool:
        """Make a subscription what the settings say now; False if it has to be made anew instead."""
        made = self.made[number]
        alone = [each.name for each in self.made.values()].count(one.name) == 1
        postings = subscriptions.creations([one], connection, self._structure.everyone())
        if (
            not alone
            or number.startswith(UNNUMBERED)
            or len(postings) != 1
            or not subscriptions.is_of_kind(made.digest, one)
        ):
            return False
        query, ids = postings[0].query, postings[0].ids
        answer = await self._post(subscriptions.update(one, number, connection, query))
        if answer.fine:
            self.made[number] = _made(one, query, ids)
        return answer.fine

    async def _create(self, postings: Sequence[Posting]) -> list[ConnectionFailed]:
        """Create subscriptions; gives why some were refused."""
        wanted = {one.name: one for one in self._settings.subscriptions}
        rights: list[ConnectionFailed] = []
        for posting, answer in zip(postings, await self._post_all(postings), strict=True):
            one = wanted[posting.name]
            if answer.fine:
                number = subscriptions.id_in(answer.body) or one.subscription_id
                number = number or f"{UNNUMBERED}{posting.name}/{len(self.made)}"
                self.made[number] = _made(one, posting.query, posting.ids)
                continue
            failure = self.api.refusal(answer)
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise failure
            self.refused[posting.name] = self.untold[posting.name] = failure.message
            rights.append(failure)
        self._rename()
        return rights

    def _needs_structure(self) -> bool:
        return not self._structure.agents and any(
            one.to == "agents" or subscriptions.everyone_of(one)
            for one in self._settings.subscriptions
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
        for number, part in enumerate(subscriptions.portions(postings)):
            if number:
                await self._clock.sleep(PORTION_SECONDS)
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
        async with self._order:
            updates = [
                subscriptions.update(wanted[made.name], number, connection, made.query)
                for number, made in self.made.items()
                if made.name in wanted and not number.startswith(UNNUMBERED)
            ]
            for count, part in enumerate(subscriptions.portions(updates)):
                if count:
                    await self._clock.sleep(PORTION_SECONDS)
                for posting in part:
                    await self._post(posting)

    async def are_kept(self, connection: str) -> bool:
        """Whether the platform still has the subscriptions of a connection that it took back.

        They end with it, so the oldest one stands for all. It is updated to what it is, which the platform answers
        by 404 if it does not have it; if it does, it tells all of that one again. One without an id, and
        alerts, cannot be asked for: if there is nothing else, it is not known, and False.

        Raises:
            NotReady: the platform cannot answer now.
            AuthRejected: it lets us not even ask.
        """
        async with self._order:
            oldest = self._oldest()
            if oldest is None:
                return not self.made
            number, made = oldest
            wanted = {one.name: one for one in self._settings.subscriptions}.get(made.name)
            try:
                answer = await self._post(
                    subscriptions.repetition(made.name, wanted, number, connection, made.query)
                )
            except CommandUncertain as error:
                raise NotReady(error.message, reason=error.reason) from error
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise self.api.refusal(answer)
            return answer.fine

    def _oldest(self) -> tuple[str, Made] | None:
        """The first that was made and has an id; not alerts, whose updates are not described."""
        alerts = {one.name for one in self._settings.subscriptions if one.to == "alerts"}
        for number, made in self.made.items():
            if not number.startswith(UNNUMBERED) and made.name not in alerts:
                return number, made
        return None

    async def read(self, told: Iterable[str]) -> Reading:
        """How things stand: agents as a whole, and of the sessions that were `told` those that none of them has."""
        ids = list(
            dict.fromkeys(
                agent
                for one in self._settings.subscriptions
                for agent in self._structure.agents_of(one)
            )
        )
        return await self.read_some(ids, told)

    async def read_some(self, agents: Sequence[str], sessions: Iterable[str]) -> Reading:
        """How things stand for these agents, as a whole, and for those of the sessions that none of them has."""
        history = any(one.include_status_history for one in self._settings.subscriptions)
        flags = {"includeStatusHistory": "true"} if history else {}
        try:
            read = await self.directory.agents(agents, flags=flags) if agents else []
        except AuthRejected:
            # Named agents that we may not see are told with the subscription; others are still asked.
            read = []
        seen = {session for agent in read for session in _session_ids(agent)}
        rest = [s for s in sessions if s not in seen][:MAX_SESSIONS_ASKED]
        found: dict[str, Any] = {}
        for start in range(0, len(rest), subscriptions.MAX_BATCH):
            part = rest[start : start + subscriptions.MAX_BATCH]
            answers = await self._ask([f"v2/sessions/{session}" for session in part])
            found |= {one: self._session(a) for one, a in zip(part, answers, strict=True)}
        return Reading(agents=read, sessions=found)

    async def _ask(self, paths: Sequence[str]) -> list[Answer]:
        """Answers to many questions at once; one by one if the server does not take a batch."""
        whole = await self.api.request("POST", "v2/", subscriptions.batch_of_questions(paths))
        found = subscriptions.batch_answers(whole.body, len(paths)) if whole.fine else None
        if found is not None:
            return [Answer(status, body) for status, body in found]
        return [await self.api.request("GET", path) for path in paths]

    def _session(self, answer: Answer) -> dict[Any, Any]:
        """A session, or an empty one if the platform shows it no more, by 500, or by 401 to whoever may not see it."""
        if answer.fine and isinstance(answer.body, dict):
            return answer.body
        if answer.status in _NOT_SHOWN:
            return {}
        raise self.api.refusal(answer)


def _made(one: Subscription, query: str, ids: tuple[str, ...]) -> Made:
    everyone = subscriptions.everyone_of(one) is not None
    digest = subscriptions.digest(one)
    return Made(name=one.name, digest=digest, query=query, ids=ids if everyone else ())


def _session_ids(agent: Any) -> list[str]:
    return [
        number
        for bag in fields(fields(agent).get("sessions")).values()
        for session in objects(fields(bag).get("sessions"))
        if (number := identifier(session.get("sessionId"))) is not None
    ]
