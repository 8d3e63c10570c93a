"""The costs of a grid's components on the device of a run, at all of its sequence lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.spaces.components import Components
from hwcost.systems.components.gate_costs import PAPER_SHARES
from hwcost.systems.components.results import Profile
from hwcost.systems.components.shares import gate_shares, share_workloads

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline


def profiled(pipeline: ComponentsPipeline, space: Components) -> Profile:
    """Measures the shares of a space's components (Tables 1 and 4), a campaign for each sequence length."""
    found, gaps = {}, {}
    for length in pipeline.preset.measuring.lengths:
        campaign = pipeline.measure(share_workloads(space, **pipeline.preset.measuring.shape(length)))
        shares, apart = gate_shares(space, campaign.measurements)
        found[str(length)], gaps[str(length)] = shares, {space.key(arch): gap for arch, gap in apart.items()}
    kinds = next(iter(found.values()))
    largest = {kind: max(one[kind] for one in found.values()) for kind in kinds}
    return Profile(found, gaps, largest, PAPER_SHARES.get(space.grid_name))
