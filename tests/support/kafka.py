"""A real Apache Kafka broker (KRaft) for tests, run from its published jars.

A `KafkaBroker` belongs to no event loop, so one broker serves a whole test session whose tests
each have their own loop. Its asyncio methods open a client per call. The process is always
started from the calling thread because it dies with that thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.peers import INSTALLED
from tests.support.processes import POLL_SECONDS, LoggedProcess, PeerError, eventually, free_port

READY = "Kafka Server started"
START_SECONDS = 45.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class KafkaRecord:
    """One consumed record."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    timestamp_ms: int


@dataclass(frozen=True)
class Node:
    """One member of a cluster and its two ports on 127.0.0.1."""

    id: int
    port: int
    controller_port: int


class KafkaBroker:
    """One node, broker and controller in one process; of a cluster of its own unless given others.

    `start`, `kill` and `stop` may be called again and again: data and ports stay.
    """

    def __init__(
        self,
        directory: Path,
        *,
        cluster: Sequence[Node] | None = None,
        node_id: int = 1,
        cluster_id: str | None = None,
        heap_megabytes: int = 384,
        settings: Mapping[str, str] | None = None,
        scram_users: Mapping[str, str] | None = None,
    ) -> None:
        nodes = cluster or (Node(node_id, free_port(), free_port()),)
        self._node = next(node for node in nodes if node.id == node_id)
        self._nodes = nodes
        self._cluster_id = cluster_id or new_cluster_id()
        self._settings = dict(settings or {})
        self._scram_users = dict(scram_users or {})
        self._directory = directory
        self._formatted = False
        self._process = LoggedProcess(
            [*self._java(heap_megabytes), "kafka.Kafka", str(self._configuration_file)],
            log=directory / "broker.log",
        )

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients, of all nodes of the cluster."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self._nodes)

    @property
    def port(self) -> int:
        """The port of this node."""
        return self._node.port

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.running

    @property
    def log(self) -> str:
        """The end of what the broker logged since it was last started."""
        return self._process.tail()

    def spawn(self) -> None:
        """Format the storage the first time and start the process, without waiting for it."""
        if not self._formatted:
            self._format()
            self._formatted = True
        self._process.start()

    def start_blocking(self) -> None:
        """`start` where no event loop runs."""
        self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while not self._process.check_ready(READY):
            if time.monotonic() > deadline:
                raise self._process.failure(f"the broker was not ready in {START_SECONDS:g} s")
            time.sleep(POLL_SECONDS)

    def kill_blocking(self) -> None:
        """`kill` where no event loop runs."""
        self._process.kill()

    async def start(self, *, timeout_seconds: float = START_SECONDS) -> None:
        """Start, again on the same port and data, and wait until it serves; `PeerError` if not."""
        self.spawn()
        await self.wait_ready(timeout_seconds=timeout_seconds)

    async def wait_ready(self, *, timeout_seconds: float = START_SECONDS) -> None:
        """Wait until it serves, after `spawn`."""
        try:
            await eventually(
                lambda: self._process.check_ready(READY),
                "the broker serves",
                timeout_seconds=timeout_seconds,
            )
        except PeerError as late:
            raise self._process.failure(str(late)) from late

    async def kill(self) -> None:
        """SIGKILL: what a broker's crash looks like."""
        self._process.kill()

    async def stop(self) -> None:
        """A controlled shutdown; killed when that takes longer than `STOP_SECONDS`."""
        self._process.terminate()
        with contextlib.suppress(PeerError):
            await eventually(
                lambda: not self.running, "the broker's end", timeout_seconds=STOP_SECONDS
            )
        self._process.kill()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.kill()
        if error is not None:
            error.add_note(f"end of the log of broker {self._node.id}:\n{self.log}")

    async def create_topic(
        self, name: str, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> None:
        """Create a topic; `configs` are Kafka's topic settings."""
        topic = NewTopic(
            name=name,
            num_partitions=partitions,
            replication_factor=len(self._nodes),
            topic_configs=dict(configs or {}),
        )
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        try:
            response = await admin.create_topics([topic])
        finally:
            await admin.close()
        for topic_name, code, *message in response.topic_errors:
            if code != 0:
                raise PeerError(f"topic {topic_name} was not created: {code} {message}")

    async def read_topic(
        self,
        topic: str,
        *,
        isolation: Literal["read_committed", "read_uncommitted"] = "read_committed",
        timeout_seconds: float = 30.0,
    ) -> list[KafkaRecord]:
        """Every record from the beginning to the end there is now, in order per partition.

        For `read_committed` the end is the first open transaction.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            isolation_level=isolation,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await _read_to_end(consumer, topic)
        except TimeoutError as late:
            raise PeerError(f"{topic} was not read in {timeout_seconds:g} s") from late
        finally:
            await consumer.stop()

    @property
    def _configuration_file(self) -> Path:
        return self._directory / "server.properties"

    @staticmethod
    def _java(heap_megabytes: int) -> list[str]:
        return [
            "java",
            f"-Xmx{heap_megabytes}m",
            "-XX:+UseSerialGC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
            *("-classpath", f"{INSTALLED / 'kafka' / 'lib'}/*"),
        ]

    def _format(self) -> None:
        node = self._node
        voters = ",".join(f"{n.id}@127.0.0.1:{n.controller_port}" for n in self._nodes)
        replicas = str(min(3, len(self._nodes)))
        settings = {
            "process.roles": "broker,controller",
            "node.id": str(node.id),
            "controller.quorum.voters": voters,
            "listeners": (
                f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}"
            ),
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self._directory / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            # A killed node may register again only after its old session has ended: 9 s by default.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            # Consumer groups of a test start at once instead of waiting for more members.
            "group.initial.rebalance.delay.ms": "0",
            **self._settings,
        }
        self._directory.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{key}={value}\n" for key, value in settings.items())
        self._configuration_file.write_text(lines, encoding="utf-8")
        scram = [
            option
            for name, password in self._scram_users.items()
            for option in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")
        ]
        self._administer(
            *("kafka.tools.StorageTool", "format", "--ignore-formatted"),
            *("--cluster-id", self._cluster_id),
            *("--config", str(self._configuration_file), *scram),
        )

    def change_password(self, name: str, password: str) -> None:
        """Give a user another SCRAM password; connections that are open stay. Raises `PeerError`."""
        self._administer(
            *("kafka.admin.ConfigCommand", "--bootstrap-server", self.bootstrap_servers, "--alter"),
            *("--entity-type", "users", "--entity-name", name),
            *("--add-config", f"SCRAM-SHA-512=[password={password}]"),
        )

    def _administer(self, *command: str) -> None:
        tool = subprocess.run(
            [*self._java(128), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if tool.returncode != 0:
            raise PeerError(f"{command[0]} failed:\n{tool.stdout}{tool.stderr}")


def new_cluster_id() -> str:
    """A fresh id as Kafka writes them: a UUID in URL-safe base 64 that begins with no hyphen."""
    while True:
        text = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def kafka_cluster(directory: Path, size: int, **options: Any) -> list[KafkaBroker]:
    """Nodes of one cluster, not started: `spawn` all of them, then `wait_ready` each."""
    nodes = [Node(number, free_port(), free_port()) for number in range(1, size + 1)]
    cluster_id = new_cluster_id()
    return [
        KafkaBroker(
            directory / f"node-{node.id}",
            cluster=nodes,
            node_id=node.id,
            cluster_id=cluster_id,
            **options,
        )
        for node in nodes
    ]


async def _read_to_end(consumer: AIOKafkaConsumer, topic: str) -> list[KafkaRecord]:
    # The public `partitions` know a topic only once it is in use; this asks for it.
    partitions = await consumer._client._wait_on_metadata(topic)
    assigned = [TopicPartition(topic, number) for number in sorted(partitions)]
    consumer.assign(assigned)
    await consumer.seek_to_beginning(*assigned)
    ends = await consumer.end_offsets(assigned)
    records: list[KafkaRecord] = []
    for partition in assigned:
        while await consumer.position(partition) < ends[partition]:
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                records.extend(
                    KafkaRecord(
                        record.partition,
                        record.offset,
                        record.key,
                        record.value,
                        dict(record.headers),
                        record.timestamp,
                    )
                    for record in batch
                )
    records.sort(key=lambda record: (record.partition, record.offset))
    return records
