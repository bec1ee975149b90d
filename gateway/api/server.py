"""The listening socket of the API, with TLS if configured."""

from __future__ import annotations

import logging
import ssl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.api.application import ACCESS, build_api
from gateway.api.certificate import server_context
from gateway.api.runtime import ApiRuntime
from gateway.api.settings import ApiSettings, TlsSettings
from gateway.api.streaming.tail import StreamPolicy
from gateway.clock import Clock
from gateway.errors import ConfigError
from gateway.telemetry_figures import ApiFigures

_SHUTDOWN_SECONDS = 2.0
# How long a client may go on sending a body that was refused, before it is cut off.
_LINGERING_SECONDS = 1.0


class _WithoutRequests(logging.Filter):
    """Keeps what was sent out of the log: a line that is no HTTP may hold a token, and is anybody's to send."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the line through with the kind of error alone."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.msg, record.args = "a request is no HTTP: %s", (type(error).__name__,)
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


_log = logging.getLogger("tieline.api.http")
_log.addFilter(_WithoutRequests())


class ApiServer:
    """Serves one runtime. Start once, close once; closing ends requests that still wait after two seconds.

    Attributes:
        figures: what the API counts.
    """

    def __init__(
        self,
        runtime: ApiRuntime,
        settings: ApiSettings,
        *,
        stream_policy: StreamPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.figures = ApiFigures()
        self._settings = settings
        self._newest: ssl.SSLContext | None = None
        self._runner = web.AppRunner(
            build_api(
                runtime, settings, figures=self.figures, stream_policy=stream_policy, clock=clock
            ),
            access_log=None,
            logger=_log,
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            lingering_time=_LINGERING_SECONDS,
        )

    async def start(self) -> str:
        """Listen; returns the URL. Raises ConfigError: the address is taken or not ours, or the certificate is bad."""
        tls = self._newest = _context(self._settings.tls) if self._settings.tls else None
        if tls is not None:
            # Asked at each handshake, whether the client names a server or not: a certificate is renewed meanwhile.
            tls.sni_callback = self._choose
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError(
                f"gateway.api: cannot listen on {self._settings.host} port {self._settings.port}:"
                f" {error.strerror or error}",
                hint="choose another host or port, or stop what listens there",
            ) from error
        host, port = self._runner.addresses[0][:2]
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if tls else 'http'}://{name}:{port}"

    def take_over(self, settings: ApiSettings) -> None:
        """Know the tokens of these settings from now on, and show their certificate to whoever connects.

        Everything else stays as it was at the start. Raises ConfigError for a bad certificate, and changes nothing.
        """
        if settings.tls is not None and self._newest is not None:
            self._newest = _context(settings.tls)
        self._runner.app[ACCESS].take_over(settings)

    def _choose(
        self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _first: ssl.SSLContext
    ) -> None:
        if self._newest is not None:
            connection.context = self._newest

    async def close(self) -> None:
        """Stop listening and end what is open. Idempotent."""
        await self._runner.cleanup()


def _context(settings: TlsSettings) -> ssl.SSLContext:
    try:
        return server_context(settings.cert, settings.key)
    except ValueError as error:
        raise ConfigError(
            f"gateway.api.tls: {error}", hint="the files have changed since they were checked"
        ) from error
