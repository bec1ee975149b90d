"""Watching workbins: the topic alone is silent, each workbin must be subscribed as well.

The reference gives the operation below `/me/workbins`; a server of 8.5.2 takes it below
`/workbins`. So each is tried, and the form that works is used for the rest.
Source: Genesys Web Services API reference, "Workbins" (SubscribeWorkbinEvents, GetWorkbinTypesInfo).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from connectors.genesys_web_services.client import AgentHttp
from connectors.genesys_web_services.commands import ME
from connectors.genesys_web_services.reading import ROOT, operate, optional
from gateway.errors import CommandUncertain, ConnectionFailed, NotReady

EVERY = "*"
MAX_WORKBINS = 100
MAX_TRIES = 3
_NAMES = ("workbinName", "viewName", "workbinId", "name", "id")
_IDS = ("workbinId", "id")


class WorkbinWatch:
    """The workbins that one agent's feed watches. `state` has each with the reason why it is not watched, if so."""

    def __init__(self, http: AgentHttp, wanted: tuple[str, ...]) -> None:
        self._http = http
        self._wanted = wanted
        self._roots = [f"{ROOT}/workbins", f"{ME}/workbins"]
        self._sessions = 0
        self._ids: dict[str, str] = {}
        self.state: dict[str, str] = {}

    async def subscribe(self) -> None:
        """Subscribe to every wanted workbin, as after each new session. A refusal is kept in `state` and is no error.

        A session that is renewed on the way, by any request, may have lost what was subscribed before; then it is
        done again. Raises NotReady, NotConnected, AuthRejected.
        """
        if not self._wanted:
            return
        for _ in range(MAX_TRIES):
            self._sessions = self._http.sessions
            await self._subscribe_all()
            if self._http.sessions == self._sessions:
                break

    async def contents(self) -> dict[str, list[Any]]:
        """What lies in the watched workbins now, by name; one that cannot be read is left out.

        Asked after `subscribe`, so that nothing falls between. Raises NotReady, AuthRejected.
        """
        found: dict[str, list[Any]] = {}
        for name, workbin in self._ids.items():
            path = f"{ME}/workbins/{quote(workbin, safe='')}/interactions?fields=*"
            reply, _ = await optional(self._http, path)
            listed = reply.get("interactions")
            if isinstance(listed, list):
                found[name] = listed
        return found

    async def keep(self) -> None:
        """Subscribe again if a request has renewed the HTTP session since; that it cannot be done now is no error."""
        if self._wanted and self._http.sessions != self._sessions:
            with suppress(ConnectionFailed):
                await self.subscribe()

    async def _subscribe_all(self) -> None:
        listed, why = await self._list()
        self._ids.clear()
        self.state = dict.fromkeys(self._missing(listed), why or "there is no such workbin")
        for name, workbin in self._chosen(listed):
            try:
                why = self.state[name] = await self._subscribe(workbin)
            except CommandUncertain as error:
                raise NotReady(error.message, reason=error.reason) from error
            if not why:
                self._ids[name] = workbin

    async def _list(self) -> tuple[list[dict[str, Any]], str]:
        why = ""
        for path in (f"{ME}/workbins?fields=*", f"{ROOT}/workbins?fields=*"):
            reply, why = await optional(self._http, path)
            listed = reply.get("workbins")
            if isinstance(listed, list):
                return [item for item in listed if isinstance(item, dict)][:MAX_WORKBINS], ""
        return [], why

    async def _subscribe(self, workbin: str) -> str:
        why = ""
        for root in self._roots:
            why = await operate(self._http, f"{root}/{quote(workbin, safe='')}", "Subscribe")
            if not why:
                self._roots = [root]
                break
        return why

    def _chosen(self, listed: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        for item in listed:
            names = _texts(item, _NAMES)
            if names and (EVERY in self._wanted or set(names) & set(self._wanted)):
                yield names[0], next(iter(_texts(item, _IDS)), names[0])

    def _missing(self, listed: list[dict[str, Any]]) -> set[str]:
        known = {name for item in listed for name in _texts(item, _NAMES)}
        return set(self._wanted) - known - ({EVERY} if listed else set())


def _texts(item: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    return [value for name in names if isinstance(value := item.get(name), str) and value]
