"""Finding Fast Transformers: components are profiled, DO and SDO select among them, the selected nets are measured.

Source: Tsai et al., "Finding Fast Transformers", sections 4 (costs of gates), 4.1 and 4.2 (the searches), 5 (training the
selected net) and appendix A.3 (the recipe). In ``smoke`` and ``quick`` the searches start from a base net, in ``paper`` from
fresh weights. The paper gives costs without a unit; here the whole net costs 1, or in ``paper`` 100 in DO and 20,000 in SDO,
and the weight of the cost is relative to that.

Costs of gates are of use without the pipeline, and need no torch: :class:`GateCosts`, with the paper's shares
(``PAPER_SHARES``) or with shares of a device: measure :func:`share_workloads`, then ask :func:`gate_shares`.

Where the time of a net goes on a backend (Tables 1 and 4, with intervals) is measured by :func:`measure_breakdowns`.
"""

from hwcost.systems.components.breakdown import Breakdown, breakdown_items, breakdowns, measure_breakdowns
from hwcost.systems.components.gate_costs import FORMS, PAPER_SHARES, GateCosts
from hwcost.systems.components.shares import Share, gate_shares, share_workloads, without_keys

__all__ = [
    "FORMS", "PAPER_SHARES", "Breakdown", "GateCosts", "Share", "breakdown_items", "breakdowns", "gate_shares",
    "measure_breakdowns", "share_workloads", "without_keys",
]  # fmt: skip
