"""A torch module together with its inputs: tensors, or lists, tuples and dicts of tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.errors import ContractError, UsageError
from hwcost.registry import is_own

if TYPE_CHECKING:
    import torch

PLAIN = (bool, int, float, str, type(None))
"""Types of inputs other than tensors; such inputs are passed as they are."""


@dataclass(frozen=True, eq=False)
class Built:
    """A module that is ready to be called.

    Attributes:
        module: Module in eval mode, without gradients.
        inputs: Arguments of a call by name, in call order.
        by_name: Whether the inputs are passed as keyword arguments; else by position.
    """

    module: torch.nn.Module
    inputs: dict[str, Any]
    by_name: bool = False

    @property
    def args(self) -> tuple[Any, ...]:
        """Positional arguments of a call."""
        return () if self.by_name else tuple(self.inputs.values())

    @property
    def kwargs(self) -> dict[str, Any]:
        """Keyword arguments of a call."""
        return self.inputs if self.by_name else {}

    def flat(self) -> dict[str, torch.Tensor]:
        """Returns all tensors among the inputs by name, in the order in which :meth:`with_tensors` meets them."""
        return dict(leaf for name, value in self.inputs.items() for leaf in _leaves(name, value))

    def with_tensors(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Built:
        """Returns a copy with every input tensor replaced."""
        return Built(self.module, {name: mapped(value, change) for name, value in self.inputs.items()}, self.by_name)

    def dtype(self) -> str:
        """Returns the floating-point format of most parameters; without parameters, of most inputs, else ``float32``."""
        kinds = _kinds([*self.module.parameters(), *self.module.buffers()]) or _kinds(self.flat().values())
        return kinds.most_common(1)[0][0] if kinds else "float32"

    def is_uniform(self) -> bool:
        """Whether all floating-point weights and inputs have one format, so that casting to it changes nothing."""
        return len(_kinds([*self.module.parameters(), *self.module.buffers(), *self.flat().values()])) <= 1


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Returns nested lists, tuples and dicts with every tensor replaced; other values stay."""
    import torch

    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {key: mapped(part, change) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(part, change) for part in value))
    if isinstance(value, (tuple, list)):
        parts = [mapped(part, change) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value


def as_tensors(value: Any, name: str, advice: str) -> Any:
    """Returns an example input with numpy arrays as tensors.

    Raises:
        UsageError: When it holds something that is neither a tensor, an array, nor a plain value.
    """
    import numpy as np
    import torch

    if isinstance(value, Mapping):
        return {key: as_tensors(part, f"{name}_{key}", advice) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [as_tensors(part, f"{name}_{index}", advice) for index, part in enumerate(value)]
        if hasattr(value, "_fields"):
            return type(value)(*parts)
        return tuple(parts) if isinstance(value, tuple) else parts
    if isinstance(value, (np.ndarray, np.generic)):
        return torch.from_numpy(np.array(value))
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, PLAIN):
        return value
    raise UsageError(f"example input {name} is not a tensor but of type {type(value).__name__}. {advice}")


def check_built(workload: object, module: Any, inputs: Any) -> None:
    """Looks at what a kind of workload of another distribution builds.

    Args:
        workload: The workload.
        module: Object that its ``build`` returned.
        inputs: Object that its ``inputs`` returned.

    Raises:
        ContractError: When it is not a module, or the inputs are not arrays by name.
    """
    if is_own(type(workload)):
        return
    import numpy as np
    import torch

    who = f"the workload {type(workload).__module__}.{type(workload).__name__}"
    if not isinstance(module, torch.nn.Module):
        raise ContractError(f"{who} gave {type(module).__name__} from build; expected a torch.nn.Module")
    if not isinstance(inputs, dict):
        raise ContractError(f"{who} gave {type(inputs).__name__} from inputs; expected a dict of NumPy arrays by argument")
    for name, one in inputs.items():
        if not isinstance(one, np.ndarray):
            raise ContractError(f"{who} gave {type(one).__name__} for the input '{name}'; expected a NumPy array")


def described(name: str, shape: tuple[int, ...], dtype: str) -> str:
    """Describes a tensor, for example ``input_ids 1x128 int64``."""
    return f"{name} {'x'.join(map(str, shape)) or 'scalar'} {dtype}"


def dtype_name(tensor: torch.Tensor) -> str:
    """Returns the name of a tensor's format, for example ``bfloat16``."""
    return str(tensor.dtype).removeprefix("torch.")


def _leaves(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(f"{name}_{key}", part)
    elif isinstance(value, (tuple, list)):
        for index, part in enumerate(value):
            yield from _leaves(f"{name}_{index}", part)


def _kinds(tensors: Any) -> Counter[str]:
    """Counts numbers by their floating-point format."""
    found: Counter[str] = Counter()
    for tensor in tensors:
        if tensor.is_floating_point():
            found[dtype_name(tensor)] += max(1, tensor.numel())
    return found
