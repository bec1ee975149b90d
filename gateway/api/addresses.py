"""Which bind addresses and Host headers belong to this machine alone."""

from __future__ import annotations

from ipaddress import ip_address

LOOPBACK_NAMES = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to `host`; any other name is taken for public."""
    name = host.strip("[]").lower()
    if name in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """The name in a Host header, in lower case, without port and brackets.

    Source: RFC 9110 section 7.2 (Host) and RFC 3986 section 3.2.2 (IP literals in brackets).
    """
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")
