"""What can be wrong with an ONNX file of the user's: no model, weights that are not there, outputs that are constants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hwcost.errors import DataError

_LFS = b"version https://git-lfs.github.com/spec/"
_DRAWN = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
"""Operators whose results are others in each call."""


def instead(path: str | Path) -> str:
    """Says what a file is in place of a model or its weights, where that is known; empty otherwise."""
    with open(path, "rb") as file:
        begin = file.read(len(_LFS))
    if not begin:
        return ": it is empty. Export or download it again"
    if begin == _LFS:
        return " but a Git LFS pointer. Run 'git lfs pull' in that repository, and try again"
    return ""


def check_weights(graph: Any, folder: Path) -> None:
    """Raises DataError when a file that holds weights of a graph is not where the graph says, or is cut short.

    Args:
        graph: The graph, an ``onnx.GraphProto``.
        folder: Folder of its file.
    """
    for tensor in graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if "location" not in entries:
            continue
        path = folder / entries["location"]
        if not path.is_file():
            raise DataError(
                f"weights of this ONNX model lie in '{entries['location']}', which is not in '{folder}'. Put that file "
                "beside the model, under that name."
            )
        end, size = int(entries.get("offset", 0)) + int(entries.get("length", 0)), path.stat().st_size
        if size < end:
            raise DataError(
                f"'{path}' has {size} bytes, and weights of this ONNX model end at byte {end}: the file is not "
                f"whole{instead(path) or '. Copy or download it again'}"
            )


def check_outputs(graph: Any, inputs: Sequence[str], path: str | Path) -> None:
    """Raises DataError when no output of a graph depends on an input: a runtime computes it once, and calls do nothing.

    Args:
        graph: The graph, an ``onnx.GraphProto`` whose nodes are in topological order.
        inputs: Names of the inputs that are filled.
        path: Path of the file, for the message.
    """
    reached = set(inputs)
    for node in graph.node:
        if node.op_type in _DRAWN or not reached.isdisjoint(_uses(node)):
            reached.update(node.output)
    if graph.output and reached.isdisjoint(output.name for output in graph.output):
        has = f"its inputs ({', '.join(inputs)})" if inputs else "an input, since it has none"
        raise DataError(
            f"no output of '{path}' depends on {has}: a runtime computes such outputs once, when it loads the file, so that "
            "there is no latency to measure. Export the model so that its inputs are not traced as constants."
        )


def _uses(node: Any) -> Iterator[str]:
    """Yields the names that a node reads, also those that graphs within it take from around them."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
            for inner in graph.node:
                yield from _uses(inner)
            yield from (output.name for output in graph.output)
