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

from hwcost.corpora import Tokenizer
from hwcost.errors import UnknownNameError, UsageError
from hwcost.supernets import subnet
from hwcost.systems import Settings, pipeline, results_of
from hwcost.systems.components.lengths import batches_of, first_long
from hwcost.systems.components.presets import PRESETS
from hwcost.systems.components.results import Profile, Results
from hwcost.systems.components.speed import mean_speed_up
from hwcost.systems.latencies import NOT_MEASURED, Latency
from hwcost.systems.stage_files import Finished
from tests.corpora.multilingual import multilingual

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


def test_the_multilingual_settings_are_those_printed(tmp_path: Path) -> None:
    """Appendix A.3 (steps, length, pieces), D.2 (lambda and nu) and Table 9 (fine-tuning of XNLI and WikiAnn)."""
    preset = PRESETS["multilingual"]
    for recipe in (preset.base, preset.direct, preset.sampled, preset.retraining):
        assert (recipe.steps, recipe.seq_len, recipe.batch_size) == (1_000_000, 128, 4096)
        assert (recipe.optimizer, recipe.learning_rate, recipe.warmup_steps) == ("lamb", 1.8e-3, 1250)
    assert (preset.direct_penalty, preset.sampled_penalty, preset.sampled_rate) == (1e-2, 1e-5, 1e-2)
    assert (preset.tokenizer, preset.long_seq_len) == ("unigram", None)
    tuned = {task: preset.tuning.grid(task) for task in ("xnli", "wikiann")}
    assert {(grid.epochs, grid.learning_rates) for grid in tuned.values()} == {((3,), (2e-5, 3e-5, 5e-5)), ((10,), (3e-5,))}
    made = pipeline("components", tmp_path / "run", Settings("multilingual", tasks=("docstring",)), dry_run=True)
    assert made.space.grid.vocabulary == 120_000
    assert made.space.params(made.space.base()) == pytest.approx(178e6, rel=2e-3)


@pytest.mark.parametrize("form", ["nested", "linear"])
def test_the_form_of_costs_is_a_field_of_the_preset_for_the_net_and_its_students(form: str) -> None:
    """Section 4 prints the sum of all gates, ``linear``."""
    sizes = {"distillation.grid": "minibert"} | ({} if form == "nested" else {"cost_form": form})
    made = pipeline("components", "nowhere", Settings("smoke"), sizes=sizes, dry_run=True)
    shares = dict.fromkeys(dict(made.space.grid.sizes), 0.2)
    made._finished["profile"] = Finished(Profile({}, {}, shares, None), 0.0)
    student = made.taggers.cost(dict.fromkeys(dict(made.taggers.space.grid.sizes), 0.2))
    assert (made.cost.form, student.form) == (form, form)
    with pytest.raises(UsageError, match="cost_form.*'tree'"):
        pipeline("components", "nowhere", Settings("smoke"), sizes={"cost_form": "tree"}, dry_run=True)


def test_a_tokenizer_in_many_scripts_is_a_field_of_the_preset(tmp_path: Path) -> None:
    folder = tmp_path / "text"
    folder.mkdir()
    for document in multilingual():
        for place in range(0, len(document.sentences), 6):
            text = "\n\n".join(document.sentences[place : place + 6])
            (folder / f"{document.name}{place}.txt").write_text(text, encoding="utf-8")
    asked = Settings("smoke", corpus=str(folder), backend="null")
    made, again, dry = (
        pipeline("components", tmp_path / name, asked, sizes={"tokenizer": "unigram"}, dry_run=name == "dry")
        for name in ("run", "run", "dry")
    )
    made.begin()
    own = made.text.tokenizer
    assert own.encode(["\u03b1\u03b2"]) != [[own.unknown]]
    assert own.digest != Tokenizer.train(made.text.training, 2048).digest
    assert again.text.tokenizer.digest == own.digest  # a run that goes on has the same numbers
    assert dry.text.tokenizer.size == own.size
    assert not (tmp_path / "dry").exists()


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
        ("quick", {"tokenizer": "bpe"}, "a tokenizer is wordpiece or unigram"),
        ("quick", {"direct_scaled": 2}, "direct_scaled"),
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
def test_do_keeps_connectors_as_scales_where_asked(text: Path, tmp_path: Path) -> None:
    """On a grid with connectors between heads, too: the net that is left does as well as the gated one, and is saved so."""
    sizes = {
        "grid": "mini-connected", "direct_scaled": True, "direct_penalty": 1e-3, "sweep.direct_penalties": [],
        "sweep.sampled_penalties": [],
    }  # fmt: skip
    asked = Settings("smoke", corpus=str(text), backend="null", tasks=("function-length",))
    report = pipeline("components", tmp_path / "run", asked, sizes=sizes).run()
    results = results_of(report, Results)
    gates = [gate for block in results.do.gates for gate in block]
    assert any(gate not in (0.0, 1.0) for gate in gates)
    assert results.do.perplexity == pytest.approx(results.do.weighed_perplexity, rel=1e-5)
    assert results.retraining.nets["do"].perplexity == pytest.approx(results.do.perplexity, rel=1e-5)
    assert set(results.profile.shares) == {"ff", "joint", "qk", "v", "mean", "head", "hjoint"}
    described = subnet.describe(tmp_path / "run" / "winners" / "do")["net"]["arguments"]["blocks"]
    assert any("feed_forward_carries" in block or "attention_carries" in block for block in described)


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
