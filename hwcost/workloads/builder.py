"""The contract between a search space's description and the torch modules that stand for it.

A builder knows shapes without torch, so that a campaign can be planned where torch is not installed, and imports torch
only to build. Other distributions register theirs in the entry-point group ``hwcost.builders``, under the name of the space.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, Component, SearchSpace

if TYPE_CHECKING:
    import torch

__all__ = ["Blueprint", "Builder", "Input"]

SpaceT = TypeVar("SpaceT", bound=SearchSpace)


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a module.

    Attributes:
        shape: Its shape.
        below: Integers are drawn from ``low`` up to, not including, this; None means standard normal numbers.
        low: The least integer.
    """

    shape: tuple[int, ...]
    below: int | None = None
    low: int = 0

    def draw(self, rng: np.random.Generator) -> NDArray[Any]:
        """Draws int64 or float32 values."""
        if self.below is None:
            return np.asarray(rng.standard_normal(self.shape, dtype=np.float32))
        return np.asarray(rng.integers(self.low, self.below, self.shape, dtype=np.int64))


def draw_inputs(inputs: dict[str, Input], seed: int) -> dict[str, NDArray[Any]]:
    """Draws all inputs; equal seeds give equal values."""
    rng = np.random.default_rng(seed)
    return {name: spec.draw(rng) for name, spec in inputs.items()}


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a net is made of, as plain data: enough to build it again anywhere.

    Attributes:
        module: Module of the class; it imports torch and other modules of nets, and nothing else.
        name: Name of the class.
        arguments: Its keyword arguments, plain JSON.
    """

    module: str
    name: str
    arguments: dict[str, Any]

    @classmethod
    def of(cls, net: str, **arguments: Any) -> Blueprint:
        """Makes the blueprint of a net.

        Args:
            net: Class of the net, ``module:name``.
            **arguments: Keyword arguments of the class, plain JSON.
        """
        module, _, name = net.partition(":")
        return cls(module, name, arguments)

    def build(self) -> torch.nn.Module:
        """Makes the net on torch's default device; weights are torch's own."""
        made: torch.nn.Module = getattr(import_module(self.module), self.name)(**self.arguments)
        return made


class Builder(ABC, Generic[SpaceT]):
    """Builds the architectures and components of one space.

    Args:
        space: The space; its class must be the one that the builder is registered for.
    """

    net: ClassVar[str]
    """Class of the space's nets, ``module:name``; a saved net is loaded only when its class is that of some builder."""
    max_seq_len: int | None = None
    """Longest sequence that the modules take; None for modules that take any."""

    def __init__(self, space: SpaceT) -> None:
        self.space = space

    @abstractmethod
    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """Describes a whole net.

        Args:
            arch: The architecture.
            head: One of ``HEADS_OF_NET``; None for the one that the space's nets are measured with.
        """

    def model(self, arch: Architecture) -> torch.nn.Module:
        """Makes a whole model; weights are filled by the caller, so they need not be initialised."""
        return self.blueprint(arch).build()

    @abstractmethod
    def component(self, component: Component, depth: int) -> torch.nn.Module:
        """Makes ``depth`` chained copies of a component, each with weights of its own.

        Raises:
            UsageError: When the space has no such component.
        """

    @abstractmethod
    def model_inputs(self, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Describes a model's inputs in call order."""

    @abstractmethod
    def component_inputs(self, component: Component, batch_size: int, seq_len: int) -> dict[str, Input]:
        """Describes a component's inputs in call order; the first is what flows from copy to copy."""

    @abstractmethod
    def is_stackable(self, component: Component) -> bool:
        """Whether the output has the shape of the first input, so that copies can be chained."""

    def chain(self, components: Sequence[Component], depth: int) -> torch.nn.Module:
        """Makes ``depth`` chained copies of components that follow each other, to see what a runtime fuses.

        Raises:
            UsageError: When the space builds no chains, or not of these components.
        """
        raise UsageError(f"space '{self.space.name}' builds no chains of components. Spaces that do: components")

    def chain_inputs(self, components: Sequence[Component], batch_size: int, seq_len: int) -> dict[str, Input]:
        """Describes a chain's inputs in call order: all that any of its components takes."""
        described: dict[str, Input] = {}
        for component in components:
            described |= self.component_inputs(component, batch_size, seq_len)
        return described

    def check_seq_len(self, seq_len: int) -> None:
        """Raises UsageError when the modules take no sequence that long."""
        if self.max_seq_len is not None and seq_len > self.max_seq_len:
            raise UsageError(
                f"models of space '{self.space.name}' take at most {self.max_seq_len} tokens, got a sequence length "
                f"of {seq_len}"
            )
