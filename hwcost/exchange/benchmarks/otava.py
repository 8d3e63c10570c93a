"""Apache Otava: one CSV per series with a row per run, and the configuration that names them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from hwcost.errors import UsageError
from hwcost.exchange.benchmarks.base import Exported, History, Writer
from hwcost.exchange.benchmarks.latest import described, is_larger_better
from hwcost.exchange.benchmarks.names import unique
from hwcost.stores.series import Estimate

HEADER = ("time", "run", "commit", "value")
CONFIG = "otava.yaml"


class Otava(Writer):
    """Histories for Otava, which has no sign for a missing value: nights without one have no row."""

    name = "otava"
    tool = "Otava CSV, with otava.yaml"

    def write(self, history: History) -> Exported:
        """Writes the history of every series that has a value."""
        values: dict[str, list[Estimate]] = {}
        for one in history.estimates:
            if one.value is not None:
                values.setdefault(one.series_key, []).append(one)
        if not values:
            raise UsageError("there is nothing to export: no series has a value")
        names = unique({key: described(history.series[key]) for key in values}, "_")
        files = {f"{names[key]}.csv": _csv(rows, history) for key, rows in values.items()}
        config = [_test(names[key], -1 if not is_larger_better(history.series[key]) else 1) for key in values]
        return Exported({CONFIG: "tests:\n" + "".join(config), **files}, (f"otava analyze NAME --config-file {CONFIG}",))


def _csv(rows: Iterable[Estimate], history: History) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for one in rows:
        run = history.run_of.get(one.run_id or "")
        commit = "" if run is None or run.code is None else run.code.commit or ""
        writer.writerow([one.measured_at, *map(_cell, (one.run_id or "", commit)), repr(one.value)])
    return text.getvalue()


def _cell(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _test(name: str, direction: int) -> str:
    """Returns the configuration of one test; JSON texts are YAML too."""
    quoted = json.dumps(name)
    return (
        f"  {quoted}:\n    type: csv\n    file: {json.dumps(f'{name}.csv')}\n    time_column: time\n"
        f"    attributes: [run, commit]\n    metrics:\n      value: {{column: value, direction: {direction}}}\n"
    )
