from __future__ import annotations

import socket
from ipaddress import ip_network

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from sinks.webhook.addresses import AddressForbidden, AddressPolicy, GuardedResolver, guarded_socket

PUBLIC = AddressPolicy(allow_private=False, allow_networks=())
PRIVATE = AddressPolicy(allow_private=True, allow_networks=())

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
]
NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "100.64.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
    "localhost",
    "2130706433",
    "0x7f.1",
    "",
]
DISGUISED = [
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:a00:1::80ff:fffe",
    "::127.0.0.1",
    "::10.0.0.1",
]


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    """The internet is where receivers are, through NAT64 too."""
    assert PUBLIC.allows(address)


@pytest.mark.parametrize("address", [*INSIDE, *NEVER, *DISGUISED])
def test_addresses_inside_are_refused(address: str) -> None:
    """Nothing inside is reached by default, in whatever form it is written."""
    assert not PUBLIC.allows(address)


@pytest.mark.parametrize("address", INSIDE)
def test_private_addresses_are_allowed_by_choice(address: str) -> None:
    """`allow_private` opens loopback and private networks."""
    assert PRIVATE.allows(address)


@pytest.mark.parametrize("address", [a for a in NEVER if a != "0.1.2.3"])
def test_metadata_and_odd_addresses_stay_refused(address: str) -> None:
    """`allow_private` opens no metadata service, no multicast and no reserved block."""
    assert not PRIVATE.allows(address)


def test_a_listed_network_is_allowed_whatever_it_is() -> None:
    """`allow_networks` is exact: its addresses pass, their neighbours do not."""
    policy = AddressPolicy(
        allow_private=False, allow_networks=(ip_network("10.1.2.0/24"), ip_network("fe80::/10"))
    )
    assert policy.allows("10.1.2.3")
    assert policy.allows("::ffff:10.1.2.3")
    assert policy.allows("fe80::1")
    assert not policy.allows("10.1.3.1")


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_the_address_itself(address: object) -> None:
    """Writing an IPv4 address in IPv6 changes nothing."""
    assert PUBLIC.allows(f"::ffff:{address}") == PUBLIC.allows(str(address))


class Names(AbstractResolver):
    """Resolves every name to the given addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Always the same."""
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_with_both_kinds_gives_the_allowed_ones() -> None:
    """A public name with an address inside is reached at its public address only."""
    found = await GuardedResolver(Names("10.0.0.1", "8.8.8.8"), PUBLIC).resolve("name", 443)
    assert [result["host"] for result in found] == ["8.8.8.8"]


async def test_a_name_with_addresses_inside_only_is_refused() -> None:
    """A name is no way around."""
    with pytest.raises(AddressForbidden, match=r"10\.0\.0\.1"):
        await GuardedResolver(Names("10.0.0.1", "::1"), PUBLIC).resolve("name", 443)


def test_no_socket_is_made_for_a_refused_address() -> None:
    """The last check is at the socket, on the address that is connected to."""
    with pytest.raises(AddressForbidden):
        guarded_socket(PUBLIC, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
