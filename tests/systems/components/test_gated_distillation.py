"""DO and SDO within the distillation of a tagger: the ramp, what gates and policy learn from, and the net that is left."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.objectives import Minimize
from hwcost.searchers.direct import Direct
from hwcost.searchers.problem import Problem
from hwcost.searchers.sampling import Sampling
from hwcost.spaces.components import Components
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.heads import ElasticTaskNet, TaskNet
from hwcost.supernets.masked_lm import inputs
from hwcost.supernets.recipe import RECIPES
from hwcost.supernets.training import Progress, moved, read_log
from hwcost.systems.components import PAPER_SHARES, GateCosts
from hwcost.systems.components.gated_distillation import Labels, WeighedTagger, distil_do, distil_sdo
from hwcost.tasks import Tags
from tests.supernets.test_silver_gold import TAGS, batch, net

pytestmark = pytest.mark.torch

SPACE = Components("mini")
COST = GateCosts(SPACE, PAPER_SHARES["minibert"])
RECIPE = replace(RECIPES["smoke"], steps=10, batch_size=8, learning_rate=4e-3)


def labels(**changed: Any) -> Labels:
    made = {"teacher": net(1), "silver": batch, "gold": lambda number: batch(100 + number), "recipe": RECIPE}
    return Labels(**{**made, **changed})


def student(penalty: float, seed: int = 2, target: Tags = TAGS) -> WeighedTagger:
    base = np.array(SPACE.base().genes, dtype=np.float64).reshape(SPACE.grid.layers, -1)
    direct = Direct(COST.of_gates().reshape(base.shape), penalty, start=base)
    return WeighedTagger(ComponentSupernet(SPACE, seed), target, direct)


def policy() -> Sampling:
    goals = [Minimize(lambda arch: 0.0, "loss"), Minimize(COST, "cost")]
    return Sampling(Problem(SPACE, goals), samples=2, rate=1.0, start=SPACE.base().genes, scale=1.0)


def first_batch() -> Any:
    return inputs(moved(batch(7), "cpu"))


def test_gates_and_weights_are_distilled_in_one_run() -> None:
    """Gold counts from 80 % of the steps on; gates close by what they cost; what is left is a tagger."""
    seen: list[Progress] = []
    tagger = student(penalty=60.0)
    found = distil_do(tagger, labels(), 0.3, is_scaled=True, progress=seen.append)
    gold = [one.losses["gold"] for one in seen]
    assert gold[:8] == [0.0] * 8
    assert all(loss > 0 for loss in gold[8:])
    assert seen[-1].losses["silver"] == 0.0
    assert all(one.losses["silver"] > 0 for one in seen[:8])
    assert COST(found.arch) < 0.9 * COST(SPACE.base())
    assert found.gates.shape == (4, 17)
    assert isinstance(found.model, TaskNet)


def test_the_net_that_is_left_tags_as_the_gated_one_did() -> None:
    tagger = student(penalty=0.0)
    outputs: dict[int, Any] = {}

    def tell(state: Progress) -> None:
        with torch.no_grad():
            outputs[state.step] = tagger(*first_batch())

    found = distil_do(tagger, labels(), 0.5, is_scaled=True, progress=tell)
    assert ((found.gates != 0) & (found.gates != 1)).any()
    with torch.no_grad():
        torch.testing.assert_close(found.model(*first_batch()), outputs[RECIPE.steps], rtol=1e-4, atol=1e-4)


def test_do_learns_its_teachers_labels() -> None:
    """Of the same text again and again; gold labels count only in the last step."""
    seen: list[Progress] = []
    given = labels(silver=lambda number: batch(0, 8), recipe=replace(RECIPE, steps=12), ramp=(0.93, 1.0))
    distil_do(student(0.0), given, 1e-3, progress=seen.append)
    silver = [one.losses["silver"] for one in seen]
    assert silver[10] < 0.9 * silver[0]
    assert silver[11] == 0.0


def test_sdo_learns_by_both_labels_and_resumes(tmp_path: Path) -> None:
    """The policy is told the sum of both losses, each with its weight of the step; a run that was cut short goes on."""

    def run(folder: Path, tell: Any = lambda state: None) -> tuple[Any, Sampling, ElasticTaskNet]:
        own, tagger = policy(), ElasticTaskNet(ComponentSupernet(SPACE, 2), TAGS)
        return distil_sdo(tagger, labels(recipe=replace(RECIPE, steps=5)), own, COST, folder, progress=tell), own, tagger

    def stop(state: Progress) -> None:
        if state.step == 3:
            raise KeyboardInterrupt

    found, told, tagger = run(tmp_path / "whole")
    twin = policy()
    for state in read_log(tmp_path / "whole"):
        archs = twin.ask()
        both = [state.losses[f"net {index} silver"] + state.losses[f"net {index} gold"] for index in (1, 2)]
        twin.tell([_trial(arch, loss) for arch, loss in zip(archs, both, strict=True)])
    assert twin.state() == told.state()
    assert SPACE.key(found.arch) == SPACE.key(twin.chosen())
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", stop)
    again, resumed, other = run(tmp_path / "broken")
    assert resumed.state() == told.state()
    assert again.arch == found.arch
    assert all(torch.equal(one, two) for one, two in zip(tagger.parameters(), other.parameters(), strict=True))
    with torch.no_grad():
        expected = tagger.set(found.arch)(*first_batch())
        torch.testing.assert_close(found.model(*first_batch()), expected, rtol=1e-5, atol=1e-5)


def _trial(arch: Any, loss: float) -> Any:
    from hwcost.searchers import Trial

    return Trial(arch, values=(loss, COST(arch)))
