"""Winners beside the reference after regular distillation of all: sizes, latencies and qualities (Table 2).

Source: Zhang et al., "AutoDistill", section 4.2 and Table 2, which has each number and its ratio to MobileBERT's.
Qualities are compared batch by batch on the same held-out text, as a mean over few words says little of a difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hwcost.systems.autodistill.results import Quality, RegularStudent, Student
from hwcost.systems.intervals import Interval, mean
from hwcost.systems.latencies import speed_up_over

Row = Mapping[str, Any]
"""Qualities of a student after regular distillation by name, and those of every held-out batch as ``by_batch``."""


def table_2(
    rows: Mapping[str, Row], nets: Mapping[str, Student], flash: Mapping[str, Quality], reference: str, quality: str
) -> dict[str, RegularStudent]:
    """Returns the rows of the table by key.

    Args:
        rows: Winners and the reference by key, as they were distilled regularly.
        nets: The same as they were measured.
        flash: Their qualities after flash distillation.
        reference: Key of the reference.
        quality: Name of the quality that the search raised.
    """
    return {key: _row(key, rows, nets, flash[key], reference, quality) for key in rows}


def _row(
    key: str, rows: Mapping[str, Row], nets: Mapping[str, Student], flash: Quality, reference: str, quality: str
) -> RegularStudent:
    found, own, beside = _quality(rows[key]), nets[key], nets[reference]
    base = rows[reference]["mlm_accuracy"]
    compared: dict[str, Any] = {}
    if key != reference:
        speed = speed_up_over(beside, own)
        gain = quality_gain(rows[key]["by_batch"], rows[reference]["by_batch"], quality)
        compared = {
            "speed_ratio": speed.ratio, "speed_low_ratio": speed.low, "speed_high_ratio": speed.high,
            "quality_gain": gain.value, "quality_low_gain": gain.low, "quality_high_gain": gain.high,
        }  # fmt: skip
    return RegularStudent(
        **vars(found), params=own.params, params_ratio=own.params / beside.params, measured_s=own.measured_s,
        measured_low_s=own.measured_low_s, measured_high_s=own.measured_high_s,
        accuracy_ratio=found.mlm_accuracy / base if base else None, flash=flash, **compared,
    )  # fmt: skip


def quality_gain(own: Sequence[Row], reference: Sequence[Row], quality: str) -> Interval:
    """Returns by how much a student is better than the reference, with an interval over held-out batches.

    Args:
        own: Qualities of the student on each batch.
        reference: Those of the reference on the same batches.
        quality: Name of the quality: an accuracy, or ``perplexity``, whose logarithms are compared.
    """
    pairs = [(_quality(one).loss(quality), _quality(other).loss(quality)) for one, other in zip(own, reference, strict=True)]
    if quality == "perplexity":
        pairs = [(math.log(one), math.log(other)) for one, other in pairs]
    return mean([other - one for one, other in pairs])


def _quality(row: Row) -> Quality:
    return Quality(**{name: row[name] for name in Quality.__dataclass_fields__})
