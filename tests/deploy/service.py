"""Proves the systemd unit under a real systemd: `python -m tests.deploy.service` starts one and puts it to the test.

systemd is process 1 of namespaces of its own, in a minimal Debian 12 (debootstrap). The gateway is installed by the
commands of `deploy/README.md`, word for word, and starts against a simulator. Needs root, `debootstrap`, and the
registries that an installation needs. `--base DIR` keeps the Debian there and takes it from there the next time.

What a kernel shared with other systems cannot show is left out: limits of memory and processor, and a start at boot.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.image import (
    CERTIFICATES,
    HANDED_CERTIFICATES,
    HOST_VARIABLES,
    ROOT,
    check_out,
    say,
)

PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates,curl"
CGROUPS = [Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")]
API = "http://127.0.0.1:8080"
ENABLE = "systemctl enable --now tieline"
UNIT = Path("etc/systemd/system/tieline.service")
# The watchdog's minute and its patience with a process that hangs would make the proof long.
DROP_IN = """\
[Service]
WatchdogSec=3
TimeoutAbortSec=3
LoadCredential=gws:/etc/tieline/gws.cred
LoadCredential=journal-key:/etc/tieline/journal-key.cred
"""
SIMULATOR = """\
[Service]
ExecStart=/opt/tieline/venv/bin/tieline simulate genesys_web_services --port 8090 --scenario /etc/tieline.scenario
DynamicUser=yes
"""
SCENARIO = {"ack": True, "max_interval_ms": 60_000, "agents": 1, "events_per_second": 5}
CONFIGURATION: dict[str, Any] = {
    "gateway": {
        "data_dir": "/var/lib/tieline",
        "journal": {"encryption_keys": [{"credential": "journal-key"}]},
    },
    "connectors": [
        {
            "name": "gws",
            "platform": "genesys_web_services",
            "base_url": "http://127.0.0.1:8090",
            "accounts": [{"username": "agent0001", "password": {"credential": "gws"}}],
        }
    ],
    "sinks": [{"name": "log", "kind": "file", "path": "events.jsonl"}],
}
STARTED_AS_PROCESS_ONE = r"""
mount --bind $ROOT $ROOT
mount -t proc proc $ROOT/proc
mount -t sysfs sysfs $ROOT/sys
mount -t cgroup2 cgroup2 $ROOT/sys/fs/cgroup
mount -t tmpfs tmpfs $ROOT/run
mount -t tmpfs tmpfs $ROOT/dev -o mode=755
for name in null zero full random urandom tty; do
  touch $ROOT/dev/$name
  mount --bind /dev/$name $ROOT/dev/$name
done
mkdir $ROOT/dev/pts $ROOT/dev/shm
mount -t devpts devpts $ROOT/dev/pts -o newinstance,ptmxmode=0666
mount -t tmpfs tmpfs $ROOT/dev/shm
ln -s pts/ptmx $ROOT/dev/ptmx
cd $ROOT
pivot_root . mnt
umount -l /mnt
mount --make-rshared /
exec env -i container=proof PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system
"""


class Machine:
    """A Debian whose process 1 is systemd."""

    def __init__(self, root: Path, init: int) -> None:
        self.root = root
        self._init = str(init)

    def run(self, command: str, *, check: bool = True) -> str:
        """What a command says inside."""
        inside = ["nsenter", "--target", self._init, "--all", "--root", "--wd", "sh", "-c", command]
        done = subprocess.run(
            inside,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def unit(self, setting: str) -> str:
        """A property of the gateway's unit."""
        return self.run(f"systemctl show tieline --value --property={setting}")

    def api(self, path: str) -> Any:
        """A resource of the control API; None while there is no answer."""
        text = self.run(f"curl --silent --max-time 5 {API}{path}", check=False)
        return json.loads(text) if text else None

    def feeds(self) -> list[dict[str, Any]]:
        """The feeds, as the API shows them."""
        found: list[dict[str, Any]] = (self.api("/v1/feeds") or {"items": []})["items"]
        return found

    def connected(self) -> bool:
        """Whether every feed is."""
        return [feed["state"] for feed in self.feeds()] == ["connected"]

    def configure(self, changed: dict[str, Any]) -> None:
        """Write the configuration."""
        (self.root / "etc/tieline/tieline.yaml").write_text(yaml.safe_dump(changed))


def until(holds: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.2)


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Start systemd in the root, in a group of its own; kill all of it at the end."""
    unified = next(path for path in CGROUPS if (path / "cgroup.procs").exists())
    group = unified / f"tieline-proof-{os.getpid()}"
    group.mkdir()
    flags = ["--pid", "--fork", "--mount", "--uts", "--ipc", "--net", "--cgroup", "--kill-child"]
    joined = f"echo $$ > {group}/cgroup.procs; exec unshare {' '.join(flags)} sh -ec '{STARTED_AS_PROCESS_ONE}'"
    with (root.parent / "console.log").open("wb") as console:
        process = subprocess.Popen(
            ["sh", "-ec", joined],
            env={**os.environ, "ROOT": str(root)},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        until(lambda: children.read_text().strip(), "the namespaces")
        machine = Machine(root, int(children.read_text().split()[0]))
        state = "systemctl is-system-running --wait"
        until(lambda: machine.run(state, check=False) in {"running", "degraded"}, "systemd")
        say(f"process 1: {machine.run('cat /proc/1/comm')}, {machine.run(state, check=False)}")
        yield machine
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: "populated 0" in (group / "cgroup.events").read_text(), "the end of all")
        for inner in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            inner.rmdir()
        group.rmdir()


def installation() -> list[str]:
    """The commands of the run book."""
    text = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"As root, in a checkout:\n\n```\n(.*?)```", text, re.DOTALL)
    return str(block).splitlines()


def install(root: Path) -> None:
    """Do what the run book says, but for the start, and write a configuration of our own."""
    shutil.copy("/etc/resolv.conf", root / "etc")
    shutil.copy(CERTIFICATES, root / HANDED_CERTIFICATES.lstrip("/"))
    check_out(root / "srv/checkout")
    host = {name: os.environ[name] for name in HOST_VARIABLES if name in os.environ}
    for command in installation():
        if command == ENABLE:
            continue
        say(command)
        subprocess.run(
            ["chroot", str(root), "sh", "-ec", f"cd /srv/checkout; {command}"],
            env={"PATH": os.environ["PATH"], "PIP_CERT": HANDED_CERTIFICATES, **host},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    folder = root / "etc/tieline"
    (folder / "gws.cred").write_text("secret")
    (folder / "journal-key.cred").write_text("0f" * 32)
    for secret in folder.glob("*.cred"):
        secret.chmod(0o600)
    drop_in = root / f"{UNIT}.d"
    drop_in.mkdir()
    (drop_in / "proof.conf").write_text(DROP_IN)
    (root / UNIT.parent / "simulator.service").write_text(SIMULATOR)
    (root / "etc/tieline.scenario").write_text(yaml.safe_dump(SCENARIO))


def prove(machine: Machine) -> None:
    """Everything that the unit promises."""
    machine.configure(CONFIGURATION)
    machine.run("systemctl start simulator")
    begin = time.monotonic()
    machine.run(ENABLE)
    assert machine.unit("ActiveState") == "active"
    until(machine.connected, "the feed with its credential")
    say(
        f"ready, {machine.unit('StatusText')}, feed connected after {time.monotonic() - begin:.1f} s"
    )
    confined(machine)
    watched(machine)
    reloaded(machine)
    killed(machine)
    stopped(machine)
    refused(machine)


def confined(machine: Machine) -> None:
    """The hardening is in force and the gateway works in it."""
    status = machine.run(f"cat /proc/{machine.unit('MainPID')}/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    user = machine.run("id --user tieline")
    assert facts["Uid"].split() == [user] * 4, facts["Uid"]
    assert int(facts["CapEff"], 16) == 0
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    view = f"nsenter --target {machine.unit('MainPID')} --mount"
    for path in ("/usr/proof", "/etc/proof", "/opt/proof"):
        assert machine.run(f"{view} touch {path} 2>&1", check=False), f"{path} can be written"
    kept = machine.run("stat --format='%U %a' /var/lib/tieline /var/lib/tieline/journal.sqlite")
    assert kept.splitlines() == ["tieline 700", "tieline 600"], kept
    exposure = machine.run("systemd-analyze security tieline | tail -1", check=False)
    say(f"no capability, system calls filtered, files of others read-only; {exposure.strip(' →')}")


def watched(machine: Machine) -> None:
    """It pings the watchdog, and is ended and started anew when it hangs."""
    before = int(machine.unit("WatchdogTimestampMonotonic"))
    until(lambda: int(machine.unit("WatchdogTimestampMonotonic")) > before, "a ping", 10)
    hung = machine.unit("MainPID")
    machine.run(f"kill -STOP {hung}")
    until(lambda: machine.unit("NRestarts") == "1" and machine.connected(), "the restart")
    assert machine.unit("MainPID") != hung
    until(lambda: "watchdog" in machine.run("journalctl --unit tieline").lower(), "the cause")
    say("pings; a process that hung was ended by the watchdog and started anew")


def reloaded(machine: Machine) -> None:
    """`systemctl reload` takes a changed file over; the process stays."""
    before = machine.unit("MainPID")
    copy = {"name": "copy", "kind": "file", "path": "copy.jsonl"}
    machine.configure(CONFIGURATION | {"sinks": [*CONFIGURATION["sinks"], copy]})
    machine.run("systemctl reload tieline")
    until(lambda: len(machine.api("/v1/sinks")["items"]) == 2, "the second sink")
    assert (machine.unit("MainPID"), machine.unit("ActiveState")) == (before, "active")
    say("reload: the second sink is there, the process is the same")


def killed(machine: Machine) -> None:
    """After SIGKILL it is started anew and goes on with the platform's session."""
    (feed,) = machine.feeds()
    machine.run("systemctl kill --signal=KILL tieline")
    until(lambda: machine.unit("NRestarts") == "2" and machine.connected(), "the restart")
    (again,) = machine.feeds()
    assert (again["session"], again["gaps"]) == (feed["session"], 0)
    say("killed: started anew, the platform's session goes on")


def stopped(machine: Machine) -> None:
    """A stop drains and is clean, well within its deadline."""
    begin = time.monotonic()
    machine.run("systemctl stop tieline")
    lasted = time.monotonic() - begin
    assert (machine.unit("Result"), machine.unit("ExecMainStatus")) == ("success", "0")
    assert lasted < 40, f"the stop took {lasted:.0f} s"
    lines = machine.run("journalctl --unit tieline --output cat").splitlines()
    ours = [json.loads(line) for line in lines if line.startswith("{")]
    assert [line["clean"] for line in ours if line["event"] == "gateway stopped"] == [True]
    say(f"stopped clean in {lasted:.1f} s; {len(ours)} lines of JSON in the system's log")


def refused(machine: Machine) -> None:
    """A configuration that cannot work is told at the start and not tried again and again."""
    machine.configure(CONFIGURATION | {"sinks": [{"name": "log", "kind": "fil"}]})
    machine.run("systemctl start tieline", check=False)
    until(lambda: machine.unit("ActiveState") == "failed", "the end of the attempts")
    assert (machine.unit("ExecMainStatus"), machine.unit("NRestarts")) == ("2", "0")
    assert "did you mean file?" in machine.run("journalctl --unit tieline --output cat")
    say("a bad configuration: failed, with its errors in the log, and no restart")


def main() -> None:
    """Install, start, prove."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--base", type=Path, help="where the Debian is kept")
    base: Path | None = parser.parse_args().base
    with tempfile.TemporaryDirectory(prefix="systemd-") as scratch:
        kept = base or Path(scratch, "base")
        if not (kept / "etc").is_dir():
            say("debootstrap")
            subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", kept],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        root = Path(scratch, "root")
        subprocess.run(["cp", "--archive", kept, root], check=True)
        install(root)
        with booted(root) as machine:
            try:
                prove(machine)
            except BaseException:
                sys.stderr.write(machine.run("journalctl --no-pager | tail -80", check=False))
                raise


if __name__ == "__main__":
    main()
