"""Workbins of the simulated contact centre: which there are, who watches them, and what is told of their content.

Whoever subscribes to the topic alone hears nothing: each workbin must be watched by an operation ("Workbins"). The
watch ends with the HTTP session.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
from aiohttp import web

from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.model import Agent, Interaction
from connectors.genesys_web_services._simulated.rest import ROOT, SESSION
from connectors.genesys_web_services._simulated.sessions import HttpSession, HttpSessions
from connectors.genesys_web_services._simulated.world import (
    INVALID,
    NOT_FOUND,
    Refusal,
    World,
)

Data = dict[str, Any]
TOPIC = "/v2/me/workbins"
NAMES = ("Drafts", "Follow-up")


class Workbins:
    """The workbins, the same for every agent."""

    def __init__(self, world: World, sessions: HttpSessions, media: Media) -> None:
        self._world = world
        self._media = media
        self._sessions = sessions
        self._watched: dict[str, dict[str, HttpSession]] = {}
        self.subscriptions = 0
        """How many Subscribe operations were carried out."""

    def routes(self) -> list[web.RouteDef]:
        """The list, and the operations in the forms that this server takes."""
        me = f"{ROOT}/me/workbins"
        paths = {"me": (me,), "root": (f"{ROOT}/workbins",), "both": (me, f"{ROOT}/workbins")}
        return [
            web.get(me, self._list),
            web.get(me + "/{id}/interactions", self._content),
            *(
                web.post(path + "/{id}", self._operate)
                for path in paths[self._world.settings.workbin_path]
            ),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        """The types of workbins, with the number that stands for the result code here."""
        workbins = [
            {
                "workbinId": id_of(name),
                "active": 1,
                "workbinName": name,
                "viewName": f"{name}/PrivateView",
                "workbinType": 1,
            }
            for name in NAMES
        ]
        return _json({"status": 0, "workbins": workbins})

    async def _content(self, request: web.Request) -> web.Response:
        """GetWorkbinContent: properties under Interaction Server's own names."""
        workbin = name_of(request.match_info["id"])
        items = [
            {
                "InteractionId": one.id,
                "MediaType": one.channel,
                "InteractionType": one.kind,
                "InteractionSubtype": one.sub_kind,
                "Workbin": workbin,
                "WorkbinAgentId": None,
                "Queue": one.queue,
                "Subject": one.subject,
                "IsHeld": 0,
                "IsLocked": 0,
                "RRequestedSkills": None,
            }
            for place, one in self._media.parked.values()
            if name_of(place) == workbin
        ]
        return _json({"statusCode": 0, "interactions": items})

    async def _operate(self, request: web.Request) -> web.Response:
        session, workbin = request[SESSION], request.match_info["id"]
        if workbin not in {id_of(name) for name in NAMES}:
            raise Refusal(NOT_FOUND, f"there is no workbin {workbin}")
        try:
            name = msgspec.json.decode(await request.read())["operationName"]
        except (msgspec.DecodeError, TypeError, KeyError):
            raise Refusal(INVALID, "operationName is missing") from None
        watchers = self._watched.setdefault(workbin, {})
        if name == "Subscribe":
            watchers[session.agent.username] = session
            self.subscriptions += 1
        elif name == "Unsubscribe":
            watchers.pop(session.agent.username, None)
        else:
            raise Refusal(INVALID, f"operationName {name!r} is not a known operation")
        return _json({"status": 0})

    def watchers(self, workbin: str) -> list[str]:
        """Who would hear of a workbin now; it goes by its name or its id."""
        watching = self._watched.get(id_of(name_of(workbin)), {})
        return [user for user, session in watching.items() if self._sessions.is_alive(session)]

    def tell(self, happened: str, agent: Agent, interaction: Interaction, workbin: str) -> None:
        """Tell the watchers that an agent put an interaction into a workbin (PlacedIn) or took it out (TakenOut)."""
        for username in self.watchers(workbin):
            data: Data = {
                "messageType": "workbinNotificationResource",
                "operation": "Create" if happened == "PlacedIn" else "Delete",
                "workbinContentOperation": happened,
                "interaction": {
                    "id": interaction.id,
                    "channel": interaction.channel,
                    "state": "Queued",
                    "currentQueue": interaction.queue,
                    "interactionType": interaction.kind,
                    "interactionSubtType": interaction.sub_kind,
                    "userData": dict(interaction.user_data),
                },
                "workbinInfo": {
                    "workbinTypeId": name_of(workbin),
                    "workbinGroupId": None,
                    "workbinPlaceGroupId": None,
                    "workbinAgentId": agent.username,
                    "workbinPlaceId": None,
                },
                "actorInfo": {
                    "agentId": agent.username,
                    "actorMediaServerId": None,
                    "actorType": "Agent",
                    "actorPlaceId": None,
                },
                "reasonInfo": {"reason": 1, "reasonDescription": "moved", "reasonName": "moved"},
            }
            self._world.publish(self._world.agents[username], TOPIC, data)


def id_of(name: str) -> str:
    """The id that the server gives to a workbin."""
    return b64encode(f"{name}/PrivateView".encode()).decode()


def name_of(workbin: str) -> str:
    """The name of a workbin that goes by its name or its id."""
    return next((name for name in NAMES if workbin in {name, id_of(name)}), workbin)


def _json(body: Data) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
