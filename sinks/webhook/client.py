"""The HTTP side of a webhook: one session of its own, because the guard of addresses sits in its connector."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from ipaddress import ip_address
from typing import Self

import aiohttp
from aiohttp.resolver import DefaultResolver
from yarl import URL

from gateway.clock import Clock
from gateway.errors import ConfigError, Reason
from sinks.webhook.addresses import AddressPolicy, GuardedResolver, guarded_socket
from sinks.webhook.answers import Judgement, Waits, judge
from sinks.webhook.faults import judge_fault
from sinks.webhook.settings import WebhookSettings
from sinks.webhook.signing import Signer

MAX_ANSWER_BYTES = 64 * 1024
USER_AGENT = "tieline-webhook"


class WebhookClient:
    """Posts signed bodies and says what the answers mean. Made by `connect`."""

    def __init__(
        self, settings: WebhookSettings, clock: Clock, trust: ssl.SSLContext | None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._url = URL(settings.url)
        self._signer = Signer(settings.signing_secrets)
        self._headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._waits = Waits(
            max_retry_after_seconds=settings.max_retry_after_seconds,
            gone_pause_seconds=settings.gone_pause_seconds,
        )
        policy = AddressPolicy(
            allow_private=settings.allow_private, allow_networks=settings.allow_networks
        )
        _check_literal(self._url.host, policy, settings.peer)
        self._resolver = GuardedResolver(DefaultResolver(), policy)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=settings.concurrency,
                resolver=self._resolver,
                socket_factory=partial(guarded_socket, policy),
                # aiohttp's own context verifies against the system's authorities.
                ssl=trust or True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=settings.timeout_seconds),
            headers={"User-Agent": USER_AGENT},
            auto_decompress=False,
            trust_env=False,
        )

    @classmethod
    async def connect(cls, settings: WebhookSettings, clock: Clock) -> Self:
        """Prepare; nothing is sent yet.

        Raises ConfigError: the CA file cannot be used, or the URL names an address that is not allowed.
        """
        # Without a file all webhooks share one context: each takes 0.8 MiB and 20 ms.
        trust = await asyncio.to_thread(_trust_of, settings) if settings.ca_file else None
        return cls(settings, clock, trust)

    async def post(
        self, message_id: str, body: bytes, content_type: str, *, traceparent: str | None = None
    ) -> Judgement:
        """Post one body; never raises for what the receiver or the network does.

        `traceparent` is the trace that the body belongs to (W3C Trace Context, section 3.2).
        """
        settings = self._settings
        headers = {
            **self._headers,
            **self._signer.headers(message_id, body, self._clock.now()),
            "Content-Type": content_type,
        }
        if traceparent is not None:
            headers["traceparent"] = traceparent
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                await _read_answer(response)
                return judge(
                    response.status,
                    response.headers.get("Retry-After"),
                    peer=settings.peer,
                    now=self._clock.now(),
                    waits=self._waits,
                )
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            return judge_fault(error, settings.peer, settings.timeout_seconds)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        await self._resolver.close()


async def _read_answer(response: aiohttp.ClientResponse) -> None:
    """Read what was answered, so that the connection can be used again, but not without end."""
    left = MAX_ANSWER_BYTES
    try:
        while left > 0 and (chunk := await response.content.read(left)):
            left -= len(chunk)
    except (aiohttp.ClientError, OSError):
        left = 0  # the status is known, and the status is the answer
    if left <= 0:
        response.close()


def _trust_of(settings: WebhookSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ConfigError(
            f"ca_file {settings.ca_file} cannot be used: {error.strerror or 'not a PEM file'}",
            hint="name a readable file with certificates in PEM form",
        ) from error


def _check_literal(host: str | None, policy: AddressPolicy, peer: str) -> None:
    try:
        ip_address(host or "")
    except ValueError:
        return  # a name: its addresses are judged when it is resolved
    if not policy.allows(host or ""):
        raise ConfigError(
            f"{peer} is not an address that a webhook may connect to",
            reason=Reason.ADDRESS_FORBIDDEN,
            hint="set allow_private, or list its network in allow_networks",
        )
