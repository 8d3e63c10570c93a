"""A computation that was traced and compiled once, and is executed without being traced again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.errors import MeasurementError

if TYPE_CHECKING:
    import torch


class CapturedGraph:
    """What ``torch.compile(backend="openxla")`` keeps of a traced function: the compiled computation and what it reads.

    Args:
        outputs: Tensors that are traced and not yet computed.

    Raises:
        MeasurementError: When there is nothing to compute.
    """

    def __init__(self, outputs: list[torch.Tensor]) -> None:
        import torch_xla

        self._core = torch_xla._XLAC
        pending = self._core._check_tensor_need_materialization(outputs)
        self._ready = [None if waits else one for one, waits in zip(outputs, pending, strict=True)]
        computed: dict[int, torch.Tensor] = {}
        names = [self._core._unique_id_for_ir_and_data(one) for one in outputs]
        for name, one, waits in zip(names, outputs, pending, strict=True):
            if waits:
                computed.setdefault(name, one)
        if not computed:
            raise MeasurementError("nothing is computed: every output is an input or a weight")
        self._places = [list(computed).index(name) if waits else -1 for name, waits in zip(names, pending, strict=True)]
        traced = list(computed.values())
        self._key = self._core._get_graph_hash(traced)
        _, self._reads = self._core._get_tensors_xla_device_data_node(traced)
        self._core._xla_warm_up_cache(traced, [])

    def __call__(self) -> list[torch.Tensor]:
        """Starts the computation and returns its outputs, which may not be computed yet."""
        computed = self._core._run_cached_graph(self._key, self._reads)
        return [computed[place] if one is None else one for place, one in zip(self._places, self._ready, strict=True)]
