"""An architecture of a space, built by a factory of the user's that takes the genes as keyword arguments."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hwcost._imports import current_folder_importable, import_callable
from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.workloads.base import frozen_options
from hwcost.workloads.factory import OWN, FactoryWorkload
from hwcost.workloads.model import ModelWorkload

if TYPE_CHECKING:
    import torch

    from hwcost.workloads.built import Built

SHAPE = ("batch_size", "seq_len", "dtype")
"""Arguments of a factory beside the genes; a factory is called with those that it takes."""


@dataclass(frozen=True, slots=True)
class FactoryModelWorkload(ModelWorkload):
    """An architecture of a space, as a factory of the user's builds it.

    The factory is called with every gene as a keyword argument, and with those of ``batch_size``, ``seq_len`` and ``dtype``
    that it takes. It returns what :class:`hwcost.workloads.factory.FactoryWorkload` describes.

    Attributes:
        batch_size: Sequences per call; None where the factory fixes it.
        seq_len: Tokens per sequence; None where the factory fixes it.
        dtype: Number format that the module and its floating-point inputs are cast to; ``own`` casts nothing.
        factory: ``package.module:name``; the current folder is importable.
        keeps_formats: Whether ``dtype`` only names the format of most weights, and nothing is cast.
        source: SHA-256 of the file that holds the factory, when the workload was planned. It is left out of the workload's
            identity, so that measurements before and after a change can be compared; but a campaign is not resumed with a
            factory that was changed since it began.
    """

    kind: ClassVar[str] = "factory-model"

    batch_size: int | None = None  # type: ignore[assignment] # a model of the user's may fix its own shapes
    seq_len: int | None = None  # type: ignore[assignment]
    dtype: str = OWN
    factory: str = ""
    keeps_formats: bool = False
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        self._made_by_factory()  # checks the factory's name, the shape and the dtype

    @classmethod
    def of(cls, space: SearchSpace, arch: Architecture, **shape: Any) -> FactoryModelWorkload:
        """Makes the workload of an architecture; ``shape`` takes factory, keeps_formats and source too.

        Raises:
            UsageError: When a gene has the name of an argument for the shape.
        """
        if names := [gene.name for gene in space.genes if gene.name in SHAPE]:
            raise UsageError(
                f"a factory is called with the '{names[0]}' of the measurement, so no gene can have that name: rename it"
            )
        return cls(space.name, arch.genes, frozen_options(space.options()), **shape)

    @classmethod
    def resolved_for(
        cls, space: SearchSpace, archs: Sequence[Architecture], defaults: dict[str, Any], **asked: Any
    ) -> list[FactoryModelWorkload]:
        """Makes the workloads of architectures; the factory's first net determines what was left open.

        Args:
            space: The space.
            archs: Its architectures.
            defaults: ``batch_size``, ``seq_len`` and ``dtype`` where nothing was asked for and the factory takes them.
            **asked: factory, source, and those of batch_size, seq_len and dtype that must be applied.

        Raises:
            UsageError: When the factory cannot be called with the genes, or what was asked for cannot be applied.
        """
        if not archs:
            return []
        first = cls.of(space, archs[0], **asked)._made_by_factory().resolved(**defaults)
        known = {name: getattr(first, name) for name in ("batch_size", "seq_len", "dtype", "keeps_formats")}
        return [cls.of(space, arch, **{**asked, **known}) for arch in archs]

    @property
    def name(self) -> str:
        """Name for people, for example ``layers=2,hidden=128@1x128``."""
        return self._described(self.search_space().key(self.architecture)).removesuffix(f"-{OWN}")

    @property
    def key(self) -> str:
        """See the base class; the digest of the factory's file does not count."""
        from hwcost.workloads.base import digest

        return digest({name: value for name, value in self.as_dict().items() if name != "source"})

    def work(self) -> None:
        """Returns None: the work of a factory's nets is unknown."""
        return

    def build(self) -> torch.nn.Module:
        """See :class:`hwcost.workloads.factory.FactoryWorkload`; weights are the factory's own."""
        return self._unchanged().build()

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See :class:`hwcost.workloads.factory.FactoryWorkload`."""
        return self._unchanged().inputs(seed)

    def built(self, seed: int = 0) -> Built:
        """See :class:`hwcost.workloads.factory.FactoryWorkload`; the factory is called once."""
        return self._unchanged().built(seed)

    def check_works(self, **defaults: Any) -> None:
        """See :class:`hwcost.workloads.factory.FactoryWorkload`."""
        self._made_by_factory().check_works(**defaults)

    def _unchanged(self) -> FactoryWorkload:
        """Returns the factory's net as a workload of its own.

        Raises:
            UsageError: When the factory's file is another one than when the workload was planned.
        """
        if self.source and source_of(self.factory) != self.source:
            module = self.factory.partition(":")[0]
            raise UsageError(
                f"the file of module '{module}' has changed since this campaign began, so it may build other nets. "
                "Restore the file, or begin a new campaign"
            )
        return self._made_by_factory()

    def _made_by_factory(self) -> FactoryWorkload:
        names = [gene.name for gene in self.search_space().genes]
        return FactoryWorkload(
            self.factory, batch_size=self.batch_size, seq_len=self.seq_len, dtype=self.dtype,
            keeps_formats=self.keeps_formats, arguments=tuple(zip(names, self.genes, strict=True)),
        )  # fmt: skip


def source_of(factory: str) -> str:
    """Returns the SHA-256 of the file of the module that holds a factory; empty where it lies in no file.

    The module itself is not imported, but packages that hold it are; where they fail, calling the factory reports it.
    """
    name = factory.partition(":")[0]
    try:
        with current_folder_importable():
            found = importlib.util.find_spec(name)
    except (Exception, SystemExit):  # whatever a package of the user's does when it is imported
        return ""
    path = Path(found.origin) if found is not None and found.origin and found.has_location else None
    try:
        return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def factory_name(factory: str | Callable[..., Any]) -> str:
    """Returns ``package.module:name`` of a factory, which every process that measures imports anew.

    Args:
        factory: The name itself, or a function or class that can be imported by its name.

    Raises:
        UsageError: When a callable cannot be imported, such as a lambda or one that a script or notebook defines.
    """
    if isinstance(factory, str):
        return factory
    module, name = getattr(factory, "__module__", None), getattr(factory, "__qualname__", "")
    shown = name or repr(factory)
    if not callable(factory) or module is None or not name.isidentifier():
        raise UsageError(f"'{shown:.80}' cannot be imported by a measuring process: give a function or class of a module")
    if module == "__main__":
        raise UsageError(
            f"'{shown}' is defined in a script or notebook, which a measuring process cannot import. "
            f"Put it into a file beside it, such as mynets.py, and give 'mynets:{name}'"
        )
    if inspect.unwrap(import_callable(f"{module}:{name}")) is not inspect.unwrap(factory):
        raise UsageError(f"'{module}:{name}' is another function than the one given: give one that can be imported")
    return f"{module}:{name}"
