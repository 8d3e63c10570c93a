"""Peak memory of students, measured beside latency, and the cost model that is fitted on it (AutoDistill, section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hwcost.cost_models.data import from_measurements
from hwcost.cost_models.training.train import train
from hwcost.systems.fits import Fit

if TYPE_CHECKING:
    from hwcost.campaign.run import Result
    from hwcost.spaces import SearchSpace

MEMORY = "peak_memory_bytes"
"""Name of the quantity."""


@dataclass(frozen=True)
class MemoryFit(Fit):
    """The fit of a model of peak memory.

    Attributes:
        measured_bytes: Measured bytes of each row.
        predicted_bytes: Bytes predicted for each row by a fit without it.
    """

    quantity: ClassVar[str] = "peak memory"
    measured_bytes: list[float]
    predicted_bytes: list[float]


def fit_memory(result: Result, space: SearchSpace, folder: Path, shape: Mapping[str, int]) -> MemoryFit:
    """Fits a hybrid model of peak memory, saves it in a folder, and returns how well it predicts held-out rows.

    Args:
        result: Campaign that watched memory.
        space: Space of the nets.
        folder: Folder of the model.
        shape: ``batch_size`` and ``seq_len`` of the measurements that it is fitted on.

    Raises:
        DataError: When no memory was measured; says why.
    """
    rows = from_measurements(result.measurements, space, result.store_url, shape, MEMORY)
    found = train(rows, "hybrid")
    found.model.save(folder)
    return MemoryFit(len(found.measured), dict(found.metrics), found.measured.tolist(), found.left_out.tolist())
