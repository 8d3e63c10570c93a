"""Where the time of a net goes, on any backend: shares by slope and by ablation, gaps of sums, and what is fused.

All of it is measured in one campaign per backend, in turn, so that everything that is compared is paired.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.campaign.components.fusions import Fusion, fusions, prices
from hwcost.campaign.components.shapes import by_shape
from hwcost.campaign.components.slopes import ComponentTable, Gap, additivity, component_table
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.planning import find_or_create
from hwcost.campaign.plans.plan import Item, items
from hwcost.campaign.run import run
from hwcost.errors import MeasurementError, UsageError
from hwcost.spaces.components import Components
from hwcost.stores import open_store
from hwcost.systems.components.kernel_prices import KernelPrice, kernel_items, kernel_prices, refuse_elsewhere
from hwcost.systems.components.kinds import kinds_of, net_without, pairs, priced
from hwcost.systems.components.paper_tables import SEQ_LENS, paper_share
from hwcost.systems.components.shares import Share, ablation_shares, slope_shares, whole_nets
from hwcost.timing.measurement import Measurement
from hwcost.workloads import ChainWorkload, ComponentWorkload, component_stacks, models

if TYPE_CHECKING:
    from hwcost.campaign.run import Progress, Result

__all__ = ["Breakdown", "breakdown_items", "breakdowns", "measure_breakdowns"]

DEPTHS = (1, 2, 4, 8)
"""Copies in a stack, where no others are asked for."""


@dataclass(frozen=True)
class Breakdown:
    """The time of a net at one shape.

    Attributes:
        grid: Name of the grid, which names the net.
        shape: Batch size, sequence length and dtype.
        whole: Measurement of the whole net.
        by_slope: Share of every kind of component, from prices by the slope over depth; None where one is unknown.
        by_ablation: The same from whole nets that lack a kind.
        paper: The paper's share of every kind; None where it has none.
        prices: Price of every component, with half-widths for ratios within the campaign.
        gaps: Sum of components against whole nets: the net, and those that lack a kind.
        fused: Pairs of neighbours, together against each by itself.
        kernels: Kernels in Triton against plain torch; empty where they were not measured.
    """

    grid: str
    shape: dict[str, Any]
    whole: Measurement
    by_slope: dict[str, Share | None]
    by_ablation: dict[str, Share | None]
    paper: dict[str, float | None]
    prices: ComponentTable
    gaps: tuple[Gap, ...]
    fused: tuple[Fusion, ...]
    kernels: tuple[KernelPrice, ...] = ()

    @property
    def median_gap(self) -> float | None:
        """Median of the absolute gaps over all nets whose components have prices; None without any."""
        return statistics.median(abs(gap.gap) for gap in self.gaps) if self.gaps else None

    @property
    def gap(self) -> Gap | None:
        """Gap of the whole net itself; None where a component of it has no price."""
        base = Components(self.grid).base()
        return next((gap for gap in self.gaps if gap.architecture == base), None)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON; shares and gaps are fractions."""
        return {
            "grid": self.grid, "shape": self.shape, "latency_s": self.whole.latency_s, "half_width": self.whole.half_width,
            "shares": {
                kind.name: {
                    "by_slope": _plain(self.by_slope[kind.name]), "by_ablation": _plain(self.by_ablation[kind.name]),
                    "paper": self.paper[kind.name],
                }
                for kind in kinds_of(Components(self.grid))
            },
            "overhead_s": self.prices.overhead_s, "costs_s": self.prices.costs_s, "median_gap": self.median_gap,
            "gaps": [{"arch": gap.key, "gap": gap.gap, "half_width": gap.half_width} for gap in self.gaps],
            "fusions": [one.to_dict() for one in self.fused], "kernels": [one.to_dict() for one in self.kernels],
        }  # fmt: skip


def _plain(share: Share | None) -> dict[str, float | None] | None:
    return None if share is None else asdict(share)


def breakdown_items(
    space: Components,
    batch_size: int = 1,
    seq_len: int = 128,
    dtype: str = "float32",
    depths: Sequence[int] = DEPTHS,
    kernels: bool = False,
) -> list[Item]:
    """Returns what is measured for a breakdown at one shape: stacks, chains, the whole net, and nets without a kind.

    Args:
        space: The space; its grid names the net.
        batch_size: Number of sequences in a call.
        seq_len: Number of tokens in a sequence.
        dtype: Number format of weights and activations.
        depths: Copies in a stack or chain; two or more.
        kernels: Whether kernels in Triton are priced too, which takes a CUDA device.

    Raises:
        UsageError: When there are fewer than two depths.
    """
    if len(set(depths)) < 2 or min(depths) < 1:
        given = ", ".join(map(str, depths))
        raise UsageError(f"prices by the slope over depth need two depths or more, from 1, got {given}")
    shape: dict[str, Any] = {"batch_size": batch_size, "seq_len": seq_len, "dtype": dtype}
    stacks = component_stacks(space, depths=depths, components=[*priced(space), *space.parts()], **shape)
    chains = [ChainWorkload.of(space, pair, depth=depth, **shape) for pair in pairs(space) for depth in depths]
    nets = [space.base(), *(net_without(space, kind) for kind in kinds_of(space))]
    found = [*items([*stacks, *chains], "component"), *items(models(space, nets, **shape), "check")]
    return [*found, *(kernel_items(space, depths, shape) if kernels else ())]


def breakdowns(space: Components, measured: Sequence[Measurement]) -> list[Breakdown]:
    """Derives one breakdown per shape from the measurements of :func:`breakdown_items`.

    Args:
        space: The space.
        measured: Measurements of one campaign, of any number of shapes.

    Returns:
        Breakdowns in the order of shapes; a shape at which the whole net could not be measured is left out.

    Raises:
        DataError: When no stack was measured at two depths.
        MeasurementError: When the whole net was measured at none of the shapes.
    """
    base = space.base()
    shapes = [(shape, group) for shape, group in by_shape(measured) if base in whole_nets(group)]
    if not shapes:
        raise MeasurementError(f"the whole net of grid '{space.grid_name}' was not measured: {_reason(measured)}")
    return [_breakdown(space, shape, group) for shape, group in shapes]


def measure_breakdowns(
    space: Components,
    options: MeasureOptions,
    seq_lens: Sequence[int] = SEQ_LENS,
    depths: Sequence[int] = DEPTHS,
    kernels: bool = False,
    *,
    store: str | Path | None = None,
    budget_s: float | None = None,
    wait_s: float = 600.0,
    progress: Callable[[Progress], None] = lambda state: None,
    remark: Callable[[str], None] | None = None,
) -> tuple[Result, list[Breakdown]]:
    """Measures breakdowns at several sequence lengths in one campaign on one backend; an equal one is resumed or read.

    Args:
        space: The space; its grid names the net.
        options: Options of measuring: device, backend, batch size, dtype, tier, rounds.
        seq_lens: Numbers of tokens in a sequence.
        depths: Copies in a stack or chain.
        kernels: Whether kernels in Triton are priced too.
        store: File or URL of the store; None for the user's default store.
        budget_s: Seconds that the rounds share; None for as long as the protocol asks for.
        wait_s: Seconds to wait for CPUs that other campaigns hold.
        progress: Callback after every pass.
        remark: Function that gets lines on how long it takes, see :func:`hwcost.measure`; None for no remarks.

    Returns:
        The campaign, and one breakdown per sequence length at which the whole net could be measured.

    Raises:
        DeviceError: When the device is not here, or busy.
        InterruptedRunError: On Ctrl-C; the same call resumes.
        MeasurementError: When the whole net could be measured at none of them.
        UsageError: When an option is wrong, or kernels in Triton cannot run on that device and backend.
    """
    plan = options.plan(campaign_items(space, options, seq_lens, depths, kernels))
    with open_store(store) as opened:
        campaign_id = find_or_create(plan, opened)
        result = run(
            opened, campaign_id, budget_s=budget_s, wait_s=wait_s, progress=progress, remark=remark,
            advice="The same command resumes it.",
        )  # fmt: skip
    return result, breakdowns(space, result.measurements)


def campaign_items(
    space: Components, options: MeasureOptions, seq_lens: Sequence[int], depths: Sequence[int], kernels: bool
) -> list[Item]:
    """Returns what :func:`measure_breakdowns` measures, with the same arguments and errors."""
    if kernels:
        refuse_elsewhere(options)
    lengths = list(dict.fromkeys(seq_lens))
    shapes = [replace(options, seq_len=length).shape for length in lengths]
    return [item for shape in shapes for item in breakdown_items(space, depths=depths, kernels=kernels, **shape)]


def _breakdown(space: Components, shape: dict[str, Any], measured: Sequence[Measurement]) -> Breakdown:
    nets = whole_nets(measured)
    whole = nets[space.base()]
    table = _table(measured)
    sums = {arch: m for arch, m in nets.items() if {part.name for part in space.components(arch)} <= set(table.fits)}
    gaps = additivity(
        table, space, {arch: m.latency_s for arch, m in sums.items() if m.latency_s is not None},
        {arch: m.paired_half_width for arch, m in sums.items()},
    )  # fmt: skip
    return Breakdown(
        grid=space.grid_name, shape=shape, whole=whole, by_slope=slope_shares(space, table.fits, whole),
        by_ablation=ablation_shares(space, nets),
        paper={kind.name: paper_share(space.grid_name, kind.name, shape["seq_len"]) for kind in kinds_of(space)},
        prices=table, gaps=tuple(gaps), fused=tuple(fusions(measured, shape)),
        kernels=tuple(kernel_prices(prices(measured, shape))),
    )  # fmt: skip


def _table(measured: Sequence[Measurement]) -> ComponentTable:
    """Prices all stacks that were measured, for ratios within the campaign."""
    stacks = {
        (m.workload.part, m.workload.depth): m
        for m in measured
        if isinstance(m.workload, ComponentWorkload) and m.latency_s is not None
    }
    seconds = {key: m.latency_s for key, m in stacks.items() if m.latency_s is not None}
    return component_table(seconds, {key: m.paired_half_width for key, m in stacks.items()})


def _reason(measured: Sequence[Measurement]) -> str:
    """Returns the first error of a campaign, for a sentence."""
    flags = [flag for m in measured if m.latency_s is None for flag in m.flags]
    return str(flags[0]) if flags else "measure what breakdown_items returns"
