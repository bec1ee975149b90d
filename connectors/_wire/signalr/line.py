"""The transport of one connection: brought up, and brought up again for as long as the server keeps the connection.

Before that, and before a kept connection is taken up, a second connection is opened for a moment to
learn which server process answers: after a restart it would accept the old token, deliver nothing, and
never say so. What the application on the server ties to a connection can go while the transport and its
replay still work; whoever knows how to ask for it is let ask each time, before anything is read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from connectors._wire import http_errors
from connectors._wire.signalr import channels
from connectors._wire.signalr.channels import Channel
from connectors._wire.signalr.opening import Early, Opening
from connectors._wire.signalr.session import SignalRSession
from connectors._wire.signalr.troubles import Troubles
from connectors._wire.signalr.values import Gap, Loss, SignalRResume
from gateway.clock import Clock
from gateway.errors import ConnectionFailed, NotConnected, NotReady, Reason


class Line:
    """One transport at a time.

    Attributes:
        channel: the transport that is up, or none.
        troubles: how often it failed.
    """

    def __init__(
        self,
        opening: Opening,
        session: SignalRSession,
        *,
        peer: str,
        verify_process: bool,
        verify_kept: Callable[[str], Awaitable[bool]] | None,
        retry_seconds: float,
        clock: Clock,
        now: Callable[[], float],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._opening = opening
        self._session = session
        self._peer = peer
        self._verify_process = verify_process
        self._verify_kept = verify_kept
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._now = now
        self._uniform = uniform
        self.channel: Channel | None = None
        self.troubles = Troubles()

    async def open_new(self, gap: Gap | None) -> Early:
        """A new connection, `gap` being what was lost with the one before; gives what came at once."""
        self.channel, early = await self._opening.open_new(gap, self._now)
        self.troubles.opened(self._now())
        return early

    async def take_up(self, resume: SignalRResume) -> Loss | None:
        """Go on with a kept connection; gives why that cannot be, if it cannot."""
        self._session.restore(resume)
        try:
            await self._bring_up()
        except NotConnected:
            lost = self._session.judge(resume, self._now())
            if lost is None:
                raise
            return lost
        return None

    async def recover(self, error: ConnectionFailed) -> None:
        """Bring a transport up again, after the last one broke with `error` and was let go.

        Raises:
            NotConnected: it is of no use to try on, or the server keeps the connection no longer.
            ConnectionFailed: it will not work either.
        """
        self._give_up_if_pointless(error)
        attempts = 0
        while True:
            if self._now() >= self._session.expires_at():
                self._session.lose(Loss.EXPIRED)
                raise NotConnected(
                    f"{error.message}, for longer than the connection is kept",
                    reason=error.reason,
                    hint=error.hint,
                ) from error
            if attempts or self.troubles.repeated:
                pause = self._retry_seconds
                await self._clock.sleep(self._uniform(pause / 2, pause))
            attempts += 1
            try:
                await self._bring_up()
            except NotReady as failure:
                if http_errors.is_final(failure):
                    raise
                error = failure
            else:
                return

    async def let_go(self) -> None:
        """Close the transport; the server keeps the connection."""
        channel, self.channel = self.channel, None
        if channel is not None:
            await channel.close()

    async def _bring_up(self) -> None:
        """A transport for the connection that is known.

        Raises:
            NotConnected: the connection is lost, and noted as such.
            ConnectionFailed: this attempt failed.
        """
        if self._verify_process and self._session.process:
            process = await self._opening.ask_process()
            if process and process != self._session.process:
                self._session.lose(Loss.SERVER_RESTARTED)
                raise NotConnected(f"{self._peer} has started anew", reason=Reason.SESSION_LOST)
        try:
            self.channel = await self._opening.reopen()
        except ConnectionFailed as error:
            if not channels.is_refusal(error):
                raise
            self._session.lose(Loss.SESSION_LOST)
            raise NotConnected(
                f"{self._peer} does not take the connection back: {error.message}",
                reason=Reason.SESSION_LOST,
            ) from error
        try:
            await self._see_what_was_kept()
        except BaseException:
            await self.let_go()
            raise
        self.troubles.opened(self._now())

    async def _see_what_was_kept(self) -> None:
        verify = self._verify_kept
        if verify is None or await verify(self._session.connection_id):
            return
        self._session.lose(Loss.SESSION_LOST)
        raise NotConnected(
            f"{self._peer} took the connection back without what belonged to it",
            reason=Reason.SESSION_LOST,
        )

    def _give_up_if_pointless(self, error: ConnectionFailed) -> None:
        if http_errors.is_final(error) and not channels.is_refusal(error):
            raise error
        if channels.is_refusal(error):
            self._session.lose(Loss.SESSION_LOST)
            raise NotConnected(
                f"{self._peer} does not let the connection go on: {error.message}",
                reason=Reason.SESSION_LOST,
            ) from error
        verdict = self.troubles.failed(error, self._peer, self._now())
        if verdict is None:
            return
        if verdict.loss is not None:
            self._session.lose(verdict.loss)
        raise verdict.error from error
