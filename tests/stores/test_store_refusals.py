"""Stores that cannot be opened, read or written say why and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hwcost.errors import DataError, HwcostError, MissingExtraError, StoreError, UsageError
from hwcost.stores import default_location, open_store
from hwcost.stores.lines import HEADER, MAX_LINE_BYTES
from hwcost.stores.schema import Campaign
from hwcost.testing.store_contents import make_record

NAMES = ("store.db", "store.jsonl")
ESTIMATES = (
    b'{"estimates": [{"series_key": "s", "campaign_id": null, "run_id": null, "measured_at": "2025-01-01T00:00:00Z", '
    b'"value": 0.1, "half_width": null}]}\n'
)


def filled(path):
    with open_store(path) as store:
        store.add_campaign(Campaign(campaign_id="c"))
        store.append(make_record("c"))
    return path


@pytest.fixture
def open_folder():
    """A folder that every user can enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    become_root_again()
    folder.chmod(0o755)
    shutil.rmtree(folder)


def lock_up(folder):
    """Takes write permission from a folder and its files, and root's power from this process."""
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)


def become_root_again():
    if os.getuid() == 0:
        os.seteuid(0)


@pytest.mark.parametrize("name", NAMES)
def test_a_read_only_store_is_read(open_folder, name):
    path = filled(open_folder / name)
    lock_up(open_folder)
    with open_store(path) as store:
        assert store.is_read_only
        assert store.count() == len(list(store.records())) == 1
        for change in (
            lambda: store.append(make_record("c", 1)),
            lambda: store.add_campaign(Campaign()),
            lambda: store.set_status("c", "done"),
            lambda: store.add_round("c", 0, []),
        ):
            with pytest.raises(StoreError, match="it is read-only for this user. Copy it"):
                change()


def test_a_read_only_store_is_read_while_its_owner_writes(open_folder):
    path = open_folder / "store.db"
    with open_store(path) as owner:
        owner.add_campaign(Campaign(campaign_id="c"))
        owner.append(make_record("c"))
        lock_up(open_folder)
        with open_store(path) as store:
            assert store.count() == 1
        become_root_again()
        open_folder.chmod(0o755)


@pytest.mark.parametrize("name", NAMES)
def test_a_store_cannot_be_made_in_a_read_only_folder(open_folder, name):
    lock_up(open_folder)
    for path in (open_folder / name, open_folder / "further" / name):
        with pytest.raises(StoreError, match=r"cannot (open|make).*(permission|Permission|folder can be written)"):
            open_store(path)


def test_an_older_store_that_is_read_only_says_to_copy_it(open_folder):
    (open_folder / "store.db").touch()
    lock_up(open_folder)
    with pytest.raises(StoreError, match="Copy it to a place that can be written"):
        open_store(open_folder / "store.db")


@pytest.mark.parametrize(
    "content", [b"l1,l2,latency_s\n1,2,0.1\n", b"\x00\x01\x02" * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_other_files_are_no_database(tmp_path, content):
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"not a database.*another"):
        open_store(path)
    assert path.read_bytes() == content


def test_a_database_of_another_tool_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE trials (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"of another tool: it holds trials.*Give another --store"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused(tmp_path):
    path = filled(tmp_path / "store.db")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE hwcost_revision SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"made by a newer hwcost: it has revision 9999.*Upgrade hwcost"):
        open_store(path)


def test_a_damaged_document_is_named(tmp_path):
    path = filled(tmp_path / "store.db")
    for document, kind in (('{"result": {}}', DataError), ("{", StoreError), ("[1]", DataError)):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE records SET document = ?", (document,))
        connection.close()
        with open_store(path) as store, pytest.raises(kind, match=r"damaged"):
            list(store.records())


def test_damaged_samples_are_named(tmp_path):
    path = filled(tmp_path / "store.db")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE samples SET samples = x'010203'")
    connection.close()
    with open_store(path) as store, pytest.raises(DataError, match="damaged samples"):
        list(store.records())


def test_lost_samples_are_noticed(tmp_path):
    path = filled(tmp_path / "store.db")
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM samples")
    connection.close()
    with open_store(path) as store, pytest.raises(DataError, match="median of samples_s"):
        list(store.records())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_made_unless_asked(tmp_path, name):
    with pytest.raises(UsageError, match="there is no store at"):
        open_store(tmp_path / "folder" / name, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_is_no_store_unless_asked(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match="is empty"):
        open_store(tmp_path / name, create=False)
    with open_store(tmp_path / name) as store:
        assert store.add_campaign(Campaign())


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_is_no_store(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="is (a folder|not a plain file)"):
        open_store(tmp_path / name)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("", "location is empty"),
        ("mysql://user:secret@host/name", "'mysql' are not supported.*Give a file"),
        ("://", "is not a database URL"),
        ("postgresql://user:secret@host:port/name", "is not a database URL"),
        ("sqlite://", "store in memory"),
        ("sqlite:///:memory:", "store in memory"),
        ("sqlite:///a.db?mode=ro", "with options"),
        ("postgresql+nosuchdriver://host/name", "(cannot use|not installed)"),
    ],
)
def test_locations_of_no_known_kind(location, message):
    with pytest.raises(UsageError, match=message) as caught:
        open_store(location)
    assert "secret" not in str(caught.value)


def test_a_missing_driver_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"hwcost\[postgres\]"):
        open_store("postgresql://host/name")


def test_a_disk_that_is_full_from_the_start_leaves_no_half_of_a_store(tmp_path, monkeypatch):
    def full(*given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("write", "pwrite"):
        monkeypatch.setattr(os, name, full)
    with pytest.raises(StoreError, match="No space left on device. Give another file"):  # a store's, or that of an export
        open_store(tmp_path / "store.jsonl")
    monkeypatch.undo()
    assert filled(tmp_path / "store.jsonl").read_bytes().startswith(HEADER)


@pytest.mark.parametrize("name", ["~nobody-is-called-so.db", "~nobody-is-called-so.jsonl"])
def test_a_name_that_begins_like_a_home_and_is_none_is_a_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filled(name)
    assert (tmp_path / name).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode elsewhere")
def test_a_name_that_is_no_unicode_is_a_name(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.db"))
    with open_store(path) as store:
        store.add_campaign(Campaign(campaign_id="c"))
    assert path.is_file()
    with open_store(path, create=False) as store:
        assert [one.campaign_id for one in store.campaigns()] == ["c"]


def test_a_full_disk_keeps_what_was_acknowledged(tmp_path, monkeypatch):
    path = tmp_path / "store.jsonl"
    store = open_store(filled(path))
    before = path.read_bytes()
    write = os.pwrite

    def half(file, data, offset):
        if len(data) < 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data[: len(data) // 2], offset)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(StoreError, match=r"No space left.*what was acknowledged is kept"):
        store.append(make_record("c", 1))
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert store.append(make_record("c", 1))
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.count()


def test_a_full_sqlite_database_keeps_what_was_acknowledged(tmp_path):
    from hwcost.stores.sql import SqlStore

    store = SqlStore(str(filled(tmp_path / "store.db")))
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite's own way to say that the disk is full
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        assert pages > 1
    many = (store.append(make_record("c", number)) for number in range(1, 200))
    with pytest.raises(StoreError, match=r"full.*Free some space"):
        list(many)
    assert store.count() == len(list(store.records())) >= 1
    store.close()


def test_a_line_cut_short_is_left_out_and_then_removed(tmp_path):
    path = filled(tmp_path / "store.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines(keepends=True)[-1][:-20])
    with open_store(path, create=False) as store:
        assert store.count() == 1
        assert len(store.remarks) == 1
        assert "line 4" in store.remarks[0]
        assert "cut short" in store.remarks[0]
        assert store.append(make_record("c", 1))
    with open_store(path) as store:
        assert store.count() == 2
        assert store.remarks == []
    assert path.read_bytes().startswith(whole)


def test_a_last_line_without_its_end_is_read_and_gets_it(tmp_path):
    path = filled(tmp_path / "store.jsonl")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with open_store(path) as store:
        assert store.count() == 1
        assert store.append(make_record("c", 1))
        assert store.append(make_record("c", 2))
        assert store.count() == 3
    path.write_bytes(HEADER.rstrip(b"\n"))
    with open_store(path) as store:
        assert store.add_campaign(Campaign())
        assert len(store.campaigns()) == 1


def test_a_repeated_record_counts_once(tmp_path):
    path = filled(tmp_path / "store.jsonl")
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[-1])
    with open_store(path) as store:
        assert store.count() == 1
        assert "line 4" in store.remarks[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "not a JSON Lines store"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "not a JSON Lines store"),
        (b"[" * 100_000, "not a JSON Lines store"),
        (b'{"hwcost": "store", "schema', "not a JSON Lines store"),
        (b'{"hwcost": "store"}\n', "has schema version None; this hwcost reads versions 1 to 4"),
        (b'{"hwcost": "store", "schema_version": 5}\n', "has schema version 5.*Upgrade hwcost"),
        (HEADER + b"{}\n", "line 2 of .* expected exactly one of campaign, round, status, pass, record, run"),
        (
            HEADER + b'{"run_end": {"run_id": "r", "status": "done", "ended_at": "2025-01-01T00:00:00Z"}}\n',
            "line 2 of .* no line before",
        ),
        (HEADER + ESTIMATES, "line 2 of .* its series s stands in no line before it"),
        (HEADER + ESTIMATES.replace(b"0.1", b"null"), "line 2 of .* a status of 'ok' does not go with the value None"),
        (HEADER + ESTIMATES.replace(b"0.1", b"NaN"), "line 2 of .* a finite number"),
        (HEADER + b'\n{"record": {}}\n', "line 3 of .* cannot be used: record.identity: Field required"),
        (HEADER + b"\xff\xfe\n" + b"{}\n", "line 2 of"),
        (HEADER + b'{"a":' * 10_000 + b"\n", "line 2 of .* recursion"),
        (HEADER + b'{"round": {"campaign_id": "x", "number": 0, "order": []}}\n', "line 2 of .* of a campaign"),
        (HEADER + b'{"campaign": {"campaign_id": "x", "status": 3}}\n', "line 2 of .* campaign.status"),
        (HEADER + b'{"campaign": {"campaign_id": "x", "plan": {"a": NaN}}}\n', "line 2 of"),
        (HEADER + b"x" * (MAX_LINE_BYTES + 2), "line 2 of .* longer than"),
    ],
)
def test_corrupt_lines_are_named(tmp_path, content, message):
    path = tmp_path / "store.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_store(path, create=False)
    assert path.read_bytes() == content


def test_every_refusal_is_one_line(tmp_path):
    (tmp_path / "a.jsonl").touch()
    for location in (tmp_path, "mysql://x", "", tmp_path / "a.jsonl" / "b"):
        with pytest.raises(HwcostError) as caught:
            open_store(location, create=False)
        assert "\n" not in str(caught.value)


def test_the_default_store(tmp_path, monkeypatch):
    monkeypatch.setenv("HWCOST_HOME", str(tmp_path))
    assert default_location() == str(tmp_path / "hwcost.db")
    monkeypatch.setenv("HWCOST_STORE", "elsewhere.jsonl")
    assert default_location() == "elsewhere.jsonl"
    monkeypatch.delenv("HWCOST_STORE")
    monkeypatch.delenv("HWCOST_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Path(default_location()).name == "hwcost.db"


def test_the_package_loads_no_database():
    heavy = "sqlalchemy", "pydantic", "alembic", "numpy"
    imports = "import sys, hwcost.stores, hwcost.cli.transfer, hwcost.cli.version"
    code = f"{imports}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
