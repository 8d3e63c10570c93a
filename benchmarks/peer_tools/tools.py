"""The tools that are compared, by name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        module: Module of this folder that runs it.
        needs: Packages that it needs.
        label: Name in tables.
        before: Module of this folder that is run first and not timed; empty for none.
        is_own: Whether it is hwcost, which the bars are for.
    """

    module: str
    needs: tuple[str, ...]
    label: str
    before: str = ""
    is_own: bool = False

    def missing(self) -> list[str]:
        """Returns the packages that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


ONNX = ("torch", "onnxscript", "onnxruntime")

TOOLS = {
    "hwcost": Tool("hwcost_command", ("torch",), "hwcost", is_own=True),
    "torch": Tool("torch_timer", ("torch",), "`torch.utils.benchmark`"),
    "pyperf": Tool("pyperf_runner", ("torch", "pyperf"), "pyperf"),
    "loop": Tool("plain_loop", ("torch", "xgboost"), "plain loop, XGBoost"),
    "onnxruntime": Tool("onnx_loop", ONNX, "ONNX Runtime's perf loop", "exports"),
    "hwcost-onnxruntime": Tool("hwcost_onnxruntime", ONNX, "hwcost on ONNX Runtime", "exports", is_own=True),
}

MODELLED = ("hwcost", "loop")
"""Tools whose measurements a cost model is fitted to."""

REFERENCE = "reference"
"""Name of the long campaign that models are compared with."""


REFERENCE_TOOL = Tool("hwcost_reference", ("torch",), "reference")


def tool(name: str) -> Tool:
    """Returns a tool, or what measures the reference."""
    return REFERENCE_TOOL if name == REFERENCE else TOOLS[name]
