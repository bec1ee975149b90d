"""PyPI signalr-client-threads, run in an environment of its own: prints what it hears, one JSON object a line.

    python foreign_client.py '{"url": .., "hub": .., "methods": [..], "headers": {..}}'

Lines: {"event": "started"|"message"|"error"|"result", ..}. It uses WebSocket when the server offers it and server-sent
events otherwise. A line on standard input [method, ..arguments] calls the hub. It ends when standard input is closed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import requests
from signalr import Connection

settings = json.loads(sys.argv[1])
lock = threading.Lock()


def tell(event: str, **fields: object) -> None:
    with lock:
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()


def hear(method: str) -> Callable[..., None]:
    return lambda *data: tell("message", method=method, arguments=list(data))


def hear_result(**data: Any) -> None:
    if "I" in data and "C" not in data:
        tell("result", value=data.get("R"), error=data.get("E"))


session = requests.Session()
session.headers.update(settings.get("headers", {}))
connection = Connection(settings["url"], session)
hub = connection.register_hub(settings["hub"])
for name in settings["methods"]:
    hub.client.on(name, hear(name))
connection.error += lambda error: tell("error", text=str(error))
connection.received += hear_result
connection.start()
tell("started", id=connection.id)
for line in sys.stdin:
    hub.server.invoke(*json.loads(line))
os._exit(0)
