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

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.workloads.base import frozen_options
from hwcost.workloads.factory import FactoryWorkload
from hwcost.workloads.model import ModelWorkload
from hwcost.workloads.user_model import current_folder_importable, import_callable, taken

if TYPE_CHECKING:
    import torch

SHAPE = ("batch_size", "seq_len", "dtype")
"""Arguments of a factory that are no genes; it gets those that it takes."""


@dataclass(frozen=True, slots=True)
class FactoryModelWorkload(ModelWorkload):
    """What a factory of the user's makes of an architecture.

    The factory is called with every gene as a keyword argument, and with those of ``batch_size``, ``seq_len`` and ``dtype``
    that it takes. It returns what :class:`hwcost.workloads.factory.FactoryWorkload` describes.

    Attributes:
        factory: ``package.module:name``; the current folder is importable.
        source: SHA-256 of the file that holds the factory, when the workload was planned. It is no part of the workload's
            identity, so that measurements before and after a change can be compared; but a campaign refuses to go on with a
            factory that was changed since it began.
    """

    kind: ClassVar[str] = "factory-model"

    factory: str = ""
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        ModelWorkload.__post_init__(self)
        if not all(self.factory.partition(":")):
            raise UsageError(f"'{self.factory}' names no factory. Expected package.module:name")

    @classmethod
    def of(cls, space: SearchSpace, arch: Architecture, **shape: Any) -> FactoryModelWorkload:
        """Makes the workload of an architecture; ``shape`` takes factory and source too.

        Raises:
            UsageError: When a gene has the name of an argument that says the shape.
        """
        if names := [gene.name for gene in space.genes if gene.name in SHAPE]:
            raise UsageError(
                f"a factory gets '{names[0]}' from the measurement, so no gene can have that name; give it another one"
            )
        return cls(space.name, arch.genes, frozen_options(space.options()), **shape)

    @property
    def name(self) -> str:
        """For example ``layers=2,hidden=128@1x128``."""
        return self._described(self.search_space().key(self.architecture))

    @property
    def key(self) -> str:
        """See the base class; the digest of the factory's file does not count."""
        from hwcost.workloads.base import digest

        return digest({name: value for name, value in self.as_dict().items() if name != "source"})

    def work(self) -> None:
        """Returns None: what the factory builds is not counted."""
        return

    def build(self) -> torch.nn.Module:
        """See the base class; weights are the factory's own."""
        return self._made().build()

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See :class:`hwcost.workloads.factory.FactoryWorkload`."""
        return self._made().inputs(seed)

    def _made(self) -> FactoryWorkload:
        """Returns the factory's net as a workload of its own.

        Raises:
            UsageError: When the factory's file is another one than when the workload was planned.
        """
        if self.source and source_of(self.factory) != self.source:
            module = self.factory.partition(":")[0]
            raise UsageError(
                f"the file of module '{module}' was changed since this campaign began, so its nets may be others. "
                "Put it back, or begin a new campaign"
            )
        genes = self.search_space().named(self.architecture)
        return FactoryWorkload(
            self.factory, batch_size=self.batch_size, seq_len=self.seq_len, dtype=self.dtype,
            arguments=tuple(genes.items()),
        )  # fmt: skip


def check_takes(factory: str, genes: Sequence[str]) -> None:
    """Checks that a factory can be called with every gene, before anything is measured.

    Raises:
        UsageError: When there is no such factory, it does not take a gene, or it needs an argument that is none.
    """
    function = import_callable(factory, "factory")
    refused = sorted(set(genes).difference(taken(function, genes)))
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    needed = [one.name for one in parameters if one.default is one.empty and one.kind not in kinds]
    missing = [name for name in needed if name not in genes and name not in SHAPE]
    if refused or missing:
        told = [f"it does not take {', '.join(refused)}"] if refused else []
        told += [f"it needs {', '.join(missing)}, which is no gene"] if missing else []
        raise UsageError(
            f"factory '{factory}' cannot build this space: {' and '.join(told)}. The genes are {', '.join(genes)}; "
            f"besides them, a factory may take {', '.join(SHAPE)}"
        )


def source_of(factory: str) -> str:
    """Returns the SHA-256 of the file of the module that holds a factory; empty where there is no such file.

    The module itself is not imported.
    """
    name = factory.partition(":")[0]
    try:
        with current_folder_importable():
            found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
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
