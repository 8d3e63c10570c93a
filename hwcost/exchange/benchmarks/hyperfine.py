"""hyperfine: the JSON of ``--export-json FILE``, and the CSV of ``--export-csv FILE``."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported
from hwcost.exchange.numerals import number

_MEANING = "times are medians over hyperfine's runs of a command, in seconds, the start of the program included."
_COLUMNS = frozenset(("command", "mean", "stddev", "median", "user", "system"))
_PARAMETER = "parameter_"
"""Beginning of the columns of a CSV that hold parameters."""

_READ = {"command", "times", "median", "parameters", "exit_codes"}


class Hyperfine(Reader):
    """Results of hyperfine."""

    name = "hyperfine"
    tool = "hyperfine JSON or CSV (--export-json, --export-csv)"
    fields = (_COLUMNS,)

    def recognises(self, document: Document) -> bool:
        """Whether it is an object with results of commands, or a CSV with the columns of such."""
        if set(document.header) >= _COLUMNS:
            return True
        value = document.json_or_none
        results = value.get("results") if isinstance(value, dict) else None
        return isinstance(results, list) and bool(results) and all(map(_is_result, results))

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median time of every command."""
        rows, remarks = [], [_MEANING]
        is_csv = set(document.header) >= _COLUMNS
        for node in map(_of_cells, document.records) if is_csv else document.root.field("results").entries():
            row = _row(node)
            rows += [row] if row is not None else []
            if row is None:
                remarks.append(f"'{node.field('command').text()[:60]}' is left out: it takes no longer than an empty shell.")
        return [imported(rows, document, given, Origin(self.name), remarks)]


def _is_result(value: Any) -> bool:
    return isinstance(value, dict) and {"command", "mean"} <= value.keys()


def _of_cells(node: Node) -> Node:
    """Returns a row of a CSV as the JSON has it: numbers, and parameters in an object of their own."""
    cells = {name: text for name, text in node.value.items() if text}
    params = {name.removeprefix(_PARAMETER): text for name, text in cells.items() if name.startswith(_PARAMETER)}
    rest = {name: text for name, text in cells.items() if not name.startswith(_PARAMETER)}
    values = {name: text if name == "command" or (one := number(text)) is None else one for name, text in rest.items()}
    return Node({**values, "parameters": params}, node.source, node.path)


def _row(node: Node) -> Row | None:
    """Returns the row of a command; None where nothing is left once hyperfine took the time of an empty shell off."""
    name, params = node.field("command").text(), node.optional("parameters")
    spec = {} if params is None or not params.members() else {"params": params.value}
    codes = node.optional("exit_codes")
    failed = [] if codes is None else [one.value for one in codes.entries() if one.value != 0]
    if failed:
        how = "was killed by a signal" if failed[0] is None else f"ended with exit code {failed[0]}"
        return Row(name, None, spec=spec, status="failed", reason=f"the command {how} in {len(failed)} of its runs")
    times = node.optional("times")
    if times is not None and times.value:
        value = float(np.median([one.number() for one in times.entries()]))
    else:
        value = (node.optional("median") or node.field("mean")).number()
    if value == 0:
        return None
    rest = {key: one.value for key, one in node.members().items() if key not in _READ}
    return Row(name, Node(value, node.source, f"{node.path}.median").seconds(), spec=spec, rest=rest)
