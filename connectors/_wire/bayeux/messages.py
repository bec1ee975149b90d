"""Bayeux messages: reading what a server wrote, however untidy, and the vocabulary of its errors.

A reply is an array of messages or, from some servers, a single one; replies and events may be
mixed in any order (CometD documentation, "Bayeux protocol", message fields and "HTTP
transports"). A broken item never costs the sound ones beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from connectors._wire.untidy_json import NotJson, decode_untidy

HANDSHAKE = "/meta/handshake"
CONNECT = "/meta/connect"
SUBSCRIBE = "/meta/subscribe"
UNSUBSCRIBE = "/meta/unsubscribe"
DISCONNECT = "/meta/disconnect"

_ERROR = re.compile(r"\s*(\d{3})(?!\d)")


class Message(msgspec.Struct):
    """One message from a server. Every field may hold anything; the readers below say what is believed."""

    channel: Any = None
    id: Any = None
    data: Any = msgspec.UNSET
    successful: Any = msgspec.UNSET
    error: Any = None
    advice: Any = None
    ext: Any = None
    client_id: Any = msgspec.field(default=None, name="clientId")
    subscription: Any = None
    connection_types: Any = msgspec.field(default=None, name="supportedConnectionTypes")

    @property
    def is_event(self) -> bool:
        """Whether this is something published, not an answer to something we sent."""
        channel = self.channel
        return (
            isinstance(channel, str)
            and channel.startswith("/")
            and not channel.startswith("/meta/")
            and (self.data is not msgspec.UNSET or self.successful is msgspec.UNSET)
        )

    @property
    def error_code(self) -> int | None:
        """The three digits that open an error text (`ddd:args:text`); none if there are not three."""
        found = _ERROR.match(self.error) if isinstance(self.error, str) else None
        return int(found[1]) if found else None

    @property
    def acknowledgement(self) -> int | None:
        """The batch number of the acknowledge extension on a connect reply."""
        number = self.ext.get("ack") if isinstance(self.ext, dict) else None
        return number if isinstance(number, int) and not isinstance(number, bool) else None

    def answers(self, channel: str, message_id: str) -> bool:
        """Whether this is the reply to the message of that channel and id; some servers leave the id out."""
        return self.channel == channel and (self.id is None or str(self.id) == message_id)


def events_and_answers(
    messages: Sequence[Message],
) -> tuple[list[tuple[str, Any]], list[Message]]:
    """What was published, as channel and data, and all that is not, each in the server's order."""
    events: list[tuple[str, Any]] = []
    answers: list[Message] = []
    for message in messages:
        if message.is_event:
            data = message.data
            events.append((message.channel, None if data is msgspec.UNSET else data))
        else:
            answers.append(message)
    return events, answers


class UnreadableReply(ValueError):
    """A body that is no Bayeux reply: no JSON, or JSON that holds no object at its top."""


_many = msgspec.json.Decoder(list[Message])


def read_reply(body: bytes) -> list[Message]:
    """The messages of one HTTP reply, in the server's order, without the items that are no messages.

    Raises:
        UnreadableReply: the whole of it is not JSON, or neither an array nor an object.
    """
    try:
        return _many.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_untidy(body)


def _read_untidy(body: bytes) -> list[Message]:
    try:
        tree = decode_untidy(body)
    except NotJson as error:
        raise UnreadableReply("the reply is not JSON") from error
    if not isinstance(tree, list | dict):
        raise UnreadableReply("the reply is JSON but neither an array nor an object")
    items = tree if isinstance(tree, list) else [tree]
    return [msgspec.convert(item, Message) for item in items if isinstance(item, dict)]
