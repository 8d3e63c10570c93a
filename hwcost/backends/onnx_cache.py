"""Files of exported workloads that are kept: the model, what eager torch computed, and the numbers of its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hwcost._io import write_atomically
from hwcost.backends.cache import cache_dir, mark_used, prune
from hwcost.backends.onnx_weights import are_there
from hwcost.workloads.base import Workload, digest
from hwcost.workloads.factory import FactoryWorkload
from hwcost.workloads.onnx_file import OnnxWorkload

OPSET = 20

LAYOUT = 1
"""Version of the form of exported files: a change of what they hold, or how, takes the next number; older ones are left."""

SCOPES = "pkg.torch.onnx.name_scopes"
"""Note of the exporter: the modules that a node lies in, from the outermost to the operator."""

WEIGHTS = "weights"
"""Name under which the outputs' file has the bytes that are needed of files of weights, as JSON."""


@dataclass(frozen=True)
class Kept:
    """What is known of an exported model beside its file.

    Attributes:
        reference: Outputs of eager torch, thinned.
        weights: Bytes that are needed of files of weights, by their names; empty where the model holds its weights.
    """

    reference: tuple[NDArray[Any], ...]
    weights: dict[str, int] = field(default_factory=dict)


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
    def of(cls, workload: Workload, dtype: str, shares_weights: bool) -> Files:
        """Returns where the files of a workload lie, whether they are there or not.

        Args:
            workload: A model or component of a search space.
            dtype: Format of the weights.
            shares_weights: Whether the weights lie in a file that other nets share.
        """
        plain: Any = workload
        known = {"workload": replace(plain, dtype=dtype).key, "versions": _versions(), "opset": OPSET, "layout": LAYOUT}
        stem = digest(known | ({WEIGHTS: "shared"} if shares_weights else {}))[:32]
        folder = cache_dir("onnx")
        return cls(folder / f"{stem}.onnx", folder / f"{stem}.npz")

    def read(self) -> Kept | None:
        """Returns what is known of the model; None when a file is missing or broken, so that it is exported anew."""
        if not self.model.exists():
            return None
        try:
            with np.load(self.outputs, allow_pickle=False) as archive:
                weights: dict[str, int] = json.loads(str(archive[WEIGHTS])) if WEIGHTS in archive.files else {}
                reference = tuple(archive[name] for name in archive.files if name != WEIGHTS)
        except (BadZipFile, EOFError, LookupError, OSError, ValueError):
            return None
        return Kept(reference, weights) if are_there(weights, self.model.parent) else None

    def write(self, kept: Kept) -> None:
        """Keeps what is known of the model."""
        weights: Any = {WEIGHTS: np.array(json.dumps(kept.weights))} if kept.weights else {}
        write_atomically(self.outputs, lambda path: np.savez(path, *kept.reference, **weights))

    def touch(self, kept: Kept) -> None:
        """Notes that the files are in use, and drops others where they take too much space."""
        folder = self.model.parent
        for path in (self.model, self.outputs, *(folder / name for name in kept.weights)):
            mark_used(path)
        prune(folder)


def needs_export(workload: Workload, dtype: str, shares_weights: bool = False) -> bool:
    """Says whether a workload is yet to be exported to files that are kept; see :meth:`Files.of`."""
    if isinstance(workload, (OnnxWorkload, FactoryWorkload)):
        return False
    return Files.of(workload, dtype, shares_weights).read() is None


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {}
    for package in ("hwcost", "torch", "onnx", "onnxscript"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a checkout that was never installed
            found[package] = ""
    return found
