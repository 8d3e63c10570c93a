"""The user's own torch model, named by ``package.module:factory``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost._extras import imported
from hwcost.errors import UsageError
from hwcost.workloads.base import Options, Workload, check_shape
from hwcost.workloads.builder import Input, draw_inputs
from hwcost.workloads.user_model import EXPECTED, UserModel, call_factory, import_callable, taken

if TYPE_CHECKING:
    import torch

_KNOWN_INPUTS = {"input_ids": (1000, 0), "attention_mask": (2, 1), "token_type_ids": (2, 0)}
"""Inputs that need no example: their integers stay below the first number and start at the second."""


@dataclass(frozen=True, slots=True)
class FactoryWorkload(Workload):
    """What a factory of the user's makes.

    The factory returns a ``torch.nn.Module``, or a pair of it and example inputs (a tuple, or a dict by argument name).
    It is called with those of the arguments ``batch_size``, ``seq_len`` and ``dtype`` that it takes. When it gives no
    example inputs, every argument of ``forward`` without a default must be one of ``input_ids`` (0 to 999),
    ``attention_mask`` (ones) and ``token_type_ids`` (0 or 1), each int64 of shape (batch_size, seq_len).

    Attributes:
        factory: ``package.module:name``; the current folder is importable.
        batch_size: Sequences per call.
        seq_len: Tokens per sequence.
        dtype: The module is cast to it.
        arguments: Keyword arguments that the factory is called with besides, as pairs; such workloads stand in no store, see
            :class:`hwcost.workloads.factory_model.FactoryModelWorkload`.
    """

    kind: ClassVar[str] = "factory"

    factory: str
    batch_size: int = 1
    seq_len: int = 128
    dtype: str = "float32"
    arguments: Options = ()

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)
        module, colon, name = self.factory.partition(":")
        if not (module and colon and name):
            raise UsageError(f"'{self.factory}' names no factory. Expected package.module:name")

    @property
    def name(self) -> str:
        """For example ``my_models:small@1x128``."""
        return self._described(self.factory)

    def as_dict(self) -> dict[str, Any]:
        """See the base class; ``arguments`` are left out where there are none."""
        return {"kind": self.kind, **{key: value for key, value in asdict(self).items() if key != "arguments" or value}}

    def build(self) -> torch.nn.Module:
        """See the base class; weights are the factory's own."""
        import torch

        made = self._make()
        example = made.example
        module = made.module.eval().requires_grad_(False).to(getattr(torch, self.dtype))
        if not isinstance(example, Mapping):
            return module
        from hwcost.workloads.modules import CallByName

        return CallByName(module, list(example))

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """Returns the factory's example inputs, or seeded ids by the rule of the class.

        Raises:
            UsageError: When there is no example and ``forward`` takes other arguments.
        """
        made = self._make()
        example = made.example
        if isinstance(example, Mapping):
            return {name: _as_array(value, name) for name, value in example.items()}
        if example is not None:
            return {f"input_{index}": _as_array(value, index) for index, value in enumerate(example)}
        shape = (self.batch_size, self.seq_len)
        wanted = _wanted(made.module, self.factory)
        return draw_inputs({name: Input(shape, *_KNOWN_INPUTS[name]) for name in wanted}, seed)

    def _make(self) -> UserModel:
        """Calls the factory with the arguments that it takes."""
        torch = imported("torch", "torch")
        shape = {"batch_size": self.batch_size, "seq_len": self.seq_len, "dtype": getattr(torch, self.dtype)}
        accepted = taken(import_callable(self.factory), list(shape))
        return call_factory(self.factory, {**{name: shape[name] for name in accepted}, **dict(self.arguments)})


def _wanted(module: Any, factory: str) -> list[str]:
    """Returns the arguments of ``forward`` that are filled: those it needs, and every known one that comes before."""
    parameters = inspect.signature(module.forward).parameters.values()
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    unknown = [name for name in needed if name not in _KNOWN_INPUTS]
    leading = []
    for parameter in plain:
        if parameter.name not in _KNOWN_INPUTS:
            break
        leading.append(parameter.name)
    if unknown or not leading:
        given = ", ".join(unknown or [p.name for p in plain]) or "no argument"
        raise UsageError(
            f"'{factory}' gives no example inputs, and forward takes {given}. "
            f"Known without an example: {', '.join(_KNOWN_INPUTS)}. {EXPECTED}"
        )
    return leading


def _as_array(value: Any, name: object) -> NDArray[Any]:
    """Turns a tensor, or what numpy takes for an array, into numpy; numbers of 16 bits become float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float().numpy() if value.is_floating_point() else value.numpy()
    array: NDArray[Any] = np.asarray(value)
    if array.dtype == object:
        raise UsageError(f"example input {name} is no tensor but {type(value).__name__}. {EXPECTED}")
    return array
