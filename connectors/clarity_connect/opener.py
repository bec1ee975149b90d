"""The SignalR connection of a site: where it is, and classic or ASP.NET Core by what negotiate answers.

Source: Clarity Connect Web API Version 2, "Info" (transports); SignalR/SignalR 2.2.1 and dotnet/aspnetcore,
`TransportProtocols.md` (the answers to negotiate that tell the two apart).
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

from connectors._wire.signalr.client import SignalRClient
from connectors._wire.signalr.core import CoreClient
from connectors._wire.signalr.core_negotiation import SpeaksClassic
from connectors._wire.signalr.negotiation import SpeaksCore
from connectors._wire.signalr.values import SignalRResume, Transport
from connectors.clarity_connect.auth import Tokens
from connectors.clarity_connect.settings import ClarityConnectSettings
from gateway.contracts import ConnectorContext, Guarantee
from gateway.errors import ConnectionFailed, NotReady, Reason

Client = SignalRClient | CoreClient


def guarantee_of(client: Client) -> Guarantee:
    """What a connection promises: ASP.NET Core replays nothing, so there only the platform's state helps."""
    return Guarantee.SNAPSHOT if isinstance(client, CoreClient) else Guarantee.RESUMABLE


class Opener:
    """Opens connections for one feed."""

    def __init__(
        self,
        settings: ClarityConnectSettings,
        context: ConnectorContext,
        tokens: Tokens,
        *,
        verify_kept: Callable[[str], Awaitable[bool]],
        tls: ssl.SSLContext | bool,
        name: str,
    ) -> None:
        self._verify_kept = verify_kept
        self._settings = settings
        self._context = context
        self._tokens = tokens
        self._tls = tls
        self._name = name

    async def open(
        self,
        resume: SignalRResume | None,
        addresses: Sequence[str],
        transports: Sequence[Transport],
    ) -> Client:
        """A connection at the first of the addresses that has SignalR, the kept one before the others.

        Cancelling it leaves nothing open.

        Raises:
            NotReady, AuthRejected, ProtocolViolation, ConfigError: as of the clients.
        """
        left = list(addresses)
        if resume is not None and resume.base_url in left:
            left.remove(resume.base_url)
            left.insert(0, resume.base_url)
        # Only ASP.NET Core's connections are kept without a token: they cannot be gone on with.
        was_core = resume is not None and not resume.negotiated.token
        while True:
            address = left.pop(0)
            classic = self._classic(address, transports)
            core = self._core(address)
            try:
                return await _opened(core if was_core else classic, resume)
            except SpeaksCore:
                return await _opened(core, resume)
            except SpeaksClassic:
                return await _opened(classic, resume)
            except NotReady as error:
                if error.reason is not Reason.NOT_FOUND:
                    raise
                if not left:
                    # Some servers of ASP.NET Core answer so to a GET.
                    return await _opened(core, resume)

    def _classic(self, address: str, transports: Sequence[Transport]) -> SignalRClient:
        return SignalRClient(
            self._context.http,
            address,
            self._settings.hubs,
            headers=self._tokens.signalr_headers,
            query=self._query(),
            classify_http=_perhaps_core,
            transports=transports,
            identity=self._settings.username,
            verify_kept=self._verify_kept,
            tls=self._tls,
            clock=self._context.clock,
            name=self._name,
        )

    def _core(self, address: str) -> CoreClient:
        """ASP.NET Core SignalR has an address for each hub: `signalr_url` is then that of the one we hear."""
        return CoreClient(
            self._context.http,
            address,
            self._settings.hubs[0],
            headers=self._tokens.signalr_headers,
            query=self._query(),
            identity=self._settings.username,
            tls=self._tls,
            clock=self._context.clock,
            name=self._name,
        )

    def _query(self) -> Callable[[], Mapping[str, str]] | None:
        parameter = self._settings.token_parameter
        return (lambda: {parameter: self._tokens.token}) if parameter else None


async def _opened(client: Client, resume: SignalRResume | None) -> Client:
    try:
        await client.open(resume)
    except BaseException:
        await client.close()
        raise
    return client


def _perhaps_core(
    status: int, _headers: Mapping[str, str], _body: bytes
) -> ConnectionFailed | None:
    """A hub of ASP.NET Core takes its negotiate by POST only."""
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return None
    return SpeaksCore("the server takes no GET to negotiate", reason=Reason.UNSUPPORTED)
