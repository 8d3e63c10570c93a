"""Seconds of each layer of an engine, and what they make of the model's components.

TensorRT fuses nodes of the model into layers of its own. A layer counts for the innermost module that holds all of its
nodes; one that joins nodes of several components counts for none of them alone, and is listed as such.
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwcost.backends.tensorrt.engine import Engine
    from hwcost.backends.tensorrt.gpu import Gpu

RUNS = 20
"""Calls that a profile is the median of."""

ACROSS = "several components"
"""Name under which layers count that join nodes of several components."""

_NODE = re.compile(r"\[ONNX Layer: ([^\]]+)\]")


@dataclass(frozen=True)
class LayerTime:
    """One layer of an engine.

    Attributes:
        name: TensorRT's name of it.
        module: Path of the innermost module that holds its nodes; empty where there is none.
        seconds: Median seconds of it in a call.
    """

    name: str
    module: str
    seconds: float


def layer_times(trt: Any, engine: Engine, gpu: Gpu) -> list[LayerTime]:
    """Runs an engine layer by layer, without a CUDA graph.

    Args:
        trt: TensorRT's module.
        engine: Engine that was built with the names of its nodes.
        gpu: GPU that it runs on.
    """
    seconds: dict[str, list[float]] = defaultdict(list)
    engine.context.profiler = _profiler(trt, lambda name, ms: seconds[name].append(ms * 1e-3))
    for _ in range(RUNS):
        engine.enqueue()
        gpu.synchronize()
    modules = _modules(trt, engine.engine)
    return [
        LayerTime(name, modules.get(name, _module([name])), statistics.median(found)) for name, found in seconds.items()
    ]


def component_seconds(layers: Iterable[LayerTime]) -> dict[str, float]:
    """Sums the seconds of layers by component, such as ``embeddings`` or ``layers.3``."""
    listed = list(layers)
    numbered = {part for layer in listed if (part := _numbered(layer.module))}
    found: dict[str, float] = defaultdict(float)
    for layer in listed:
        found[_component(layer.module, numbered)] += layer.seconds
    return dict(found)


def profile_facts(layers: list[LayerTime]) -> dict[str, Any]:
    """Returns a profile as the record keeps it: seconds by component and of each layer."""
    listed = [{"name": layer.name, "module": layer.module, "seconds": layer.seconds} for layer in layers]
    return {"runs": RUNS, "components_s": component_seconds(layers), "layers": listed}


def _profiler(trt: Any, report: Callable[[str, float], None]) -> Any:
    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            report(layer_name, ms)

    return Profiler()


def _modules(trt: Any, engine: Any) -> dict[str, str]:
    """Returns the module of every layer, from the nodes that the engine says it was made of."""
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    layers = [layer for layer in json.loads(text).get("Layers", []) if isinstance(layer, dict)]
    nodes = {layer["Name"]: _NODE.findall(layer.get("Metadata", "")) for layer in layers}
    return {name: _module(found) for name, found in nodes.items() if found}


def _module(nodes: list[str]) -> str:
    """Returns the path of the innermost module that holds all nodes; a node is named ``layers.0.attention/node_linear``."""
    paths = [node.rpartition("/")[0].split(".") for node in nodes]
    equal = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return ".".join(parts[0] for parts in equal)


def _numbered(module: str) -> str | None:
    """Cuts a path behind its first number: ``layers.3.attention.query`` lies in ``layers.3``; None without a number."""
    parts = module.split(".")
    ends = [place for place, part in enumerate(parts, 1) if part.isdigit()]
    return ".".join(parts[: ends[0]]) if ends else None


def _component(module: str, numbered: Collection[str]) -> str:
    """Returns the outermost part of a path that does not hold numbered components itself, such as all of ``layers``."""
    parts = module.split(".") if module else []
    for place in range(1, len(parts) + 1):
        head = ".".join(parts[:place])
        if head in numbered or not any(name.startswith(f"{head}.") for name in numbered):
            return head
    return ACROSS
