"""A bottleneck and the layer norm behind it as one kernel in Triton: ``y = norm(x M^T + s)``, (..., D) -> (..., h).

A program holds whole rows of the product, so that it can normalise them without writing them to memory first. For inference:
gradients do not flow through it.

Source: bottlenecks with norms as in Sun et al., "MobileBERT", section 3.1, which AutoDistill's students are made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.errors import UsageError
from hwcost.kernels.triton_base import POINTERS, check_place, compiled, device_code, padded

if TYPE_CHECKING:
    import torch

CODE = "bottleneck_norm_triton"

LEAST = 16
"""Least rows and columns of a product of tiles."""

WIDEST = 1024
"""Widest output: a program holds whole rows of it, and a GPU has no registers for wider ones."""

TILE_BYTES = 32 * 1024
"""Bytes of the matrix that are read at a time: two such tiles fit into the shared memory of every GPU from 8.0 on. Rows of
float32 wider than 512 take twice as many, which 8.0 and 9.0 have."""

PRECISIONS = ("ieee", "tf32x3", "tf32")
"""Products of float32: exact ones, three products of TensorFloat-32 that are nearly so, or one."""


def reference(
    source: torch.Tensor,
    matrix: torch.Tensor,
    shift: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    epsilon: float = 1e-12,
    centred: bool = True,
) -> torch.Tensor:
    """Returns the same by plain torch, in float32; arguments as :func:`bottleneck_norm` takes them."""
    product = source.float() @ matrix.float().T + shift.float()
    if centred:
        product = product - product.mean(-1, keepdim=True)
    scaled = product * (product.square().mean(-1, keepdim=True) + epsilon).rsqrt()
    return (scaled * weight.float() + bias.float()).to(source.dtype)


def bottleneck_norm(
    source: torch.Tensor,
    matrix: torch.Tensor,
    shift: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    epsilon: float = 1e-12,
    centred: bool = True,
    precision: str = "ieee",
) -> torch.Tensor:
    """Runs the kernel: 16 rows a program.

    Args:
        source: Hidden states, (..., D).
        matrix: Weight of the bottleneck, (h, D) as in ``torch.nn.Linear``.
        shift: Bias of the bottleneck, (h,).
        weight: Scale of the norm, (h,).
        bias: Shift of the norm, (h,).
        epsilon: Number that is added to the variance.
        centred: Whether the norm subtracts the mean.
        precision: Way of multiplying float32, one of ``PRECISIONS``; other formats are multiplied as they are.

    Returns:
        Normalised products, (..., h), in the format of ``source``; sums are taken in float32.

    Raises:
        MissingExtraError: When Triton is not installed.
        UsageError: When the tensors are not on a GPU, the output is too wide, or the precision is unknown.
    """
    import torch

    check_place(source)
    rows = source.contiguous().view(-1, source.shape[-1])
    matrix, *vectors = (one.contiguous() for one in (matrix, shift, weight, bias))
    outputs, inputs = matrix.shape
    target = torch.empty((len(rows), outputs), dtype=source.dtype, device=source.device)
    kernel, fixed = device_code(CODE).bottleneck_norm, constants(inputs, outputs, source.element_size(), centred, precision)
    kernel[(-(-len(rows) // LEAST),)](
        rows, matrix, *vectors, target, len(rows), inputs, outputs, epsilon, **fixed, num_warps=warps(outputs)
    )
    return target.view(*source.shape[:-1], outputs)


def constants(
    inputs: int, outputs: int, itemsize: int, centred: bool = True, precision: str = "ieee"
) -> dict[str, int | bool | str]:
    """Returns the number and sizes of tiles, and what else is known when the kernel is compiled.

    Args:
        inputs: Width D of the input.
        outputs: Width h of the output.
        itemsize: Bytes of a number.
        centred: Whether the norm subtracts the mean.
        precision: Way of multiplying float32.

    Raises:
        UsageError: When the output is too wide, or the precision is unknown.
    """
    if outputs > WIDEST:
        raise UsageError(f"the fused bottleneck writes rows of at most {WIDEST} numbers, got {outputs}")
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision '{precision}' of products. Known: {', '.join(PRECISIONS)}")
    wide = padded(outputs, LEAST)
    deep = min(64, max(LEAST, TILE_BYTES // (wide * itemsize)))
    sizes = {"tiles": -(-inputs // deep), "tile_rows": LEAST, "tile_inputs": deep, "tile_outputs": wide}
    return {**sizes, "centred": centred, "precision": precision}


def warps(outputs: int) -> int:
    """Returns the number of warps of a program: four, eight for wide rows."""
    return 4 if padded(outputs) <= 256 else 8


def cubin(
    capability: int,
    outputs: int = 512,
    dtype: str = "float32",
    centred: bool = True,
    precision: str = "ieee",
    inputs: int = 768,
) -> bytes:
    """Compiles the kernel for a GPU that need not be here.

    Args:
        capability: Compute capability times ten: 80, 90.
        outputs: Width h of the output.
        dtype: Number format of all tensors.
        centred: Whether the norm subtracts the mean.
        precision: Way of multiplying float32.
        inputs: Width D of the input.
    """
    itemsize = 4 if dtype == "float32" else 2
    fixed = constants(inputs, outputs, itemsize, centred, precision)
    arguments = dict.fromkeys(("source", "matrix", "shift", "weight", "bias", "target"), POINTERS[dtype])
    arguments |= dict.fromkeys(("rows", "inputs", "outputs"), "i32") | {"epsilon": "fp32"}
    arguments |= dict.fromkeys(fixed, "constexpr")
    return bytes(compiled(device_code(CODE).bottleneck_norm, arguments, fixed, capability, warps(outputs)))
