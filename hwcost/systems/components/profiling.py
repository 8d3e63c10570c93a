"""The costs of a grid's components on the device of a run, at all of its sequence lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.campaign.components.shapes import by_shape
from hwcost.spaces.components import Components
from hwcost.systems.components.gate_costs import PAPER_SHARES
from hwcost.systems.components.results import Profile
from hwcost.systems.components.shares import gate_shares, share_workloads

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline


def profiled(pipeline: ComponentsPipeline, space: Components) -> Profile:
    """Measures the shares of a space's components (Tables 1 and 4) at all sequence lengths in one campaign.

    Each length has shares of its own: they are measured there, and a model over lengths would smooth what the tables show.
    """
    measuring, found, gaps = pipeline.preset.measuring, {}, {}
    stacks = [one for length in measuring.lengths for one in share_workloads(space, **measuring.shape(length))]
    for shape, group in by_shape(pipeline.measure(stacks).measurements):
        length = str(shape["seq_len"])
        found[length], apart = gate_shares(space, group)
        gaps[length] = {space.key(arch): gap for arch, gap in apart.items()}
    kinds = next(iter(found.values()))
    largest = {kind: max(one[kind] for one in found.values()) for kind in kinds}
    return Profile(found, gaps, largest, PAPER_SHARES.get(space.grid_name))
