"""Forests: boosted trees as arrays, the same comparisons and the same sums as the library that grew them.

Every tree is filled up to a perfect one of the forest's depth, so that all of them are one array, and a threshold
becomes a rank: the number of a column's thresholds that a value has passed. A node then compares two small whole
numbers, whichever library it comes from: XGBoost compares numbers of 32 bits and goes left below a threshold, LightGBM
compares numbers of 64 bits and goes left up to it. Leaves keep the library's precision, and trees its order, so that
sums are equal to the last bit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats

__all__ = ["LARGEST_DEPTH", "Forest", "read_lightgbm_forest", "read_xgboost_forest"]

LARGEST_DEPTH = 6
"""Depth of the deepest tree that is filled up: a perfect tree of depth 6 has 64 leaves."""

MOST_RANKS = 255
"""Thresholds of a column at the most, so that a rank fits into a byte."""

Bytes = NDArray[np.uint8]


class _Node(NamedTuple):
    """A node of a tree: a leaf's value, or a test and both children."""

    value: float
    column: int = -1
    threshold: float = 0.0
    left: int = -1
    right: int = -1


Tree = list[_Node]
"""Nodes of a tree; the first one is its root."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Perfect trees of one depth over ranks of columns.

    Attributes:
        used: Columns that the trees ask, ascending.
        thresholds: Ascending thresholds of each of them.
        is_single: Whether values are compared, and leaves summed, with 32 bits (XGBoost) and not with 64 (LightGBM).
        columns: Place among ``used`` of the column that each node asks, shape (trees, nodes); level by level.
        cuts: Rank from which each node goes right, shape (trees, nodes).
        leaves: Values of the leaves from left to right, shape (trees, nodes + 1).
    """

    used: tuple[int, ...]
    thresholds: tuple[Floats, ...]
    is_single: bool
    columns: Bytes
    cuts: Bytes
    leaves: NDArray[Any]

    @property
    def depth(self) -> int:
        """Depth of the trees."""
        return int(self.leaves.shape[1]).bit_length() - 1

    @cached_property
    def questions(self) -> tuple[NDArray[np.int64], Bytes, NDArray[np.intp]]:
        """What trees ask: the column and the cut of every different question, and the question of each node."""
        asked, numbers = np.unique(self.columns.astype(np.int64) * 256 + self.cuts, return_inverse=True)
        return asked // 256, (asked % 256).astype(np.uint8), numbers.reshape(self.columns.shape)

    def ranks(self, place: int, values: Floats) -> Bytes:
        """Returns the number of thresholds that values of a column have passed.

        Args:
            place: Place of the column among ``used``.
            values: Values of the column, shape (n,).
        """
        known = self.thresholds[place]
        if self.is_single:
            return np.searchsorted(known.astype(np.float32), values.astype(np.float32), side="right").astype(np.uint8)
        return np.searchsorted(known, values, side="left").astype(np.uint8)

    def least_whole(self, place: int) -> Floats:
        """Returns the least whole number that passes each threshold of a column of whole numbers, shape (thresholds,)."""
        return np.array([self._least(float(threshold)) for threshold in self.thresholds[place]])

    def _least(self, threshold: float) -> float:
        if not self.is_single:
            return math.floor(threshold) + 1.0
        least, passed = math.ceil(threshold), np.float32(threshold)
        while np.float32(least - 1) >= passed:  # rounded to 32 bits it passes
            least -= 1
        return float(least)


def read_xgboost_forest(text: str) -> Forest | None:
    """Reads the trees of XGBoost's JSON format; None where they are too deep or have too many thresholds."""
    trees = []
    for one in json.loads(text)["learner"]["gradient_booster"]["model"]["trees"]:
        nodes = zip(
            one["split_conditions"], one["split_indices"], one["left_children"], one["right_children"], strict=True
        )
        trees.append([_Node(value, column, value, left, right) for value, column, left, right in nodes])
    return _forest(trees, is_single=True)


def read_lightgbm_forest(text: str) -> Forest | None:
    """Reads the trees of LightGBM's text format; None where they are too deep or have too many thresholds."""
    return _forest([_lightgbm_tree(block) for block in text.split("\nTree=")[1:]], is_single=False)


def _lightgbm_tree(block: str) -> Tree:
    def numbers(name: str, kind: Callable[[str], Any]) -> list[Any]:
        found = re.search(rf"^{name}=(.*)$", block, re.MULTILINE)
        return [kind(one) for one in found[1].split()] if found else []

    values = numbers("leaf_value", float)
    if len(values) == 1:
        return [_Node(values[0])]
    count = len(values) - 1  # inner nodes; the leaf i is the child -1 - i
    left, right = (
        [one if one >= 0 else count - 1 - one for one in numbers(f"{side}_child", int)] for side in ("left", "right")
    )
    inner = zip(numbers("split_feature", int), numbers("threshold", float), left, right, strict=True)
    return [*(_Node(0.0, *one) for one in inner), *map(_Node, values)]


def _forest(trees: Sequence[Tree], is_single: bool) -> Forest | None:
    """Fills trees up; None where that is not possible."""
    depth = max((_depth(tree, 0) for tree in trees), default=0)
    asked: dict[int, set[float]] = {}
    for node in (node for tree in trees for node in tree if node.left >= 0):
        asked.setdefault(node.column, set()).add(_as_stored(node.threshold, is_single))
    if not asked or depth > LARGEST_DEPTH or max(map(len, asked.values())) > MOST_RANKS or len(asked) > MOST_RANKS:
        return None
    used = tuple(sorted(asked))
    thresholds = tuple(np.array(sorted(asked[column])) for column in used)
    columns = np.zeros((len(trees), 2**depth - 1), dtype=np.uint8)
    cuts = np.zeros_like(columns)
    leaves = np.zeros((len(trees), 2**depth), dtype=np.float32 if is_single else np.float64)
    place = {column: index for index, column in enumerate(used)}
    cut = {
        (column, threshold): rank
        for column, known in zip(used, thresholds, strict=True)
        for rank, threshold in enumerate(known.tolist(), 1)
    }
    for row, tree in enumerate(trees):
        stack = [(0, 0, 0)]
        while stack:
            number, position, level = stack.pop()
            node = tree[number]
            if level == depth:
                leaves[row, position - columns.shape[1]] = node.value
                continue
            left, right = (number, number) if node.left < 0 else (node.left, node.right)
            if node.left >= 0:
                columns[row, position] = place[node.column]
                cuts[row, position] = cut[node.column, _as_stored(node.threshold, is_single)]
            stack += [(left, 2 * position + 1, level + 1), (right, 2 * position + 2, level + 1)]
    return Forest(used, thresholds, is_single, columns, cuts, leaves)


def _as_stored(threshold: float, is_single: bool) -> float:
    """Returns a threshold as its library holds it."""
    return float(np.float32(threshold)) if is_single else threshold


def _depth(tree: Tree, number: int) -> int:
    node = tree[number]
    return 0 if node.left < 0 else 1 + max(_depth(tree, node.left), _depth(tree, node.right))
