"""Sizes as cost functions: parameters, FLOPs and bytes of weights, one by one or for whole populations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from hwcost._dtypes import BYTES
from hwcost._types import Codes, Floats
from hwcost.cost_models.features import WORK, shared_features
from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace


class Size(ABC):
    """A column of a space's work, as a cost function.

    Args:
        space: A space with components.
        seq_len: Tokens per sequence.
        batch_size: Sequences.

    Raises:
        UsageError: When the space describes data only.
    """

    name: ClassVar[str]
    column: ClassVar[str]

    def __init__(self, space: SearchSpace, *, seq_len: int = 128, batch_size: int = 1) -> None:
        if not space.is_buildable:
            raise UsageError(
                f"{self.name} of space '{space.name}' are not known: it describes data only, or genes only. Count them in a "
                "function of yours that takes an architecture, and name it as module:function"
            )
        self.space = space
        self.seq_len, self.batch_size = seq_len, batch_size
        self._features = shared_features(space, batch_size, seq_len)
        self._column = WORK.index(self.column)

    @abstractmethod
    def __call__(self, arch: Architecture) -> float:
        """Returns the size of one architecture."""

    def predict_codes(self, codes: Codes) -> Floats:
        """Returns the sizes of n architectures by their codes (n, genes), shape (n,)."""
        return self._features.work_of(codes)[:, self._column]


class Params(Size):
    """Parameters of the built module."""

    name = "params"
    column = "params"

    def __call__(self, arch: Architecture) -> float:
        """Returns the parameters of one architecture."""
        return float(self.space.params(arch))


class Flops(Size):
    """Operations of matrix products and attention; one multiply-add is 2."""

    name = "flops"
    column = "flops"

    def __call__(self, arch: Architecture) -> float:
        """Returns the operations of one architecture."""
        return float(self.space.flops(arch, self.seq_len, self.batch_size))


class Memory(Size):
    """Bytes of the weights.

    Args:
        space: A space with components.
        dtype: Of the weights.

    Raises:
        UsageError: When the space describes data only, or the dtype is unknown.
    """

    name = "memory_bytes"
    column = "params"

    def __init__(self, space: SearchSpace, dtype: str = "float32") -> None:
        super().__init__(space)
        if dtype not in BYTES:
            raise UsageError(f"unknown dtype '{dtype}'. Known: {', '.join(BYTES)}")
        self.bytes = BYTES[dtype]

    def __call__(self, arch: Architecture) -> float:
        """Returns the bytes of one architecture's weights."""
        return float(self.bytes * self.space.params(arch))

    def predict_codes(self, codes: Codes) -> Floats:
        """Returns the bytes of n architectures' weights, shape (n,)."""
        return self.bytes * super().predict_codes(codes)
