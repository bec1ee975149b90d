"""Messages of simulated lives, rendered before the clock runs, so that serving them costs next to nothing.

Each agent has a tape that is played again and again. What must differ from time to time has a place that is filled in
when a stretch of the tape is sent: ids of calls and interactions, and the moment of sending.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from connectors.genesys_web_services._simulated.model import InteractionState
from connectors.genesys_web_services.simulator import Simulator, SimulatorSettings

TURN = b"@@@@@@"
"""Stands where the tape's turn goes into an id."""
STAMP = b"$" * 19
"""Stands where the moment of sending goes into the reference: nanoseconds since the epoch."""


class Tape:
    """One agent's messages as JSON texts."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self._place = 0
        self._turn = 0

    def next(self, count: int) -> bytes:
        """The next messages, with commas between and behind them, marked with the time of now."""
        frames = self._frames[self._place : self._place + count]
        while len(frames) < count:
            frames += self._frames[: count - len(frames)]
        text = b",".join(frames) + b","
        text = text.replace(TURN, b"%06d" % self._turn)
        self._place += count
        if self._place >= len(self._frames):
            # What was taken from the beginning had the old turn, so the next one begins at the beginning.
            self._place = 0
            self._turn += 1
        return text.replace(STAMP, b"%d" % time.time_ns())


class _Recorder:
    """Takes the place of the simulator's CometD server."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.ids: set[str] = set()

    def publish(self, _owner: str, _topic: str, frame: bytes, number: int) -> None:
        message = msgspec.json.decode(frame)
        data: dict[str, Any] = message["data"]
        call = data.get("call")
        interaction = data.get("interaction", data if "interactionType" in data else None)
        for found in (call, interaction):
            if isinstance(found, dict):
                self.ids.update(
                    found[name] for name in ("id", "callUuid", "threadId") if name in found
                )
        data["referenceId"] = f"{STAMP.decode()}-{number}"
        self.frames.append(msgspec.json.encode(message))


def record(agents: int, messages: int, seed: int = 1) -> dict[str, Tape]:
    """A tape of at least so many messages for each agent, by user name; at its end nothing is left over."""
    simulator = Simulator(SimulatorSettings(agents=agents, seed=seed))
    tapes: dict[str, Tape] = {}
    now = time.monotonic()
    for agent in simulator.world.agents.values():
        recorder = _Recorder()
        simulator.world.bayeux = recorder  # type: ignore[assignment]  # all that the world does with it is publishing
        while len(recorder.frames) < messages or agent.calls:
            simulator.lives.step(agent, now)
        for interaction in list(agent.interactions.values()):
            simulator.media.set_state(agent, interaction, InteractionState.COMPLETED)
        tapes[agent.username] = Tape(_with_places(recorder))
    return tapes


def _with_places(recorder: _Recorder) -> list[bytes]:
    whole = b"\n".join(recorder.frames)
    for name in recorder.ids:
        text = name.encode()
        whole = whole.replace(text, text[: -len(TURN)] + TURN)
    return whole.split(b"\n")
