"""Connections, groups and messages of the simulated SignalR server: who gets what, and what was lost on the way.

Nothing here knows HTTP. What a genuine server keeps and silently loses is kept and lost here: rings per topic, cursors
that belong to the client, groups that the client has to remember (Microsoft.AspNet.SignalR.Core 2.2, Messaging).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from connectors._simulation.bayeux_session import Recorder
from connectors._simulation.ledger import LostBecause
from connectors._simulation.signalr_bus import Command, Entry, MessageBus, Topic
from connectors._simulation.signalr_protocol import (
    Sealer,
    SignalROptions,
    envelope,
    invocation,
)
from connectors._simulation.signalr_session import (
    Connection,
    End,
    Frame,
    Stream,
    StreamTampering,
)

GROUPS = "groups"


class Switchboard:
    """What the platform's application publishes through, and streams take their frames from.

    `on_connected`, `on_reconnected` and `on_disconnected` (with whether the client said so) are the application's.
    """

    def __init__(
        self,
        options: SignalROptions,
        recorder: Recorder,
        tampering: StreamTampering,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self.sealer = Sealer()
        self.handshakes = 0
        """How many negotiations there were."""
        self.connects = 0
        """How many streams and polls were opened."""
        self.on_connected: Callable[[Connection], None] | None = None
        self.on_reconnected: Callable[[Connection], None] | None = None
        self.on_disconnected: Callable[[Connection, bool], None] | None = None
        self._recorder = recorder
        self._tampering = tampering
        self.monotonic = monotonic
        self._bus = MessageBus(options.buffer_size, options.topic_ttl_seconds)
        self._connections: dict[str, Connection] = {}
        self._listeners: dict[str, set[Connection]] = {}

    @property
    def sessions(self) -> list[Connection]:
        """Every connection that has not ended."""
        return list(self._connections.values())

    @property
    def held(self) -> int:
        """How many streams and polls are open."""
        return sum(connection.stream is not None for connection in self._connections.values())

    @property
    def sweep_seconds(self) -> float:
        """How often to call `sweep`."""
        return min(self.options.disconnect_timeout_seconds / 6, 5.0)

    def find(self, connection_id: str) -> Connection | None:
        """The connection of that id, if it has not ended."""
        return self._connections.get(connection_id.lower())

    def send(
        self, connection_id: str, hub: str, method: str, arguments: list[Any], number: int
    ) -> None:
        """Call a client's method on one connection."""
        self._publish(
            f"hc-{hub}.{connection_id.lower()}", invocation(hub, method, arguments), number
        )

    def send_group(
        self, group: str, hub: str, method: str, arguments: list[Any], number: int
    ) -> None:
        """Call it on every connection in a group of the hub."""
        self._publish(f"hg-{hub}.{group}", invocation(hub, method, arguments), number)

    def broadcast(self, hub: str, method: str, arguments: list[Any], number: int) -> None:
        """Call it on every connection that asked for the hub."""
        self._publish(f"h-{hub}", invocation(hub, method, arguments), number)

    def join(self, connection: Connection, hub: str, group: str) -> None:
        """Put a connection into a group; the client learns it with the next frame."""
        topic = self._topic(f"hg-{hub}.{group}")
        connection.groups.add(topic.key)
        self._listen(connection, topic.key)
        self._command(connection, Command("join", topic.key, topic.next))

    def leave(self, connection: Connection, hub: str, group: str) -> None:
        """Take it out again."""
        key = f"hg-{hub}.{group}"
        connection.groups.discard(key)
        self._stop_listening(connection, [key])
        self._command(connection, Command("leave", key))

    def wake(self) -> None:
        """Let every stream look again, because a fault ended."""
        for connection in self._connections.values():
            connection.wake()

    def sweep(self) -> None:
        """End the connections that had no stream for too long, and forget topics nobody uses."""
        now = self.monotonic()
        options = self.options
        for connection in self.sessions:
            patience = options.disconnect_timeout_seconds + options.grace_seconds
            if connection.stream is None and now - connection.idle_since > patience:
                self._end(connection, by_client=False)
        in_use = [
            topic.key
            for connection in self._connections.values()
            if connection.stream
            for topic in connection.stream.positions
        ]
        self._bus.expire(now, in_use)

    def release_all(self) -> None:
        """End every stream, because the server is about to stop: polls are told to come again."""
        for connection in self._connections.values():
            if connection.stream:
                connection.stream.finish(End.SHUTDOWN)

    def restart(self) -> None:
        """Come back as a new process: other cursors, empty rings, no connections; old tokens are good."""
        self.cut()
        for connection in self.sessions:
            self._end(connection, by_client=False)
        self._bus = MessageBus(self.options.buffer_size, self.options.topic_ttl_seconds)

    def cut(self, user: str | None = None) -> int:
        """Close the sockets of a user's streams, or of all, without a word; returns how many."""
        streams = [one.stream for one in self._of(user) if one.stream]
        for stream in streams:
            stream.finish(End.CUT)
        return len(streams)

    def disconnect(self, user: str | None = None) -> None:
        """End connections as if their time without a stream were over; a client may still reconnect."""
        self.cut(user)
        for connection in self._of(user):
            self._end(connection, by_client=False)

    def forget(self, user: str | None = None) -> None:
        """End connections and forget their messages, as long after they ended."""
        doomed = self._of(user)
        self.disconnect(user)
        for connection in doomed:
            for key in connection.topics:
                if key not in self._listeners:
                    self._bus.topics.pop(key, None)

    def overflow(self, user: str | None = None) -> None:
        """Let the rings of a user's connections run over: what was not sent is gone, indexes jump."""
        for key in {key for connection in self._of(user) for key in connection.topics}:
            if key.startswith("c-"):
                continue
            topic = self._topic(key)
            for index, entry in topic.overflow(2 * self.options.buffer_size):
                self._count_evicted(topic, index, entry)

    def _of(self, user: str | None) -> list[Connection]:
        return [one for one in self.sessions if user in {None, one.user}]

    def connection(self, connection_id: str, user: str, hubs: tuple[str, ...]) -> Connection:
        """The connection; one that ended, or that another process knew, comes into being anew."""
        connection = self._connections.get(connection_id)
        if connection is None:
            connection = Connection(connection_id, user, hubs, self.monotonic())
            self._connections[connection_id] = connection
        elif hubs and connection.hubs != hubs:
            self._stop_listening(connection, connection.topics)
            connection.hubs = hubs
        for key in connection.topics:
            self._listen(connection, key)
        return connection

    def connect(self, connection: Connection, transport: str) -> Stream:
        """Open a connection's first stream: it begins with what is published from now on."""
        topics = [self._topic(key) for key in connection.topics]
        positions = {topic: topic.next for topic in topics}
        stream = self._carry(connection, Stream(connection, transport, positions, opens=True))
        self._command(connection, Command("initialize"))
        return stream

    def resume(
        self, connection: Connection, transport: str, cursor: str, groups_token: str | None
    ) -> Stream:
        """Open a further stream, from where the client's cursor is as far as there is something left."""
        self._rejoin(connection, groups_token)
        known = self._bus.positions(cursor)
        positions = {}
        for topic in [self._topic(key) for key in connection.topics]:
            at = min(known.get(topic.name, topic.next), topic.next)
            positions[topic] = at
            if topic.name in known:
                self._acknowledge(connection, topic, at)
        return self._carry(connection, Stream(connection, transport, positions, opens=False))

    def put_down(self, stream: Stream) -> None:
        """The stream is over; its connection waits for another."""
        connection = stream.connection
        if connection.stream is stream:
            connection.stream = None
            connection.idle_since = self.monotonic()

    def abort(self, connection_id: str) -> None:
        """The client leaves: whoever reconnects with an older cursor is sent away."""
        connection = self._connections.get(connection_id)
        if connection is None:
            return
        self._topic(connection.own_topic).add(Entry(b"", 0, Command("abort")))
        stream = connection.stream
        self._end(connection, by_client=True)
        if stream is not None:
            stream.finish(End.ABORTED)

    def _carry(self, connection: Connection, stream: Stream) -> Stream:
        if connection.stream is not None:
            connection.stream.finish(End.REPLACED)
        connection.stream = stream
        self.connects += 1
        return stream

    def _rejoin(self, connection: Connection, token: str | None) -> None:
        """Groups are the client's to remember: without its token it is in none."""
        content = self.sealer.open(GROUPS, token) if token else None
        owner, _, names = (content or "").partition(":")
        groups = (
            set(msgspec.json.decode(names, type=list[str])) if owner == connection.id else set()
        )
        self._stop_listening(connection, connection.groups - groups)
        connection.groups = groups
        for key in groups:
            self._listen(connection, key)

    def take(self, stream: Stream) -> Frame | None:
        """The next frame of a stream, if there is one; its positions move on."""
        connection, limit = stream.connection, self.options.messages_per_frame
        owner = connection.user
        if stream.transport == "longpolling":
            limit = self.options.messages_per_poll
        if not stream.opens:
            if self._tampering.stalled(owner) or self._tampering.silent(owner):
                return None
            ready = sum(topic.next - at for topic, at in stream.positions.items())
            if ready < self._tampering.wanted(owner):
                return None
            if (garbage := self._tampering.body(owner)) is not None:
                return Frame(garbage)
        entries = self._read(stream, limit)
        if not entries:
            return None
        commands = [entry.command for entry in entries if entry.command]
        joined = False
        for command in commands:
            joined = self._obey(stream, command) or joined
        if stream.ended is not None:
            return None
        messages = [entry for entry in entries if entry.command is None]
        initialized, stream.opens = stream.opens, False
        body = envelope(
            self.cursor(stream),
            self._tampering.frames(owner, [entry.frame for entry in messages]),
            initialized=initialized,
            groups_token=self._groups_token(connection) if joined else None,
        )
        reached = tuple((topic.key, at) for topic, at in stream.positions.items())
        return Frame(body, [entry.number for entry in messages], reached)

    def _read(self, stream: Stream, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        for topic, at in list(stream.positions.items()):
            found, stream.positions[topic] = topic.read(at, limit)
            entries += found
        return entries

    def _obey(self, stream: Stream, command: Command) -> bool:
        """Carry out a command to the connection; tells whether its groups changed."""
        connection, key = stream.connection, command.group
        if command.name == "abort":
            stream.finish(End.ABORTED)
        elif command.name == "join":
            connection.groups.add(key)
            self._listen(connection, key)
            stream.positions.setdefault(self._topic(key), command.since)
        elif command.name == "leave":
            connection.groups.discard(key)
            stream.positions.pop(self._topic(key), None)
        return bool(key)

    def cursor(self, stream: Stream) -> str:
        """Where the stream is."""
        return self._bus.cursor(stream.positions.items())

    def is_silent(self, stream: Stream) -> bool:
        """Whether keep-alives are withheld."""
        return self._tampering.silent(stream.connection.user)

    def is_cut(self, stream: Stream) -> bool:
        """Whether the socket is to go instead of the next frame."""
        return self._tampering.cuts(stream.connection.user)

    def sent(self, stream: Stream, frame: Frame) -> None:
        """Enter a frame that went out on an open socket into the books."""
        written = stream.connection.written
        for key, at in frame.reached:
            written[key] = max(at, written.get(key, 0))
        self._recorder.written(frame.numbers)

    def _groups_token(self, connection: Connection) -> str:
        names = msgspec.json.encode(sorted(connection.groups)).decode()
        return self.sealer.seal(GROUPS, f"{connection.id}:{names}")

    def _topic(self, key: str) -> Topic:
        return self._bus.topic(key, self.monotonic())

    def _command(self, connection: Connection, command: Command) -> None:
        self._topic(connection.own_topic).add(Entry(b"", 0, command))
        connection.wake()

    def _publish(self, key: str, frame: bytes, number: int) -> None:
        topic = self._topic(key)
        listeners = self._listeners.get(key, set())
        if listeners and all(self._tampering.discards(one.user) for one in listeners):
            self._recorder.lost((number,), LostBecause.STALLED)
            return
        evicted = topic.add(Entry(frame, number))
        if listeners:
            self._recorder.queued(number, len(listeners))
        else:
            self._recorder.lost((number,), LostBecause.NO_SESSION)
        for index, entry in evicted:
            self._count_evicted(topic, index, entry)
        for connection in listeners:
            connection.wake()

    def _count_evicted(self, topic: Topic, index: int, entry: Entry) -> None:
        for connection in self._listeners.get(topic.key, ()):
            if connection.written.get(topic.key, 0) <= index:
                self._recorder.lost((entry.number,), LostBecause.OVERFLOW)

    def _acknowledge(self, connection: Connection, topic: Topic, upto: int) -> None:
        since = connection.acknowledged.get(topic.key, 0)
        numbers = [entry.number for entry in topic.between(since, upto) if not entry.command]
        self._recorder.acknowledged(numbers)
        connection.acknowledged[topic.key] = max(since, upto)

    def _end(self, connection: Connection, *, by_client: bool) -> None:
        """OnDisconnected. Its topics stay for those who reconnect all the same."""
        if self._connections.pop(connection.id, None) is None:
            return
        for key in connection.topics:
            topic = self._topic(key)
            written = connection.written.get(key, 0)
            sure = connection.acknowledged.get(key, 0)
            unsent = [one.number for one in topic.between(written, topic.next) if not one.command]
            self._recorder.lost(unsent, LostBecause.SESSION_GONE)
            if not by_client:
                shaky = [one.number for one in topic.between(sure, written) if not one.command]
                self._recorder.abandoned(shaky)
        self._stop_listening(connection, connection.topics)
        if self.on_disconnected:
            self.on_disconnected(connection, by_client)

    def _listen(self, connection: Connection, key: str) -> None:
        """From now on, what is published there is owed to the connection."""
        listeners = self._listeners.setdefault(key, set())
        if connection not in listeners:
            listeners.add(connection)
            upto = self._topic(key).next
            connection.written[key] = connection.acknowledged[key] = upto

    def _stop_listening(self, connection: Connection, keys: Iterable[str]) -> None:
        for key in keys:
            listeners = self._listeners.get(key)
            if listeners is not None:
                listeners.discard(connection)
                if not listeners:
                    del self._listeners[key]
