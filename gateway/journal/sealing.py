"""Resume states encrypted at rest: they hold what opens the platforms' sessions, and outlive a password's change.

AES-256-GCM with the feed's name as associated data, so that a state cannot take another feed's place. A journal may
write more states in its life than nonces can be drawn by lot for: each opening of it derives a key of its own with a
random salt, and counts under that.

    magic 4 | id of the key 4 | salt 16 | count 8 | ciphertext and tag

A state that does not begin with the magic was written without a key and is read as it is. No encoding of a platform's
begins with it: JSON begins with a printable character, a MessagePack map or array with a byte above 0x7f.

Sources: NIST SP 800-38D, sections 8.2.1 (deterministic nonces) and 8.3 (bounds); RFC 5869 (HKDF).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.errors import ResumeUnreadable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"\x00TS\x01"
KEY_BYTES = 32
_ID_END = len(MAGIC) + 4
_SALT_END = _ID_END + 16
_HEADER_BYTES = _SALT_END + 8
_NONCE_PADDING = bytes(4)
_HINT = (
    "give gateway.journal.encryption_keys the key that it was written with, behind the newer ones"
)


def key_of(text: str) -> bytes:
    """A key from its text: 32 bytes in base64, or as 64 hexadecimal digits. Raises ValueError, without the text."""
    text = text.strip()
    try:
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else _from_base64(text)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(
            f"expected {KEY_BYTES} random bytes in base64, as `openssl rand -base64 {KEY_BYTES}` prints them"
        )
    return key


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True)


def is_sealed(state: bytes) -> bool:
    """Whether a stored state is encrypted."""
    return state.startswith(MAGIC)


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"tieline key " + key).digest()[: _ID_END - len(MAGIC)]


@lru_cache(maxsize=256)
def _cipher(key: bytes, salt: bytes) -> AESGCM:
    # Deferred: most commands never meet a sealed state, and the library takes its time to load.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(SHA256(), length=KEY_BYTES, salt=salt, info=b"tieline resume state").derive(key)
    return AESGCM(derived)


class Sealer:
    """Encrypts with the first of its keys and reads with any of them; without keys, states pass as they are.

    `seal` is for one thread at a time, `unseal` for any.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self.keys = tuple(keys)
        self._keys = {_id_of(key): key for key in reversed(keys)}
        self._head = b""
        if keys:
            salt = secrets.token_bytes(_SALT_END - _ID_END)
            self._head = MAGIC + _id_of(keys[0]) + salt
            self._own = _cipher(keys[0], salt)
            self._count = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._head)

    def seal(self, feed: str, state: bytes) -> bytes:
        """The state as it is stored."""
        if not self._head:
            return state
        count = next(self._count).to_bytes(8, "big")
        header = self._head + count
        return header + self._own.encrypt(_NONCE_PADDING + count, state, header + feed.encode())

    def unseal(self, feed: str, stored: bytes) -> bytes:
        """The state that was stored. Raises ResumeUnreadable: its key is not here, or it is not what was written."""
        if not is_sealed(stored):
            return stored
        key = self._keys.get(stored[len(MAGIC) : _ID_END])
        if key is None:
            raise ResumeUnreadable(
                f"the resume state of feed {feed} is encrypted with another key", hint=_HINT
            )
        from cryptography.exceptions import InvalidTag

        header = stored[:_HEADER_BYTES]
        try:
            cipher = _cipher(key, stored[_ID_END:_SALT_END])
            nonce = _NONCE_PADDING + stored[_SALT_END:_HEADER_BYTES]
            return cipher.decrypt(nonce, stored[_HEADER_BYTES:], header + feed.encode())
        except (InvalidTag, ValueError):
            raise ResumeUnreadable(
                f"the resume state of feed {feed} is not what was written",
                hint="check the disk with `tieline journal verify`; the feed begins a session of its own",
            ) from None

    def is_current(self, stored: bytes) -> bool:
        """Whether a state is stored as `seal` would store it now, as far as its beginning tells."""
        if not self._head:
            return not is_sealed(stored)
        return stored.startswith(self._head[:_ID_END])
