"""Answers of boosted trees by lleaves, in an environment of its own: it needs an older llvmlite than numba has.

Run by the Python that has lleaves, as a script: ``python lleaves_answers.py BOOSTER COLUMNS`` reads a booster in LightGBM's
own format and columns (n, k) as NumPy saves them, and prints its times and answers as one JSON document.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["by_lleaves"]

ASKED = 200
"""Rows that are asked for one by one."""


def by_lleaves(python: str, booster: str, columns: np.ndarray) -> dict[str, Any]:
    """Returns ``one_us``, ``batch_ns`` and ``compile_s`` of lleaves, and its ``answers``, shape (n,).

    Args:
        python: Interpreter with lleaves.
        booster: The booster in LightGBM's own format.
        columns: Columns, shape (n, k).

    Raises:
        RuntimeError: When it fails; holds what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        model, rows = Path(folder) / "booster.txt", Path(folder) / "columns.npy"
        model.write_text(booster, encoding="utf-8")
        np.save(rows, columns)
        done = subprocess.run([python, __file__, str(model), str(rows)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"lleaves failed:\n{done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(model: str, rows: str) -> None:
    """Prints the document."""
    import lleaves
    from cpu_time import each_us, seconds

    columns, start = np.load(rows), time.process_time()
    compiled = lleaves.Model(model_file=model)
    compiled.compile()
    compile_s = time.process_time() - start

    def answer(asked: np.ndarray) -> np.ndarray:
        return compiled.predict(asked, n_jobs=1)

    found = {"one_us": each_us(answer, [columns[row : row + 1] for row in range(ASKED)]), "compile_s": compile_s}
    found["batch_ns"] = seconds(lambda: answer(columns)) / len(columns) * 1e9
    print(json.dumps({**found, "answers": answer(columns).tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
