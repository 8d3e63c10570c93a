"""A whole store as a folder of Parquet files, one a table: for pandas, DuckDB and Spark, and the way back.

Typed columns hold what is asked for often; ``document`` is the whole thing as JSON, and raw samples are lists of numbers.
What comes back goes through the checks of a JSON Lines store, line by line.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from hwcost._extras import imported
from hwcost.errors import DataError, UsageError
from hwcost.files import cannot_write
from hwcost.stores.base import Store
from hwcost.stores.copy import Counts
from hwcost.stores.entries import kind_name
from hwcost.stores.environment import Environment
from hwcost.stores.fields import Group, canonical_json
from hwcost.stores.history import History, history
from hwcost.stores.jsonl import JsonLinesStore
from hwcost.stores.lines import HEADER
from hwcost.stores.rows import record_row, series_row

Row = dict[str, Any]

SUFFIX = ".parquet"
PAGE = 1_000
"""Rows that are written, and read, at a time."""

TEXT, COUNT, NUMBER, TEXTS, NUMBERS, INSTANT = "string", "int64", "double", "texts", "numbers", "instant"

_RUN = {"run_id": TEXT, "suite": TEXT, "started_at": TEXT, "ended_at": TEXT, "status": TEXT, "commit": TEXT}
_SHAPE = {"search_space": TEXT, "precision": TEXT, "batch_size": COUNT, "seq_len": COUNT, "backend": TEXT}
_DEVICE = {"device_key": TEXT, "device_name": TEXT}

TABLES: dict[str, dict[str, str]] = {
    "campaigns": {"campaign_id": TEXT, "created_at": TEXT, "status": TEXT, "run_id": TEXT, "document": TEXT},
    "rounds": {"campaign_id": TEXT, "number": COUNT, "workload_keys": TEXTS},
    "passes": {"campaign_id": TEXT, "round": COUNT, "event": TEXT},
    "environments": {"environment_key": TEXT, "document": TEXT},
    "records": {
        "record_id": TEXT, "campaign_id": TEXT, "round": COUNT, "position": COUNT, "idempotency_key": TEXT,
        "workload_key": TEXT, "workload_name": TEXT, "role": TEXT, **_SHAPE, **_DEVICE, "status": TEXT,
        "median_s": NUMBER, "started_s": NUMBER, "started_at": TEXT, "environment_key": TEXT, "document": TEXT,
        "samples_s": NUMBERS, "device_samples_s": NUMBERS,
    },
    "runs": {**_RUN, "document": TEXT},
    "series": {
        "series_key": TEXT, "workload_key": TEXT, "workload_name": TEXT, "component": TEXT, **_SHAPE, **_DEVICE,
        "threads": COUNT, "quantity": TEXT, "unit": TEXT, "origin": TEXT, "document": TEXT,
    },
    "estimates": {
        "series_key": TEXT, "campaign_id": TEXT, "run_id": TEXT, "measured_at": INSTANT, "value": NUMBER,
        "half_width": NUMBER, "level_half_width": NUMBER, "n_rounds": COUNT, "status": TEXT, "flags": TEXTS, "reason": TEXT,
    },
    "entries": {"entry_id": TEXT, "kind": TEXT, "created_at": TEXT, "run_id": TEXT, "document": TEXT},
}  # fmt: skip
"""Columns of every table with their types."""


def is_parquet(path: Path) -> bool:
    """Says whether a path names a folder of Parquet files: by its ending, or by what it holds."""
    return (path.suffix == SUFFIX and not path.is_file()) or all((path / f"{name}{SUFFIX}").is_file() for name in TABLES)


def write_parquet(store: Store, folder: Path, campaign_id: str | None = None) -> Counts:
    """Writes a store, or one campaign of it, into a new folder.

    Args:
        store: The store.
        folder: Folder that is made; it appears whole or not at all.
        campaign_id: Only this campaign.

    Raises:
        UnknownNameError: When the campaign is not there.
        UsageError: When the folder is there already, or may not be written.
        MissingExtraError: When pyarrow is not installed.
        StoreError: When the disk is full, or it fails.
    """
    imported("pyarrow.parquet", "tables")
    if folder.exists():
        raise UsageError(f"'{folder}' is there already, and Parquet files are written whole. Give a new folder.")
    found = history(store, campaign_id)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        tables = _rows(store, campaign_id, found)
        made = {name: _write(part / f"{name}{SUFFIX}", name, rows) for name, rows in tables.items()}
        os.rename(part, folder)
    except OSError as error:
        raise cannot_write(f"'{folder}'", error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Counts(**{name: made[name] for name in ("campaigns", "rounds", "records", "runs", "estimates", "entries")})


@contextmanager
def read_parquet(folder: Path) -> Iterator[Store]:
    """Opens what :func:`write_parquet` wrote, as a store that can be read.

    Raises:
        MissingExtraError: When pyarrow is not installed.
        DataError: When a file is missing or damaged, or holds something else.
    """
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "read.jsonl")
        with path.open("wb") as file:
            file.write(HEADER)
            file.writelines(_lines(folder))
        with JsonLinesStore(path, create=False) as store:
            yield store


def _rows(store: Store, campaign_id: str | None, found: History) -> dict[str, Iterator[Row]]:
    """Returns the rows of every table; environments come after the records that name them."""
    campaigns = store.campaigns() if campaign_id is None else [store.campaign(campaign_id)]
    ids = [campaign.campaign_id for campaign in campaigns]
    environments: dict[str, Environment] = {}
    return {
        "campaigns": (_row(one) for one in campaigns),
        "rounds": ({"campaign_id": one, "number": number, "workload_keys": order}
                   for one in ids for number, order in store.rounds(one).items()),
        "passes": ({"campaign_id": one, "round": number, "event": canonical_json(event)}
                   for one in ids for number, events in store.passes(one).items() for event in events),
        "records": (row for one in ids for row in _record_rows(store, one, environments)),
        "environments": _environment_rows(environments),
        "runs": (_row(run, commit=run.code and run.code.commit) for run in found.runs),
        "series": (_row(one, **series_row(one)) for one in found.series.values()),
        "estimates": ({name: getattr(one, name) for name in TABLES["estimates"]} for one in found.table.estimates()),
        "entries": (_row(one, kind=kind_name(type(one))) for one in found.entries),
    }  # fmt: skip


def _row(group: Group, **values: Any) -> Row:
    """Returns a row of the fields of a group that have a column, of further values, and of the whole as a document."""
    plain = group.model_dump(mode="json")
    return {**plain, **values, "document": canonical_json(plain)}


def _record_rows(store: Store, campaign_id: str, environments: dict[str, Environment]) -> Iterator[Row]:
    """Yields the records of a campaign, and collects their environments."""
    for record in store.records(campaign_id):
        key, visit = record.environment.key, record.visit
        environments[key] = record.environment
        row = record_row(record, key)
        samples = {"samples_s": visit.samples_s, "device_samples_s": visit.device_samples_s}
        yield {**row, **samples, "document": canonical_json(row["document"])}


def _environment_rows(environments: Mapping[str, Environment]) -> Iterator[Row]:
    for key, environment in environments.items():
        yield _row(environment, environment_key=key)


def _write(path: Path, table: str, rows: Iterator[Row]) -> int:
    """Writes a table and returns its number of rows."""
    pa, parquet = imported("pyarrow", "tables"), imported("pyarrow.parquet", "tables")
    schema, written = pa.schema([(name, _type(kind)) for name, kind in TABLES[table].items()]), 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while page := list(islice(rows, PAGE)):
            columns = {name: [_arrow(row.get(name), kind) for row in page] for name, kind in TABLES[table].items()}
            writer.write_table(pa.table(columns, schema=schema))
            written += len(page)
    return written


def _type(kind: str) -> Any:
    pa = imported("pyarrow", "tables")
    return {
        TEXT: pa.string(), COUNT: pa.int64(), NUMBER: pa.float64(), INSTANT: pa.timestamp("us", tz="UTC"),
        TEXTS: pa.list_(pa.string()), NUMBERS: pa.list_(pa.float64()),
    }[kind]  # fmt: skip


def _arrow(value: Any, kind: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(value) if kind == INSTANT else value


def _lines(folder: Path) -> Iterator[bytes]:
    """Yields the lines of a JSON Lines store of what the files hold.

    Raises:
        DataError: When a file is missing or damaged, or holds something else.
    """
    try:
        for line in _plain_lines(folder):
            yield json.dumps(line, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise DataError(f"'{folder}' holds no store of hwcost: {error!r}. Export the store again.") from None


def _plain_lines(folder: Path) -> Iterator[Row]:
    for row in _read(folder, "campaigns"):
        yield {"campaign": json.loads(row["document"])}
    for row in _read(folder, "rounds"):
        yield {"round": {"campaign_id": row["campaign_id"], "number": row["number"], "order": row["workload_keys"]}}
    yield from _record_lines(folder)
    for row in _read(folder, "passes"):
        yield {"pass": {**row, "event": json.loads(row["event"])}}
    for table, name in (("runs", "run"), ("series", "series")):
        yield from ({name: json.loads(row["document"])} for row in _read(folder, table))
    estimates = ({**row, "measured_at": row["measured_at"].isoformat()} for row in _read(folder, "estimates"))
    while page := list(islice(estimates, PAGE)):
        yield {"estimates": page}
    for row in _read(folder, "entries"):
        yield {row["kind"]: json.loads(row["document"])}


def _record_lines(folder: Path) -> Iterator[Row]:
    environments = {row["environment_key"]: json.loads(row["document"]) for row in _read(folder, "environments")}
    for row in _read(folder, "records"):
        document = json.loads(row["document"])
        samples = {name: row[name] for name in ("samples_s", "device_samples_s") if row[name] is not None}
        visit = {**document["visit"], **samples}
        yield {"record": {**document, "visit": visit, "environment": environments[row["environment_key"]]}}


def _read(folder: Path, table: str) -> Iterator[Row]:
    """Yields the rows of a table.

    Raises:
        DataError: When the file is missing or damaged, or lacks a column.
    """
    pa, parquet = imported("pyarrow", "tables"), imported("pyarrow.parquet", "tables")
    path = folder / f"{table}{SUFFIX}"
    try:
        with parquet.ParquetFile(path) as file:
            lacking = TABLES[table].keys() - set(file.schema_arrow.names)
            if lacking:
                raise DataError(f"'{path}' lacks the columns {', '.join(sorted(lacking))}. Export the store again.")
            for batch in file.iter_batches(batch_size=PAGE, columns=list(TABLES[table])):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"'{path}' cannot be read: {error}. Export the store again.") from None
