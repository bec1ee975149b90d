"""A broker with every kind of secured listener, and what its administrators do: grant, forbid, allow again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from tests.support.kafka import KafkaBroker, Node
from tests.support.processes import PeerError, free_port

USER, PASSWORD = "tieline", "correct-horse"
ANY_HOST = "*"
LITERAL, ALL_OPERATIONS = 3, 2


class Resource(IntEnum):
    """What a rule is about. Source: Kafka protocol guide and `ResourceType` of its clients."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5


class Permission(IntEnum):
    """What a rule says; a denial is stronger than any permission."""

    DENY = 2
    ALLOW = 3


@dataclass(frozen=True)
class SecuredBroker:
    """A running broker; the plain listener is the administrators'."""

    broker: KafkaBroker
    sasl: str
    tls: str
    sasl_tls: str
    ca_file: Path

    async def rule(self, permission: Permission, resource: Resource, name: str) -> None:
        """Add a rule for the user and all operations."""
        request = CreateAclsRequest(
            resource, name, LITERAL, f"User:{USER}", ANY_HOST, ALL_OPERATIONS, permission
        )
        response = await self._ask(request)
        for code, message, *_ in response.creation_responses:
            if code:
                raise PeerError(f"the rule was not made: {code} {message}")

    async def lift(self, resource: Resource, name: str) -> None:
        """Remove the denials of a resource."""
        await self._ask(
            DeleteAclsRequest(
                resource,
                name,
                LITERAL,
                f"User:{USER}",
                ANY_HOST,
                ALL_OPERATIONS,
                Permission.DENY,
            )
        )

    async def _ask(self, request: Any) -> Any:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.bootstrap_servers)
        await admin.start()
        try:
            # The admin client has no methods for rules yet, the protocol has the requests.
            return await admin._send_request(request)
        finally:
            await admin.close()


def started(directory: Path) -> Iterator[SecuredBroker]:
    """Start one, and kill it in the end."""
    port, sasl, tls, sasl_tls, controller = (free_port() for _ in range(5))
    store, ca_file = _certificate(directory)
    at = "127.0.0.1"
    outside = f"PLAINTEXT://{at}:{port},SASL://{at}:{sasl},TLS://{at}:{tls},BOTH://{at}:{sasl_tls}"
    login = "org.apache.kafka.common.security"
    broker = KafkaBroker(
        directory / "broker",
        cluster=[Node(1, port, controller)],
        scram_users={USER: PASSWORD},
        settings={
            "listeners": f"{outside},CONTROLLER://{at}:{controller}",
            "advertised.listeners": outside,
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,BOTH:SASL_SSL,CONTROLLER:PLAINTEXT"
            ),
            "listener.name.sasl.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.both.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": (
                f"{login}.scram.ScramLoginModule required;"
            ),
            "listener.name.both.scram-sha-512.sasl.jaas.config": (
                f"{login}.scram.ScramLoginModule required;"
            ),
            "listener.name.both.plain.sasl.jaas.config": (
                f'{login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        },
    )
    broker.start_blocking()
    try:
        yield SecuredBroker(
            broker=broker,
            sasl=f"{at}:{sasl}",
            tls=f"{at}:{tls}",
            sasl_tls=f"{at}:{sasl_tls}",
            ca_file=ca_file,
        )
    finally:
        broker.kill_blocking()


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1: with its key for the broker, alone for those who trust it."""
    key, certificate, store = (directory / name for name in ("key.pem", "ca.pem", "store.pem"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    store.write_text(key.read_text() + certificate.read_text())
    return store, certificate
