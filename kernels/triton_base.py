"""What the kernels in Triton share: launching, and compiling to machine code on a machine without a GPU.

``TRITON_INTERPRET=1``, set before Triton is imported, runs them on a CPU, operation by operation, to check their numbers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hwcost._extras import imported
from hwcost.errors import UsageError

if TYPE_CHECKING:
    import torch

EXTRA = "triton"
"""The extra that installs Triton."""

WIDEST = 16_384
"""Widest row that one program holds in registers."""

POINTERS = {"float32": "*fp32", "float16": "*fp16", "bfloat16": "*bf16"}
"""Triton's name of a pointer to numbers of a format."""

WARP = 32
"""Threads of a warp."""


def device_code(name: str) -> Any:
    """Imports a module of device code, which imports Triton.

    Args:
        name: Name of the module in ``hwcost.kernels``.

    Raises:
        MissingExtraError: When Triton is not installed; names the extra.
    """
    imported("triton", EXTRA)
    return import_module(f"hwcost.kernels.{name}")


def is_interpreted() -> bool:
    """Whether Triton interprets kernels on the CPU, as TRITON_INTERPRET=1 asks for."""
    return bool(imported("triton", EXTRA).knobs.runtime.interpret)


def check_place(tensor: torch.Tensor) -> None:
    """Raises UsageError for a tensor that no kernel can read: on a GPU it must be, or in Triton's interpreter on a CPU."""
    if tensor.is_cuda or is_interpreted():
        return
    raise UsageError(
        f"kernels in Triton run on a CUDA device, and this tensor is on '{tensor.device}'. Measure them with --device NAME "
        "of a GPU that is here; to check their numbers on a CPU, set TRITON_INTERPRET=1"
    )


def padded(width: int, least: int = 1) -> int:
    """Returns the power of two that holds a row.

    Args:
        width: Numbers of the row.
        least: Least power of two that is returned.

    Raises:
        UsageError: When one program cannot hold a row of that width.
    """
    if not 1 <= width <= WIDEST:
        raise UsageError(f"kernels in Triton take rows of 1 to {WIDEST} numbers, got {width}")
    return max(least, 1 << (width - 1).bit_length())


def compiled(kernel: Any, arguments: dict[str, str], constants: dict[str, Any], capability: int, warps: int) -> bytes:
    """Compiles a kernel to a cubin; takes no GPU.

    Args:
        kernel: Function that ``triton.jit`` made.
        arguments: Triton's type of every argument by name, ``constexpr`` for constants.
        constants: Values of the constants by name.
        capability: Compute capability times ten: 80 is an A100, 90 an H100.
        warps: Number of warps of a program.

    Raises:
        UsageError: When Triton interprets, since nothing is compiled then.
    """
    if is_interpreted():
        raise UsageError("TRITON_INTERPRET=1 interprets kernels and compiles none; unset it")
    triton = imported("triton", EXTRA)
    source = import_module("triton.compiler").ASTSource(kernel, arguments, constants)
    target = import_module("triton.backends.compiler").GPUTarget("cuda", capability, WARP)
    return bytes(triton.compile(source, target=target, options={"num_warps": warps}).asm["cubin"])
