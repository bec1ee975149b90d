"""Which addresses a webhook may reach, checked on the address that is connected to.

A name is no protection: it may resolve to anything, and to something else the next time. So what the resolver gives is
filtered, and the socket is made only for an address that passes; that also covers addresses written into the URL.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local, where most clouds keep their metadata
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure's wire server, a public address
        "192.0.0.192/32",  # Oracle Cloud, older
        "fd00:ec2::/32",  # Amazon, IPv6
        "fd20:ce::/32",  # Google, IPv6
        "fe80::/10",  # link-local
    )
)
_ENDS_IN_V4 = (
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of one network
    IPv6Network("::/96"),  # IPv4-compatible
)


class AddressForbidden(OSError):
    """A connection to this address is not allowed."""

    def __init__(self, host: str) -> None:
        super().__init__(f"address {host} is not allowed")


class AddressPolicy:
    """What may be connected to: public addresses, those of `allow_networks`, and private ones by choice."""

    def __init__(self, *, allow_private: bool, allow_networks: Sequence[Network]) -> None:
        self._allow_private = allow_private
        self._allow_networks = tuple(allow_networks)

    def allows(self, host: str) -> bool:
        """Whether an address in text may be connected to. Text that is no address may not."""
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return all(self._allows_one(one) for one in _layers(address))

    def _allows_one(self, address: Address) -> bool:
        if any(address in network for network in self._allow_networks):
            return True
        if any(address in network for network in _METADATA):
            return False
        if address.is_multicast or address.is_unspecified:
            return False
        if address.is_global:
            return True
        # `is_private` counts reserved blocks as private; those lead nowhere that an operator could mean.
        return self._allow_private and (
            address.is_loopback or (address.is_private and not address.is_reserved)
        )


def _layers(address: Address) -> Iterator[Address]:
    """The address and every IPv4 address that it leads to: an IPv6 form of 127.0.0.1 is no way around."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    yield address
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _ENDS_IN_V4) and int(address) > 1:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


class GuardedResolver(AbstractResolver):
    """Passes on only those addresses of a name that the policy allows."""

    def __init__(self, inner: AbstractResolver, policy: AddressPolicy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The allowed addresses of a name. Raises AddressForbidden if it has only others."""
        found = await self._inner.resolve(host, port, family)
        allowed = [result for result in found if self._policy.allows(result["host"])]
        if found and not allowed:
            raise AddressForbidden(found[0]["host"])
        return allowed

    async def close(self) -> None:
        """Release the resolver."""
        await self._inner.close()


def guarded_socket(
    policy: AddressPolicy,
    info: tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]],
) -> socket.socket:
    """The socket for one connection attempt. Raises AddressForbidden before anything is sent."""
    family, kind, protocol, _, where = info
    if not policy.allows(where[0]):
        raise AddressForbidden(where[0])
    return socket.socket(family, kind, protocol)
