"""What ``hwcost import`` and ``hwcost export`` do with files of other benchmark tools."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.cli import console
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.exchange.benchmarks.base import Exported, Given, History, Imported
    from hwcost.stores.base import Store

SHOWN = 200
"""Values of a dry run that the table shows; --json has all of them."""


def import_(
    files: Sequence[Path], store: str | None, format: str | None, given: Given, dry_run: bool, json: str | None
) -> None:
    """Reads every file whole, then adds what is new to the store; a fault in one of them leaves the store as it was.

    Args:
        files: Files or folders of one or several tools.
        store: Location of the store.
        format: Name of the format of all files; None to recognise each.
        given: Facts that the user gave.
        dry_run: Whether to show what would be added, and to add nothing.
        json: Target of the document.
    """
    from hwcost.exchange.benchmarks.reading import read
    from hwcost.stores import open_store

    found: list[tuple[Path, str, Imported]] = []
    for path in files:
        reader, runs = read(path, format, given)
        if format is None:
            console.note(f"{path}: recognised as {reader.tool}; --format {reader.name} says so")
        _say(path, runs)
        found += [(path, reader.name, one) for one in runs]
    if dry_run:
        _show(found, json)
        return
    with open_store(store) as target:
        for remark in target.remarks:
            console.note(remark)
        counts = [_add(target, one) for _, _, one in found]
        _report(found, counts, target.url, json)


def export(
    format: str, out: str, store: str | None, run: str | None, suite: str | None, device: str | None, json: str | None
) -> None:
    """Writes values of a store in the format of another tool.

    Args:
        format: Name of the format.
        out: File or folder to write; ``-`` for stdout.
        store: Location of the store.
        run: Id of the only run; None for all.
        suite: Name of the only suite; None for all.
        device: Name of the only device; None for all.
        json: Target of the document.
    """
    from hwcost.exchange.benchmarks import plugin_formats
    from hwcost.exchange.benchmarks.reading import writer
    from hwcost.stores import open_store

    chosen = writer(format)
    with open_store(store, create=False) as source:
        for remark in source.remarks:
            console.note(remark)
        history = _history(source, run, suite, device)
        url = source.url
    exported = plugin_formats.write(chosen, history)
    for remark in exported.remarks:
        console.note(f"{format}: {remark}")
    written = _write(exported, out, format)
    document = {"source": url, "format": format, "files": written, "remarks": list(exported.remarks)}
    if not console.write_json(document, json) and out != "-":
        console.note(f"wrote {len(written)} file{'s' * (len(written) != 1)}: {out}")


def _say(path: Path, runs: Iterable[Imported]) -> None:
    remarks = dict.fromkeys(remark for one in runs for remark in one.remarks)
    for remark in remarks:
        console.note(f"{path}: {remark}")


def _add(store: Store, one: Imported) -> int:
    """Adds a run with its estimates, and returns how many estimates are new; a run that is there stays as it is.

    Its id is a hash of the file, so that a copy of the file, whose time of change is another one, adds nothing.
    """
    if not store.add_run(one.run) and len(store.estimates(run_ids=[one.run.run_id])):
        return 0
    return store.add_estimates(one.series, one.estimates)


def _report(found: Sequence[tuple[Path, str, Imported]], counts: Sequence[int], url: str, json: str | None) -> None:
    runs = [
        {"file": str(path), "format": format, "run_id": one.run.run_id, "series": len(one.series), "new_estimates": count}
        for (path, format, one), count in zip(found, counts, strict=True)
    ]
    total = sum(len(one.estimates) for _, _, one in found)
    document = {"target": url, "runs": runs, "estimates": total, "new_estimates": sum(counts)}
    if not console.write_json(document, json):
        known = f", {total - sum(counts)} were already there" if sum(counts) < total else ""
        console.note(f"imported {sum(counts)} estimates of {len(runs)} runs into {url}{known}")


def _show(found: Sequence[tuple[Path, str, Imported]], json: str | None) -> None:
    """Shows what would be stored."""
    runs = [
        {
            "file": str(path),
            "format": format,
            "run": one.run.model_dump(mode="json"),
            "series": [series.model_dump(mode="json") | {"series_key": series.series_key} for series in one.series],
            "estimates": [asdict(estimate) for estimate in one.estimates],
            "remarks": list(one.remarks),
        }
        for path, format, one in found
    ]
    if console.write_json({"is_dry_run": True, "runs": runs}, json):
        return
    rows = [row for _, _, one in found for row in _rows(one)]
    more = f"and {len(rows) - SHOWN} more; --json FILE has all" if len(rows) > SHOWN else ""
    console.print_table("would be stored", ("series", "device", "backend", "measured at", "value"), rows[:SHOWN], more)


def _rows(one: Imported) -> list[list[str]]:
    from hwcost.units import format_si

    table = []
    for series, estimate in zip(one.series, one.estimates, strict=True):
        name = f"{series.name}, {series.component}" if series.component else series.name
        value = format_si(estimate.value, "" if series.unit == "1" else series.unit) if estimate.status == "ok" else "failed"
        table.append([name, series.device, series.backend, estimate.measured_at[:19], value])
    return table


def _history(store: Store, run: str | None, suite: str | None, device: str | None) -> History:
    """Returns what is exported: all runs, or those of a suite, or one, on all devices or one."""
    from hwcost.exchange.benchmarks.base import History

    runs = [store.run(run)] if run is not None else store.runs(suite)
    known = store.series()
    if suite is not None and not runs:
        raise UsageError(f"the store has no run of the suite '{suite}'. Known: {_listed(one.suite for one in store.runs())}")
    wanted = {key: one for key, one in known.items() if device is None or one.device == device}
    if device is not None and not wanted:
        devices = _listed(one.device for one in known.values())
        raise UsageError(f"the store has no series of the device '{device}'. Known: {devices}")
    keys = None if device is None else list(wanted)
    ids = None if run is None and suite is None else [one.run_id for one in runs]
    estimates = list(store.estimates(series_keys=keys, run_ids=ids).estimates())
    return History(runs, {key: known[key] for key in {one.series_key for one in estimates}}, estimates)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"


def _write(exported: Exported, out: str, format: str) -> list[str]:
    """Writes files, and returns their paths; a format of several files needs a folder.

    Raises:
        UsageError: When the format has several files and ``out`` is not a folder, or something cannot be written.
    """
    is_single = list(exported.files) == [""]
    if out == "-":
        if not is_single:
            raise UsageError(f"the format '{format}' has several files. Give a folder: --out DIR")
        sys.stdout.write(exported.files[""])
        sys.stdout.flush()
        return ["-"]
    folder = Path(out)
    if is_single and folder.is_dir():
        raise UsageError(f"'{out}' is a folder, and the format '{format}' has one file. Give its name: --out FILE")
    if not is_single and folder.exists() and not folder.is_dir():
        raise UsageError(f"'{out}' is a file, and the format '{format}' has several. Give a folder: --out DIR")
    paths: dict[str, Any] = {name: folder / name if name else folder for name in exported.files}
    for name, path in paths.items():
        console.write_file(path, exported.files[name], "--out another file or folder")
    return [str(path) for path in paths.values()]
