"""Models whose linear layers compute with integers of 8 bits, by ONNX Runtime's quantiser.

``dynamic`` finds the range of every activation while the model runs. ``qdq`` fixes it beforehand, on random inputs, and
marks it by pairs of QuantizeLinear and DequantizeLinear, which ONNX Runtime and TensorRT turn into integer products.
Products of two activations, as in attention, stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hwcost.backends.causes import plain_cause
from hwcost.backends.exported import Exported
from hwcost.backends.onnx_rewrite import operators, rewritten
from hwcost.backends.quiet import quiet
from hwcost.errors import MeasurementError, MissingExtraError
from hwcost.workloads.base import Workload
from hwcost.workloads.factory import FactoryWorkload

SAMPLES = 8
"""Draws of random inputs that the ranges of activations are taken from."""

OPERATORS = ("MatMul", "Gemm")


def quantized(export: Exported, workload: Workload, scheme: str, symmetric: bool) -> Exported:
    """Returns a quantised model.

    Args:
        export: The model, in float32.
        workload: Workload that the model is of; it draws the inputs for calibration.
        scheme: ``dynamic`` or ``qdq``.
        symmetric: Whether activations are signed and have no zero point, and biases stay as they are, as GPUs need it.

    Raises:
        MissingExtraError: When ONNX Runtime is not installed.
        MeasurementError: When the quantiser fails, or finds no linear layer.
    """
    if not find_spec("onnxruntime"):
        raise MissingExtraError("ONNX Runtime, which quantises models,", "onnx")
    versions = {"onnx": version("onnx"), "onnxruntime": _runtime_version()}
    how = {"form": scheme, "symmetric": symmetric, "samples": SAMPLES, "versions": versions}
    if symmetric and scheme == "qdq":
        how["biases"] = "float32"

    def write(source: Path, target: Path) -> None:
        with quiet():
            if scheme == "dynamic":
                _dynamic(source, target)
            else:
                _static(source, target, _Samples(draws(export, workload)), symmetric)

    try:
        made = rewritten(export, how, write)
    except Exception as error:  # of the quantiser
        reason = plain_cause(error)
        raise MeasurementError(f"'{workload.name}' cannot be quantised: {reason}. Take quantization=none.") from error
    if not integer_layers(made):
        raise MeasurementError(f"'{workload.name}' has no linear layer to quantise. Take quantization=none.")
    return made


def described(export: Exported, scheme: str, symmetric: bool) -> dict[str, Any]:
    """Returns how a model is quantised, for the record."""
    activations = "int8" if symmetric and scheme == "qdq" else "uint8"
    found = {"scheme": scheme, "weights": "int8 per channel", "activations": activations, "layers": integer_layers(export)}
    return found | ({"calibration": "minmax", "samples": SAMPLES} if scheme == "qdq" else {})


def integer_layers(export: Exported) -> int:
    """Counts the products of a quantised model that are computed with integers."""
    import onnx

    found = operators(export.path)
    if found["MatMulInteger"]:
        return found["MatMulInteger"]
    nodes = onnx.load(str(export.path), load_external_data=False).graph.node
    integers = {name for node in nodes if node.op_type == "DequantizeLinear" for name in node.output}
    return sum(node.op_type in OPERATORS and integers.issuperset(node.input[:2]) for node in nodes)


def draws(export: Exported, workload: Workload) -> Iterator[dict[str, NDArray[Any]]]:
    """Yields inputs for calibration: other random ones than those that are timed; a factory's are always the same."""
    import onnx

    read = {port.name for port in onnx.load(str(export.path), load_external_data=False).graph.input}
    own = isinstance(workload, FactoryWorkload)
    for inputs in [export.inputs] if own else map(workload.inputs, range(1, SAMPLES + 1)):
        yield {name: array for name, array in inputs.items() if name in read}


class _Samples:
    """What the quantiser reads inputs from."""

    def __init__(self, samples: Iterator[dict[str, NDArray[Any]]]) -> None:
        self._samples = samples

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._samples, None)


def _dynamic(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(source), str(target), op_types_to_quantize=list(OPERATORS), per_channel=True, weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )  # fmt: skip


def _static(source: Path, target: Path, samples: _Samples, symmetric: bool) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.onnx_model import ONNXModel

    model = onnx.load(str(source))
    if symmetric:  # the bias of a Gemm would become integers of 32 bits, which neither TensorRT nor CUDA turns back
        ONNXModel(model).replace_gemm_with_matmul()
    quantize_static(
        model if symmetric else str(source),
        str(target),
        samples,
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(OPERATORS),
        nodes_to_exclude=_without_weights(model.graph),
        per_channel=True,
        activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True},
    )


def _without_weights(graph: Any) -> list[str]:
    """Names the products of two activations."""
    weights = {tensor.name for tensor in graph.initializer} | {
        name for node in graph.node if node.op_type == "Constant" for name in node.output
    }
    return [node.name for node in graph.node if node.op_type in OPERATORS and not weights.intersection(node.input[:2])]


def _runtime_version() -> str:
    import onnxruntime

    return str(onnxruntime.__version__)
