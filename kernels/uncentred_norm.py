"""A layer norm that does not subtract the mean, in Triton: ``y = w x / sqrt(mean(x^2) + eps) + b`` over the last axis.

Source: Tsai et al., "Finding Fast Transformers", section 3.1, layer normalisation with w = 0. For inference: gradients do
not flow through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.kernels.triton_base import POINTERS, check_place, compiled, device_code, padded

if TYPE_CHECKING:
    import torch

CODE = "uncentred_norm_triton"


def reference(source: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, epsilon: float = 1e-12) -> torch.Tensor:
    """Returns the same by plain torch, in float32: (..., h) and two vectors (h,) -> (..., h)."""
    x = source.float()
    scaled = x * (x.square().mean(-1, keepdim=True) + epsilon).rsqrt()
    return (scaled * weight.float() + bias.float()).to(source.dtype)


def uncentred_norm(source: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, epsilon: float = 1e-12) -> torch.Tensor:
    """Runs the kernel: one program a row.

    Args:
        source: Numbers to normalise, (..., h).
        weight: Scale of every channel, (h,).
        bias: Shift of every channel, (h,).
        epsilon: Number that is added to the mean square.

    Returns:
        Normalised numbers, (..., h), in the format of ``source``; sums are taken in float32.

    Raises:
        MissingExtraError: When Triton is not installed.
        UsageError: When the tensors are not on a GPU, or rows are too wide.
    """
    import torch

    check_place(source)
    rows = source.contiguous().view(-1, source.shape[-1])
    target = torch.empty_like(rows)
    width, weight, bias = rows.shape[1], weight.contiguous(), bias.contiguous()
    kernel = device_code(CODE).uncentred_norm
    kernel[(len(rows),)](
        rows, weight, bias, target, width, epsilon, block=padded(width), num_warps=warps(width)
    )
    return target.view(source.shape)


def warps(width: int) -> int:
    """Returns the number of warps of a program: one for every 256 numbers of a row, at most eight."""
    return int(min(8, max(1, padded(width) // 256)))


def cubin(capability: int, width: int = 768, dtype: str = "float32") -> bytes:
    """Compiles the kernel for a GPU that need not be here.

    Args:
        capability: Compute capability times ten: 80, 90.
        width: Width h of a row.
        dtype: Number format of all tensors.
    """
    pointer = POINTERS[dtype]
    arguments = dict.fromkeys(("source", "weight", "bias", "target"), pointer)
    arguments |= {"width": "i32", "epsilon": "fp32", "block": "constexpr"}
    return bytes(compiled(device_code(CODE).uncentred_norm, arguments, {"block": padded(width)}, capability, warps(width)))
