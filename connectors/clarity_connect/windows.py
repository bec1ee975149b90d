"""Windows authentication of one request: NTLM, or Negotiate that carries it, over one TCP connection.

The handshake belongs to the connection, so this keeps a session of its own with a single one, and one
handshake at a time. Under TLS the handshake is bound to the channel (RFC 5929, section 4), which servers
with extended protection demand. Source: MS-NLMP; RFC 4559; RFC 5929.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from connectors._wire import http_errors
from gateway.errors import AuthRejected, NotReady, ProtocolViolation, Reason

SCHEMES = ("Negotiate", "NTLM")
MAX_LEGS = 6
MAX_BODY_BYTES = 262_144
_UNAUTHORIZED = 401
_WEAK = (hashes.MD5, hashes.SHA1)


class _Answer(aiohttp.ClientResponse):
    """Keeps the peer's certificate: a short answer has let go of its connection before one can ask."""

    certificate: bytes | None = None
    transport_id = 0

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Look at the connection, then go on as usual."""
        transport = connection.transport
        self.transport_id = id(transport)
        tls = transport.get_extra_info("ssl_object") if transport else None
        self.certificate = tls.getpeercert(binary_form=True) if tls else None
        return await super().start(connection)


class WindowsPost:
    """Posts forms as one Windows account."""

    def __init__(
        self,
        *,
        username: str,
        password: str,
        schemes: tuple[str, ...] = SCHEMES,
        timeout_seconds: float,
        ssl: Any = True,
    ) -> None:
        self._username = username
        self._password = password
        self._schemes = schemes
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._ssl = ssl
        self._order = asyncio.Lock()

    async def post(self, url: str, form: Mapping[str, str]) -> tuple[int, bytes]:
        """The status and body of the answer to the authenticated request.

        Raises:
            AuthRejected: the account or its password was refused, or no scheme is offered that we know.
            NotReady: the server cannot be reached.
            ProtocolViolation: what it answers is no handshake.
        """
        peer = urlsplit(url).netloc.rpartition("@")[2]
        async with self._order:
            try:
                async with aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit_per_host=1, ssl=self._ssl),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    response_class=_Answer,
                    timeout=self._timeout,
                ) as http:
                    return await self._shake_hands(http, url, form, peer)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise http_errors.of_exception(error, peer) from error

    async def _shake_hands(
        self, http: aiohttp.ClientSession, url: str, form: Mapping[str, str], peer: str
    ) -> tuple[int, bytes]:
        status, body, answer = await self._send(http, url, form, None)
        if status != _UNAUTHORIZED:
            return status, body
        offered = [value.split(" ", 1)[0].lower() for value in _challenges(answer)]
        scheme = next((one for one in self._schemes if one.lower() in offered), None)
        if scheme is None:
            raise AuthRejected(
                f"{peer} offers no Windows authentication",
                reason=Reason.UNSUPPORTED,
                hint="it has to offer Negotiate or NTLM",
            )
        context = self._context(scheme, peer, answer)
        token: bytes | None = None
        for _leg in range(MAX_LEGS):
            try:
                mine = context.step(token)
            except (SpnegoError, ValueError, TypeError, IndexError) as error:
                raise ProtocolViolation(
                    f"{peer} breaks the {scheme} handshake: {type(error).__name__}"
                ) from error
            if mine is None:
                break
            text = base64.b64encode(mine).decode()
            connection = answer.transport_id
            status, body, answer = await self._send(http, url, form, f"{scheme} {text}")
            if status != _UNAUTHORIZED:
                return status, body
            if connection != answer.transport_id:
                raise NotReady(
                    f"{peer} closed the connection in the middle of the sign-in",
                    reason=Reason.RESET,
                )
            token = _token_of(answer, scheme)
            if token is None:
                break
        raise AuthRejected(
            f"{peer} refuses the Windows account {self._username!r}",
            reason=Reason.AUTH,
            hint="check username and password, and that the account is not locked",
        )

    def _context(self, scheme: str, peer: str, answer: _Answer) -> spnego.ContextProxy:
        return spnego.client(
            self._username,
            self._password,
            hostname=peer.rpartition(":")[0] or peer,
            service="HTTP",
            protocol=scheme.lower(),
            options=spnego.NegotiateOptions.use_ntlm,
            channel_bindings=_bindings(answer.certificate),
        )

    async def _send(
        self,
        http: aiohttp.ClientSession,
        url: str,
        form: Mapping[str, str],
        authorization: str | None,
    ) -> tuple[int, bytes, _Answer]:
        headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
        if authorization is not None:
            headers["Authorization"] = authorization
        async with http.post(
            url, data=dict(form), headers=headers, allow_redirects=False
        ) as answer:
            # The body of a 401 too: else the connection, and the handshake with it, is lost.
            body = b""
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    answer.close()
                    raise NotReady(f"{answer.host} answers with too much", reason=Reason.TOO_LARGE)
            assert isinstance(answer, _Answer)  # noqa: S101 - the session makes no others
            return answer.status, body, answer


def _challenges(answer: aiohttp.ClientResponse) -> list[str]:
    found = answer.headers.getall("WWW-Authenticate", [])
    return [part.strip() for value in found for part in value.split(",")]


def _token_of(answer: aiohttp.ClientResponse, scheme: str) -> bytes | None:
    for value in answer.headers.getall("WWW-Authenticate", []):
        name, _, text = value.partition(" ")
        if name.lower() == scheme.lower() and text.strip():
            try:
                return base64.b64decode(text.strip(), validate=True)
            except binascii.Error:
                return None
    return None


def _bindings(certificate: bytes | None) -> GssChannelBindings | None:
    if certificate is None:
        return None
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, _WEAK):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())
