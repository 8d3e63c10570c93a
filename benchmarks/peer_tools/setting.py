"""The nets that all tools measure, in words that every tool understands."""

from __future__ import annotations

SPACE, SCALE = "supershaper", "mini"
BATCH_SIZE, SEQ_LEN = 1, 64
SEED = 0
"""Seed of the draw of nets."""

THREADS = 1
