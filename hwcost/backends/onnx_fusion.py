"""Attention and its neighbours as single operators of ONNX Runtime, by onnxscript's rewriter."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from hwcost.backends.causes import plain_cause
from hwcost.backends.exported import Exported
from hwcost.backends.onnx_rewrite import operators, rewritten
from hwcost.backends.quiet import quiet
from hwcost.errors import MeasurementError, MissingExtraError

FUSED = ("Attention", "BiasGelu", "GroupQueryAttention", "MultiHeadAttention", "SkipLayerNormalization")
"""Operators that several nodes of a graph become."""


def fused(export: Exported, name: str) -> Exported:
    """Returns a model whose attention is fused.

    Args:
        export: The model.
        name: Name of the workload in messages.

    Raises:
        MissingExtraError: When onnxscript is not installed.
        MeasurementError: When the rewriter fails, or finds nothing to fuse.
    """
    try:
        import onnxscript  # noqa: F401 - the rewriter's package
    except ImportError:
        raise MissingExtraError("onnxscript, which fuses attention,", "onnx") from None
    versions = {package: version(package) for package in ("onnxscript", "onnx-ir")}
    try:
        made = rewritten(export, {"form": "fused", "versions": versions}, _fuse)
    except Exception as error:  # of the rewriter
        raise MeasurementError(
            f"the attention of '{name}' cannot be fused: {plain_cause(error)}. Leave out --backend-option fusion."
        ) from error
    if not fusions(made):
        raise MeasurementError(f"'{name}' holds no attention that can be fused. Leave out --backend-option fusion.")
    return made


def fusions(export: Exported) -> dict[str, int]:
    """Counts the fused operators of a model by name."""
    found = operators(export.path)
    return {name: found[name] for name in FUSED if found[name]}


def _fuse(source: Path, target: Path) -> None:
    import onnx_ir
    from onnxscript.rewriter import ort_fusions

    with quiet():
        model: Any = ort_fusions.optimize_for_ort(onnx_ir.load(str(source)))
        onnx_ir.save(model[0] if isinstance(model, tuple) else model, str(target))
