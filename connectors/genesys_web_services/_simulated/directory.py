"""The dictionaries of the simulated contact centre, and its own services.

Sections "Users API", "Skills API", "Queues API", "Devices API", "Contacts API", "Features", "Settings" and "Services";
who may read what is as the reference's tables say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from connectors.genesys_web_services._simulated import messages
from connectors.genesys_web_services._simulated.rest import ROOT, SESSION
from connectors.genesys_web_services._simulated.statistics import QUEUES, SKILLS
from connectors.genesys_web_services._simulated.world import NOT_PERMITTED, Refusal, World

Data = dict[str, Any]
_Handler = Callable[[web.Request], Awaitable[web.Response]]
FEATURES = ("api-voice", "api-multimedia-chat", "api-multimedia-email")
SERVICES = ("Provisioning", "Voice", "Reporting", "Media")


class Dictionaries:
    """Lists of what there is. `queues` and `skills` may be changed while it runs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.queues = {
            number: {"id": number, "name": f"Queue {number}", "channel": "voice", "internal": True}
            for number in QUEUES
        }
        self.skills = {
            name: {"id": name, "name": name, "description": f"Knows about {name}", "level": "0"}
            for name in SKILLS
        }
        self.services = dict.fromkeys(SERVICES, "Active")

    def routes(self) -> list[web.RouteDef]:
        """The lists below the API's root."""
        return [
            web.get(f"{ROOT}/users", self._list("users", self._users)),
            web.get(f"{ROOT}/devices", self._list("devices", self._devices, admin=True)),
            web.get(f"{ROOT}/contacts", self._list("contacts", self._contacts)),
            web.get(f"{ROOT}/features", self._list("features", self._features)),
            web.get(f"{ROOT}/settings", self._groups),
            web.get(
                f"{ROOT}/queues",
                self._list("queues", lambda: list(self.queues.values()), admin=True),
            ),
            web.get(
                f"{ROOT}/skills",
                self._list("skills", lambda: list(self.skills.values()), admin=True),
            ),
            web.get(f"{ROOT}/services", self._list("services", self._services)),
            web.get(ROOT + "/services/{id}", self._service),
        ]

    def set_service(self, name: str, state: str) -> None:
        """Change the state of one of the platform's services and tell everybody who listens."""
        self.services[name] = state
        for username in sorted(self._listeners(messages.SERVICES)):
            data = {"messageType": "ServiceStateChangeMessage", "service": self._resource(name)}
            self._world.publish(self._world.agents[username], messages.SERVICES, data)

    def _listeners(self, topic: str) -> set[str]:
        sessions = self._world.bayeux.sessions
        return {session.owner for session in sessions if session.listens_to(topic)}

    def _list(self, name: str, items: Callable[[], list[Data]], *, admin: bool = False) -> _Handler:
        """A handler that gives URIs, or whole resources when `fields` is given ("Object Fields")."""

        async def handle(request: web.Request) -> web.Response:
            if admin and not self._world.is_supervisor(request[SESSION].agent):
                raise Refusal(NOT_PERMITTED, f"reading {name} is not permitted")
            if "fields" in request.query:
                return _json({"statusCode": 0, name: items()})
            uris = [f"{self._world.base}/{name}/{item['id']}" for item in items()]
            return _json({"statusCode": 0, "uris": uris})

        return handle

    def _users(self) -> list[Data]:
        return [
            {
                "id": agent.id,
                "userName": agent.username,
                "firstName": agent.first_name,
                "lastName": "Simulated",
                "roles": ["ROLE_AGENT"],
                "enabled": True,
            }
            for agent in self._world.agents.values()
        ]

    def _devices(self) -> list[Data]:
        base = self._world.base
        return [messages.device_resource(agent, base) for agent in self._world.agents.values()]

    def _contacts(self) -> list[Data]:
        queues = [
            {"id": f"queue-{queue['id']}", "name": queue["name"], "type": "Queue"}
            for queue in self.queues.values()
        ]
        people = [
            {
                "id": f"user-{agent.id}",
                "name": f"{agent.first_name} Simulated",
                "type": "User",
                "phoneNumber": agent.phone_number,
                "userName": agent.username,
            }
            for agent in self._world.agents.values()
        ]
        return queues + people

    @staticmethod
    def _features() -> list[Data]:
        return [
            {"id": name, "displayName": name.removeprefix("api-"), "description": name}
            for name in FEATURES
        ]

    async def _groups(self, _request: web.Request) -> web.Response:
        """The list of settings groups, without a status code as the reference shows it."""
        groups = [
            {"displayName": "Agent States", "uri": f"{self._world.base}/settings/agent-states"}
        ]
        return _json({"settings": groups})

    def _resource(self, name: str) -> Data:
        return {"id": name.lower(), "name": name, "type": name, "state": self.services[name]}

    def _services(self) -> list[Data]:
        return [self._resource(name) for name in self.services]

    async def _service(self, request: web.Request) -> web.Response:
        """One service, as a list of one: so the reference shows it."""
        wanted = request.match_info["id"]
        return _json(
            {
                "statusCode": 0,
                "service": [
                    self._resource(name) for name in self.services if name.lower() == wanted
                ],
            }
        )


def _json(body: Data) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
