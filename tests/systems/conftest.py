"""Small text for pipelines, thirty documents of made-up sentences, and runs without a plan of their memory or processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hwcost.systems.plan import planned_memory
from tests.tasks.glue import write_json

WORDS = [
    "measure", "latency", "round", "level", "drift", "device", "token", "layer", "width", "head", "model", "cost", "space",
    "store", "visit", "block",
]  # fmt: skip


TASK = "length"
"""Name of a regression that is small: the number of words of a text."""


def task_of(text: Path) -> str:
    """Returns that task, which is kept beside the text."""
    folder = text.parent / "length"
    if not folder.exists():
        write_json(folder, [{"text": " ".join(WORDS[:n]), "label": float(n)} for n in range(1, len(WORDS) + 1)])
    return f"{folder}:text=text,label=label,kind=regression,name={TASK}"


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("text"), np.random.default_rng(0)
    for document in range(30):
        lines = [" ".join(rng.choice(WORDS, size=9)) + "." for _ in range(60)]
        (folder / f"part{document}.txt").write_text("\n\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Lets torch compute with one thread, on which small nets are quickest."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="module")
def _without_processes(laws_here: None) -> None:
    """Measures the law of the null backend in this process."""


@pytest.fixture(autouse=True, scope="module")
def _unplanned() -> Iterator[None]:
    """Begins runs without the plan of their memory, which takes longer than small trainings, unless a test asks for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwcost.systems.base.planned_memory", lambda *given: [])
        yield


@pytest.fixture
def planned_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs plan their memory before they begin."""
    monkeypatch.setattr("hwcost.systems.base.planned_memory", planned_memory)
