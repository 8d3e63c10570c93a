# mypy: allow-subclassing-any
"""Supernets: weights that hold those of every architecture of a space, and the rule that finds them.

A subnet's forward pass is that of the plain net that is built and measured, run on views of the supernet's weights. There is
no second implementation with masks in it, so what is trained, extracted and measured cannot drift apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.func import functional_call

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.spaces.transformer import HEADS_OF_NET
from hwcost.supernets import subnet
from hwcost.workloads import builder
from hwcost.workloads.builder import Blueprint
from hwcost.workloads.weights import Uninitialised

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Supernet", "initialise", "std_at"]

BERT_STD, BERT_WIDTH = 0.02, 768
"""Standard deviation of BERT's initial weights, and its width (Devlin et al., "BERT"; its released configuration)."""

CACHED = 32
"""Subnets whose modules are kept; they hold no weights."""


class Supernet(nn.Module, ABC):
    """The weights of all architectures of a space.

    Args:
        space: The space.
        seed: Seed of the initial weights.

    Attributes:
        space: The space.
        seed: Seed of the initial weights.
        weights: A module that holds every weight; its parameters are what is trained.
    """

    def __init__(self, space: SearchSpace, seed: int = 0) -> None:
        super().__init__()
        self.space, self.seed = space, seed
        self.weights = self.full()
        self.initialise(seed)
        self._modules_of: dict[tuple[Architecture, str | None], nn.Module] = {}
        self.set(self.largest())

    # -- what a kind of supernet gives ---------------------------------------------------------------------------------

    @abstractmethod
    def full(self) -> nn.Module:
        """Makes the module that holds every weight."""

    @abstractmethod
    def largest(self) -> Architecture:
        """Returns the architecture that sandwich sampling trains in every step as the largest."""

    @abstractmethod
    def smallest(self) -> Architecture:
        """Returns the architecture that sandwich sampling trains in every step as the smallest."""

    def part(self, arch: Architecture, name: str, shape: torch.Size) -> torch.Tensor:
        """Returns the view of the weights that is one parameter of a subnet; here the prefix along every dimension.

        Args:
            arch: The architecture.
            name: Name of the parameter in the subnet.
            shape: Shape of that parameter.
        """
        return prefix(self.weights.get_parameter(name), shape)

    def initialise(self, seed: int) -> None:
        """Fills the weights as BERT's are filled before any training."""
        initialise(self.weights, seed, std_at(self.weights.embeddings.word.weight.shape[1]))

    def keep_layers(self, rule: str) -> None:
        """Chooses the rule by which nets of fewer layers keep some; supernets of other nets have no choice.

        Args:
            rule: ``alternate`` or ``top``; see :func:`hwcost.supernets.transformer.kept_layers`.

        Raises:
            UsageError: When the supernet has no such rule.
        """
        if rule != "alternate":
            raise UsageError(
                f"nets of space '{self.space.name}' keep no layers by the rule '{rule}': only those of AutoDistil and of "
                f"homogeneous transformers do"
            )

    def running(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """Describes a subnet as it is run and trained; here as it is extracted."""
        return self.blueprint(arch, head)

    # -- choosing ------------------------------------------------------------------------------------------------------

    def set(self, arch: Architecture, head: str | None = None) -> Self:
        """Chooses the architecture that the next calls run.

        Args:
            arch: A point of the space.
            head: ``mlm``, ``pooler`` or ``none``; None for the head that the space's nets are measured with.

        Raises:
            ArchitectureError: When it is not a point of the space.
            UsageError: When there is no such head.
        """
        checked = self.space.architecture(self.space.as_architecture(arch).genes)
        if head is not None and head not in HEADS_OF_NET:
            raise UsageError(f"a net ends in one of {', '.join(HEADS_OF_NET)}; got '{head}'")
        self.arch, self.head = checked, head
        return self

    @property
    def net(self) -> nn.Module:
        """The chosen subnet's module without weights of its own; hooks on its parts see what passes through a call."""
        key = (self.arch, self.head)
        if key not in self._modules_of:
            if len(self._modules_of) >= CACHED:
                self._modules_of.pop(next(iter(self._modules_of)))
            with torch.device("meta"), Uninitialised():
                self._modules_of[key] = self.running(*key).build()
        return self._modules_of[key]

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns the chosen subnet's parameters by name, as views of the weights where that is possible."""
        return {name: self.part(self.arch, name, empty.shape) for name, empty in self.net.named_parameters()}

    # -- running and taking out ----------------------------------------------------------------------------------------

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Runs the chosen subnet; see :meth:`hwcost.workloads.modules.Encoder.forward`."""
        inputs = (input_ids, attention_mask, token_type_ids, positions)
        result: torch.Tensor = functional_call(self.net, self.tensors(), inputs, strict=True)
        return result

    def extract(self, arch: Architecture, head: str | None = None) -> nn.Module:
        """Returns a subnet as a plain module with weights of its own, in eval mode; it is what is measured.

        Args:
            arch: A point of the space.
            head: Head that the net ends in, as for :meth:`set`.

        Raises:
            ArchitectureError: When it is not a point of the space.
        """
        chosen = self.arch, self.head
        try:
            tensors = self.set(arch, head).tensors()
            with torch.device("meta"), Uninitialised():
                model = self.running(self.arch, head).build()
        finally:
            self.arch, self.head = chosen
        own = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
        model.load_state_dict(own, assign=True)
        return model.eval().requires_grad_(True)

    def blueprint(self, arch: Architecture, head: str | None = None) -> Blueprint:
        """Describes what :meth:`extract` returns."""
        return builder(self.space).blueprint(arch, head)

    def save(self, arch: Architecture, folder: str | Path, head: str | None = None) -> Path:
        """Extracts a subnet into a folder that runs without hwcost; see :func:`hwcost.supernets.subnet.save`."""
        about = {"space": self.space.name, "options": self.space.options(), "arch": self.space.key(arch)}
        return subnet.save(folder, self.extract(arch, head), self.blueprint(arch, head), about)


def prefix(tensor: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Returns the first entries along every dimension.

    Raises:
        UsageError: When the tensor is smaller.
    """
    if len(shape) != tensor.ndim or any(want > have for want, have in zip(shape, tensor.shape, strict=True)):
        raise UsageError(f"no part of shape {tuple(shape)} in weights of shape {tuple(tensor.shape)}")
    return tensor[tuple(slice(size) for size in shape)]


def std_at(width: int) -> float:
    """Returns the standard deviation of initial weights at a width: as much signal as BERT's 0.02 gives at 768."""
    return float(BERT_STD * (BERT_WIDTH / width) ** 0.5)


def initialise(module: nn.Module, seed: int, std: float = BERT_STD) -> None:
    """Fills a module as BERT is filled: weights normal, biases zero, scales of norms one.

    Args:
        module: The module; equal seeds give equal numbers.
        seed: Seed of the numbers.
        std: Standard deviation of the numbers; see :func:`std_at`.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim == 1 and name.endswith("weight"):
                parameter.fill_(1)
            elif parameter.ndim == 1 or name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.normal_(0, std, generator=generator)
