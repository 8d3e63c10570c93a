"""What is trained for how long, and on which text: lengths, the "-R" nets, settings that do not fit, speed by the mean."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")

from hwcost.errors import UnknownNameError, UsageError
from hwcost.systems import Settings, pipeline, results_of
from hwcost.systems.components.lengths import batches_of, first_long
from hwcost.systems.components.presets import PRESETS
from hwcost.systems.components.results import Results
from hwcost.systems.components.speed import mean_speed_up
from hwcost.systems.latencies import NOT_MEASURED, Latency

pytestmark = pytest.mark.torch

PAPER = PRESETS["paper"]


class FakeText:
    """Batches that are their number and their length."""

    def batches(self, batch_size: int, seq_len: int | None = None) -> Any:
        return SimpleNamespace(batch=lambda number: (number, batch_size, seq_len))


def test_the_last_tenth_of_the_papers_steps_has_long_sequences() -> None:
    """Appendix A.3: 90 % of 250,000 steps with 128 tokens, then 10 % with 512; all trainings have as many (section 5.2)."""
    for recipe in (PAPER.base, PAPER.direct, PAPER.sampled, PAPER.retraining):
        assert (recipe.steps, recipe.seq_len, first_long(recipe, PAPER)) == (250_000, 128, 225_000)
    assert (PAPER.long_seq_len, PAPER.is_warm) == (512, False)
    recipe = replace(PAPER.base, batch_size=8, accumulate=4)
    found = batches_of(FakeText(), recipe, PAPER)  # type: ignore[arg-type]
    assert [found(number) for number in (0, 4 * 225_000 - 1, 4 * 225_000)] == [
        (0, 2, None), (4 * 225_000 - 1, 2, None), (4 * 225_000, 2, 512)
    ]  # fmt: skip
    short = batches_of(FakeText(), PAPER.base, replace(PAPER, long_seq_len=None))  # type: ignore[arg-type]
    assert short(249_999) == (249_999, 4096, None)


def test_memory_is_planned_for_the_longest_sequences(tmp_path: Path) -> None:
    made = pipeline("components", tmp_path / "run", Settings("paper", tasks=("docstring",)), dry_run=True)
    planned = {name: one.recipe.seq_len for name, one in made.trainings().items()}
    assert {planned[name] for name in ("base", "direct", "sampled", "retraining")} == {512}


def test_speed_is_that_of_the_mean_latency() -> None:
    """Section 5.3: latencies are averaged across sequence lengths; a length that is not measured leaves none."""

    def latency(seconds: float) -> Latency:
        return Latency(measured_s=seconds, measured_low_s=0.9 * seconds, measured_high_s=1.1 * seconds)

    base, own = {"32": latency(1.0), "128": latency(3.0)}, {"32": latency(1.0), "128": latency(1.0)}
    found = mean_speed_up(base, own)
    assert (found.ratio, found.low, found.high) == pytest.approx((2.0, 2.0 * 0.9 / 1.1, 2.0 * 1.1 / 0.9))
    assert mean_speed_up(base, {**own, "128": Latency.of(NOT_MEASURED)}).ratio is None


@pytest.mark.parametrize(
    ("preset", "sizes", "message"),
    [
        ("quick", {"estimator": "exact"}, "unknown estimator 'exact'"),
        ("quick", {"samples": 1}, "needs more samples"),
        ("quick", {"sampled_optimizer": "lamb"}, "'sampled_optimizer' cannot be 'lamb'"),
        ("quick", {"direct_mode": "decay"}, "mode 'proximal'"),
        ("quick", {"long_seq_len": 1000}, "at most 512 tokens"),
        ("quick", {"long_seq_len": 64, "long_share": 1.5}, "long_share is a share of the steps"),
        ("quick", {"sweep.penalties": [1.0]}, "direct_penalties"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_trained(
    tmp_path: Path, preset: str, sizes: dict[str, Any], message: str
) -> None:
    with pytest.raises((UsageError, UnknownNameError), match=message):
        pipeline("components", tmp_path / "run", Settings(preset), sizes=sizes, dry_run=True)


@pytest.mark.parametrize("estimator", ["literal", "score+ema"])
def test_the_estimator_and_the_mode_are_fields_of_the_preset(tmp_path: Path, estimator: str) -> None:
    changed = {"estimator": estimator, "direct_mode": "decay", "samples": 1, "sampled_optimizer": "sgd"}
    made = pipeline("components", tmp_path / "run", Settings("paper"), sizes=changed, dry_run=True)
    assert (made.preset.estimator, made.preset.direct_mode) == (estimator, "decay")


@pytest.mark.slow
def test_nets_are_trained_again_from_fresh_weights_as_the_base_net_was(text: Path, tmp_path: Path) -> None:
    """Searches that change nothing select the base net; trained again, both are one net, whatever their weights were."""
    sizes = {
        "is_warm": False, "long_seq_len": 24, "long_share": 0.5, "direct_penalty": 0.0, "sampled_rate": 1e-9,
        "sweep.direct_penalties": [], "sweep.sampled_penalties": [], "estimator": "literal+ema", "samples": 1,
    }  # fmt: skip
    asked = Settings("smoke", corpus=str(text), backend="null", tasks=("function-length",))
    report = pipeline("components", tmp_path / "run", asked, sizes=sizes).run()
    results = results_of(report, Results)
    nets = results.retraining.nets
    assert list(nets) == ["base", "do", "do-r", "sdo", "sdo-r"]
    assert len({net.arch for net in nets.values()}) == 1
    assert nets["base"].perplexity == pytest.approx(results.base.perplexity)
    for name in ("do", "sdo"):
        assert nets[f"{name}-r"].perplexity == pytest.approx(results.base.perplexity, rel=0.02)  # pieces' biases are one
        assert nets[name].perplexity == pytest.approx(getattr(results, name).perplexity, rel=1e-5)
    assert nets["do-r"].perplexity == nets["sdo-r"].perplexity != nets["do"].perplexity
    assert results.do.weighed_perplexity == pytest.approx(results.do.perplexity, rel=0.2)  # gates moved, joints did not
    assert results.sweep.points == []
    assert sorted(path.name for path in (tmp_path / "run" / "winners").iterdir()) == sorted(nets)
