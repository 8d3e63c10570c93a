"""Workloads, which are what is timed: a model or a component at a batch size, sequence length and dtype.

A workload is a frozen, hashable description and its own key: two with equal ``as_dict()`` are measured as one. ``build()``
makes the torch module with seeded weights and is the only part that needs torch.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hwcost._dtypes import BYTES, MEASURED, stored
from hwcost.errors import UnsuitedError, UsageError
from hwcost.spaces import space
from hwcost.spaces.accounting import Work
from hwcost.spaces.base import SearchSpace

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

    from hwcost.workloads.built import Built

ITEMSIZES = {name: BYTES[name] for name in MEASURED}
"""Bytes per number of the dtypes that can be asked for."""

LARGEST = 2**31 - 1
"""Largest batch size and sequence length that files and stores hold."""

SPACES_KEPT = 64
"""Spaces that are kept in memory for the workloads that name them."""

Options = tuple[tuple[str, Any], ...]


def frozen_options(options: Mapping[str, Any]) -> Options:
    """Returns a space's options as sorted pairs that can be hashed; lists become tuples, however deep they lie."""
    return tuple((name, _frozen(value)) for name, value in sorted(options.items()))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


@lru_cache(maxsize=SPACES_KEPT)
def space_of(name: str, options: Options) -> SearchSpace:
    """Makes the space that a workload names, once a process: workloads ask for it again and again.

    Args:
        name: Name of the space.
        options: Options of the space, as :func:`frozen_options` returns them.

    Raises:
        UnknownNameError: When the name is unknown.
        UsageError: When the options make no such space.
    """
    return space(name, **dict(options))


@lru_cache(maxsize=SPACES_KEPT)
def default_options(name: str) -> Options:
    """Returns the options of a space where none are given; no options where the space cannot be made without any."""
    try:
        return frozen_options(space(name).options())
    except UsageError:
        return ()


class Workload(ABC):
    """One thing to measure. Subclasses are frozen dataclasses, one per kind.

    Attributes:
        kind: Name of the subclass in the registry of workloads, kept in stores.
        batch_size: Sequences per call; None where it is unknown.
        seq_len: Tokens per sequence; None where it is unknown.
        dtype: ``float32``, ``tfloat32``, ``bfloat16`` or ``float16``; a user's own model may have others.
    """

    kind: ClassVar[str]
    runtimes: ClassVar[tuple[str, ...]] = ()
    """Backends of hwcost that run this kind where those of torch modules do not, for messages."""
    batch_size: int | None
    seq_len: int | None
    dtype: str

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name for people, unique within a campaign."""

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON that :func:`hwcost.workloads.from_dict` turns back into an equal workload."""
        own: Any = self  # a dataclass, as every subclass is
        return {"kind": self.kind, **asdict(own)}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Makes a workload of the fields of ``as_dict()``, without ``kind``."""
        return cls(**fields)

    def _described(self, what: str) -> str:
        """Adds the shape to a name: ``what@1x128`` for batch 1 and sequence 128; the dtype unless it is float32."""
        shape = "x".join(str(size) for size in (self.batch_size, self.seq_len) if size is not None)
        return what + (f"@{shape}" if shape else "") + ("" if self.dtype == "float32" else f"-{self.dtype}")

    @property
    def key(self) -> str:
        """SHA-256 of the canonical JSON; equal exactly when the workloads are equal."""
        return digest(self.as_dict())

    def work(self) -> Work | None:
        """Returns parameters, FLOPs and elements moved per call; None when they are unknown."""
        return None

    @property
    def is_module(self) -> bool:
        """Whether its kind is one of torch modules; an ONNX file, or an amount of work, is none."""
        kind = type(self)
        return kind.build is not Workload.build or kind.built is not Workload.built

    def build(self) -> torch.nn.Module:
        """Makes the torch module in eval mode on the CPU, with seeded normal weights of the workload's dtype.

        Raises:
            UnsuitedError: When this kind of workload is not a torch model.
            MissingExtraError: When torch is not installed.
        """
        raise UnsuitedError(f"'{self.name}' is not a torch model; use a backend that runs {self.kind} workloads")

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """Returns seeded inputs by argument name, in call order, as numpy arrays; never zeros.

        Floating-point inputs are float32; a backend casts them to ``dtype``.
        """
        raise UsageError(f"'{self.name}' does not describe its inputs")

    def built(self) -> Built:
        """Makes the module and its inputs in one call, so that they fit each other.

        Returns:
            The module of :meth:`build` and the tensors of :meth:`inputs`, floating-point ones in the workload's dtype.

        Raises:
            ContractError: When a kind of another distribution builds something else.
            UsageError: When this kind of workload is not a torch model.
        """
        module, inputs = self.build(), self.inputs()
        import torch

        from hwcost.workloads.built import Built, check_built

        check_built(self, module, inputs)
        module.eval()
        tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
        dtype = getattr(torch, stored(self.dtype))
        return Built(module, tensors).with_tensors(lambda one: one.to(dtype) if one.is_floating_point() else one)

    def resolved(self, **defaults: Any) -> Workload:
        """Returns the workload with the settings filled in that were left open; most kinds leave none open."""
        return self


def digest(data: dict[str, Any]) -> str:
    """Returns the SHA-256 of plain data as canonical JSON."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_shape(batch_size: int | None, seq_len: int | None, dtype: str) -> None:
    """Raises UsageError unless batch size and sequence length are positive numbers of 31 bits and the dtype is known."""
    for what, size in (("batch size", batch_size), ("sequence length", seq_len)):
        if size is not None and size < 1:
            raise UsageError(f"the {what} must be at least 1, got {size}")
        if size is not None and size > LARGEST:
            raise UsageError(f"the {what} must be at most {LARGEST}, got {size}")
    if dtype not in ITEMSIZES:
        raise UsageError(f"unknown dtype '{dtype}'. Known: {', '.join(ITEMSIZES)}")
