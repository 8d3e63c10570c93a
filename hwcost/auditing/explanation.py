"""Says in one paragraph what an audit found, for readers who are not statisticians."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hwcost.cost_models.training.doubts import FAR_LEVEL, OTHER_SETTING
from hwcost.exchange.sheet import places

if TYPE_CHECKING:
    from hwcost.auditing.report import AuditReport
    from hwcost.levels.level import Segment

SHOWN = 3
"""Stretches that are named; the furthest from the usual level come first."""

WORTH_TELLING = 0.01
"""Stretches closer to the usual level than this are not named."""


def explain(report: AuditReport) -> str:
    """Returns the paragraph that belongs to a report."""
    sentences = [*_opening(report), *_signal(report), *_details(report)]
    return " ".join(sentences)


def _opening(report: AuditReport) -> list[str]:
    """Says what the verdict means."""
    things = f"{len(report.residuals)} {report.unit}s"
    if report.verdict == "invalid":
        return [f"These {things} cannot be used as they are.", *_invalid(report)]
    if "W_CONFOUNDED" in report.codes and report.returns and "W_DRIFT" not in report.codes:
        return [
            f"There is no sign that the machine changed from pass to pass while these {things} were measured. But their "
            "order follows the size of the architectures in every pass, so what it did within a pass would look the same as "
            "architectures that cost more."
        ]
    if "W_CONFOUNDED" in report.codes and not report.returns:
        return [
            f"Nothing can be said about the machine's own speed while these {things} were measured: their order follows the "
            "size of the architectures, so a machine that slowly changed would look the same as architectures that cost "
            "more. Measured again in random order the two could be distinguished."
        ]
    if "W_STATES" in report.codes and "W_DRIFT" not in report.codes:
        return [
            f"These {things} are of two states, between which the machine, or a setting that no column gives, changed from "
            f"row to row: {len(report.slow_rows)} of them are in the slower one ({places(report.unit, report.slow_rows)})."
        ]
    if "W_UNCONFIRMED" in report.codes and "W_DRIFT" not in report.codes:
        return [
            f"There is no sign that the machine changed while these {things} were measured, but others used it nearly all "
            "the time: most workloads are unconfirmed, and all latencies may be too long alike, as far as their intervals "
            "reach."
        ]
    if "W_REVERSED" in report.codes and "W_DRIFT" not in report.codes:
        return [
            f"There is no sign that the machine changed while these {things} were measured, but their latencies are shorter "
            "the larger the numbers of nearly all columns are: they may be rates."
        ]
    if {"W_OUTLIERS", "W_REPEATS"} & set(report.codes) and "W_DRIFT" not in report.codes:
        return [
            f"There is no sign that the machine changed while these {things} were measured, but single {report.unit}s "
            "cannot be trusted."
        ]
    if "W_RESOLUTION" in report.codes and "W_DRIFT" not in report.codes:
        return [
            f"There is no sign that the machine changed while these {things} were measured, but their latencies stand in "
            "steps so coarse that many architectures look alike."
        ]
    if report.verdict == "clean":
        return [
            f"There is no sign that the machine changed while these {things} were measured: once the architecture's own "
            f"cost is taken away, what is left scatters without a pattern{_but_small(report)}."
        ]
    if report.level_range == 0.0 and "W_DRIFT" in report.codes:
        return [
            f"Something moved while these {things} were measured: once the architecture's own cost is taken away, "
            f"{_pattern(report)}. But they are too few to tell how the machine's speed moved, so that nothing was taken out."
        ]
    how = "clearly" if report.verdict == "drifting" else "a little"
    moved = f"The machine's own speed moved {how} while these {things} were measured, by {_percent(report.level_range)} from"
    return [
        f"{moved} its fastest to its slowest: once the architecture's own cost is taken away, {_pattern(report)}.",
        *_stretches(report),
        *_cure(report),
    ]


def _pattern(report: AuditReport) -> str:
    """Says how the level shows: in neighbours that resemble each other, or in stretches too short for that."""
    if report.unit == "row" and report.von_neumann >= report.critical:
        return "some stretches of rows stand together, further off than what is left scatters"
    return (
        "neighbours in the order of measurement still resemble each other (von Neumann ratio "
        f"{report.von_neumann:.2f}; chance alone stays above {report.critical:.2f} in 99 of 100 cases)"
    )


def _invalid(report: AuditReport) -> list[str]:
    said = []
    if "E_DUPLICATE" in report.codes:
        said.append("The same latencies, digit by digit, stand under another label too, so at least one label is wrong.")
    if "E_NULL_EFFECT" in report.codes:
        said.append(
            "The latencies do not depend on the architectures they are filed under: small ones take as long as large ones. "
            "Most likely the configuration was never applied to the model that ran, and every row timed the same thing."
        )
    stretches = [flag for flag in report.flags if flag.code == "E_NULL_STRETCH"]
    said += [f"{flag.text[0].upper()}{flag.text[1:]}" for flag in (*stretches, *(one.flag for one in report.faults))]
    if report.unit_rows:
        said.append("Everything that follows was found after these rows were converted to the unit of the others.")
    if "E_REPEATS" in report.codes:
        said.append("The same architecture measured twice gives latencies that have hardly anything to do with each other.")
    return said


def _but_small(report: AuditReport) -> str:
    if report.von_neumann >= report.critical:
        return ""
    if report.level_range > 0:
        return f", or hardly any (the level moved by {_percent(report.level_range)} in all, too little to matter)"
    return ", or one too faint to tell a level from"


def _stretches(report: AuditReport) -> list[str]:
    """Names the stretches that stand furthest off."""
    far = [one for one in report.segments if abs(one.level - 1.0) >= WORTH_TELLING]
    if not far:
        return ["It moved gradually, without jumps."] if len(report.segments) == 1 else []
    shown = sorted(sorted(far, key=lambda one: -abs(one.level - 1.0))[:SHOWN], key=lambda one: one.first)
    places = ", ".join(f"{_side(one)} from {report.unit} {one.first} to {one.last}" for one in shown)
    more = f", and {_count(len(far) - SHOWN, 'other stretch', 'other stretches')} off as well" if len(far) > SHOWN else ""
    return [f"Against its usual speed it was {places}{more}."]


def _side(segment: Segment) -> str:
    return f"{_percent(abs(segment.level - 1.0))} {'slower' if segment.level > 1.0 else 'faster'}"


def _cure(report: AuditReport) -> list[str]:
    if report.unit == "visit":
        return [
            "The rounds were drawn in random order, so this hit all workloads alike, and the level was taken out of the "
            f"campaign's latencies (ratio afterwards {report.von_neumann_after:.2f})."
        ]
    return [
        "A cost model fitted on the latencies as they stand takes part of this for the architectures' doing; fitted with "
        f"the level beside the architecture it does not (ratio afterwards {report.von_neumann_after:.2f}). But where each "
        "architecture was measured only once, some doubt stays about which of the two it was.",
        *([OTHER_SETTING] if _jumps_far(report) else []),
    ]


def _jumps_far(report: AuditReport) -> bool:
    """Whether a stretch of rows and the next one differ by more than a machine's speed does."""
    ratios = [after.level / before.level for before, after in itertools.pairwise(report.segments)]
    return any(max(ratio, 1.0 / ratio) >= 1.0 + FAR_LEVEL for ratio in ratios)


def _signal(report: AuditReport) -> list[str]:
    if report.signal_tau is None or {"E_NULL_EFFECT", "E_NULL_STRETCH", "W_CONFOUNDED"} & set(report.codes):
        return []  # in the order of size, a machine that slows down looks like architectures that matter
    right = 50.0 * (1.0 + report.signal_tau)
    return [
        f"The latencies do depend on what was measured: of any two {report.unit}s, a prediction from the others names the "
        f"slower one in {right:.0f} of 100 cases."
    ]


def _details(report: AuditReport) -> list[str]:
    said = []
    if report.repeatability is not None:
        after = report.repeatability_after
        is_other = after is not None and _percent(after) != _percent(report.repeatability)
        rest = f", and by {_percent(after or 0.0)} once the level is taken out" if is_other else ""
        said.append(f"The same architecture measured twice differs by {_percent(report.repeatability)} typically{rest}.")
    if report.copies:
        said.append(f"{_count(report.copies, 'row')} repeated an earlier one to the last digit and did not count.")
    if report.outliers:
        which = places(report.unit, report.outlier_rows)
        said.append(f"{_count(report.outliers, report.unit)} far off everything else should be looked at: {which}.")
    for first, second, ratio in report.disagreeing[:SHOWN]:
        said.append(
            f"Rows {first} and {second} hold the same architecture, but latencies that differ by a factor of "
            f"{max(ratio, 1 / ratio):.3g}."
        )
    if report.void_share:
        said.append(f"{_percent(report.void_share)} of the visits were void or failed and were not used.")
    if report.former is not None:
        said.append(report.former.text)
    return said


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
