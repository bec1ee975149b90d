"""A real Prometheus server that scrapes gateways of a test, with the rules of `deploy/prometheus`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.support.judges import DEPLOY, program
from tests.support.processes import LoggedProcess, PeerError, eventually, free_port

RULES = DEPLOY / "prometheus" / "rules.yaml"


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str
    http: aiohttp.ClientSession

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query; PeerError with the server's words when it is refused."""
        parameters = {"query": expression}
        async with self.http.get(f"{self.url}/api/v1/query", params=parameters) as reply:
            told = await reply.json()
        if told["status"] != "success":
            raise PeerError(f"{expression}: {told['error']}")
        samples: list[dict[str, Any]] = told["data"]["result"]
        return samples

    async def label_values(self, label: str, series: str) -> list[str]:
        """The values of a label over the series that fit."""
        url = f"{self.url}/api/v1/label/{label}/values"
        async with self.http.get(url, params={"match[]": series}) as reply:
            values: list[str] = (await reply.json())["data"]
            return values

    async def exemplars(self, expression: str) -> list[dict[str, Any]]:
        """The exemplars of the series of an expression: labels, value and timestamp."""
        parameters = {"query": expression, "start": "0", "end": "9999999999"}
        async with self.http.get(f"{self.url}/api/v1/query_exemplars", params=parameters) as reply:
            series = (await reply.json())["data"]
        return [exemplar for one in series for exemplar in one["exemplars"]]

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health and state."""
        async with self.http.get(f"{self.url}/api/v1/rules") as reply:
            groups = (await reply.json())["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


@asynccontextmanager
async def prometheus(
    directory: Path, http: aiohttp.ClientSession, targets: Sequence[str]
) -> AsyncIterator[Prometheus]:
    """A server that scrapes the targets (`host:port`) every second as the job `tieline`."""
    home = directory / "prometheus"
    home.mkdir()
    configuration = home / "prometheus.yaml"
    configuration.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [
                    {"job_name": "tieline", "static_configs": [{"targets": list(targets)}]}
                ],
            }
        )
    )
    port = free_port()
    process = LoggedProcess(
        [
            program("prometheus"),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ],
        log=home / "log",
    )
    process.start()
    try:
        url = f"http://127.0.0.1:{port}"

        async def ready() -> bool:
            if not process.running:
                raise process.failure("prometheus ended while starting")
            try:
                async with http.get(f"{url}/-/ready") as reply:
                    return reply.status == 200
            except aiohttp.ClientError:
                return False

        await eventually(ready, "prometheus ready", timeout_seconds=30.0)
        yield Prometheus(url, http)
    finally:
        process.kill()
