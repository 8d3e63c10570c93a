"""Device code of the layer norm that does not subtract the mean; :mod:`hwcost.kernels.uncentred_norm` launches it."""

# mypy: ignore-errors

import triton
import triton.language as tl


@triton.jit
def uncentred_norm(source, weight, bias, target, width, epsilon, block: tl.constexpr):
    """Normalises one row: read once, summed in float32, written once."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, block)
    inside = column < width
    x = tl.load(source + row * width + column, mask=inside, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, axis=0) / width + epsilon)
    w = tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    b = tl.load(bias + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(target + row * width + column, (x * scale * w + b).to(target.dtype.element_ty), mask=inside)
