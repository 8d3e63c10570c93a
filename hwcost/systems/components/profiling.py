"""The costs of a grid's components on the device of a run, at all of its sequence lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.campaign.components.shapes import by_shape
from hwcost.spaces.components import Components
from hwcost.systems.components.gate_costs import PAPER_SHARES
from hwcost.systems.components.kinds import Kind, kinds_of
from hwcost.systems.components.paper_tables import paper_share
from hwcost.systems.components.results import KindShare, Profile
from hwcost.systems.components.shares import Share, measured_shares, share_workloads

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline


def profiled(pipeline: ComponentsPipeline, space: Components) -> Profile:
    """Measures the shares of a space's components (Tables 1 and 4) at all sequence lengths in one campaign.

    Each length has shares of its own: they are measured there, and a model over lengths would smooth what the tables show.
    """
    measuring, found, gaps = pipeline.preset.measuring, dict[str, dict[str, Share]](), {}
    stacks = [one for length in measuring.lengths for one in share_workloads(space, **measuring.shape(length))]
    for shape, group in by_shape(pipeline.measure(stacks).measurements):
        length = str(shape["seq_len"])
        found[length], apart = measured_shares(space, group)
        gaps[length] = {space.key(arch): gap for arch, gap in apart.items()}
    by_length = {length: {kind: share.value for kind, share in shares.items()} for length, shares in found.items()}
    largest = {kind: max(one[kind] for one in by_length.values()) for kind in next(iter(by_length.values()))}
    by_kind = {
        kind.label: {length: _row(shares[kind.name], space, kind, int(length)) for length, shares in found.items()}
        for kind in kinds_of(space)
    }
    return Profile(by_length, gaps, largest, PAPER_SHARES.get(space.grid_name), by_kind=by_kind)


def _row(share: Share, space: Components, kind: Kind, seq_len: int) -> KindShare:
    """Returns a share with the ends of its interval, beside the paper's where the tables have the grid and the length."""
    low, high = (None if share.half_width is None else share.value + sign * share.half_width for sign in (-1, 1))
    return KindShare(share=share.value, low=low, high=high, paper=paper_share(space.grid_name, kind.name, seq_len))
