"""Clusters on loopback for tests: Slurm's controller with two daemons, and a Ray node, with devices that are names only."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from hwcost.elsewhere.transports import transport
from hwcost.errors import DeviceError
from tests.conftest import PATIENCE_S, require_program

OF_SLURM = ("k80", "xeon")
OF_RAY = ("k80", "l4", "t4", "xeon")

SLURM = """
ClusterName=fleet
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
KillWait=2
GresTypes=hwdev
NodeName=k80 NodeAddr=127.0.0.1 NodeHostname={host} Port={ports[1]} CPUs=1 Gres=hwdev:k80:1
NodeName=xeon NodeAddr=127.0.0.1 NodeHostname={host} Port={ports[2]} CPUs=1 Gres=hwdev:xeon:1
PartitionName=devices Nodes=k80,xeon MaxTime=INFINITE State=UP
"""
GRES = "".join(f"NodeName={name} Name=hwdev Type={name} Count=1\n" for name in OF_SLURM)

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@contextmanager
def slurm(folder: Path) -> Iterator[str]:
    """Runs Slurm and yields the address of its partition; ``SLURM_CONF`` leads its programs there."""
    for name in ("sbatch", "scancel", "scontrol", "sinfo", "squeue"):
        require_program(name)
    programs = ("munged", "slurmctld", "slurmd")
    munged, controller, daemon = (shutil.which(one, path=PATH) or require_program(one) for one in programs)
    key, config = folder / "munge.key", folder / "slurm.conf"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    (folder / "state").mkdir()
    (folder / "gres.conf").write_text(GRES, encoding="utf-8")
    text = SLURM.format(folder=folder, host=socket.gethostname(), user=getpass.getuser(), ports=free_ports(3))
    config.write_text(text, encoding="utf-8")
    paths = {"key-file": key, "socket": folder / "munge.socket"}
    paths |= {name: folder / f"munge.{name}" for name in ("pid-file", "log-file", "seed-file")}
    with ExitStack() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(config))
        given = [f"--{name}={path}" for name, path in paths.items()]
        running.enter_context(process([munged, "--foreground", "--force", "--num-threads=1", *given]))
        wait_for(lambda: (folder / "munge.socket").exists())
        running.enter_context(process([controller, "-D"]))
        for name in OF_SLURM:
            running.enter_context(process([daemon, "-D", "-N", name]))
        wait_for(lambda: said("sinfo", "--noheader", "--Node", "--format=%T").split() == ["idle", "idle"])
        try:
            yield "slurm://devices"
        finally:
            said("scancel", "--me")
            wait_for(lambda: not said("squeue", "--noheader"))


@contextmanager
def ray(folder: Path) -> Iterator[str]:
    """Runs a node of Ray and yields the address of its interface for jobs.

    Args:
        folder: Folder for its files, with a short path, since sockets lie in it.
    """
    pytest.importorskip("ray")
    names = ("port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port")
    ports = dict(zip(names, free_ports(4), strict=True))
    given = [f"--{name}={port}" for name, port in ports.items()]
    resources = json.dumps(dict.fromkeys(OF_RAY, 1))
    given += ["--num-cpus=4", "--object-store-memory=80000000", f"--resources={resources}"]
    program = Path(sys.executable).with_name("ray")
    command = [str(program), "start", "--head", "--block", "--disable-usage-stats", f"--temp-dir={folder}", *given]
    with ray_alone(), process(command):
        address = f"ray://127.0.0.1:{ports['dashboard-port']}"
        wait_for(lambda: is_open(ports["dashboard-port"]) and has_device(address))
        yield address


@contextmanager
def ray_alone() -> Iterator[None]:
    """Keeps Ray away from the token in the user's home, which it would use, or make, for its authentication."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        yield


@contextmanager
def process(command: list[str]) -> Iterator[None]:
    """Runs a daemon in the foreground, and ends it."""
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def said(*command: str) -> str:
    """Returns what a program says, also when it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def wait_for(condition) -> None:  # type: ignore[no-untyped-def]
    """Waits until something is so; fails where it does not come about."""
    pause = threading.Event()
    for _ in range(PATIENCE_S * 10):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError(f"nothing happened within {PATIENCE_S} s")


def has_device(address: str) -> bool:
    """Says whether a cluster has its first device, which comes a while after the cluster itself."""
    try:
        transport(address).claim(OF_RAY[0], 1)
    except DeviceError as error:
        if "refuses" in str(error):
            raise
        return False
    return True


def is_open(port: int) -> bool:
    """Says whether something listens on a port of loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Returns ports that nothing listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
