"""Reads a table of features and latencies, whoever measured it and however it is kept.

The latencies are ``latency_s``, or columns that are named as latencies are, or those that were asked for. Every other
column is a feature, but for ``latency_*``, other results of the measurement, and columns that name the rows. Every refusal
says where: the file, the line (counted from 1, the header included) and the column. Every decision is a remark.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._log import logger
from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.exchange.categories import remarks_on_categories
from hwcost.exchange.column_names import cpu_times, is_latency_name, is_statistic_name
from hwcost.exchange.device_columns import device_columns, names_versions, remarks_on_numbers
from hwcost.exchange.failed_runs import refuse_failed_runs, refuse_first_repeats
from hwcost.exchange.groups import filled
from hwcost.exchange.identifiers import find_identifiers, names_rows, remarks_on_order
from hwcost.exchange.impossible_latencies import refuse_limit, refuse_wrong_unit
from hwcost.exchange.latencies import LATENCY, Latencies, read_latencies
from hwcost.exchange.marked_numbers import unmarked
from hwcost.exchange.nested_columns import expanded
from hwcost.exchange.numerals import is_numeric, number
from hwcost.exchange.options import DEFAULTS, TableOptions
from hwcost.exchange.results import without_results
from hwcost.exchange.samples import merged
from hwcost.exchange.sheet import Place, Sheet, for_shell, listed_names
from hwcost.exchange.sources import read_sheet
from hwcost.exchange.summaries import refuse_summaries
from hwcost.exchange.time_cells import columns_of_times, in_seconds
from hwcost.exchange.unit_columns import with_units
from hwcost.exchange.wide_tables import remarks_on_other_devices
from hwcost.levels.runs import are_shared
from hwcost.spaces import space as make_space
from hwcost.spaces.base import Architecture, Gene, GeneValue, SearchSpace
from hwcost.spaces.layouts import Layout, find_layout
from hwcost.spaces.table import Table

_log = logger(__name__)

__all__ = ["LATENCY", "LatencyTable", "read_table"]

MIN_ROWS = 2
"""A single row says nothing about how latency varies."""

MOST_MISSING = 12
"""Missing columns that a message names before it counts the rest."""

MANY_CONSTANTS = 3
"""Columns of one value from which a remark says how to leave them out."""

ROWS_OF_A_SETTING = 3
"""Rows that each value of a column has on average, from which it may be a setting, such as a device or a batch size."""


@dataclass(frozen=True)
class LatencyTable:
    """Architectures and their latencies, in the order of the file, which often is the order of measurement.

    Attributes:
        space: The space that the rows belong to.
        architectures: One per row.
        latency_s: Shape ``(n,)``, seconds.
        latency_std_s: Shape ``(n,)``, seconds; None where the file has none.
        path: Path or name of its source.
        runs: Name of the measuring run of each row; None where no column names them.
        columns: Names of all columns of the file, features or not.
        lines: Number of the line, record or row that each row stands in; empty where it is not known.
        place: Unit of ``lines``: ``line`` or ``record`` from 1, or ``row`` of a data frame from 0.
        names: Name of each row, where a column was said to give it.
        remarks: Decisions about columns, units and decimal signs, in whole sentences.
        rest: Texts of the columns that are neither genes nor the latency, by name; those of its spread are among them.
    """

    space: SearchSpace
    architectures: list[Architecture]
    latency_s: NDArray[np.float64]
    latency_std_s: NDArray[np.float64] | None
    path: str
    runs: list[str] | None = None
    columns: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    place: Place = "row"
    names: list[str] | None = None
    remarks: tuple[str, ...] = ()
    rest: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.architectures)


def read_table(source: Any, space: str | SearchSpace, options: TableOptions = DEFAULTS) -> LatencyTable:
    """Reads a table of latencies.

    Args:
        source: Path of a table (CSV with any delimiter, JSON, JSON Lines, Parquet, Excel, compressed or not), a data frame,
            a mapping of columns, or a sequence of mappings.
        space: A space or its name. ``table`` takes its genes from the columns; text columns are categorical.
        options: Options for its columns.

    Raises:
        DataError: When the file is missing, empty, of another kind, ragged or too short, lacks a column, or holds a value
            that is not a number, not a positive finite latency, or outside the space.
        UsageError: When an option does not fit the space, or names an unknown column.
        MissingExtraError: When the library that reads such a file is not installed.
    """
    sheet = read_sheet(source)
    sheet = filled(sheet, [LATENCY, *filter(is_latency_name, sheet.columns)])
    sheet = unmarked(sheet, {*options.categorical, *device_columns(sheet.columns, options.increasing)})
    if len(sheet) < MIN_ROWS:
        count = "a single row" if len(sheet) else "no rows" + (" below the header" if sheet.place == "line" else "")
        raise DataError(f"{sheet.source}: the table has {count}. Expected at least {MIN_ROWS} measured architectures.")
    _check_names(sheet, options)
    names, runs = (None if name is None else sheet.columns[name] for name in (options.id, options.run_column))
    held = expanded(merged(sheet, _latency_columns(sheet, options)), options.columns)
    if options.unit is None:
        held = with_units(held, _latency_columns(held, options), options.columns)
    layout = find_layout(held.columns)
    refuse_failed_runs(held, options.columns)
    latencies = _latencies(held, options, layout)
    if options.unit is None:
        refuse_wrong_unit(held, [name for name in latencies.columns if name not in latencies.spread], latencies.latency_s)
    refuse_summaries(held, latencies.latency_s, options.columns)
    chosen = _features(held, options, latencies.columns)
    wanted = {*options.keep, *options.categorical, *options.increasing}
    times = columns_of_times(chosen.without({*options.categorical, *chosen.categories}), wanted)
    chosen = in_seconds(chosen, times)
    if space == Table.name:
        chosen = without_results(chosen, held, latencies.latency_s, wanted, times)
    features = chosen
    if layout is not None and layout.space == (space if isinstance(space, str) else space.name):
        features = features.renamed(layout.genes)
    made, features = _space(features, space, options)
    architectures = _architectures(features, made)
    repeats = held.without([*latencies.columns, *(gene.name for gene in made.genes)])
    refuse_first_repeats(repeats, architectures, latencies.latency_s, options.columns)
    if options.latency is None and len(set(latencies.columns) - set(latencies.spread)) == 1:
        refuse_limit(held, latencies.columns[0], architectures, latencies.latency_s)
    others = held.without([*(set(latencies.columns) - set(latencies.spread)), *chosen.columns]).columns
    rest = {**others, **features.without(gene.name for gene in made.genes).columns}
    wide = remarks_on_other_devices(held, [gene.name for gene in made.genes], options.latency)
    remarks = (*features.remarks, *latencies.remarks, *wide, *_few_rows_a_run(options.run_column, runs))
    for remark in remarks:
        _log.info("%s: %s", sheet.source, remark)
    return LatencyTable(
        made, architectures, latencies.latency_s, latencies.spread_s, sheet.source, runs, tuple(sheet.columns), sheet.lines,
        sheet.place, names, remarks, rest,
    )  # fmt: skip


def _latencies(sheet: Sheet, options: TableOptions, layout: Layout | None) -> Latencies:
    """Reads the latencies; columns that options name as something else hold none."""
    if options.latency is not None:
        return read_latencies(sheet, options, layout)
    rest = sheet.without(options.columns)
    is_whole = layout is not None and all(name in rest.columns for name in layout.latency)
    return read_latencies(rest, options, layout if is_whole else None)


def _latency_columns(sheet: Sheet, options: TableOptions) -> list[str]:
    """Returns the columns that may hold latencies: those that were asked for, and those that are named so."""
    asked = {options.latency, *(part.strip() for part in (options.latency or LATENCY).split("+"))}
    return [name for name in sheet.columns if name in asked or (is_latency_name(name) and name not in options.columns)]


def _check_names(sheet: Sheet, options: TableOptions) -> None:
    for name in (options.run_column, options.id):
        if name is not None and (name not in sheet.columns or name == LATENCY):
            what = "measuring runs" if name == options.run_column else "the rows"
            known = listed_names([column for column in sheet.header if not is_latency_name(column)])
            raise UsageError(f"{sheet.source} has no column '{name}' to name {what}. Known: {known}")


def _few_rows_a_run(column: str | None, runs: Sequence[str] | None) -> list[str]:
    """Returns the remark on a column that names hardly fewer measuring runs than there are rows."""
    if runs is None or are_shared(np.unique(runs, return_inverse=True)[1]):
        return []
    return [
        f"column '{column}' names {len(set(runs))} measuring runs for {len(runs)} rows: hardly any rows share a run, so "
        "that runs have no effects"
    ]


def _features(sheet: Sheet, options: TableOptions, latencies: Sequence[str]) -> Sheet:
    """Returns the columns that may be features.

    Raises:
        UsageError: When an option names a column that is not there.
    """
    unknown = [name for name in (*options.keep, *options.categorical, *options.drop) if name not in sheet.columns]
    if unknown:
        known = listed_names([name for name in sheet.header if not is_latency_name(name)])
        raise UsageError(f"{sheet.source} has no feature column '{unknown[0]}'. Known: {known}")
    named = {*options.keep, *options.categorical, *options.increasing}
    taken = {*latencies, *filter(None, (options.run_column, options.id))}
    silent = {name for name in sheet.columns if name.startswith("latency_")}
    free = [name for name in sheet.columns if name not in {*taken, *named, *silent, *options.drop}]
    cpu = cpu_times(free)
    others = [name for name in free if is_latency_name(name) or is_statistic_name(name) or name in cpu]
    others = [name for name in others if _holds_numbers(sheet, name)]
    rest = sheet.without([*taken, *(silent - named), *others, *options.drop])
    return rest.remarking(_left_out(others)) if others else rest


def _holds_numbers(sheet: Sheet, name: str) -> bool:
    """Whether a column may be one of times; one of other texts is a category, such as the runtime onnx or torch."""
    texts = sheet.columns[name]
    return not any(texts) or any(text.removeprefix(".")[:1].isdigit() or text[:1] in "+-[(" for text in texts if text)


def _left_out(names: Sequence[str]) -> str:
    """Returns the remark on further columns that are named as latencies are."""
    quoted = ", ".join(f"'{name}'" for name in names)
    what, kept = ("columns", "them features") if len(names) > 1 else ("column", "it a feature")
    why = "latencies, times and statistics of them are named so"
    return f"{what} {quoted} left out, because {why}. --keep {for_shell(*names)} makes {kept}."


def _space(sheet: Sheet, space: str | SearchSpace, options: TableOptions) -> tuple[SearchSpace, Sheet]:
    """Returns the space, made of the columns for ``table``, and the sheet with the columns that its genes are read from."""
    if space == Table.name:
        return _table(sheet, options)
    made = make_space(space) if isinstance(space, str) else space
    if (options.categorical or options.increasing) and not isinstance(made, Table):
        kind = "categorical" if options.categorical else "increasing"
        raise UsageError(f"space '{made.name}' knows its genes: {kind} columns are named for the space 'table' only")
    sheet = _as_genes(sheet, [gene.name for gene in made.genes])
    missing = [gene.name for gene in made.genes if gene.name not in sheet.columns]
    if missing:
        named = listed_names(missing, MOST_MISSING)
        raise DataError(
            f"{sheet.head}: space '{made.name}' needs the column '{missing[0]}'. Missing: {named}. "
            f"Found: {sheet.known}. Use the space 'table' for a table with other columns."
        )
    return made, sheet.remarking(*_passed_over(sheet, made))


def _passed_over(sheet: Sheet, space: SearchSpace) -> list[str]:
    """Returns the remark on columns that are not genes but may be settings: each of their few values has several rows."""
    genes = {gene.name for gene in space.genes}
    named = find_identifiers(sheet.columns, genes)
    counts = {name: len(set(texts)) for name, texts in sheet.columns.items() if name not in genes and name not in named}
    found = [name for name, count in counts.items() if 1 < count <= len(sheet) / ROWS_OF_A_SETTING]
    if not found:
        return []
    what, are = ("column", "is not a gene") if len(found) == 1 else ("columns", "are not genes")
    quoted = ", ".join(f"'{name}' ({counts[name]} values)" for name in found)
    return [
        f"{what} {quoted} {are} of '{space.name}': rows that differ there count as measurements of one setting. Where "
        "latencies depend on it, as on a device or a batch size, give the rows of one setting, or use the space 'table'. "
        f"--drop {for_shell(*found)} says that they do not."
    ]


def _as_genes(sheet: Sheet, genes: list[str]) -> Sheet:
    """Takes the entries of a column of lists for the genes, in order, where no other column is named as they are."""
    if any(name in sheet.columns for name in genes):
        return sheet
    for name in sheet.header:
        head, dot, _ = name.rpartition(".")
        entries = [other for other in sheet.header if dot and other.rpartition(".")[0] == head]
        if len(entries) == len(genes):
            return sheet.renamed(dict(zip(entries, genes, strict=True)))
    return sheet


def _table(sheet: Sheet, options: TableOptions) -> tuple[Table, Sheet]:
    wanted = {*options.keep, *options.categorical, *options.increasing}
    found = find_identifiers(sheet.columns, wanted | sheet.categories)
    remarks = [
        f"column '{name}' left out: it holds {what}. That says nothing about a new net. "
        f"--keep {for_shell(name)} makes it a feature."
        for name, what in found.items()
    ]
    sheet = sheet.without(found).remarking(*remarks, *remarks_on_order(sheet.columns, found))
    if not sheet.columns:
        what = f"{sheet.head}: no feature column stands beside the latencies. Add the architecture. {sheet.about}"
        raise DataError(what.rstrip())
    categorical = {*options.categorical, *sheet.categories}
    devices = [name for name in device_columns(sheet.columns, options.increasing) if name not in categorical]
    sheet = sheet.remarking(*remarks_on_numbers(sheet, [name for name in devices if is_numeric(sheet.columns[name])]))
    categorical.update(devices)
    _refuse_name(sheet, wanted | sheet.categories)
    sheet = sheet.remarking(*_constants(sheet, wanted))
    columns = [_column(name, texts, name in categorical) for name, texts in sheet.columns.items()]
    padded = sheet.padded.intersection(sheet.columns)
    return Table(columns, options.increasing, sorted(padded)), sheet.remarking(*remarks_on_categories(sheet, columns))


def _constants(sheet: Sheet, wanted: Collection[str]) -> list[str]:
    """Returns the remark on columns of one value, as tools write of every setting: a new architecture has to name it too."""
    names = [name for name, texts in sheet.columns.items() if name not in wanted and len(set(texts)) == 1]
    if len(names) < MANY_CONSTANTS:
        return []
    quoted = ", ".join(f"'{name}'" for name in names)
    return [
        f"columns {quoted} hold one value in all rows: a new architecture has to give them. Where nobody will ask for "
        f"others, --drop {for_shell(*names)} leaves them out."
    ]


def _refuse_name(sheet: Sheet, wanted: Collection[str]) -> None:
    """Refuses a table whose only feature is a name that differs from row to row: nothing can be learned from it."""
    varied = [name for name, texts in sheet.columns.items() if len(set(texts)) > 1]
    if len(varied) != 1 or varied[0] in wanted or is_numeric(sheet.columns[varied[0]]):
        return
    name, texts = varied[0], sheet.columns[varied[0]]
    if names_rows(texts):
        raise DataError(
            f"{sheet.head}: the only feature is '{name}', a text that differs in nearly every row, such as "
            f"'{texts[0][:60]}'. It says nothing about a new net. Where it spells an architecture, give the values in "
            "columns of their own, or as a list or dictionary: '8_512_4', '[8, 512, 4]' or "
            f'\'{{"layers": 8, "width": 512}}\'. Where it names operators that architectures are made of, make a '
            f"lookup-table cost model of the table (docs/own-model.md). --keep {for_shell(name)} takes it as it is."
        )


def _column(name: str, texts: list[str], forced: bool) -> dict[str, Any]:
    if not forced and is_numeric(texts):  # a text among numbers is an error of that line, and is reported as such
        return {"name": name, "categorical": False}
    numbers = [value for value in map(number, texts) if value is not None and math.isfinite(value)]
    is_of_numbers = len(numbers) == len(texts) and not names_versions(name)
    choices: list[int | float] | list[str] = sorted(set(numbers)) if is_of_numbers else sorted(set(texts))
    return {"name": name, "categorical": True, "choices": choices}


def _architectures(sheet: Sheet, space: SearchSpace) -> list[Architecture]:
    columns = [_values(sheet, gene) for gene in space.genes]
    if isinstance(space, Table) and not any(gene.choices for gene in space.genes):
        return [Architecture(space.name, genes, space.options_text) for genes in zip(*columns, strict=True)]
    if type(space).architecture is SearchSpace.architecture and all(map(_are_choices, columns, space.genes)):
        return list(map(space.made, zip(*columns, strict=True)))
    architectures = []
    for row, genes in enumerate(zip(*columns, strict=True)):
        try:
            architectures.append(space.architecture(genes))
        except ArchitectureError as error:
            advice = "Correct the line, or use the space 'table'."
            raise DataError(f"{sheet.source}: {sheet.at([row])}: {error}. {advice}") from None
    return architectures


def _are_choices(values: list[GeneValue], gene: Gene) -> bool:
    """Whether all values are choices of a gene, in the form that architectures hold."""
    kinds = {(type(choice), choice) for choice in gene.choices}
    return all((type(value), value) in kinds for value in set(values))


def _values(sheet: Sheet, gene: Gene) -> list[GeneValue]:
    texts = sheet.columns[gene.name]
    if gene.categorical and any(isinstance(choice, str) for choice in gene.choices):
        return list(texts)
    found = {text: number(text) for text in set(texts)}
    known = {text: value for text, value in found.items() if value is not None and math.isfinite(value)}
    if len(known) < len(found):
        wrong = [row for row, text in enumerate(texts) if text not in known]
        text = texts[wrong[0]]
        what = f"'{text}' is not a finite number" if text else "the value is missing"
        more = f" (so it is in {len(wrong)} of {len(sheet)} rows: {sheet.at(wrong)})" if len(wrong) > 1 else ""
        names = f"a column of names is passed with --categorical {for_shell(gene.name)}"
        advice = f"Correct the line; {names}." if text else (
            f"Complete or delete {'the line' if len(wrong) == 1 else 'these lines'}, or leave the column out: "
            f"--drop {for_shell(gene.name)}."
        )
        raise sheet.error(wrong[0], gene.name, what + more, advice)
    return [known[text] for text in texts]
