"""OpenMetrics text of the latest values, as Prometheus and its kin read it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from hwcost.exchange.benchmarks.base import Exported, History, Writer
from hwcost.exchange.benchmarks.latest import latest_values, left_out
from hwcost.stores.series import Estimate, Series

_UNITS = {"s": "seconds", "J": "joules", "B": "bytes", "W": "watts", "1": "ratio", "1/s": "per_second"}
"""OpenMetrics' words for units; ``per_second`` is a part of the name, for rates have no unit there."""

_ENDS = re.compile(r"_(s|j|w|bytes|per_s|1)$")

_UNREADABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters but the newline, and halves of surrogate pairs."""


class OpenMetrics(Writer):
    """Latest values for Prometheus."""

    name = "openmetrics"
    tool = "OpenMetrics text of the latest values"

    def write(self, history: History) -> Exported:
        """Writes the latest value of every series."""
        found = latest_values(history)
        return Exported({"": text(history.series, [one for _, one in found])}, left_out(history, found))


def text(series: Mapping[str, Series], latest: Iterable[Estimate]) -> str:
    """Returns the latest values as OpenMetrics text.

    Every quantity is a gauge of its own, such as ``hwcost_latency_seconds``, with the bounds of its 95 % interval and the
    time of measurement beside it. Estimates without a value have no sample: missing is not zero. Samples carry no
    time, so that the reader's own counts, and no commit, which would make a new series every night.

    Args:
        series: Series by key.
        latest: Estimates in any order, at most one a series.
    """
    families: dict[str, _Family] = {}
    for one in sorted(latest, key=lambda one: (series[one.series_key].quantity, one.series_key)):
        if one.value is not None:
            labels = _labels(series[one.series_key])
            for family, value in _samples(series[one.series_key], one):
                families.setdefault(family.name, family).lines.append(f"{family.name}{{{labels}}} {value!r}\n")
    return "".join(families[name].text() for name in sorted(families)) + "# EOF\n"


class _Family:
    """One metric with its description and samples."""

    def __init__(self, name: str, unit: str, help: str) -> None:
        self.name, self.unit, self.help = name, unit, help
        self.lines: list[str] = []

    def text(self) -> str:
        unit = f"# UNIT {self.name} {self.unit}\n" if self.unit else ""
        return f"# TYPE {self.name} gauge\n{unit}# HELP {self.name} {escaped(self.help)}\n{''.join(self.lines)}"


def _samples(series: Series, estimate: Estimate) -> list[tuple[_Family, float]]:
    assert estimate.value is not None
    word = _UNITS.get(series.unit) or re.sub(r"[^a-z0-9]+", "_", series.unit.lower()).strip("_")
    base = re.sub(r"[^a-zA-Z0-9_]", "_", _ENDS.sub("", series.quantity)) or "value"
    unit = "" if word == "per_second" else word
    end = f"_{word}" if word else ""
    name, said = f"hwcost_{base}", f"{series.quantity} in {series.unit}"
    measured_s = datetime.fromisoformat(estimate.measured_at).timestamp()
    found = [
        (_Family(f"{name}{end}", unit, f"Latest {said}."), estimate.value),
        (_Family(f"{name}_measured_timestamp_seconds", "seconds", f"When {series.quantity} was measured."), measured_s),
    ]
    if estimate.half_width is not None:
        spread = math.exp(estimate.half_width)
        found += [
            (_Family(f"{name}_low{end}", unit, f"Lower bound of the 95 % interval of {said}."), estimate.value / spread),
            (_Family(f"{name}_high{end}", unit, f"Upper bound of the 95 % interval of {said}."), estimate.value * spread),
        ]
    return found


def _labels(series: Series) -> str:
    labels = {
        "workload": series.name, "component": series.component, "device": series.device, "backend": series.backend,
        "precision": series.precision, "batch_size": series.batch_size, "seq_len": series.seq_len,
        "threads": series.threads, "series": series.series_key,
    }  # fmt: skip
    return ",".join(f'{key}="{escaped(str(one))}"' for key, one in labels.items() if one is not None)


def escaped(text: str) -> str:
    """Returns a text as it stands in a label or a help line: one line, quotes and backslashes escaped.

    Control characters and halves of surrogate pairs, which no reader has to accept, become U+FFFD.
    """
    return _UNREADABLE.sub("\ufffd", text).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
