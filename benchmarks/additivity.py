"""Do components add up? Prices SuperShaper's components by depth slope and compares their sum with ten whole models.

Run: ``python benchmarks/additivity.py [BACKEND ...]`` (default: torch and onnxruntime). Exporting every stack to ONNX takes
several minutes the first time. The campaigns are kept in ``runs/additivity-BACKEND.db``.
"""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    for backend in sys.argv[1:] or ["torch", "onnxruntime"]:
        command = [sys.executable, "-m", "hwcost", "measure", "--components", "--backend", backend, "--rounds", "3"]
        shape = ["--batch-size", "1", "--seq-len", "128"]
        subprocess.run([*command, *shape, "--store", f"runs/additivity-{backend}.db"], check=True)
