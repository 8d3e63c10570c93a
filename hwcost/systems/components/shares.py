"""The time of a component net by kind of component: the share that it would save without each, measured on this device.

By the slope over depth, a share is a sum of prices of components; by ablation, it is what the whole net saves once the kind
is left out. All of it is measured in one campaign, so that the machine's level cancels from shares and their intervals.

Source: Tsai et al., "Finding Fast Transformers", Tables 1 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hwcost.campaign.components.costs import component_report
from hwcost.campaign.components.slopes import Fit
from hwcost.errors import DataError
from hwcost.spaces import Architecture
from hwcost.spaces.components import Components
from hwcost.systems.components.kinds import KINDS, Prices, kinds_of, net_without, priced, prices_of
from hwcost.timing.measurement import Measurement
from hwcost.workloads import ModelWorkload, Workload, component_stacks, models

QK = next(kind for kind in KINDS if kind.name == "qk")


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the whole net's time.

    Attributes:
        value: The share; 1 is all of the time.
        half_width: Half-width of its 95 % interval; None when it is unknown.
    """

    value: float
    half_width: float | None = None


def share_workloads(
    space: Components, batch_size: int = 1, seq_len: int = 128, dtype: str = "float32"
) -> list[Workload]:
    """Returns the workloads that the shares are derived from: stacks of components, and two whole nets.

    Measure all of them in one campaign.

    Args:
        space: The space.
        batch_size: Number of sequences in a call.
        seq_len: Number of tokens in a sequence.
        dtype: Number format of weights and activations.
    """
    stacks = component_stacks(space, batch_size, seq_len, dtype, components=priced(space))
    return [*stacks, *models(space, [space.base(), without_keys(space)], batch_size, seq_len, dtype)]


def without_keys(space: Components) -> Architecture:
    """Returns the net that averages its values: no queries, no keys."""
    return net_without(space, QK)


def gate_shares(
    space: Components, measured: Sequence[Measurement]
) -> tuple[dict[str, float], dict[Architecture, float]]:
    """Derives the shares by slope from the measurements of :func:`share_workloads`.

    Args:
        space: The space.
        measured: Measurements of one campaign at one shape.

    Returns:
        The share of the whole net's latency by kind of gate, as :class:`GateCosts` takes them; kinds overlap. And the
        relative excess of the sum of a net's components over the net, by net.

    Raises:
        DataError: When one of them was not measured.
    """
    shares, gaps = measured_shares(space, measured)
    return {kind: share.value for kind, share in shares.items()}, gaps


def measured_shares(
    space: Components, measured: Sequence[Measurement]
) -> tuple[dict[str, Share], dict[Architecture, float]]:
    """Derives the same as :func:`gate_shares`, which says of the arguments, with intervals of the shares."""
    report = component_report(measured)
    if report is None:
        raise DataError("shares of gates need stacks of components, and none was measured; see share_workloads")
    missing = [part.name for part in priced(space) if part.name not in report.table.costs_s]
    whole = whole_nets(measured).get(space.base())
    if missing or whole is None:
        raise DataError(f"shares of gates need {', '.join(missing) or 'the whole net'}, which was not measured")
    shares = slope_shares(space, report.table.fits, whole)
    found = {kind: share for kind, share in shares.items() if share is not None}
    return found, {gap.architecture: gap.gap for gap in report.gaps}


def slope_shares(space: Components, fits: Mapping[str, Fit], whole: Measurement) -> dict[str, Share | None]:
    """Derives shares from prices.

    Args:
        space: The space.
        fits: Lines over depth by the name of the component, with half-widths for ratios within the campaign.
        whole: Measurement of the whole net.

    Returns:
        Share by kind; None for kinds of which a component has no price.
    """
    return {kind: _slope_share(prices, fits, whole) for kind, prices in prices_of(space).items()}


def _slope_share(prices: Prices, fits: Mapping[str, Fit], whole: Measurement) -> Share | None:
    if whole.latency_s is None or not set(prices) <= set(fits):
        return None
    value = sum(times * fits[name].cost_s for name, times in prices.items()) / whole.latency_s
    halves_s = [fits[name].half_width_s for name in prices]
    known_s = [abs(times) * half for times, half in zip(prices.values(), halves_s, strict=True) if half is not None]
    if whole.paired_half_width is None or len(known_s) < len(halves_s):
        return Share(value)
    return Share(value, math.hypot(*(half / whole.latency_s for half in known_s), value * whole.paired_half_width))


def ablation_shares(space: Components, nets: Mapping[Architecture, Measurement]) -> dict[str, Share | None]:
    """Derives shares from whole nets that lack one kind each.

    Args:
        space: The space.
        nets: Measurements of the whole net and of those of :func:`hwcost.systems.components.kinds.net_without`.

    Returns:
        Share by kind; None for kinds whose net was not measured.
    """
    whole = nets.get(space.base())
    found = {kind.name: (kind.factor, nets.get(net_without(space, kind))) for kind in kinds_of(space)}
    return {name: _ablation_share(factor, whole, without) for name, (factor, without) in found.items()}


def _ablation_share(factor: float, whole: Measurement | None, without: Measurement | None) -> Share | None:
    if whole is None or without is None or whole.latency_s is None or without.latency_s is None:
        return None
    left = without.latency_s / whole.latency_s
    halves = (whole.paired_half_width, without.paired_half_width)
    known = [half for half in halves if half is not None]
    half = abs(factor) * left * math.hypot(*known) if len(known) == len(halves) else None
    return Share(factor * (1.0 - left), half)


def whole_nets(measured: Iterable[Measurement]) -> dict[Architecture, Measurement]:
    """Returns the measurements of whole nets that succeeded, by architecture."""
    return {
        m.workload.architecture: m for m in measured if isinstance(m.workload, ModelWorkload) and m.latency_s is not None
    }
