"""SQLite stores on network file systems are refused with advice; every other place is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.errors import StoreError
from hwcost.stores import network, open_store

MOUNTED = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:50 / {home} rw,relatime shared:9 - {kind} server:/export rw,vers=4.2
31 30 0:51 / {home}/local\\040disk rw - xfs /dev/sdb rw
broken line
"""


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    home = tmp_path / "home"
    (home / "local disk").mkdir(parents=True)

    def mount(kind: str) -> Path:
        table = tmp_path / "mountinfo"
        table.write_text(MOUNTED.format(home=home, kind=kind))
        monkeypatch.setattr(network, "MOUNTS", table)
        return home

    return mount


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "lustre", "fuse.rclone", "beegfs", "ceph"])
def test_network_file_systems_are_refused_with_advice(mounted, monkeypatch, kind) -> None:  # type: ignore[no-untyped-def]
    home = mounted(kind)
    advice = rf"network file system \({kind} at {home}\).*local disk.*PostgreSQL.*HWCOST_ALLOW_NETWORK_STORE=1"
    for path in (home / "s.db", home / "new folder" / "s.db"):
        with pytest.raises(StoreError, match=advice):
            open_store(path)
    assert sorted(home.iterdir()) == [home / "local disk"]
    open_store(home / "s.jsonl").close()  # its lock is one of the file itself
    open_store(home / "local disk" / "s.db").close()
    monkeypatch.setenv(network.ALLOWED, "1")
    open_store(home / "s.db").close()
    monkeypatch.delenv(network.ALLOWED)
    with pytest.raises(StoreError, match=kind):
        open_store(home / "s.db", create=False)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.ntfs-3g", "9p"])
def test_others_are_not(mounted, kind) -> None:  # type: ignore[no-untyped-def]
    open_store(mounted(kind) / "s.db").close()


def test_a_link_to_a_network_is_seen(mounted, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "link").symlink_to(mounted("nfs4"))
    with pytest.raises(StoreError, match="nfs4"):
        open_store(tmp_path / "link" / "s.db")


def test_without_a_table_of_mounts_nothing_is_refused(monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(network, "MOUNTS", tmp_path / "gone")
    assert network.file_system(tmp_path) is None
    open_store(tmp_path / "s.db").close()
