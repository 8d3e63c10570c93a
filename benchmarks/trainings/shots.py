"""AutoDistil's Table 7 at scale ``mini``: relation losses of the same nets in three SuperLMs and in a single one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from trainings.intervals import ratio_text
from trainings.kept_rows import KeptRows
from trainings.superlms import SUBSPACES, SuperLms

from hwcost.spaces.autodistil import ONE_SHOT, AutoDistil


def shared_nets() -> dict[str, list[str]]:
    """Returns, by sub-space, its nets that every space of one-shot search has too."""
    spaces = {name: AutoDistil(name, scale="mini") for name in SUBSPACES}
    smallest = AutoDistil(ONE_SHOT[0], scale="mini")
    keys = [smallest.key(arch) for arch in smallest.architectures()]
    return {name: [key for key in keys if _has(space, key)] for name, space in spaces.items()}


def _has(space: AutoDistil, key: str) -> bool:
    genes = SuperLms.parse(key).genes
    return all(value in gene.choices for value, gene in zip(genes, space.genes, strict=True))


def shots(lms: SuperLms, seeds: int, factor: int = 1) -> list[dict[str, Any]]:
    """Compares relation losses of the same nets in three SuperLMs and in one, seed by seed.

    Args:
        lms: The trainings.
        seeds: Number of seeds.
        factor: Steps of one-shot search over those of each of the three SuperLMs; with 3, all three together have as many.

    Returns:
        One row for each seed and space of one-shot search, with the ratios of its losses to those of few-shot search.
    """
    rows, nets, steps = lms.rows("shots"), shared_nets(), lms.sizes.steps
    every = [key for keys in nets.values() for key in keys]
    few: dict[int, dict[str, float]] = {seed: {} for seed in range(seeds)}
    for seed, (name, keys) in itertools.product(range(seeds), nets.items()):
        few[seed] |= _losses(lms, rows, {"seed": seed, "space": name, "steps": steps}, keys)
    table = []
    for seed, space in itertools.product(range(seeds), ONE_SHOT):
        one = _losses(lms, rows, {"seed": seed, "space": space, "steps": factor * steps}, every)
        ratios = {name: _ratio(one, few[seed], keys) for name, keys in (*nets.items(), ("all", every))}
        table.append({"seed": seed, "space": space, "steps": factor * steps, "ratios": ratios})
    return table


def _losses(lms: SuperLms, rows: KeptRows, key: dict[str, Any], nets: list[str]) -> dict[str, float]:
    def compute() -> dict[str, Any]:
        return {"losses": lms.losses(lms.trained(key["space"], key["seed"], key["steps"]), nets)}

    found: dict[str, float] = rows.get(key, compute)["losses"]
    return found


def _ratio(one: dict[str, float], few: dict[str, float], keys: list[str]) -> float:
    return float(np.exp(np.mean([np.log(one[key] / few[key]) for key in keys])))


def show_shots(table: list[dict[str, Any]]) -> None:
    """Prints by how much the losses of one-shot search exceed those of few-shot search."""
    print(f"\n{table[0]['steps']} steps of one-shot search\n")
    print("| one-shot space | tiny | small | base | all nets | seeds where few-shot wins |")
    print("|---|---|---|---|---|---|")
    for space in ONE_SHOT:
        own = [row["ratios"] for row in table if row["space"] == space]
        cells = [ratio_text([one[name] for one in own]) for name in (*SUBSPACES, "all")]
        won = sum(one["all"] > 1 for one in own)
        print(f"| {space.removeprefix('one-shot-')} | {' | '.join(cells)} | {won} of {len(own)} |")
    seeds = len({row["seed"] for row in table})
    print(f"\nloss of one-shot over that of few-shot search, geometric mean over nets; {seeds} seeds, 95 %")
