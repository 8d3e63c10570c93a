"""A campaign over ssh to this very machine: Debian's sshd on a loopback port, with keys that the test makes."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import hwcost as hc
from hwcost.campaign.rounds.progress import Progress
from hwcost.elsewhere import measure
from hwcost.elsewhere.transports import ConnectionLostError, Transport, transport
from hwcost.errors import DeviceError
from hwcost.stores import open_store
from hwcost.testing.transports import TransportSuite
from tests.conftest import require_program
from tests.elsewhere.clusters import free_ports, is_open, wait_for
from tests.elsewhere.jobs import WORKS

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""


@dataclass
class Server:
    """A running sshd.

    Attributes:
        address: What stands before the folder in addresses of it.
        options: What stands behind it.
        process: The daemon.
    """

    address: str
    options: str
    process: subprocess.Popen[bytes]

    def url(self, folder: Path) -> str:
        return f"{self.address}{folder}?{self.options}"

    def cut(self) -> bool:
        """Kills the processes that serve connections, as a cut line does; returns whether there were any."""
        found = psutil.Process(self.process.pid).children()
        for one in found:
            one.kill()
        return bool(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for program in ("ssh", "scp", "ssh-keygen"):
        require_program(program)
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or require_program("sshd")
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (port,) = free_ports(1)
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder), encoding="utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=log)
    try:
        wait_for(lambda: is_open(port))
        known = f"UserKnownHostsFile={folder}/known_hosts"
        options = [f"IdentityFile={folder}/user", "IdentitiesOnly=yes", "StrictHostKeyChecking=accept-new", known]
        query = "&".join([f"python={sys.executable}", *(f"option={option}" for option in options), "config=/dev/null"])
        user = pwd.getpwuid(os.geteuid()).pw_name
        yield Server(f"ssh://{user}@127.0.0.1:{port}", query, process)
    finally:
        process.kill()
        process.wait()


class TestSsh(TransportSuite):
    @pytest.fixture
    def transport(self, server: Server, tmp_path: Path) -> Transport:
        return transport(server.url(tmp_path / "there"))


def test_a_campaign_runs_over_ssh_through_a_cut_connection(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "PAUSES_S", (0.2,) * 10)
    cuts: list[bool] = []
    passes = 0

    def cut_once(state: Progress) -> None:
        nonlocal passes
        passes += state.passes > 0
        if passes == 2 and not cuts:
            cuts.append(server.cut())

    result = hc.measure(
        WORKS, "cpu", backend="null", rounds=2, store=tmp_path / "a.db", on=server.url(tmp_path / "there"),
        progress=cut_once, backend_options={"realtime": "true"},
    )  # fmt: skip
    assert cuts == [True]
    assert result.is_complete
    with open_store(str(tmp_path / "a.db")) as store:
        assert store.count() == 2 * len(WORKS)
        assert all(record.visit.conditions.get("round_share", 1.0) == 1.0 for record in store.records())


def test_a_machine_that_does_not_answer_is_unreachable(server: Server, tmp_path: Path) -> None:
    url = server.url(tmp_path).replace(server.address.rpartition(":")[2], str(*free_ports(1)))
    with pytest.raises(DeviceError, match=r"cannot be reached: .*Connection refused"):
        transport(url).run("job", [], lambda line: None)


def test_a_key_that_is_not_accepted_is_said(server: Server, tmp_path: Path) -> None:
    url = server.url(tmp_path).replace("/user&", "/absent&")
    with pytest.raises(DeviceError, match="Permission denied") as error:
        transport(url).send([tmp_path], "job")
    assert not isinstance(error.value, ConnectionLostError)
