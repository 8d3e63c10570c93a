"""The plan of memory against a count of the tensors that live while a training computes."""

from __future__ import annotations

import weakref
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from hwcost.supernets import memory  # noqa: E402
from hwcost.supernets.masked_lm import SupernetLm  # noqa: E402
from hwcost.supernets.memory import text_batch  # noqa: E402
from hwcost.supernets.recipe import Recipe  # noqa: E402
from hwcost.supernets.registry import supernet  # noqa: E402
from hwcost.supernets.sampling import planned_rule, rule  # noqa: E402
from hwcost.supernets.training import Phase, train  # noqa: E402
from hwcost.systems import Settings, pipeline  # noqa: E402
from hwcost.systems.plan import Training  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.once]


class Living(TorchDispatchMode):
    """Counts the bytes of tensors that live, and the most that lived at once."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[int] = set()
        self.bytes = self.most_bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, torch.Tensor) and one.device.type != "meta":
                self.see(one.untyped_storage())
        return found

    def see(self, storage: Any) -> None:
        if storage._cdata in self.known:
            return
        self.known.add(storage._cdata)
        self.bytes += storage.nbytes()
        self.most_bytes = max(self.bytes, self.most_bytes)
        weakref.finalize(storage, self.gone, storage._cdata, storage.nbytes())

    def gone(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.bytes -= size


def counted(training: Training, recipe: Recipe) -> int:
    """Trains for two steps; the moments, which the first brings, are there in the second."""
    batch = text_batch(training.vocabulary, recipe.micro_batch, recipe.seq_len)
    module, phase, others = training.make(lambda number: batch, recipe)
    living = Living()
    for net in (module, *others):
        for one in (*net.parameters(), *net.buffers()):
            living.see(one.untyped_storage())
    with living:
        train(module, [replace(phase, recipe=recipe)])
    return living.most_bytes


def check(system: str, name: str, **changes: Any) -> None:
    """Compares at micro batches of another size than the two that are written down, alone in a step and summed."""
    found = pipeline(system, "nowhere", Settings("smoke", tasks=("docstring",)), dry_run=True).trainings()[name]
    training = replace(found, recipe=replace(found.recipe, **changes))
    step = training.memory()
    for micro_batch, parts in ((1, 2), (7, 1), (7, 3)):
        recipe = replace(training.recipe, steps=2, warmup_steps=0, batch_size=micro_batch * parts, accumulate=parts)
        expected = counted(training, recipe)
        assert step.at(micro_batch, parts > 1).alive_bytes == pytest.approx(expected, rel=0.03), (micro_batch, parts)


CASES = [
    ("supershaper", "recipe", {}), ("supershaper", "recipe", {"dtype": "bfloat16"}), ("autodistil", "teacher", {}),
    ("autodistil", "relations", {}), ("components", "direct", {"optimizer": "lamb", "clip": 1.0}),
    ("components", "sampled", {"dtype": "bfloat16"}), ("autodistill", "teacher", {"optimizer": "lamb"}),
    ("autodistill", "recipe", {}), ("autodistill", "tuning.other.base", {"optimizer": "lamb"}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("system", "name", "changes"), CASES)
def test_the_plan_is_what_lives_in_every_training(system: str, name: str, changes: dict[str, Any]) -> None:
    check(system, name, **changes)


def same_at_any_size(first: memory.StepMemory, second: memory.StepMemory) -> bool:
    return all(first.at(size, is_summed) == second.at(size, is_summed) for size in (1, 5, 64) for is_summed in (True, False))


IN_FLOAT32 = [case for case in CASES if "dtype" not in case[2]]


@pytest.mark.parametrize(
    ("system", "name", "changes"), [CASES[0], *(pytest.param(*case, marks=pytest.mark.slow) for case in IN_FLOAT32[1:])]
)
def test_a_step_that_is_computed_has_the_sizes_of_one_without_values(
    monkeypatch: pytest.MonkeyPatch, system: str, name: str, changes: dict[str, Any]
) -> None:
    found = pipeline(system, "nowhere", Settings("smoke", tasks=("docstring",)), dry_run=True).trainings()[name]
    training = replace(found, recipe=replace(found.recipe, **changes))
    drawn = torch.random.get_rng_state()
    computed = training.memory()
    assert torch.equal(drawn, torch.random.get_rng_state())
    monkeypatch.setattr(memory, "SMALL_BYTES", 0)
    assert same_at_any_size(computed, training.memory())


def test_a_step_is_written_down_in_one_thread_which_waits_for_no_other() -> None:
    found = pipeline("supershaper", "nowhere", Settings("smoke"), dry_run=True).trainings()["recipe"]
    threads: list[int] = []

    def noted(batches: memory.Batches, recipe: Recipe) -> Any:
        threads.append(torch.get_num_threads())
        return found.make(batches, recipe)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        replace(found, make=noted).memory()
        assert (threads[1:], torch.get_num_threads()) == ([1, 1], 2)
    finally:
        torch.set_num_threads(before)


SPACE = "transformer:layers=[1,2],hidden=[16,32],heads=[2],ffn_ratio=[2],vocabulary=128,positions=64"


@pytest.mark.parametrize(("sampling", "optimizer"), [("sandwich", "lamb"), ("uniform", "adamw"), ("largest", "adamw")])
def test_no_rule_of_sampling_takes_more_than_is_planned(sampling: str, optimizer: str) -> None:
    """Random nets are drawn in a training; the plan has the largest in their place, and knows the others to 3 %."""
    own = Recipe(2, batch_size=16, seq_len=32, accumulate=2, sampling=sampling, random=2, optimizer=optimizer, clip=1.0)

    def making(is_planned: bool) -> Training:
        def make(batches: Any, given: Recipe) -> Any:
            net = supernet(SPACE)
            drawn = planned_rule(sampling, net) if is_planned else rule(sampling, net, given.random)
            return net, Phase("training", SupernetLm(net, batches, drawn), given), ()

        return Training(own, 128, make)

    planned = making(True).memory().at(own.micro_batch, True).alive_bytes
    used = counted(making(False), own)
    assert used <= planned * 1.03
    if sampling != "uniform":
        assert planned <= used * 1.03


def test_a_step_that_depends_on_values_is_planned_without_them() -> None:
    """Its passes differ between the micro batches that are computed; without values, both have those of the largest net."""
    seen: list[bool] = []

    def make(batches: Any, given: Recipe, depends: bool = True) -> Any:
        net, has_values = supernet(SPACE), float(torch.zeros(())) == 0.0
        seen.append(has_values)
        sampling = "sandwich" if depends and has_values and given.batch_size > 2 * min(memory.PROBED) else "largest"
        return net, Phase("training", SupernetLm(net, batches, planned_rule(sampling, net)), given), ()

    own = Recipe(2, batch_size=16, seq_len=32)
    found = Training(own, 128, make).memory()
    assert seen == [False, True, True, False, False]
    assert same_at_any_size(found, Training(own, 128, partial(make, depends=False)).memory())
