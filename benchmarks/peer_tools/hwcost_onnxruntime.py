"""hwcost with ONNX Runtime as its backend, beside ``onnx_loop``."""

from __future__ import annotations

from functools import partial

from peer_tools.asked import serve
from peer_tools.hwcost_command import measure

if __name__ == "__main__":
    serve(partial(measure, backend="onnxruntime"))
