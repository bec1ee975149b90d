"""Attachments of interactions: a form brings the file, its document is read and removed under an id.

Sources: workspace-client-js 9.0.1, `MediaApi` (addAttachment, removeAttachment, attachments); the shape of
an entry of `attachments` is that of agent-api-simulator.
"""

from __future__ import annotations

from aiohttp import web

from connectors._simulation.genesys_ids import uuid
from connectors._simulation.uploads import read_file
from connectors.genesys_engage_cloud._simulated.http import read_body
from connectors.genesys_engage_cloud._simulated.media import Media
from connectors.genesys_engage_cloud._simulated.messages import ROOT
from connectors.genesys_engage_cloud._simulated.model import Agent, Interaction
from connectors.genesys_engage_cloud._simulated.workspace import Workspace
from connectors.genesys_engage_cloud._simulated.world import FAILED, NOT_FOUND, Outcome, Refusal

FIELD = "attachment"
MAX_DOCUMENTS = 100
"""So many of the newest contents are kept; of older ones only what the interaction says of them."""


class Attachments:
    """Routes that share the workspace session; they come before those of the other operations."""

    def __init__(self, workspace: Workspace, media: Media) -> None:
        self._workspace = workspace
        self._media = media
        self.documents: dict[str, bytes] = {}
        """Contents by the id of the document."""

    def routes(self) -> list[web.RouteDef]:
        """Add, read and remove."""
        one = f"{ROOT}/media/{{type}}/interactions/{{id}}"
        return [
            web.post(f"{one}/add-attachment", self._add),
            web.post(f"{one}/remove-attachment/{{document}}", self._remove),
            web.get(f"{one}/attachments/{{document}}", self._get),
        ]

    async def _add(self, request: web.Request) -> web.Response:
        agent, interaction = self._interaction(request)
        try:
            file = await read_file(
                request, FIELD, most=self._workspace.world.settings.max_attachment_bytes
            )
        except ValueError as error:
            raise Refusal(FAILED, str(error)) from None

        def act() -> None:
            document = uuid(self._workspace.world.rng)
            self.documents[document] = file.content
            if len(self.documents) > MAX_DOCUMENTS:
                del self.documents[next(iter(self.documents))]
            interaction.attachments.append(
                {
                    "id": document,
                    "name": file.name,
                    "mime": file.content_type,
                    "size": len(file.content),
                    "isEmbedded": False,
                }
            )
            self._tell(agent, interaction)

        body = {"operationId": file.fields["operationId"]} if "operationId" in file.fields else {}
        return self._workspace.answer(agent, Outcome(then=act), body)

    async def _remove(self, request: web.Request) -> web.Response:
        agent, interaction = self._interaction(request)
        body = await read_body(request)
        document = request.match_info["document"]
        rest = [each for each in interaction.attachments if each["id"] != document]
        if len(rest) == len(interaction.attachments):
            raise Refusal(FAILED, f"there is no attachment {document}")

        def act() -> None:
            interaction.attachments = rest
            self.documents.pop(document, None)
            self._tell(agent, interaction)

        return self._workspace.answer(agent, Outcome(then=act), body)

    async def _get(self, request: web.Request) -> web.Response:
        _, interaction = self._interaction(request)
        document = request.match_info["document"]
        if all(each["id"] != document for each in interaction.attachments):
            raise Refusal(NOT_FOUND, "the attachment was not found")
        return web.Response(body=self.documents.get(document, b""))

    def _interaction(self, request: web.Request) -> tuple[Agent, Interaction]:
        agent = self._workspace.agent(request)
        self._workspace.world.require("IXN")
        interaction = agent.interactions.get(request.match_info["id"])
        if interaction is None or interaction.media != request.match_info["type"]:
            raise Refusal(FAILED, f"there is no interaction {request.match_info['id']}")
        interaction.commanded = True
        return agent, interaction

    def _tell(self, agent: Agent, interaction: Interaction) -> None:
        self._media.tell(agent, interaction, "UCSPropertiesUpdated")
