"""Systems and several shapes: one campaign over lengths, cost models over shapes, throughput by batch size."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")
pytest.importorskip("matplotlib")

import hwcost as hc
from hwcost.cost_models import CostModel, cost_model
from hwcost.errors import UsageError
from hwcost.report.figures import new_figure
from hwcost.spaces import Architecture, SearchSpace
from hwcost.spaces.components import Components
from hwcost.spaces.shaped import Shape, Shaped
from hwcost.systems import Settings, pipeline
from hwcost.systems.components import gate_shares, share_workloads
from hwcost.systems.components.figures import shares
from hwcost.systems.components.kinds import KINDS
from hwcost.systems.components.profiling import _row, profiled
from hwcost.systems.components.results import KindShare
from hwcost.systems.components.shares import Share
from hwcost.systems.settings import Measuring
from tests.systems.test_parts import table

pytestmark = [pytest.mark.torch, pytest.mark.once]

GATES, STUDENTS = Components("mini"), hc.space("autodistill", scale="mini")
LAW = {"noise": 0.001, "overhead_s": 1e-5}
SHAPES = tuple(Shape(batch, length) for batch in (1, 4) for length in (32, 128))


def seconds(space: SearchSpace, arch: Architecture, shape: Shape) -> float:
    """A device: each component has an overhead, a rate and a bandwidth."""
    works = [space.component_work(part, *shape) for part in space.components(arch)]
    return sum(4e-6 + work.flops / 6e10 + 4 * work.elements / 1.2e10 for work in works)


def over_shapes(space: SearchSpace, shapes: tuple[Shape, ...] = SHAPES, n: int = 12) -> CostModel:
    points = [(arch, shape) for arch in space.sample(n, seed=0) for shape in shapes]
    shaped = Shaped(space)
    return cost_model("shapes", shaped).fit([shaped.at(*one) for one in points], [seconds(space, *one) for one in points])


def planned(name: str, folder: Path, text: Path, cost: Any = None, **sizes: Any) -> Any:
    return pipeline(name, folder, Settings("smoke", corpus=str(text), backend="null"), cost=cost, sizes=sizes)


def test_components_are_profiled_at_all_lengths_in_one_campaign(tmp_path: Path) -> None:
    campaigns = []

    def measure(workloads: Any) -> Any:
        campaigns.append(workloads)
        return hc.measure(workloads, backend="null", rounds=2, store=tmp_path / f"{len(campaigns)}.db", backend_options=LAW)

    measuring = Measuring(batch_size=2, seq_lens=(32, 64), dtype="float32")
    run: Any = SimpleNamespace(preset=SimpleNamespace(measuring=measuring), measure=measure)
    profile = profiled(run, GATES)
    assert len(campaigns) == 1
    assert list(profile.by_length) == ["32", "64"]
    alone = gate_shares(GATES, measure(share_workloads(GATES, 2, 64)).measurements)[0]
    assert profile.by_length["64"] == pytest.approx(alone, abs=0.01)
    assert profile.by_length["32"]["qk"] < profile.by_length["64"]["qk"]
    assert profile.by_length["32"]["ff"] > profile.by_length["64"]["ff"]
    for kind, longest in (("qk", "64"), ("ff", "32")):  # the largest over lengths, whichever it is (section 5.1)
        assert profile.shares[kind] == profile.by_length[longest][kind]
    assert set(profile.gaps) == {"32", "64"}
    row = profile.by_kind["queries and keys"]["64"]
    assert (row.share, row.paper) == (profile.by_length["64"]["qk"], None)
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.share < row.high
    assert row.high - row.low < 0.1  # of a law with noise of a thousandth


def test_shares_stand_beside_those_that_the_paper_prints() -> None:
    """Table 1: queries and keys take 28.9 % of BERT-base at 32 tokens; it has no column of 64."""
    ff, qk = (next(one for one in KINDS if one.name == name) for name in ("ff", "qk"))
    printed = _row(Share(0.3, 0.02), Components("bert-base"), qk, 32)
    assert (printed.share, printed.low, printed.high, printed.paper) == pytest.approx((0.3, 0.28, 0.32, 0.289))
    assert _row(Share(0.5), Components("bert-base"), ff, 64) == KindShare(share=0.5, low=None, high=None, paper=None)


def test_the_figure_of_shares_has_words_intervals_and_the_papers() -> None:
    own = KindShare(share=0.3, low=0.2, high=0.4, paper=0.289)
    kind = {"32": own, "64": replace(own, paper=None)}
    _, ax = new_figure()
    shares(ax, {"queries and keys": kind, "values": kind})
    assert [one.get_text() for one in ax.get_xticklabels()] == ["queries\nand\nkeys", "values"]
    heights = {one.get_label(): [bar.get_height() for bar in one] for one in ax.containers if hasattr(one, "patches")}
    assert heights == {
        "32 tokens": [30.0, 30.0], "32 tokens, the paper's": [pytest.approx(28.9)] * 2, "64 tokens": [30.0, 30.0],
    }  # fmt: skip
    whisker = next(one for one in ax.containers if not hasattr(one, "patches")).lines[2][0].get_segments()[0]
    np.testing.assert_allclose(whisker[:, 1], [20.0, 40.0])


def test_gates_cost_what_a_model_over_shapes_says_of_all_lengths(text: Path, tmp_path: Path) -> None:
    cost = over_shapes(GATES)
    made = planned("components", tmp_path / "run", text, cost, **{"measuring.seq_lens": (32, 128)})
    assert made.costs["components"].provenance["seq_len"] == 128
    for arch in GATES.sample(5, seed=1):
        own, whole = (sum(cost(one, batch_size=4, seq_len=n) for n in (32, 128)) for one in (arch, GATES.base()))
        assert made.cost(arch) == pytest.approx(own / whole)
    assert made.cost.expected(np.array(GATES.base().genes, dtype=np.float64)) == pytest.approx(1.0)
    saved = cost.save(tmp_path / "model")
    assert planned("components", tmp_path / "run", text, saved)._identity()["cost"] == made._identity()["cost"]


def test_throughput_is_predicted_at_several_batch_sizes(text: Path, tmp_path: Path) -> None:
    made = planned("autodistill", tmp_path / "run", text, batch_sizes=(1, 4, 16), measured=16)
    assert [(one.batch_size, one.nets) for one in made.calls() if one.stage == "latencies"] == [(4, 19), (1, 10), (16, 10)]
    found = type(made).stages()["latencies"].work(made)
    assert found.rows > 19
    arch = STUDENTS.mobilebert
    models = made._models_by_batch
    assert sorted(models) == [1, 4, 16]
    assert models[4](arch) == made.latency_model(arch)
    assert models[1](arch) < models[4](arch) < models[16](arch)


def test_throughput_at_several_batch_sizes_takes_a_model_over_shapes(text: Path, tmp_path: Path) -> None:
    one = planned("autodistill", tmp_path / "run", text, over_shapes(STUDENTS), batch_sizes=(1, 4))
    arch = STUDENTS.mobilebert
    assert one.latency_model(arch) == one._models_by_batch[4](arch) == one.given_costs["autodistill"].at(4, 32)(arch)
    with pytest.raises(UsageError, match="batch_sizes=1, 8 asks for throughput at each, and the cost model"):
        planned("autodistill", tmp_path / "run", text, table(STUDENTS, tmp_path / "k80.csv"), batch_sizes=(1, 8))
    with pytest.raises(UsageError, match="batch_sizes are whole numbers from 1, got 0"):
        planned("autodistill", tmp_path / "run", text, batch_sizes=(0,))
