"""AutoDistil's Tables 6 to 9 at scale ``mini``: what is trained, and what is compared."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import stats
from trainings.premise import ranks, show_ranks
from trainings.superlms import SUBSPACES, SuperLms

from hwcost.corpora import Corpus
from hwcost.spaces.autodistil import ONE_SHOT, AutoDistil

STUDIED = "6_28_3.5_10"
"""The net of Tables 6, 8 and 9: six layers of the supernet's twelve, the largest of sub-space ``tiny`` with six."""
RULES = {"Top": ("top", "top"), "Alternate+Top": ("alternate", "top"), "Alternate": ("alternate", "alternate")}
SHARES = (0.003, 0.03, 0.3, 1.0)
Table = list[dict[str, Any]]


def shared_nets() -> dict[str, list[str]]:
    """Returns, by sub-space, its nets that every space of one-shot search has too."""
    of = {name: AutoDistil(name, scale="mini") for name in SUBSPACES}
    smallest = AutoDistil(ONE_SHOT[0], scale="mini")
    keys = [smallest.key(arch) for arch in smallest.architectures()]
    return {name: [key for key in keys if _has(space, key)] for name, space in of.items()}


def _has(space: AutoDistil, key: str) -> bool:
    genes = SuperLms.parse(key).genes
    return all(value in gene.choices for value, gene in zip(genes, space.genes, strict=True))


def shots(lms: SuperLms, seeds: int, factor: int = 1) -> Table:
    """Table 7: relation losses of the same nets, in three SuperLMs and in one.

    Args:
        lms: The trainings.
        seeds: Number of seeds.
        factor: Steps of one-shot search over those of each of the three SuperLMs; with 3, all three together have as many.
    """
    rows, nets, steps = lms.rows("shots"), shared_nets(), lms.sizes.steps
    every = [key for keys in nets.values() for key in keys]
    few: dict[int, dict[str, float]] = {}
    for seed in range(seeds):
        own = [_losses(lms, rows, {"seed": seed, "space": name, "steps": steps}, keys) for name, keys in nets.items()]
        few[seed] = {key: loss for found in own for key, loss in found.items()}
    table = []
    for seed, space in itertools.product(range(seeds), ONE_SHOT):
        one = _losses(lms, rows, {"seed": seed, "space": space, "steps": factor * steps}, every)
        ratios = {name: _ratio(one, few[seed], keys) for name, keys in (*nets.items(), ("all", every))}
        table.append({"seed": seed, "space": space, "steps": factor * steps, "ratios": ratios})
    return table


def _losses(lms: SuperLms, rows: Any, key: dict[str, Any], nets: list[str]) -> dict[str, float]:
    def compute() -> dict[str, Any]:
        return {"losses": lms.losses(lms.trained(key["space"], key["seed"], key["steps"]), nets)}

    found: dict[str, float] = rows.get(key, compute)["losses"]
    return found


def _ratio(one: dict[str, float], few: dict[str, float], keys: list[str]) -> float:
    return float(np.exp(np.mean([np.log(one[key] / few[key]) for key in keys])))


def show_shots(table: Table) -> None:
    """Prints by how much the losses of one-shot search exceed those of few-shot search."""
    print(f"\n{table[0]['steps']} steps of one-shot search\n")
    print("| one-shot space | tiny | small | base | all nets | seeds where few-shot wins |")
    print("|---|---|---|---|---|---|")
    for space in ONE_SHOT:
        own = [row["ratios"] for row in table if row["space"] == space]
        cells = [_geometric([one[name] for one in own]) for name in (*SUBSPACES, "all")]
        won = sum(one["all"] > 1 for one in own)
        print(f"| {space.removeprefix('one-shot-')} | {' | '.join(cells)} | {won} of {len(own)} |")
    print(f"\nloss of one-shot over that of few-shot search, geometric mean over nets; {_count(table)} seeds, 95 %")


def strategies(lms: SuperLms, seeds: int) -> Table:
    """Table 6: SuperLMs trained by masked words, by relations, and by relations with continued training."""

    def compute(way: str, seed: int) -> dict[str, Any]:
        arch, steps = lms.parse(STUDIED), lms.sizes.steps
        net = lms.trained("tiny", seed, steps, words=way == "MLM")
        encoder = lms.continued(net, arch, seed, steps) if way == "KD+Cont" else net.extract(arch, "none")
        return {"loss": lms.losses(net, [STUDIED])[STUDIED], **lms.tuned(encoder, seed)}

    return _compared(lms, "strategies", ("MLM", "KD+Cont", "KD"), seeds, compute)


def layers(lms: SuperLms, seeds: int) -> Table:
    """Table 8: rules of the kept layers."""

    def compute(way: str, seed: int) -> dict[str, Any]:
        net = lms.trained("tiny", seed, lms.sizes.steps, RULES[way])
        encoder = net.extract(lms.parse(STUDIED), "none")
        return {"loss": lms.losses(net, [STUDIED])[STUDIED], **lms.tuned(encoder, seed)}

    return _compared(lms, "layers", tuple(RULES), seeds, compute)


def data(lms: SuperLms, seeds: int) -> Table:
    """Table 9: shares of the training text, equal steps."""

    def compute(way: str, seed: int) -> dict[str, Any]:
        whole = lms.bench.training
        text = Corpus(whole[: max(1, round(float(way) * len(whole)))])
        net = lms.trained("tiny", seed, lms.sizes.steps, text=text)
        encoder = net.extract(lms.parse(STUDIED), "none")
        return {"loss": lms.losses(net, [STUDIED])[STUDIED], **lms.tuned(encoder, seed)}

    return _compared(lms, "data", tuple(map(str, SHARES)), seeds, compute)


def _compared(
    lms: SuperLms, study: str, ways: tuple[str, ...], seeds: int, compute: Callable[[str, int], dict[str, Any]]
) -> Table:
    rows, table = lms.rows(study), []
    for seed in range(seeds):
        for way in ways:
            found = rows.get({"seed": seed, "way": way}, lambda way=way, seed=seed: compute(way, seed))
            table.append({"seed": seed, "way": way, **found})
    return table


def show_compared(table: Table) -> None:
    """Prints the figures of every way, and the difference of those after fine-tuning from the last way's, seed by seed."""
    ways = list(dict.fromkeys(row["way"] for row in table))
    of = {way: [row for row in table if row["way"] == way] for way in ways}
    less = f"less that of {ways[-1]}"
    print(f"\n| way | relation loss in the SuperLM | accuracy | {less} | held-out loss | {less} |\n{6 * '|---'}|")
    for way, own in of.items():
        cells = [_mean([row["loss"] for row in own], ".2e")]
        for name in ("accuracy", "held_out"):
            apart = [row[name] - last[name] for row, last in zip(own, of[ways[-1]], strict=True)]
            cells += [_mean([row[name] for row in own], ".4f"), "" if way == ways[-1] else _mean(apart, "+.4f")]
        print(f"| {way} | {' | '.join(cells)} |")
    print(f"\n{_count(table)} seeds, means and 95 % intervals")


def _geometric(ratios: list[float]) -> str:
    middle, half = _interval([float(np.log(one)) for one in ratios])
    return f"{np.exp(middle):.2f} ({np.exp(middle - half):.2f} to {np.exp(middle + half):.2f})"


def _mean(values: list[float], form: str) -> str:
    middle, half = _interval(values)
    return f"{middle:{form}} ± {half:{form.removeprefix('+')}}"


def _interval(values: list[float]) -> tuple[float, float]:
    """Returns mean and half-width of Student's 95 % interval."""
    spread = np.std(values, ddof=1) / len(values) ** 0.5
    return float(np.mean(values)), float(stats.t.ppf(0.975, len(values) - 1) * spread)


def _count(table: Table) -> int:
    return len({row["seed"] for row in table})


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        run: Function that computes the rows.
        show: Function that prints the table.
        seeds: Number of seeds.
    """

    run: Callable[[SuperLms, int], Table]
    show: Callable[[Table], None]
    seeds: int = 5


STUDIES = {
    "shots": Study(shots, show_shots),
    "shots-equal-work": Study(partial(shots, factor=3), show_shots),
    "ranks": Study(ranks, show_ranks, 3),
    "strategies": Study(strategies, show_compared),
    "layers": Study(layers, show_compared),
    "data": Study(data, show_compared),
}
