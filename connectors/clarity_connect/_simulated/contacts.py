"""What can happen to a session: it queues, is offered, answered, held, recorded, joined, transferred, ended."""

from __future__ import annotations

import time

from connectors.clarity_connect._simulated.model import (
    AFTER_CALL,
    AVAILABLE,
    BUSY,
    CONFERENCE,
    DIRECT_IN,
    DIRECT_INBOUND,
    DIRECT_OUT,
    DIRECT_OUTBOUND,
    IN_CALL,
    IN_IM_CALL,
    RING_NO_ANSWER,
    RINGING,
    Agent,
    Modality,
    Participation,
    Queue,
    Session,
)
from connectors.clarity_connect._simulated.resources import stamp
from connectors.clarity_connect._simulated.world import World

SERVICE_LEVEL_SECONDS = 20.0
WHISPER_JOIN, SILENT_JOIN, TRANSFER_AGENT = 7, 8, 5


class Contacts:
    """The life of sessions. Every method leaves the world touched, so that subscribers are told."""

    def __init__(self, world: World) -> None:
        self._world = world

    def arrive(self, queue: Queue, modality: Modality) -> Session:
        """A customer comes in and waits in a queue."""
        world = self._world
        customer = f"Customer {world.rng.randrange(1000)}"
        session = world.new_session(modality, queue.id, customer)
        session.queued_at = time.time()
        world.note(session, f"Session has been assigned to queue: {queue.name}")
        world.count(session, "", "queuedCount")
        world.set_session(session, "Queued")
        return session

    def offer(self, session: Session, agent: Agent) -> None:
        """It rings at an agent."""
        session.offers = [Participation(agent, offered_at=time.time())]
        agent.sessions[session.id] = session
        if session.modality is not Modality.MESSAGE:
            self._world.set_status(agent, RINGING)
        self._world.set_session(session, "NotifyingAgent")

    def answer(self, session: Session) -> None:
        """The agent whom it is offered to takes it."""
        world, now = self._world, time.time()
        part = session.offers.pop()
        agent = part.agent
        part.accepted_at = now
        for other in session.participants:
            other.primary = False
        session.participants = [one for one in session.participants if one.agent is not agent]
        session.participants.append(part)
        session.agent = agent
        session.answered_at = now
        session.active_at = session.active_at or now
        self._show(agent, session)
        world.count(session, "answeredCount", "answeredCount")
        world.count(session, "takenCount")
        world.set_session(session, "Active")

    def ring_out(self, session: Session) -> None:
        """Nobody took it: back into the queue."""
        world = self._world
        part = session.offers.pop()
        part.agent.sessions.pop(session.id, None)
        part.agent.metrics[session.modality]["ronaCount"] += 1
        world.set_status(part.agent, RING_NO_ANSWER)
        session.queued_at = time.time()
        world.set_session(session, "ReEnqueued")

    def dial(self, agent: Agent, *, outbound: bool) -> Session:
        """A direct call, by or to the agent, that was answered."""
        world, now = self._world, time.time()
        session = world.new_session(
            Modality.AUDIO,
            DIRECT_OUTBOUND if outbound else DIRECT_INBOUND,
            f"Customer {world.rng.randrange(1000)}",
        )
        session.agent, session.active_at, session.answered_at = agent, now, now
        session.participants = [Participation(agent, offered_at=now, accepted_at=now)]
        agent.sessions[session.id] = session
        world.set_status(agent, DIRECT_OUT if outbound else DIRECT_IN)
        world.count(session, "directOutboundCallCount" if outbound else "directInboundCallCount")
        world.set_session(session, "DirectOutboundDial" if outbound else "DirectInboundDial")
        return session

    def hold(self, session: Session, *, on: bool) -> None:
        """Put the customer on hold, or not any more."""
        session.held_at = time.time() if on else None
        if on:
            self._world.count(session, "heldCount")
        self._world.note(session, "Session put on hold." if on else "Session taken off hold.")
        self._world.touch_session(session)

    def record(self, session: Session, *, on: bool) -> None:
        """Start or stop the recording."""
        session.recorded_at = time.time() if on else None
        self._world.note(session, "Recording started." if on else "Recording stopped.")
        self._world.touch_session(session)

    def join(self, session: Session, agent: Agent, *, whisper: bool) -> None:
        """A supervisor listens in."""
        kind, now = WHISPER_JOIN if whisper else SILENT_JOIN, time.time()
        session.participants.append(Participation(agent, kind, now, now, primary=False))
        self._world.touch_session(session)

    def unjoin(self, session: Session) -> None:
        """Supervisors leave."""
        self._world.touch_session(session)
        session.participants = [
            one for one in session.participants if one.type_id not in {WHISPER_JOIN, SILENT_JOIN}
        ]

    def transfer(self, session: Session, agent: Agent) -> None:
        """Offer it to another agent, who becomes the primary one on answering."""
        giver = session.agent
        session.offers = [
            Participation(agent, TRANSFER_AGENT, offered_at=time.time(), initiator=giver)
        ]
        agent.sessions[session.id] = session
        self._world.set_status(agent, RINGING)
        self._world.count(session, "transferredCount")
        self._world.set_session(session, "NotifyingAgent")

    def take_over(self, session: Session) -> None:
        """The other agent answers, and the first one is out."""
        giver = session.agent
        self.answer(session)
        if giver is not None and giver is not session.agent:
            session.participants = [one for one in session.participants if one.agent is not giver]
            giver.sessions.pop(session.id, None)
            self._world.set_status(giver, AVAILABLE)

    def finish(self, session: Session) -> None:
        """The customer is gone; the agent still has work with it."""
        now = time.time()
        session.held_at = session.recorded_at = None
        self.unjoin(session)
        for part in session.participants:
            part.after_call_at = now
        if session.agent is not None:
            metrics = session.agent.metrics[session.modality]
            handled = (now - (session.active_at or now)) * 1000
            metrics["longestHandleTime"] = max(metrics["longestHandleTime"], int(handled))
            if session.modality is not Modality.MESSAGE:
                self._world.set_status(session.agent, AFTER_CALL)
        self._world.set_session(session, "AfterCall")

    def complete(self, session: Session) -> None:
        """It is over."""
        agent = session.agent
        if session.modality is Modality.MESSAGE:
            self._world.count(session, "closedTodayMessageCount")
        self._world.touch_session(session)
        self._world.set_session(session, "Completed")
        if agent is not None and agent.status_id == AFTER_CALL:
            self._world.set_status(agent, AVAILABLE)

    def abandon(self, session: Session) -> None:
        """The customer had enough of waiting."""
        waited = time.time() - (session.queued_at or session.started_at)
        before = waited < SERVICE_LEVEL_SECONDS
        self._world.count(session, "", "abandonedCount")
        kind = "abandonedBeforeSLACount" if before else "abandonedAfterSLACount"
        self._world.count(session, "", kind)
        self._world.note(session, "Customer hung up.")
        self._world.set_session(session, "Abandoned")

    def say(self, session: Session, text: str, *, by_agent: bool) -> None:
        """A line of an instant message session; only the transcript has it."""
        agent = session.agent.name if session.agent else "Unknown"
        session.transcript.append(
            {
                "timeStamp": stamp(time.time()),
                "to": session.customer if by_agent else agent,
                "from": agent if by_agent else session.customer,
                "message": text,
                "fromAgent": by_agent,
                "type": "imMessage",
                "id": self._world.next_id(),
            }
        )

    def end_all(self, agent: Agent, ids: set[int] | None = None) -> None:
        """End the agent's sessions, as unregistering does."""
        for session in list(agent.sessions.values()):
            if ids is not None and session.id not in ids:
                continue
            if session.agent is agent:
                self._world.set_session(session, "Completed")
            else:
                session.offers.clear()
                agent.sessions.pop(session.id, None)
                session.queued_at = time.time()
                self._world.set_session(session, "ReEnqueued")
        self._world.touch(agent)

    def _show(self, agent: Agent, session: Session) -> None:
        shown = {Modality.AUDIO: IN_CALL, Modality.INSTANT_MESSAGE: IN_IM_CALL}
        others = [one for one in session.participants if one.agent is not agent]
        if session.modality is Modality.MESSAGE:
            if agent.status_id == AVAILABLE:
                self._world.set_status(agent, BUSY)
            return
        status_id = shown[session.modality]
        if others and session.modality is Modality.AUDIO and not session.offers:
            status_id = CONFERENCE if any(one.type_id == 9 for one in others) else IN_CALL  # noqa: PLR2004 - Invite
        self._world.set_status(agent, status_id)
