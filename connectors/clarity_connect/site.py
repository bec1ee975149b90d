"""Which server and which transports the feed uses."""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors._wire.signalr.values import Transport
from connectors.clarity_connect.client import Api
from connectors.clarity_connect.directory import Directory
from connectors.clarity_connect.settings import ClarityConnectSettings
from connectors.clarity_connect.vendor import API
from gateway.errors import ConfigError, NotReady, Reason

_UNREACHABLE = frozenset({Reason.REFUSED, Reason.DNS, Reason.TIMEOUT})


class Site:
    """The way to one server of the site: `api.root` is set to it.

    Attributes:
        offered: transports that the administrator left enabled, as last told.
    """

    def __init__(self, settings: ClarityConnectSettings, api: Api, directory: Directory) -> None:
        self._settings = settings
        self.api = api
        self.directory = directory
        self.offered: list[str] = []

    async def choose_server(self, kept: str) -> None:
        """Stay on one server, if possible on `kept`: cursors and buffers are its own."""
        settings = self._settings
        site = f"{settings.base_url}{API}"
        self.api.root = site
        if not settings.pin_server:
            return
        if kept and self._may_use(kept):
            self.api.root = kept
            try:
                await self.directory.info()
            except NotReady as error:
                if error.reason not in _UNREACHABLE:
                    raise
                self.api.root = site
            else:
                return
        try:
            server = await self.directory.specific_server()
        except NotReady as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            return
        root = f"{server.rstrip('/')}/api" if server else ""
        if root and self._may_use(root):
            self.api.root = root

    def _may_use(self, root: str) -> bool:
        """Whether the token may be sent there."""
        parts = urlsplit(root)
        secure = parts.scheme == "https" or self._settings.base_url.startswith("http:")
        return secure and (parts.hostname or "").lower() in self._settings.allowed_api_hosts

    async def transports(self) -> list[Transport]:
        """The transports that both the settings and the administrator allow."""
        told = (await self.directory.info()).get("signalRTransports")
        self.offered = (
            [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
        )
        wanted = list(self._settings.transports)
        if not isinstance(told, list):
            return wanted
        offered = {name.lower() for name in self.offered}
        common = [one for one in wanted if one.value.lower() in offered]
        if not common:
            raise ConfigError(
                f"{self.api.peer} offers {', '.join(self.offered) or 'no SignalR transport'}, "
                f"the settings allow {', '.join(wanted)}",
                reason=Reason.UNSUPPORTED,
                hint="let the administrator enable one of them, or change transports",
            )
        return common

    def addresses(self) -> list[str]:
        """Where SignalR may be: the documentation does not say."""
        if self._settings.signalr_url is not None:
            return [self._settings.signalr_url]
        parts = urlsplit(self.api.root)
        root = self.api.root.removesuffix("/api")
        return list(dict.fromkeys((f"{root}/signalr", f"{parts.scheme}://{parts.netloc}/signalr")))
