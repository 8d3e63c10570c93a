"""From the numbers of a file to a run with its series and estimates; every reader ends here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks.base import Given, Imported
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import plain
from hwcost.quantities import LATENCY
from hwcost.stores.fields import canonical_json, reason
from hwcost.stores.ids import utc
from hwcost.stores.runs import Code, Run
from hwcost.stores.series import Estimate, Series

KEY_DIGITS = 32

MAX_REASON = 1_000

MAX_REST = 2_000_000
"""Characters of JSON that are kept of what no reader knows; a run's record holds twice as many in all."""


@dataclass(frozen=True)
class Row:
    """One number of a file, in the units of hwcost.

    Attributes:
        name: Name of the benchmark.
        value: Value in ``unit``; None where the benchmark failed.
        quantity: Name of the quantity.
        unit: Unit of the value.
        component: Name of the part of the benchmark that the value is for, such as a layer; None for the whole.
        spec: Further data that identify the benchmark, such as its parameters.
        device: Name of the device, where the file has one.
        backend: Runtime that executed it, where the file names one.
        backend_options: Settings of the runtime.
        precision: The dtype.
        batch_size: Examples in a call.
        seq_len: Tokens of an example.
        threads: Number of threads.
        search_space: Name of the space, for architectures.
        arch: The architecture's values, gene by gene.
        measured_at: ISO 8601 instant; None for that of the run.
        half_width: Half-width of the 95 % interval on the log scale, where processes or the tool determine one.
        n_rounds: Processes that measured it; 0 where the file does not say.
        status: ``ok`` or ``failed``.
        reason: Reason for a missing value.
        rest: Everything else that the file says of it; kept with the run.
    """

    name: str
    value: float | None
    quantity: str = LATENCY
    unit: str = "s"
    component: str | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    backend: str | None = None
    backend_options: Mapping[str, Any] = field(default_factory=dict)
    precision: str | None = None
    batch_size: int | None = None
    seq_len: int | None = None
    threads: int | None = None
    search_space: str | None = None
    arch: Sequence[Any] | None = None
    measured_at: str | None = None
    half_width: float | None = None
    n_rounds: int = 1
    status: Literal["ok", "failed"] = "ok"
    reason: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What a file says about the run that made it.

    Attributes:
        format: Name of the format.
        started_at: ISO 8601 instant of the run; None where the file has none.
        code: Code under test.
        argv: Command line.
        facts: Everything else that the file says of the run; kept with it.
        part: Name of the part of a folder that holds this run.
    """

    format: str
    started_at: str | None = None
    code: Code | None = None
    argv: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""


def imported(rows: Iterable[Row], document: Document, given: Given, origin: Origin, remarks: Sequence[str] = ()) -> Imported:
    """Makes a run of the rows of a file.

    Args:
        rows: The numbers.
        document: The file, whose content names the run.
        given: Facts that the user gave.
        origin: Facts of the run that the file gives.
        remarks: Decisions made so far.

    Raises:
        DataError: When there are no rows, two are of one series, or a text or number is out of bounds.
        UsageError: When nobody says on which device it was measured.
    """
    rows = list(rows)
    if not rows:
        reasons = " ".join(remark for remark in remarks if "left out" in remark)
        raise DataError(f"{document.source}: holds no results that can be imported. {reasons}".rstrip())
    began, notes = _started_at(document, given, origin)
    run_id = _run_id(document, given, origin)
    try:
        series = [_series(row, document, given, origin.format) for row in rows]
        refuse_repeated(series, document)
        estimates = [_estimate(row, one, run_id, began) for row, one in zip(rows, series, strict=True)]
        extra, dropped = _extra(rows, series, document, origin)
        run = Run(
            run_id=run_id, suite=given.suite or origin.format, started_at=began, status="done", code=origin.code,
            argv=list(origin.argv), origin="imported", extra=extra,
        )  # fmt: skip
    except ValidationError as error:
        raise DataError(f"{document.source}: {reason(error)}. Correct it with the tool that wrote the file.") from None
    except RecursionError:
        raise DataError(f"{document.source}: the JSON is nested too deeply to be results of a benchmark.") from None
    except DataError as error:
        text = str(error)
        raise DataError(text if text.startswith(document.source) else f"{document.source}: {text}") from None
    return Imported(run, tuple(series), tuple(estimates), (*remarks, *notes, *dropped))


def instant(text: str, document: Document) -> tuple[str, list[str]]:
    """Reads an instant; one without a time zone is taken as UTC, which a remark says.

    Raises:
        DataError: When it is not an instant.
    """
    for candidate, notes in ((text, []), (f"{text}+00:00", [f"'{text}' has no time zone and is taken as UTC."])):
        try:
            return utc(candidate), notes
        except ValueError:
            continue
    raise DataError(f"{document.source}: '{text[:60]}' is not a date and time. Expected one such as 2025-01-31T12:00:00Z.")


def _started_at(document: Document, given: Given, origin: Origin) -> tuple[str, list[str]]:
    if given.measured_at is not None:
        try:
            return utc(given.measured_at), []
        except ValueError as error:
            raise UsageError(f"the time of measurement: {error}") from None
    if origin.started_at is not None:
        return instant(origin.started_at, document)
    at = document.changed_at
    return at, [f"the file does not say when it was measured; it was last changed at {at}. --measured-at says it."]


def _run_id(document: Document, given: Given, origin: Origin) -> str:
    """Returns an id that depends on the content and on what the user says of it, not on when it is imported."""
    said = canonical_json([origin.format, origin.part, given.device, given.backend, given.suite, given.name])
    digest = hashlib.sha256(document.content + said.encode(errors="replace")).hexdigest()
    return f"imported-{digest[:KEY_DIGITS]}"


def _series(row: Row, document: Document, given: Given, format: str) -> Series:
    device = given.device or row.device
    if not device:
        raise UsageError(
            f"{document.source}: the file does not say on which device '{row.name[:60]}' was measured. Say it: --device NAME"
        )
    return Series(
        workload_key=_workload_key(row), name=row.name, kind="imported", search_space=row.search_space,
        component=row.component, arch=None if row.arch is None else list(row.arch), spec=plain(dict(row.spec)),
        device=device, backend=given.backend or row.backend or format, backend_options=plain(dict(row.backend_options)),
        precision=row.precision, batch_size=row.batch_size, seq_len=row.seq_len, threads=row.threads,
        quantity=row.quantity, unit=row.unit, origin="imported",
    )  # fmt: skip


def _workload_key(row: Row) -> str:
    deciding = [row.name, row.component, row.search_space, row.precision, row.batch_size, row.seq_len, plain(dict(row.spec))]
    if row.arch is not None:
        deciding.append(list(row.arch))
    return hashlib.sha256(canonical_json(deciding).encode()).hexdigest()[:KEY_DIGITS]


def refuse_repeated(series: Iterable[Series], document: Document) -> None:
    """Refuses results of which nothing says what tells them apart.

    Args:
        series: Series of all results of one time.
        document: The file that they stand in.

    Raises:
        DataError: When two of them are the same.
    """
    seen: set[str] = set()
    for one in series:
        if one.series_key in seen:
            raise DataError(
                f"{document.source}: '{one.name[:60]}' has two results of {one.quantity} with the same settings, and "
                "nothing says which counts. Delete one, or give each a name of its own."
            )
        seen.add(one.series_key)


def _estimate(row: Row, series: Series, run_id: str, began: str) -> Estimate:
    return Estimate(
        series.series_key, None, run_id, row.measured_at or began, row.value, row.half_width, 0.0, row.n_rounds,
        row.status, (), _clean(row.reason),
    )  # fmt: skip


def _clean(text: str) -> str:
    """Returns text of another program as every store can keep it: bounded, and without NUL and lone surrogates."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:MAX_REASON]


def _extra(
    rows: Sequence[Row], series: Sequence[Series], document: Document, origin: Origin
) -> tuple[dict[str, Any], list[str]]:
    """Returns what is kept of the file beside its numbers, and a remark where it was too much."""
    about = {"format": origin.format, "file": document.path.name, **({"part": origin.part} if origin.part else {})}
    rest = {one.series_key: plain(dict(row.rest)) for row, one in zip(rows, series, strict=True) if row.rest}
    extra = {**about, "facts": plain(dict(origin.facts)), "columns": rest}
    if len(canonical_json(extra)) <= MAX_REST:
        return extra, []
    return dict(about), [f"what else the file says is longer than {MAX_REST} characters and is left out."]
