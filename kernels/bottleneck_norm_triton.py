"""Device code of the bottleneck with its layer norm; :mod:`hwcost.kernels.bottleneck_norm` launches it."""

# mypy: ignore-errors

import triton
import triton.language as tl


@triton.jit
def bottleneck_norm(
    source,
    matrix,
    shift,
    weight,
    bias,
    target,
    rows,
    inputs,
    outputs,
    epsilon,
    tiles: tl.constexpr,
    tile_rows: tl.constexpr,
    tile_inputs: tl.constexpr,
    tile_outputs: tl.constexpr,
    centred: tl.constexpr,
    precision: tl.constexpr,
):
    """Multiplies a few rows by the whole matrix, and normalises them before they leave the registers.

    The number of tiles is a constant: Triton's interpreter cannot count to a number that is none with NumPy 2.4 and later.
    """
    row = tl.program_id(0).to(tl.int64) * tile_rows + tl.arange(0, tile_rows)
    column = tl.arange(0, tile_outputs)
    inside = column < outputs
    total = tl.zeros((tile_rows, tile_outputs), dtype=tl.float32)
    for tile in range(tiles):
        inner = tile * tile_inputs + tl.arange(0, tile_inputs)
        x = tl.load(
            source + row[:, None] * inputs + inner[None, :],
            mask=(row[:, None] < rows) & (inner[None, :] < inputs),
            other=0.0,
        )
        m = tl.load(
            matrix + column[None, :] * inputs + inner[:, None],
            mask=inside[None, :] & (inner[:, None] < inputs),
            other=0.0,
        )
        total = tl.dot(x, m, total, input_precision=precision)
    total += tl.load(shift + column, mask=inside, other=0.0).to(tl.float32)[None, :]
    if centred:
        mean = tl.sum(total, axis=1) / outputs
        total = tl.where(inside[None, :], total - mean[:, None], 0.0)
    scale = tl.rsqrt(tl.sum(total * total, axis=1) / outputs + epsilon)
    w = tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    b = tl.load(bias + column, mask=inside, other=0.0).to(tl.float32)
    result = total * scale[:, None] * w[None, :] + b[None, :]
    tl.store(
        target + row[:, None] * outputs + column[None, :],
        result.to(target.dtype.element_ty),
        mask=(row[:, None] < rows) & inside[None, :],
    )
