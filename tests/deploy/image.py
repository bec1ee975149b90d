"""Proves the Dockerfile without a container engine: `python -m tests.deploy.image` runs its every step in a clean root.

Each stage begins as a minimal Debian 12 (debootstrap). RUN steps run in it, COPY copies what the ignore file leaves
over. Then the entry point is started as the image's user, with a read-only root and a data volume, against a
simulator; the health check must pass and SIGTERM must end it with code 0. Needs root, `debootstrap`, and the
registries that the build itself needs.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# What this machine needs to reach the registries; handed to each step, and no part of a stage.
CERTIFICATES = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
HANDED_CERTIFICATES = "/run/certificates.pem"
HOST_VARIABLES = ("PIP_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY")


@dataclass
class Stage:
    """One stage: its root directory and what its instructions set."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0:0"
    entry_point: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def say(line: str) -> None:
    """Show how far it is."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions and their arguments, continuation lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [
        (word.upper(), rest.strip())
        for word, _, rest in (line.strip().partition(" ") for line in joined.splitlines())
        if word
    ]


def expand(value: str, environment: dict[str, str]) -> str:
    """A value with $NAME replaced."""
    return re.sub(r"\$(\w+)", lambda found: environment.get(found[1], ""), value)


class Builder:
    """Runs the instructions of a Dockerfile."""

    def __init__(self, work: Path, context: Path) -> None:
        self.work = work
        self.context = context
        self.stages: dict[str, Stage] = {}
        self.stage = Stage(work)
        self.base = work / "base"
        subprocess.run(
            ["debootstrap", "--variant=minbase", "bookworm", str(self.base)],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def build(self, text: str) -> Stage:
        """Run all of it; returns the last stage."""
        for word, rest in instructions(text):
            say(f"{word} {rest[:100]}")
            getattr(self, f"_do_{word.lower()}")(rest)
        return self.stage

    def _do_from(self, rest: str) -> None:
        image, _, name = rest.partition(" AS ")
        assert image == "debian:bookworm-slim", f"this proof has no {image}"
        root = self.work / f"stage-{len(self.stages)}"
        subprocess.run(["cp", "--archive", str(self.base), str(root)], check=True)
        shutil.copy("/etc/resolv.conf", root / "etc")
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.stage = Stage(root, environment={"PATH": path})
        self.stages[name or "last"] = self.stage

    def _do_run(self, rest: str) -> None:
        host = {name: os.environ[name] for name in HOST_VARIABLES if name in os.environ}
        handed = self.stage.root / HANDED_CERTIFICATES.lstrip("/")
        shutil.copy(CERTIFICATES, handed)
        host["PIP_CERT"] = HANDED_CERTIFICATES
        subprocess.run(
            [
                "chroot",
                str(self.stage.root),
                "/bin/sh",
                "-c",
                f"cd {self.stage.directory} && {rest}",
            ],
            env={**self.stage.environment, **host, "DEBIAN_FRONTEND": "noninteractive"},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        handed.unlink()

    def _do_copy(self, rest: str) -> None:
        *sources, target = shlex.split(rest)
        origin = self.context
        if sources[0].startswith("--from="):
            origin = self.stages[sources.pop(0).removeprefix("--from=")].root
        place = self.stage.root / (Path(self.stage.directory) / target).as_posix().lstrip("/")
        for source in sources:
            found = origin / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, place)

    def _do_workdir(self, rest: str) -> None:
        self.stage.directory = rest
        (self.stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _do_env(self, rest: str) -> None:
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            self.stage.environment[name] = expand(value, self.stage.environment)

    def _do_user(self, rest: str) -> None:
        self.stage.user = rest

    def _do_entrypoint(self, rest: str) -> None:
        self.stage.entry_point = json.loads(rest)

    def _do_cmd(self, rest: str) -> None:
        self.stage.command = json.loads(rest)

    def _do_healthcheck(self, rest: str) -> None:
        self.stage.health = json.loads(rest.partition("CMD ")[2])

    def _told_only(self, rest: str) -> None:
        """What an image says of itself and no step does."""

    _do_label = _do_volume = _do_expose = _do_stopsignal = _told_only


def inside(stage: Stage, arguments: list[str], volume: Path, configuration: Path) -> list[str]:
    """A command line that runs the arguments as a container would: read-only root, volume, user, variables."""
    root = stage.root
    mounts = [
        f"mount --bind {root} {root}",
        f"mount -o remount,bind,ro {root}",
        f"mount -t proc proc {root}/proc",
        f"mount -t tmpfs tmpfs {root / 'tmp'}",
        f"mount --bind {volume} {root}/var/lib/tieline",
        f"mount --bind {configuration} {root}/etc/tieline",
        f"cd {root}/{stage.directory.lstrip('/')}",
    ]
    variables = " ".join(
        f"{name}={shlex.quote(value)}" for name, value in stage.environment.items()
    )
    run = f"exec env -i {variables} chroot --userspec={stage.user} {root} {shlex.join(arguments)}"
    return [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        "\n".join([*mounts, run]),
    ]


def serve(stage: Stage, work: Path) -> None:
    """Start the image's command against a simulator, check its health, stop it."""
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "simulate", "genesys_web_services"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as simulator:
        assert simulator.stdout is not None
        url = json.loads(simulator.stdout.readline())["url"]
        volume, configuration = work / "volume", work / "configuration"
        volume.mkdir()
        configuration.mkdir(mode=0o755)
        user = int(stage.user.split(":")[0])
        os.chown(volume, user, user)
        connector = {
            "name": "gws",
            "platform": "genesys_web_services",
            "base_url": url,
            "accounts": [{"username": "agent1", "password": "secret"}],
        }
        (configuration / "tieline.yaml").write_text(
            yaml.safe_dump(
                {
                    "gateway": {"api": {"port": 8080}},
                    "connectors": [connector],
                    "sinks": [{"name": "log", "kind": "file", "path": "events.jsonl"}],
                }
            )
        )
        command = inside(stage, stage.entry_point + stage.command, volume, configuration)
        with subprocess.Popen(command) as gateway:
            try:
                healthy = False
                for _ in range(60):
                    check = subprocess.run(
                        inside(stage, stage.health, volume, configuration),
                        stderr=subprocess.DEVNULL,
                        check=False,
                    )
                    healthy = check.returncode == 0
                    if healthy or gateway.poll() is not None:
                        break
                    time.sleep(0.5)
                assert healthy, "the health check never passed"
                # unshare, sh, env and chroot replace each other: the process is the gateway itself, as in a container.
                gateway.send_signal(signal.SIGTERM)
                assert gateway.wait(60) == 0, "SIGTERM did not end it clean"
            finally:
                gateway.kill()
                simulator.terminate()
        assert (volume / "journal.sqlite").stat().st_uid == user
        say(f"healthy, stopped clean; volume: {sorted(path.name for path in volume.iterdir())}")


def main() -> None:
    """Build and serve in a scratch directory."""
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        work = Path(scratch)
        context = work / "context"
        check_out(context, *allowed())
        stage = Builder(work, context).build((ROOT / "Dockerfile").read_text())
        sizes = subprocess.run(["du", "-sm", str(stage.root)], check=True, capture_output=True)
        say(f"size of the image's root: {sizes.stdout.split()[0].decode()} MiB")
        serve(stage, work)


def check_out(folder: Path, *paths: str) -> None:
    """Put what is committed into a new folder, all of it or these paths."""
    archive = ["git", "-C", str(ROOT), "archive", "HEAD", *paths]
    folder.mkdir(parents=True)
    tar = subprocess.run(archive, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=tar, check=True)


def allowed() -> list[str]:
    """Paths that the ignore file lets into the build."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


if __name__ == "__main__":
    main()
