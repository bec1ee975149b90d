"""The smaller families of the Workspace API: workbins, media management, targets, contacts, reporting, supervision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from connectors._simulation.genesys_ids import uuid
from connectors.genesys_engage_cloud._simulated import media_messages, messages
from connectors.genesys_engage_cloud._simulated.http import done, parameters, read_body
from connectors.genesys_engage_cloud._simulated.media import Media, workbin_id
from connectors.genesys_engage_cloud._simulated.messages import ROOT
from connectors.genesys_engage_cloud._simulated.model import (
    Agent,
    Interaction,
    InteractionState,
    Pairs,
)
from connectors.genesys_engage_cloud._simulated.pairs import pairs_of
from connectors.genesys_engage_cloud._simulated.workspace import Workspace
from connectors.genesys_engage_cloud._simulated.world import (
    FAILED,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    Outcome,
    Refusal,
    text,
)

Data = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.Response]]
MAX_SUBSCRIPTIONS = 100
MAX_CONTACTS = 1_000
MAX_TARGETS = 100
NAMES = ("name", "userName", "number")
OTHER_TARGETS: tuple[dict[str, Any], ...] = (
    {"DBID": 201, "name": "Support", "type": "agent-group"},
    {"DBID": 301, "name": "Billing", "type": "skill"},
    {"DBID": 401, "name": "9001_Switch", "number": "9001", "type": "route-point"},
    {"DBID": 402, "name": "9002_Switch", "number": "9002", "type": "acd-queue"},
)


class Families:
    """Routes that share the workspace session."""

    def __init__(self, workspace: Workspace, media: Media) -> None:
        self._workspace = workspace
        self._world = workspace.world
        self._media = media
        self._contacts: dict[str, Data] = {}
        self._targets_of: dict[tuple[str, str], list[Data]] = {}
        """Recent and favourite targets, by username and which."""

    def routes(self) -> list[web.RouteDef]:
        """Everything below /workspace/v3 that this file serves."""
        post = self._workspace.post
        reporting = f"{ROOT}/reporting/subscriptions"
        return [
            post("workbins/get-workbins", self._get_workbins),
            post("workbins/get-contents", self._get_contents),
            post("workbins/subscribe", self._watch(on=True)),
            post("workbins/unsubscribe", self._watch(on=False)),
            web.post(f"{ROOT}/workbins/interactions/{{id}}/get-details", self._details),
            web.post(f"{ROOT}/workbins/{{workbin}}/{{operation}}", self._workbin),
            post("media-management/get-snapshot", self._snapshot),
            web.post(f"{ROOT}/media-management/interactions/{{id}}/get-details", self._details),
            web.post(f"{ROOT}/media-management/{{id}}/{{operation}}", self._snapshot_content),
            *(
                post(f"media-management/{name}", self._manage(name))
                for name in (
                    "cancel",
                    "complete",
                    "manage-user-data",
                    "move-to-queue",
                    "move-to-workbin",
                )
            ),
            web.get(f"{ROOT}/targets", self._targets),
            web.get(f"{ROOT}/targets/recents", self._kept("recents")),
            web.post(f"{ROOT}/targets/recents/add", self._keep("recents")),
            web.post(f"{ROOT}/targets/recents/ack-missed-calls", self._acknowledge),
            web.get(f"{ROOT}/targets/personal-favorites", self._kept("favorites")),
            web.post(f"{ROOT}/targets/personal-favorites/save", self._keep("favorites")),
            web.post(
                f"{ROOT}/targets/personal-favorites/delete/{{type}}/{{id}}", self._forget_favorite
            ),
            web.get(f"{ROOT}/targets/{{type}}/{{id}}", self._target),
            web.get(f"{ROOT}/users", self._users),
            web.post(f"{ROOT}/ucs/contacts/{{operation}}", self._ucs),
            web.post(f"{ROOT}/ucs/contacts/{{id}}/{{operation}}", self._contact),
            web.post(f"{ROOT}/ucs/{{rest:.*}}", self._no_ucs),
            web.get(f"{ROOT}/ucs/{{rest:.*}}", self._no_ucs),
            web.post(reporting, self._subscribe),
            web.get(reporting, self._subscriptions),
            web.get(f"{reporting}/{{id}}", self._peek),
            web.delete(f"{reporting}/{{id}}", self._unsubscribe),
            web.post(f"{ROOT}/supervisor/voice/{{operation}}", self._supervise),
        ]

    def _tell_workbins(self, agent: Agent, name: str, extra: Data) -> Outcome:
        data = media_messages.workbins_message(agent, name, extra)
        return Outcome(then=lambda: self._world.publish(agent, messages.WORKBINS, data))

    def _content(self, agent: Agent) -> Data:
        return {
            "id": workbin_id(agent),
            "workbinName": "personal",
            "owner": agent.username,
            "ownerType": "Agent",
            "interactions": [
                media_messages.interaction_resource(one) for one in agent.workbin.values()
            ],
        }

    def _get_workbins(self, agent: Agent, _data: Data, _body: Data) -> Outcome:
        content = self._content(agent)
        del content["interactions"]
        return self._tell_workbins(agent, "EventWorkbins", {"workbins": [content]})

    def _get_contents(self, agent: Agent, _data: Data, _body: Data) -> Outcome:
        workbins = {workbin_id(agent): self._content(agent)}
        return self._tell_workbins(agent, "EventWorkbinsContent", {"workbins": workbins})

    def _watch(self, *, on: bool) -> Callable[[Agent, Data, Data], Outcome]:
        def watch(agent: Agent, _data: Data, _body: Data) -> Outcome:
            agent.watches_workbin = on
            name = "SubscribeWorkbinEvents" if on else "UnsubscribeWorkbinEvents"
            extra = {"operation": name, "workbinId": workbin_id(agent)}
            return self._tell_workbins(agent, "EventAck", extra)

        return watch

    async def _workbin(self, request: web.Request) -> web.Response:
        agent, body = self._workspace.agent(request), await read_body(request)
        name = request.match_info["operation"]
        if request.match_info["workbin"] != workbin_id(agent):
            raise Refusal(FAILED, "the workbin was not found")
        if name in {"subscribe", "unsubscribe"}:
            outcome = self._watch(on=name == "subscribe")(agent, {}, {})
        elif name == "get-content":
            extra = {"workbin": self._content(agent)}
            outcome = self._tell_workbins(agent, "EventWorkbinContent", extra)
        elif name == "add-interaction":
            one = self._owned(agent, text(parameters(body), "interactionId"))
            state = InteractionState.IN_WORKBIN
            outcome = Outcome(then=lambda: self._media.set_state(agent, one, state))
        else:
            raise Refusal(NOT_IMPLEMENTED, f"workbins/{name} is not implemented")
        return self._workspace.answer(agent, outcome, body)

    @staticmethod
    def _owned(agent: Agent, found: str) -> Interaction:
        interaction = agent.interactions.get(found) or agent.workbin.get(found)
        if interaction is None:
            raise Refusal(FAILED, f"there is no interaction {found}")
        return interaction

    async def _details(self, request: web.Request) -> web.Response:
        agent, body = self._workspace.agent(request), await read_body(request)
        one = self._owned(agent, request.match_info["id"])
        extra = {"interaction": media_messages.interaction_resource(one)}
        outcome = self._tell_workbins(agent, "EventGetInteractionDetails", extra)
        return self._workspace.answer(agent, outcome, body)

    def _tell_snapshot(self, agent: Agent, name: str, extra: Data) -> Outcome:
        data = media_messages.snapshot_message(name, extra)
        return Outcome(then=lambda: self._world.publish(agent, messages.MEDIA_MANAGEMENT, data))

    def _all(self) -> list[tuple[Agent, Interaction]]:
        return [
            (agent, one)
            for agent in self._world.agents.values()
            for one in (*agent.interactions.values(), *agent.workbin.values())
        ]

    def _snapshot(self, agent: Agent, data: Data, _body: Data) -> Outcome:
        extra = {
            "snapshotId": "snapshot-1",
            "condition": data.get("condition", ""),
            "interactions": [media_messages.interaction_resource(one) for _, one in self._all()],
        }
        return self._tell_snapshot(agent, "SnapshotContent", extra)

    async def _snapshot_content(self, request: web.Request) -> web.Response:
        agent, body = self._workspace.agent(request), await read_body(request)
        if request.match_info["operation"] == "release-snapshot":
            extra = {"snapshotId": request.match_info["id"]}
            outcome = self._tell_snapshot(agent, "SnapshotReleased", extra)
        else:
            outcome = self._snapshot(agent, parameters(body), body)
        return self._workspace.answer(agent, outcome, body)

    def _manage(self, name: str) -> Callable[[Agent, Data, Data], Outcome]:
        event = {
            "manage-user-data": "ManageUserData",
            "move-to-queue": "MoveToQueue",
            "move-to-workbin": "MoveToWorkbin",
        }.get(name, name)

        def manage(agent: Agent, data: Data, _body: Data) -> Outcome:
            wanted = data.get("interactions")
            ids = {str(one) for one in wanted} if isinstance(wanted, list) else set()
            removed = data.get("deletedUserData")
            gone = tuple(map(str, removed)) if isinstance(removed, list) else ()
            try:
                pairs = pairs_of(data.get("addedUserData", []))
                pairs |= pairs_of(data.get("updatedUserData", []))
            except ValueError as error:
                raise Refusal(FAILED, str(error)) from None

            def act() -> None:
                for owner, one in self._all():
                    if one.id in ids:
                        self._apply(owner, one, name, pairs, gone)
                done_ = media_messages.snapshot_message(event, {"interactions": sorted(ids)})
                self._world.publish(agent, messages.MEDIA_MANAGEMENT, done_)

            return Outcome(then=act)

        return manage

    def _apply(
        self, owner: Agent, one: Interaction, name: str, pairs: Pairs, gone: tuple[str, ...]
    ) -> None:
        if name == "manage-user-data":
            self._media.change_data(owner, one, pairs, gone)
            return
        states = {
            "cancel": InteractionState.CANCELED,
            "move-to-workbin": InteractionState.IN_WORKBIN,
        }
        owner.workbin.pop(one.id, None)
        self._media.set_state(owner, one, states.get(name, InteractionState.COMPLETED))

    def _as_target(self, agent: Agent) -> Data:
        return {
            "id": agent.employee_id,
            "name": f"{agent.first_name} Simulated",
            "userName": agent.username,
            "type": "agent",
            "number": agent.number,
            "availability": {"state": agent.voice.state},
        }

    async def _targets(self, request: web.Request) -> web.Response:
        self._workspace.session(request)
        term = request.query.get("searchTerm", "").lower()
        types = request.query.get("types", "agent").split(",")
        agents = [self._as_target(agent) for agent in self._world.agents.values()]
        found = [
            target
            for target in (*agents, *OTHER_TARGETS)
            if target["type"] in types
            and (
                term in {"", "*"} or any(term in str(target.get(key, "")).lower() for key in NAMES)
            )
        ]
        limit = request.query.get("limit", "")
        most = int(limit) if limit.isdigit() else MAX_TARGETS
        return done({"targets": found[:most], "totalMatches": len(found)})

    def _kept(self, which: str) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            targets = self._targets_of.get((self._workspace.agent(request).username, which), [])
            return done({"targets": targets, "totalMatches": len(targets)})

        return handle

    def _keep(self, which: str) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            target = parameters(await read_body(request)).get("target")
            if not isinstance(target, dict):
                raise Refusal(FAILED, "target is missing")
            key = self._workspace.agent(request).username, which
            self._targets_of[key] = [*self._targets_of.get(key, []), target][-MAX_TARGETS:]
            return done()

        return handle

    async def _acknowledge(self, request: web.Request) -> web.Response:
        self._workspace.session(request)
        return done()

    async def _forget_favorite(self, request: web.Request) -> web.Response:
        key = self._workspace.agent(request).username, "favorites"
        wanted = request.match_info["id"]
        self._targets_of[key] = [
            one for one in self._targets_of.get(key, []) if str(one.get("id")) != wanted
        ]
        return done()

    async def _target(self, request: web.Request) -> web.Response:
        self._workspace.session(request)
        for agent in self._world.agents.values():
            if request.match_info["id"] in {agent.employee_id, agent.username}:
                return done({"targets": [self._as_target(agent)]})
        raise Refusal(NOT_FOUND, "the target was not found")

    async def _users(self, request: web.Request) -> web.Response:
        self._workspace.session(request)
        users = [messages.user_resource(agent) for agent in self._world.agents.values()]
        return done({"users": users, "totalCount": len(users)})

    async def _ucs(self, request: web.Request) -> web.Response:
        self._workspace.session(request)
        self._world.require("UCS")
        data = parameters(await read_body(request))
        name = request.match_info["operation"]
        if name == "search":
            return done({"contacts": list(self._contacts.values())})
        if name != "create":
            raise Refusal(NOT_IMPLEMENTED, f"ucs/contacts/{name} is not implemented")
        if len(self._contacts) >= MAX_CONTACTS:
            del self._contacts[next(iter(self._contacts))]
        contact = {"id": uuid(self._world.rng), "attributes": data.get("attributes", data)}
        self._contacts[str(contact["id"])] = contact
        return done(contact)

    async def _no_ucs(self, request: web.Request) -> web.Response:
        """The rest of the family is not simulated, and says so."""
        self._workspace.session(request)
        raise Refusal(NOT_IMPLEMENTED, f"ucs/{request.match_info['rest']} is not implemented")

    async def _contact(self, request: web.Request) -> web.Response:
        self._workspace.session(request)
        self._world.require("UCS")
        contact = self._contacts.get(request.match_info["id"])
        if contact is None:
            raise Refusal(NOT_FOUND, "the contact was not found")
        name = request.match_info["operation"]
        if name == "delete":
            del self._contacts[contact["id"]]
        elif name == "update":
            contact["attributes"] = parameters(await read_body(request))
        elif name == "get-history":
            return done({"interactions": []})
        return done(contact)

    async def _subscribe(self, request: web.Request) -> web.Response:
        session = self._workspace.session(request)
        wanted = parameters(await read_body(request)).get("statistics")
        if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
            raise Refusal(FAILED, "statistics is missing")
        kept = session.state.reporting
        if len(kept) >= MAX_SUBSCRIPTIONS:
            raise Refusal(FAILED, "too many subscriptions")
        identity = uuid(self._world.rng)
        kept[identity] = [{**one, "statisticId": uuid(self._world.rng)} for one in wanted]
        return done(self._report(identity, kept[identity]))

    def _report(self, identity: str, statistics: list[Data]) -> Data:
        now = int(self._world.now() * 1000)
        values = [{**one, "timestamp": now, "value": self._value(one, now)} for one in statistics]
        return {"subscriptionId": identity, "statistics": values}

    def _value(self, one: Data, now: int) -> Data:
        number = self._world.rng.randrange(100)
        return {
            "intValue": number,
            "stringValue": str(number),
            "timestamp": now,
            "tag": str(one.get("name", "")),
            "intervalLength": 0,
        }

    async def _subscriptions(self, request: web.Request) -> web.Response:
        kept = self._workspace.session(request).state.reporting
        return done({"subscriptions": [self._report(key, one) for key, one in kept.items()]})

    async def _peek(self, request: web.Request) -> web.Response:
        kept, identity = self._workspace.session(request).state.reporting, request.match_info["id"]
        if identity not in kept:
            raise Refusal(NOT_FOUND, "the subscription was not found")
        return done(self._report(identity, kept[identity]))

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        kept = self._workspace.session(request).state.reporting
        if kept.pop(request.match_info["id"], None) is None:
            raise Refusal(NOT_FOUND, "the subscription was not found")
        return done()

    async def _supervise(self, request: web.Request) -> web.Response:
        """A supervisor sets another agent's state on voice."""
        self._workspace.session(request)
        body = await read_body(request)
        agent = self._world.agents.get(text(parameters(body), "userName"))
        if agent is None:
            raise Refusal(NOT_FOUND, "the user was not found")
        name = request.match_info["operation"]
        outcome = self._world.operate_on_voice(agent, name, parameters(body), body)
        return self._workspace.answer(agent, outcome, body)
