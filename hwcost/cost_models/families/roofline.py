"""A rough estimate from data sheets alone, for when nothing was measured yet.

Each component takes the longer of its arithmetic at the device's peak rate and its memory traffic at the peak bandwidth
(Williams et al., "Roofline", 2009). Real devices reach a fraction of either: this is an optimistic estimate, it has no
interval, and nothing it says is a measurement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.one_shape import refuse_shapes
from hwcost.cost_models.features.domain import Domain
from hwcost.cost_models.features.extractor import WORK
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace
from hwcost.workloads.base import ITEMSIZES

if TYPE_CHECKING:
    from hwcost.devices.profile import DeviceProfile

LABEL = "estimate from data sheets, not a measurement"


class Roofline(CostModel):
    """Estimate from peak arithmetic and peak memory bandwidth; needs no fit and learns nothing from one.

    Args:
        space: A space with components.
        flops_per_s: Peak rate of matrix products; must be given.
        bytes_per_s: Peak memory bandwidth; must be given.
        itemsize: Bytes per number.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        component_s: Seconds per component of the space, shape (components,).

    Raises:
        UsageError: When the space has no components, shapes differ, or a peak is missing or not positive.
    """

    name = "roofline"
    complexity = None
    learns = False

    def __init__(
        self,
        space: SearchSpace,
        *,
        flops_per_s: float | None = None,
        bytes_per_s: float | None = None,
        itemsize: int = 4,
        **common: Any,
    ) -> None:
        super().__init__(space, **common)
        refuse_shapes(self.name, space, "its estimate is worked out at one")
        if flops_per_s is None or bytes_per_s is None:
            raise UsageError(
                "the cost model 'roofline' is worked out from a device's peaks (flops_per_s, bytes_per_s), which were not "
                "given, and learns nothing from measurements. Ask for it without a fit (hwcost predict --roofline --device "
                "NAME --space NAME), or fit another cost model, such as hybrid"
            )
        if not space.is_buildable:
            raise UsageError(f"space '{space.name}' describes data only: a roofline needs components")
        if not (flops_per_s > 0 and bytes_per_s > 0 and itemsize > 0):
            raise UsageError(f"a roofline needs positive peaks, got {flops_per_s}, {bytes_per_s} and {itemsize} bytes")
        self.flops_per_s, self.bytes_per_s, self.itemsize = float(flops_per_s), float(bytes_per_s), int(itemsize)
        self.log_interval_half_width_, self.errors_, self.noise_half_width_ = None, None, None
        self.n_rows_, self.n_architectures_, self.monotone_ = 0, 0, ()
        self.measured_, self.measured_half_widths_, self.doubts_ = {}, {}, {}
        self.domain_ = Domain(np.empty(0), np.empty(0), (), np.ones(1, dtype=bool))

    @cached_property
    def component_s(self) -> Floats:
        """Seconds per component of the space, shape (components,)."""
        work = self.features.component_work
        arithmetic_s = work[:, WORK.index("flops")] / self.flops_per_s
        memory_s = work[:, WORK.index("elements")] * self.itemsize / self.bytes_per_s
        return np.asarray(np.maximum(arithmetic_s, memory_s))

    @classmethod
    def of_device(cls, space: SearchSpace, device: DeviceProfile, dtype: str = "float32", **common: Any) -> Roofline:
        """Makes the estimate for a device.

        Args:
            space: A space with components.
            device: The device's profile.
            dtype: ``float32``, ``bfloat16`` or ``float16``.
            **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

        Raises:
            UsageError: When the dtype is unknown, or the profile lacks a peak.
        """
        if dtype not in ITEMSIZES:
            raise UsageError(f"unknown dtype '{dtype}'. Known: {', '.join(ITEMSIZES)}")
        peak, bandwidth = device.peak(dtype), device.memory_bytes_per_s
        if peak is None or bandwidth is None:
            missing = f"peak rate for {dtype}" if peak is None else "memory bandwidth"
            raise UsageError(
                f"the profile of device '{device.name}' states no {missing}, so it has no roofline. "
                "Take another device or dtype, or measure."
            )
        model = cls(space, flops_per_s=peak, bytes_per_s=bandwidth, itemsize=ITEMSIZES[dtype], **common)
        model.provenance = {"device": device.name, "dtype": dtype, "label": LABEL}
        return model

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        """Learns nothing."""

    def _predict(self, genes: Floats) -> Floats:
        return rowwise.dot(self.features.counts(genes), self.component_s)

    def in_domain(self, genes: Floats) -> NDArray[np.bool_]:
        """Says that all architectures are: a data sheet knows no measurements to stay near to; shape (n,)."""
        return np.ones(len(genes), dtype=bool)

    def _state(self) -> dict[str, Any]:
        return {}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        """Has nothing to take over: the peaks are options."""
