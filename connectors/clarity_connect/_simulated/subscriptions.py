"""Subscriptions to agents, queues and alerts, and what their subscribers are told ("Subscription").

A subscription belongs to a SignalR connection and ends with it. Its subscriber first gets every entity whole, then what
changed. Alerts go to a group of the hub, whose members are the connections that subscribed to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from connectors._simulation.agenda import Agenda
from connectors._simulation.ledger import Ledger
from connectors._simulation.signalr_session import Connection
from connectors.clarity_connect._simulated.model import Queue
from connectors.clarity_connect._simulated.pushing import Pusher
from connectors.clarity_connect._simulated.resources import Data, stamp
from connectors.clarity_connect._simulated.routing import Answered, Call, Forbidden
from connectors.clarity_connect._simulated.scope import Kind, Part, Scopes, selection
from connectors.clarity_connect._simulated.views import (
    WAITING,
    Selection,
    View,
    agent_view,
    difference,
    queue_view,
    total,
    whole,
)
from connectors.clarity_connect._simulated.world import World

ALERTS = "alerts"
"""The group, and the id that subscribing to alerts answers."""
PORTION = 200
PORTION_SECONDS = 0.1
Mode = Literal["", "Aggregate", "Group"]


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription. `views` is what its subscriber knows, by entity or group."""

    id: str
    connection_id: str
    user: str
    kind: Kind
    mode: Mode
    chosen: Selection
    parts: tuple[Part, ...]
    """What is told about: entities one by one, all of them summed up, or groups summed up."""
    views: dict[tuple[str, int], View] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The client's method."""
        return f"on{self.kind.capitalize()}s{self.mode}"


class Subscriptions:
    """Who wants to know what. `flush` tells them what changed since the last time."""

    def __init__(
        self, world: World, scopes: Scopes, pusher: Pusher, ledger: Ledger, agenda: Agenda
    ) -> None:
        self._world = world
        self._scopes = scopes
        self._pusher = pusher
        self._ledger = ledger
        self._agenda = agenda
        self._hub = world.settings.hub
        self.all: dict[str, Subscription] = {}
        self.on_subscribed: Callable[[], None] | None = None

    def create(self, call: Call, kind: Kind, mode: Mode) -> str:
        """Subscribe; returns the id. Raises Answered."""
        connection = self._connection(call, f"Failed to subscribe to {kind}s")
        parts = self._parts(call, kind, mode)
        made = Subscription(
            id=f"{self._world.rng.getrandbits(64):016x}",
            connection_id=connection.id,
            user=connection.user,
            kind=kind,
            mode=mode,
            chosen=selection(call),
            parts=parts,
        )
        self.all[made.id] = made
        self._begin(made)
        return made.id

    def update(self, subscription_id: str, call: Call) -> None:
        """Change what a subscription wants; what the request leaves out stays. Raises Answered."""
        found = self._find(subscription_id, call)
        named = any(name.endswith("ids") for name in call.query)
        if named:
            found.parts = self._parts(call, found.kind, found.mode)
        found.chosen = selection(call)
        found.views.clear()
        self._begin(found)

    def delete(self, subscription_id: str, call: Call) -> None:
        """End a subscription. Raises Answered."""
        if subscription_id == ALERTS:
            connection = self._connection(call, "Failed to delete the subscription")
            self._pusher.leave(connection, self._hub, ALERTS)
            return
        del self.all[self._find(subscription_id, call).id]

    def create_alerts(self, call: Call) -> str:
        """Subscribe to alerts; the active ones are told at once."""
        connection = self._connection(call, "Failed to subscribe to alerts")
        if not call.caller.supervisor or self._scopes.is_forbidden(call.caller):
            raise Forbidden
        self._pusher.join(connection, self._hub, ALERTS)
        self._subscribed()
        for queue in self._world.queues.values():
            if queue.alerted_at is not None:
                self._tell_alert(queue, self._waiting(queue), queue.alerted_at, None)
        return ALERTS

    def forget(self, connection_id: str) -> None:
        """A connection ended: its subscriptions did too."""
        for one in list(self.all.values()):
            if one.connection_id == connection_id:
                del self.all[one.id]

    def flush(self) -> None:
        """Tell everybody what changed."""
        world = self._world
        agents, queues = dict(world.touched_agents), dict(world.touched_queues)
        for agent in agents.values():
            for queue in world.queues.values():
                if agent.team_id in queue.team_ids:
                    queues[queue.id] = queue
        world.touched_agents.clear()
        world.touched_queues.clear()
        for one in list(self.all.values()):
            touched = agents if one.kind == "agent" else queues
            for part in one.parts:
                if not touched.keys().isdisjoint(part.ids):
                    self._tell(one, part)
        for queue in queues.values():
            self._watch(queue)

    def _begin(self, one: Subscription, first: int = 0) -> None:
        """Tell everything, a portion at a time, so that the ring of a client that reads does not run over."""

        def tell_portion() -> None:
            if self.all.get(one.id) is not one:
                return
            for part in one.parts[first : first + PORTION]:
                self._tell(one, part)
            if first + PORTION < len(one.parts):
                self._begin(one, first + PORTION)
            self._subscribed()

        self._agenda.after(PORTION_SECONDS if first else 0, tell_portion)

    def _subscribed(self) -> None:
        if self.on_subscribed:
            self.on_subscribed()

    def _tell(self, one: Subscription, part: Part) -> None:
        key = (part.kind, part.id)
        before = one.views.get(key)
        after = self._view(one, part)
        one.views[key] = after
        if before is None:
            content = whole(after)
        else:
            content = difference(before, after, partial=self._world.settings.partial_changes)
        if not content and before is not None:
            return
        self._send(one, {**self._head(one, part), **content})

    def _view(self, one: Subscription, part: Part) -> View:
        world = self._world
        if one.kind == "agent":
            views = [agent_view(world, world.agents[each], one.chosen) for each in part.ids]
        else:
            views = [queue_view(world, world.queues[each], one.chosen) for each in part.ids]
        return total(views) if one.mode else views[0]

    def _head(self, one: Subscription, part: Part) -> Data:
        if one.mode == "Group":
            group = {"groupType": part.kind, "groupId": part.id}
            return {**group, "entityIds": list(part.ids), "type": one.kind}
        if one.mode == "Aggregate":
            return {"entityIds": list(part.ids), "type": one.kind}
        world = self._world
        entity = world.agents[part.id] if one.kind == "agent" else world.queues[part.id]
        return {"type": one.kind, "name": entity.name, "id": part.id}

    def _send(self, one: Subscription, content: Data) -> None:
        number = self._record(one.user, one.method)
        arguments = [one.id, {**content, "referenceId": f"sim-{number}"}]
        self._pusher.send(one.connection_id, self._hub, one.method, arguments, number)

    def _record(self, user: str, method: str) -> int:
        return self._ledger.record(
            agent=user,
            topic=f"{self._hub}.{method}",
            message_type=method,
            at_ms=int(time.time() * 1000),
        )

    def _watch(self, queue: Queue) -> None:
        """Raise or clear a queue's alert."""
        waiting = self._waiting(queue)
        above = waiting >= self._world.settings.alert_threshold
        now = time.time()
        if above and queue.alerted_at is None:
            queue.alerted_at = now
            self._tell_alert(queue, waiting, now, None)
        elif not above and queue.alerted_at is not None:
            began, queue.alerted_at = queue.alerted_at, None
            self._tell_alert(queue, waiting, began, now)

    def _waiting(self, queue: Queue) -> int:
        return sum(session.status in WAITING for session in queue.sessions.values())

    def _tell_alert(self, queue: Queue, waiting: int, began: float, ended: float | None) -> None:
        if not any(f"hg-{self._hub}.{ALERTS}" in one.groups for one in self._pusher.sessions):
            return
        content: Data = {
            "type": "alert",
            "id": queue.id,
            "name": f"Long queue: {queue.name}",
            "queueId": queue.id,
            "queueName": queue.name,
            "metric": "currentlyQueuedCount",
            "threshold": self._world.settings.alert_threshold,
            "value": waiting,
            "isActive": ended is None,
            "startTime": stamp(began),
        }
        if ended is not None:
            content["endTime"] = stamp(ended)
        number = self._record(self._world.supervisor.username, "onAlerts")
        content["referenceId"] = f"sim-{number}"
        self._pusher.send_group(ALERTS, self._hub, "onAlerts", [ALERTS, content], number)

    def _parts(self, call: Call, kind: Kind, mode: Mode) -> tuple[Part, ...]:
        if mode == "Group":
            return tuple(self._scopes.parts(call, kind))
        ids = self._scopes.entities(call, kind, required=not (kind == "queue" and mode))
        if mode == "Aggregate":
            return (Part("all", 0, tuple(ids)),)
        return tuple(Part(kind, each, (each,)) for each in ids)

    def _find(self, subscription_id: str, call: Call) -> Subscription:
        found = self.all.get(subscription_id)
        if found is None:
            raise Answered(404, "The subscription was not found.")
        if found.user != call.caller.username:
            raise Forbidden
        return found

    def _connection(self, call: Call, failure: str) -> Connection:
        connection_id = call.content.get("connectionid")
        if not isinstance(connection_id, str) or not connection_id:
            raise Answered(500, failure)
        connection = self._pusher.find(connection_id)
        if connection is None:
            raise Answered(404, "The connection was not found.")
        if connection.user != call.caller.username:
            raise Forbidden
        return connection
