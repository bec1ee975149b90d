"""Attachments of e-mails, which travel as forms and as plain content ("Attachments API")."""

from __future__ import annotations

import msgspec
from aiohttp import web

from connectors._simulation.uploads import read_file
from connectors.genesys_web_services._simulated.interaction_operations import Desk
from connectors.genesys_web_services._simulated.interactions import Media
from connectors.genesys_web_services._simulated.sessions import HttpSession
from connectors.genesys_web_services._simulated.world import (
    INVALID,
    NOT_FOUND,
    Refusal,
    World,
)

FIELD = "attachment"


class Attachments:
    """The sub-resource of an interaction."""

    def __init__(self, world: World, media: Media) -> None:
        self._world = world
        self._media = media

    def routes(self, path: str, session: web.RequestKey[HttpSession]) -> list[web.RouteDef]:
        """Add, read and remove."""
        self._session = session
        one = path + "/{document}"
        return [
            web.post(path, self._add),
            web.get(one, self._get),
            web.delete(one, self._remove),
        ]

    async def _add(self, request: web.Request) -> web.Response:
        agent = request[self._session].agent
        interaction = Desk.interaction(agent, request.match_info["id"])
        try:
            file = await read_file(request, FIELD, most=self._world.settings.max_attachment_bytes)
        except ValueError as error:
            raise Refusal(INVALID, str(error)) from None
        self._world.leave_alone(agent)
        document = self._media.attach(
            agent, interaction, file.name, file.content, file.content_type
        )
        return _json({"statusCode": 0, "documentId": document})

    async def _get(self, request: web.Request) -> web.Response:
        content, kind = self._document(request)
        return web.Response(body=content, content_type=kind)

    async def _remove(self, request: web.Request) -> web.Response:
        agent = request[self._session].agent
        interaction = Desk.interaction(agent, request.match_info["id"])
        self._document(request)
        self._media.detach(agent, interaction, request.match_info["document"])
        return _json({"statusCode": 0})

    def _document(self, request: web.Request) -> tuple[bytes, str]:
        agent, name = request[self._session].agent, request.match_info["document"]
        interaction = Desk.interaction(agent, request.match_info["id"])
        if all(each["id"] != name for each in interaction.attachments):
            raise Refusal(NOT_FOUND, "the attachment was not found")
        return self._media.documents[name]


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
