"""Files of exported workloads that are kept: the model, and what eager torch computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._io import write_atomically
from hwcost.backends.cache import cache_dir, prune
from hwcost.workloads.base import Workload, digest
from hwcost.workloads.factory import FactoryWorkload
from hwcost.workloads.onnx_file import OnnxWorkload

OPSET = 20

SCOPES = "pkg.torch.onnx.name_scopes"
"""Note of the exporter: the modules that a node lies in, from the outermost to the operator."""


@dataclass(frozen=True)
class Files:
    """Files of an exported workload.

    Attributes:
        model: The ONNX file.
        outputs: File of what is known beside it.
    """

    model: Path
    outputs: Path

    @classmethod
    def of(cls, workload: Workload, dtype: str) -> Files:
        """Returns where the files of a workload lie, whether they are there or not.

        Args:
            workload: A model or component of a search space.
            dtype: Format of the weights.
        """
        plain: Any = workload
        known = {"workload": replace(plain, dtype=dtype).key, "versions": _versions(), "opset": OPSET, "nodes": SCOPES}
        stem = digest(known)[:32]
        folder = cache_dir("onnx")
        return cls(folder / f"{stem}.onnx", folder / f"{stem}.npz")

    def read(self) -> tuple[NDArray[Any], ...] | None:
        """Returns the outputs of eager torch, thinned; None when a file is missing or broken."""
        if not self.model.exists():
            return None
        try:
            with np.load(self.outputs, allow_pickle=False) as archive:
                return tuple(archive[name] for name in archive.files)
        except (OSError, ValueError):
            return None

    def write(self, reference: tuple[NDArray[Any], ...]) -> None:
        """Keeps the outputs of eager torch."""
        write_atomically(self.outputs, lambda path: np.savez(path, *reference))

    def touch(self) -> None:
        """Notes that the files are in use, and drops others where they take too much space."""
        for path in (self.model, self.outputs):
            path.touch()
        prune(self.model.parent)


def needs_export(workload: Workload, dtype: str) -> bool:
    """Says whether a workload is yet to be exported to files that are kept; see :meth:`Files.of`."""
    if isinstance(workload, (OnnxWorkload, FactoryWorkload)):
        return False
    return Files.of(workload, dtype).read() is None


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for package in ("hwcost", "torch", "onnx", "onnxscript"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a checkout that was never installed
            found[package] = ""
    return found
