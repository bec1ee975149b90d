"""A server's address in the settings of a platform, the same for all of them. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def server_address(value: str, *, example: str, requests_add: str | None = None) -> str:
    """The address without a slash at the end.

    Args:
        value: what was configured.
        example: an address that would do, for the message.
        requests_add: the path that requests put behind the address, so that it must not end with it already.

    Raises ValueError, worded as what was expected, for anything but http or https, a host and a port that can be.
    """
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"expected an address such as {example}")
    if parts.username or parts.password:
        raise ValueError(
            "expected an address without user name and password: they have their own keys"
        )
    if parts.query or parts.fragment:
        raise ValueError("expected an address without query and fragment")
    if requests_add is not None and parts.path.rstrip("/").lower().endswith(requests_add):
        raise ValueError(f"expected an address without {requests_add} at its end")
    return value.rstrip("/")
