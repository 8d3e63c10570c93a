"""``hwcost export`` and ``hwcost import``."""

from __future__ import annotations

import json

import pytest

from hwcost.errors import DataError, StoreError, UnknownNameError, UsageError
from hwcost.stores import open_store
from hwcost.stores.lines import HEADER
from hwcost.stores.schema import Campaign
from hwcost.testing.store_contents import make_estimate, make_record, make_series


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "here.db"
    with open_store(path) as store:
        for number, name in enumerate(("a", "b")):
            store.add_campaign(Campaign(campaign_id=name, created_at=f"2025-01-0{number + 1}T00:00:00Z"))
            store.add_round(name, 0, ["workload-0", "workload-1"])
            for position in range(2):
                store.append(make_record(name, 0, position))
    return path


def test_from_one_machine_to_another(call, store, tmp_path):
    file, there = tmp_path / "out.jsonl", tmp_path / "there.db"
    done = call("export", "--store", store, "--out", file)
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "exported 4 records of 2 new campaigns" in done.stderr
    done = call("import", file, "--store", there, "--json", "-")
    counts = {"campaigns": 2, "rounds": 2, "records": 4, "known_records": 0, "runs": 0, "estimates": 0, "entries": 0}
    assert json.loads(done.stdout) == {"schema_version": 1, "source": str(file), "target": str(there), **counts}
    with open_store(store) as old, open_store(there) as new:
        assert new.campaigns() == old.campaigns()
        assert new.rounds("a") == old.rounds("a")
        assert {record.origin for record in new.records()} == {"imported"}
        assert [record.visit for record in new.records()] == [record.visit for record in old.records()]
    again = call("import", file, "--store", there)
    assert "imported 0 records of 0 new campaigns" in again.stderr
    assert "4 were already there" in again.stderr


def test_another_store_is_taken_in_as_it_stands(call, store, tmp_path):
    there = tmp_path / "there.db"
    done = call("import", store, "--store", there)
    assert done.exit_code == 0
    assert "imported 4 records of 2 new campaigns" in done.stderr
    with open_store(store) as old, open_store(there) as new:
        assert new.campaigns() == old.campaigns()
        assert {record.origin for record in new.records()} == {"imported"}
    itself = call("import", store, "--store", store)
    assert isinstance(itself.exception, UsageError)
    assert "is the store itself" in str(itself.exception)


def test_a_file_that_cannot_be_written_is_said_of_out(call, store, tmp_path):
    (tmp_path / "file").write_text("")
    done = call("export", "--store", store, "--out", tmp_path / "file" / "out.jsonl")
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).endswith("Give --out another file.")


def test_parquet_and_back(call, store, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    folder, there = tmp_path / "out.parquet", tmp_path / "there.db"
    series = make_series()
    with open_store(store) as old:
        old.add_estimates([series], [make_estimate(series, night) for night in range(3)])
    assert "exported 4 records of 2 new campaigns, 3 estimates" in call("export", "--store", store, "--out", folder).stderr
    again = call("export", "--store", store, "--out", folder)
    assert isinstance(again.exception, UsageError)
    done = call("import", folder, "--store", there, "--json", "-")
    assert {name: json.loads(done.stdout)[name] for name in ("records", "estimates")} == {"records": 4, "estimates": 3}
    with open_store(store) as old, open_store(there) as new:
        assert list(new.estimates().estimates()) == list(old.estimates().estimates())
    nan = parquet.read_table(folder / "estimates.parquet").to_pandas().assign(value=float("nan"))
    whole = (folder / "estimates.parquet").read_bytes()
    nan.to_parquet(folder / "estimates.parquet", index=False)
    assert isinstance(call("import", folder, "--store", there).exception, DataError)
    (folder / "estimates.parquet").write_bytes(whole)
    (folder / "records.parquet").write_bytes(b"PAR1")
    damaged = call("import", folder, "--store", there)
    assert isinstance(damaged.exception, DataError)
    assert "records.parquet' cannot be read" in str(damaged.exception)
    (folder / "rounds.parquet").unlink()
    assert isinstance(call("import", folder, "--store", there).exception, DataError)


def test_one_campaign_to_stdout(call, store, tmp_path):
    done = call("export", "--store", store, "--campaign", "b", "--out", "-")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [next(iter(line)) for line in lines] == ["hwcost", "campaign", "round", "record", "record"]
    (tmp_path / "b.jsonl").write_text(done.stdout)
    with open_store(tmp_path / "b.jsonl") as copied, open_store(store) as old:
        assert list(copied.records()) == list(old.records("b"))


def test_exporting_again_adds_only_what_is_new(call, store, tmp_path):
    file = tmp_path / "out.jsonl"
    call("export", "--store", store, "--out", file)
    before = file.read_bytes()
    with open_store(store) as open_:
        open_.append(make_record("a", 1, 0))
    done = call("export", "--store", store, "--out", file, "--json", "-")
    assert json.loads(done.stdout)["records"] == 1
    assert file.read_bytes().startswith(before)


def test_quiet_says_nothing(call, store, tmp_path):
    done = call("export", "-q", "--store", store, "--out", tmp_path / "out.jsonl")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x00\x01" * 50, "not a JSON Lines store"),
        (b"l1,l2,latency_s\n1,2,0.5\n", "not a JSON Lines store"),
        (b'{"hwcost": "store", "schema_version": 99}\n', "schema version 99"),
        (HEADER + b'{"record": 3}\n', "line 2"),
    ],
)
def test_files_that_are_no_export(call, tmp_path, content, message):
    file, target = tmp_path / "in.jsonl", tmp_path / "target.db"
    file.write_bytes(content)
    done = call("import", file, "--store", target)
    assert isinstance(done.exception, DataError)
    assert done.exception.exit_code == 2
    assert message in str(done.exception)
    assert not target.exists()


def test_a_truncated_export_brings_what_is_whole_and_says_so(call, store, tmp_path):
    file, target = tmp_path / "in.jsonl", tmp_path / "target.db"
    call("export", "--store", store, "--out", file)
    file.write_bytes(file.read_bytes()[:-100])
    done = call("import", file, "--store", target)
    assert "cut short" in done.stderr
    assert "imported 3 records" in done.stderr


def test_an_unknown_campaign_leaves_no_file(call, store, tmp_path):
    done = call("export", "--store", store, "--campaign", "c", "--out", tmp_path / "out.jsonl")
    assert isinstance(done.exception, UnknownNameError)
    assert "Known: a, b" in str(done.exception)
    assert not (tmp_path / "out.jsonl").exists()


def test_other_mistakes(call, store, tmp_path):
    assert isinstance(call("export", "--store", tmp_path / "gone.db", "--out", "-").exception, UsageError)
    assert isinstance(call("import", tmp_path / "gone.jsonl", "--store", store).exception, UsageError)
    assert isinstance(call("export", "--store", store, "--out", "-", "--json", "-").exception, UsageError)
    assert isinstance(call("export", "--store", store, "--out", store).exception, DataError)
    (tmp_path / "text.db").write_text("no database")
    assert isinstance(call("export", "--store", tmp_path / "text.db", "--out", "-").exception, StoreError)
