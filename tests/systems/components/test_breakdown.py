"""Breakdowns of a net: on a device whose law is known they are what the law says, paired within one campaign."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from hwcost.backends.null import Null
from hwcost.campaign.options import MeasureOptions
from hwcost.cli.main import invoke
from hwcost.errors import MeasurementError, UsageError
from hwcost.spaces import Component
from hwcost.spaces.components import Components
from hwcost.systems.components import PAPER_SHARES, breakdown_items, breakdowns, measure_breakdowns
from hwcost.systems.components.kernel_prices import refuse_elsewhere
from hwcost.systems.components.kinds import KINDS, net_without
from hwcost.systems.components.paper_tables import paper_share
from hwcost.timing.measurement import Measurement
from hwcost.workloads import ComponentWorkload, models

SPACE = Components("mini")
LAW = {"noise": 0.001, "overhead_s": 1e-5}
HOW = MeasureOptions(backend="null", backend_options=LAW, rounds=2, batch_size=2)


def law_s(work) -> float:
    return Null(options=LAW).law_s(work)


def planted(half: float, level: float = 0.0, noise: float = 0.0, seed: int = 0, kernels: bool = False) -> list[Measurement]:
    """Measurements of the law with noise of one campaign, whose level is common to all."""
    rng = np.random.default_rng(seed)
    common = float(np.exp(level * rng.standard_normal()))
    return [
        Measurement(
            item.workload, item.role, law_s(item.workload) * common * float(np.exp(noise * rng.standard_normal())),
            math.hypot(half, 1.96 * level), 4, (), level_half_width=1.96 * level,
        )
        for item in breakdown_items(SPACE, 2, 64, depths=(1, 2, 4), kernels=kernels)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory):
    store = tmp_path_factory.mktemp("store") / "s.db"
    result, found = measure_breakdowns(SPACE, HOW, (32, 64), (1, 2), store=store)
    return store, result, found


def test_one_campaign_gives_every_length(measured) -> None:
    _, result, found = measured
    assert [one.shape["seq_len"] for one in found] == [32, 64]
    assert result.is_complete
    for one in found:
        assert json.loads(json.dumps(one.to_dict()))["shares"]["ff"]["paper"] is None
        assert len(one.gaps) == 1 + len(KINDS)
        assert len(one.fused) == 4


def test_shares_by_ablation_are_the_laws(measured) -> None:
    _, _, found = measured
    for one in found:
        length = one.shape["seq_len"]
        whole = law_s(models(SPACE, [SPACE.base()], 2, length)[0])
        for kind in KINDS:
            without = law_s(models(SPACE, [net_without(SPACE, kind)], 2, length)[0])
            share = one.by_ablation[kind.name]
            assert share is not None
            assert share.value == pytest.approx(kind.factor * (1 - without / whole), abs=0.01), kind


def test_the_same_call_reads_a_finished_campaign(measured) -> None:
    store, result, found = measured
    again, same = measure_breakdowns(SPACE, HOW, (32, 64), (1, 2), store=store)
    assert again.campaign_id == result.campaign_id
    assert [one.to_dict() for one in same] == [one.to_dict() for one in found]


def test_intervals_hold_the_laws_shares_although_the_level_is_unknown() -> None:
    """1 % noise per workload, and a level that is off by 20 % for all of them."""
    (truth,) = breakdowns(SPACE, planted(half=1e-9))
    inside = total = 0
    for seed in range(60):
        (one,) = breakdowns(SPACE, planted(half=0.0196, level=0.2, noise=0.01, seed=seed))
        for found, true in ((one.by_slope, truth.by_slope), (one.by_ablation, truth.by_ablation)):
            for kind in KINDS:
                inside += abs(found[kind.name].value - true[kind.name].value) <= found[kind.name].half_width
                total += 1
        assert one.gap is not None
        assert truth.gap is not None
        assert abs(one.gap.gap - truth.gap.gap) <= 2 * one.gap.half_width
    assert 0.92 <= inside / total <= 0.995
    assert max(share.half_width for share in one.by_ablation.values()) < 0.06


def test_nets_without_a_kind_lack_just_that() -> None:
    parts = {kind.name: SPACE.components(net_without(SPACE, kind)) for kind in KINDS}
    count = {name: [part.kind for part in found] for name, found in parts.items()}
    blocks = SPACE.grid.layers
    assert "feed_forward" not in count["ff"]
    assert "attention" not in count["head"]
    assert count["joint"].count("feed_forward") == blocks * SPACE.grid.feed_forwards
    assert {part.dim("key") for part in parts["qk"] if part.kind == "attention"} == {0}
    assert {part.dim("value") for part in parts["v"] if part.kind == "attention"} == {8}
    assert {part.dim("mean") for part in parts["mean"] if part.kind == "layer_norm"} == {0}


def test_what_is_missing_is_unknown_and_never_zero() -> None:
    whole = planted(half=0.01)
    keyless = net_without(SPACE, KINDS[2])
    some = [
        one for one in whole
        if getattr(one.workload, "architecture", None) != keyless and "key=0" not in one.workload.name
    ]  # fmt: skip
    (found,) = breakdowns(SPACE, some)
    assert found.by_slope["qk"] is None
    assert found.by_ablation["qk"] is None
    assert found.by_slope["ff"] is not None
    assert len(found.gaps) == len(KINDS)
    with pytest.raises(MeasurementError, match="the whole net of grid 'mini' was not measured"):
        breakdowns(SPACE, [one for one in whole if one.role == "component"])


def test_kernels_are_priced_beside_what_they_replace() -> None:
    (found,) = breakdowns(SPACE, planted(half=0.01, kernels=True))
    norm, fused = found.kernels
    assert norm.ratio == pytest.approx(1.0)
    assert fused.name == "dense_norm_kernel"
    assert fused.half_width is not None
    (plain,) = breakdowns(SPACE, planted(half=0.01))
    assert plain.kernels == ()


def test_kernels_are_refused_where_they_cannot_run() -> None:
    with pytest.raises(UsageError, match="torch and torch-compile, not with backend 'onnxruntime'"):
        refuse_elsewhere(MeasureOptions(backend="onnxruntime"))
    with pytest.raises(UsageError, match="on a CUDA device, and 'cpu' is of kind cpu"):
        refuse_elsewhere(MeasureOptions())
    with pytest.raises(UsageError, match="two depths or more, from 1, got 4"):
        breakdown_items(SPACE, depths=(4,))


def test_kernels_work_is_that_of_what_they_replace_but_for_traffic() -> None:
    norm, fused = (SPACE.component_work(part) for part in SPACE.kernels())
    dense = SPACE.component_work(Component("dense"))
    assert norm == SPACE.component_work(Component("layer_norm", (("mean", 0),)))
    assert (fused.params, fused.flops) == (dense.params + norm.params, dense.flops)
    assert fused.elements < dense.elements + norm.elements


def test_the_papers_tables() -> None:
    assert paper_share("minibert", "joint", 128) == 0.224
    assert paper_share("bert-base", "ff", 64) is None
    assert paper_share("mini", "ff", 128) is None
    assert PAPER_SHARES["bert-base"] == {"ff": 0.586, "head": 0.549, "qk": 0.289, "v": 0.228, "mean": 0.008, "joint": 0.013}


def test_the_command_shows_tables_and_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["components", "--grid", "mini", "--backend", "null", "--seq-lens", "16", "--depths", "1,2", "--rounds", "2"]
    asked += ["--store", str(tmp_path / "s.db")]
    assert invoke([*asked, "--dry-run"]) == 0
    assert "Nothing was measured" in capsys.readouterr().out
    assert invoke([*asked, "--json", "-"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["backends"]["null"]
    assert found["shares"]["head"]["by_slope"]["half_width"] > 0
    assert invoke(asked) == 0
    seen = capsys.readouterr().out
    assert "Shares of mini at 16 tokens, batch 1, float32, null" in seen
    assert "vertical feed-forward" in seen
    assert "FUSED" in seen


def test_a_long_campaign_is_announced_before_it_begins_and_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwcost.campaign.rounds.forecast.LONG_S", 0.0)
    asked = ["components", "--grid", "mini", "--backend", "null", "--seq-lens", "16", "--depths", "1,2", "--rounds", "2"]
    asked += ["--store", str(tmp_path / "s.db")]
    assert invoke(asked) == 0
    said = capsys.readouterr().err
    assert said.count("null: this takes 2 processes on a virtual clock, about ") == 1
    assert said.index("this takes") < said.index("process 1 of 2")
    assert invoke(asked) == 0
    assert "this takes" not in capsys.readouterr().err, "it is only read"


def test_a_net_that_fails_leaves_a_gap_and_exit_code_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = models(SPACE, [net_without(SPACE, KINDS[0])], 1, 16)[0].name
    options = MeasureOptions(backend="null", backend_options={"fail": lost}, rounds=2, batch_size=1)
    result, (found,) = measure_breakdowns(SPACE, options, (16,), (1, 2), store=tmp_path / "s.db")
    assert found.by_ablation["ff"] is None
    assert found.by_slope["ff"] is not None
    monkeypatch.setattr("hwcost.systems.components.measure_breakdowns", lambda **what: (result, [found]))
    assert invoke(["components", "--grid", "mini", "--backend", "null", "--seq-lens", "16"]) == 4
    seen = capsys.readouterr()
    assert "feed-forward" in seen.out
    assert "1 of " in seen.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seq-lens", "32,x"], "--seq-lens takes whole numbers from 1"),
        (["--depths", "3"], "two depths or more"),
        (["--kernels"], "priced on a CUDA device"),
        (["--backend", "no-such"], "unknown backend 'no-such'"),
        (["--grid", "no-such"], "unknown grid 'no-such'"),
        (["--seq-lens", "600"], "at most 512 tokens"),
    ],
)
def test_bad_input_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["components", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_all_leaves_out_what_is_synthetic(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    asked = ["components", "--grid", "mini", "--backend", "all", "--seq-lens", "16", "--depths", "1,2", "--dry-run"]
    assert invoke(asked) == 0
    seen = capsys.readouterr().out
    assert "with torch" in seen
    assert "with null" not in seen


def test_plans_of_several_backends_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    asked = ["components", "--grid", "mini", "--backend", "null", "--backend", "torch", "--seq-lens", "16"]
    assert invoke([*asked, "--depths", "1,2", "--dry-run", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["backends"]
    assert [one["plan"]["backend"] for one in found.values()] == list(found) == ["null", "torch"]


def test_stacks_of_a_breakdown_are_workloads_of_the_space() -> None:
    kinds = {one.workload.part.kind for one in breakdown_items(SPACE) if isinstance(one.workload, ComponentWorkload)}
    assert kinds == {"attention", "feed_forward", "layer_norm", "embeddings", "pooler", "dense", "gelu"}
