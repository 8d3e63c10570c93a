"""The nets that all tools measure, in words that every tool understands."""

from __future__ import annotations

SPACE = "supershaper"
SCALE, SEQ_LEN = "mini", 64
"""Scale of the space, and tokens, unless other ones are asked for."""

SCALES = ("mini", "small", "paper")
"""Scales that the space has; the paper's nets are of full size."""

BATCH_SIZE = 1
SEED = 0
"""Seed of the draw of nets."""

THREADS = 1
