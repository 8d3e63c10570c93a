"""The time of a component net by kind of gate: the share that it would save without each, measured on this device.

Source: Tsai et al., "Finding Fast Transformers", Tables 1 and 4. A kind's share comes from the prices of components by the
slope over depth: queries and keys against averaged values, the norms' means against norms without, feed-forwards in pieces
behind each other against pieces side by side. Values are priced by half of their channels, doubled.
"""

from __future__ import annotations

from collections.abc import Sequence

from hwcost.campaign.components import component_report
from hwcost.errors import DataError
from hwcost.spaces import Architecture, Component
from hwcost.spaces.components import Components
from hwcost.timing.measurement import Measurement
from hwcost.workloads import Workload, component_stacks, models


def share_workloads(space: Components, batch_size: int = 1, seq_len: int = 128) -> list[Workload]:
    """Returns the workloads that the shares are derived from: stacks of components, and two whole nets.

    Measure all of them in one campaign.

    Args:
        space: The space.
        batch_size: Number of sequences in a call.
        seq_len: Number of tokens in a sequence.
    """
    stacks = component_stacks(space, batch_size, seq_len, components=_wanted(space))
    return [*stacks, *models(space, [space.base(), without_keys(space)], batch_size, seq_len)]


def without_keys(space: Components) -> Architecture:
    """Returns the net that averages its values: no queries, no keys."""
    base = space.base()
    return space.architecture(
        [0 if ".qk" in gene.name else value for gene, value in zip(space.genes, base.genes, strict=True)]
    )


def gate_shares(
    space: Components, measured: Sequence[Measurement]
) -> tuple[dict[str, float], dict[Architecture, float]]:
    """Derives the shares from the measurements of :func:`share_workloads`.

    Args:
        space: The space.
        measured: Measurements of one campaign.

    Returns:
        The share of the whole net's latency by kind of gate, as :class:`GateCosts` takes them; kinds overlap. And the
        relative excess of the sum of a net's components over the net, by net.

    Raises:
        DataError: When one of them was not measured.
    """
    report = component_report(measured)
    if report is None:
        raise DataError("shares of gates need stacks of components, and none was measured; see share_workloads")
    cost = report.table.costs_s
    missing = [part.name for part in _wanted(space) if part.name not in cost]
    gaps = {gap.architecture: gap for gap in report.gaps}
    if missing or space.base() not in gaps:
        raise DataError(f"shares of gates need {', '.join(missing) or 'the whole net'}, which was not measured")
    blocks, pieces, width = space.grid.layers, space.grid.feed_forwards, space.grid.width // space.grid.heads
    full = cost[_attention(space, width, width).name]
    norm = {mean: cost[_norm(mean).name] for mean in (0, 1)}
    joined, piece = cost[_feed_forward(space, pieces).name], cost[_feed_forward(space, 1).name]
    saved = {
        "ff": joined,
        "joint": pieces * piece - joined,
        "qk": full - cost[_attention(space, 0, width).name],
        "v": 2 * (full - cost[_attention(space, width, width // 2).name]),
        "mean": 2 * (norm[1] - norm[0]),
        "head": full,
    }
    whole_s = gaps[space.base()].measured_s
    shares = {kind: blocks * seconds / whole_s for kind, seconds in saved.items()}
    return shares, {arch: gap.gap for arch, gap in gaps.items()}


def _wanted(space: Components) -> list[Component]:
    """Returns the components that the kinds are priced by."""
    width = space.grid.width // space.grid.heads
    heads = [_attention(space, width, width), _attention(space, 0, width), _attention(space, width, width // 2)]
    pieces = [_feed_forward(space, space.grid.feed_forwards), _feed_forward(space, 1)]
    ends = [Component("embeddings"), *([Component("pooler")] if space.grid.pooler else [])]
    return [*heads, *pieces, _norm(1), _norm(0), *ends]


def _attention(space: Components, key: int, value: int) -> Component:
    """Returns the attention of all heads with this many channels of keys and of values each."""
    return Component("attention", (("heads", space.grid.heads), ("key", key), ("value", value)))


def _feed_forward(space: Components, pieces: int) -> Component:
    """Returns a feed-forward of this many pieces."""
    return Component("feed_forward", (("inner", pieces * space.grid.feed_forward // space.grid.feed_forwards),))


def _norm(mean: int) -> Component:
    return Component("layer_norm", (("mean", mean),))
