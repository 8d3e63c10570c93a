"""A torch module as an ONNX file of fixed shapes, whose nodes are named by the modules that they come from."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwcost.backends import onnx_weights
from hwcost.backends.causes import advice, plain_cause
from hwcost.backends.onnx_cache import OPSET, SCOPES
from hwcost.backends.quiet import quiet
from hwcost.errors import MeasurementError, MissingExtraError


def export_module(
    module: Any, inputs: dict[str, Any], path: Path, pools: Mapping[Any, Any] | None = None
) -> dict[str, int]:
    """Writes a torch module as an ONNX file of fixed shapes.

    Args:
        module: Module in eval mode.
        inputs: Tensors by the names of the file's inputs, in call order.
        path: The file.
        pools: Pools of numbers by torch's format; weights that are pieces of them lie in a file beside this one.

    Returns:
        Bytes that are needed of files of weights, by their names.

    Raises:
        MeasurementError: When torch cannot export the module.
        MissingExtraError: When the exporter is not installed.
    """
    try:
        import onnx_ir
        import onnxscript  # noqa: F401 - what torch's exporter needs
        import torch
    except ImportError:
        raise MissingExtraError("the ONNX exporter", "onnx") from None
    from hwcost.workloads.flat_call import FlatCall

    try:
        with quiet(), torch.inference_mode(mode=False):
            program: Any = torch.onnx.export(
                module,
                tuple(inputs.values()),
                None,
                dynamo=True,
                input_names=list(inputs),
                opset_version=OPSET,
                verbose=False,
            )
            _strip(program.model)
            needed = onnx_weights.refer(program.model, module, pools or {}, path.parent)
            if needed:  # references stay as they are, however large the net is
                onnx_ir.save(program.model, str(path))
            else:
                program.save(str(path), external_data=False)
            return needed
    except Exception as error:  # of the exporter, of torch, or of the module's own code
        cause = plain_cause(error)
        own = module.module if isinstance(module, FlatCall) else module
        raise MeasurementError(f"a {type(own).__name__} cannot be exported to ONNX: {cause}.{advice(cause)}") from error


def _strip(model: Any) -> None:
    """Names nodes by their modules, and removes the exporter's notes about the code, which hold paths of this machine.

    Args:
        model: An ``onnx_ir.Model``.
    """
    for graph in (model.graph, *model.functions.values()):
        for node in graph.all_nodes():
            node.name = _scoped(node)
            for value in (node, *node.outputs):
                value.metadata_props.clear()
                value.doc_string = None
        for value in (graph, *graph.inputs):
            value.metadata_props.clear()
    model.metadata_props.clear()


def _scoped(node: Any) -> str:
    """Returns a node's name behind the path of its module: ``layers.0.attention/node_linear_1``."""
    _, *scopes = literal_eval(node.metadata_props.get(SCOPES, "('',)"))
    path = scopes[-2] if len(scopes) > 1 else ""
    return f"{path}/{node.name}" if path else str(node.name)
