"""Tables 1 and 4 of the paper: the share of each kind of component in the time of a whole net, on its TPU.

Source: Tsai et al., "Finding Fast Transformers", Table 1 (BERT-base) and Table 4 (MiniBERT).
"""

from __future__ import annotations

SEQ_LENS = (32, 128, 512)
"""Numbers of tokens of the tables' columns."""

PAPER_TABLES: dict[str, dict[str, tuple[float, float, float]]] = {
    "bert-base": {
        "ff": (0.433, 0.586, 0.510), "head": (0.549, 0.406, 0.487), "qk": (0.289, 0.206, 0.216),
        "v": (0.228, 0.199, 0.216), "mean": (0.008, 0.008, 0.007), "joint": (0.009, 0.013, 0.001),
    },
    "minibert": {
        "ff": (0.322, 0.362, 0.302), "head": (0.412, 0.367, 0.471), "qk": (0.213, 0.164, 0.213),
        "v": (0.189, 0.155, 0.213), "mean": (0.066, 0.064, 0.046), "joint": (0.191, 0.224, 0.147),
    },
}  # fmt: skip
PAPER_TABLES["bert-base-halves"] = PAPER_TABLES["bert-base"]
"""Shares by grid and kind at 32, 128 and 512 tokens. They overlap: a head has queries, keys and values. They are of the
whole net, however finely it is divided."""


def paper_share(grid: str, kind: str, seq_len: int) -> float | None:
    """Returns the paper's share; None for grids and sequence lengths that it does not have.

    Args:
        grid: Name of the grid.
        kind: Name of the kind of component.
        seq_len: Number of tokens.
    """
    if grid not in PAPER_TABLES or seq_len not in SEQ_LENS:
        return None
    return PAPER_TABLES[grid][kind][SEQ_LENS.index(seq_len)]
