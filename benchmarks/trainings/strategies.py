"""AutoDistil's Tables 6, 8 and 9 at scale ``mini``: SuperLMs trained in several ways, judged by one of their nets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainings.intervals import mean_text
from trainings.superlms import SuperLms

from hwcost.corpora import Corpus
from hwcost.supernets.transformer import AutoDistilSupernet

STUDIED = "6_28_3.5_10"
"""The net that judges: six layers of the supernet's twelve, the largest of sub-space ``tiny`` with six."""
RULES = {"Top": ("top", "top"), "Alternate+Top": ("alternate", "top"), "Alternate": ("alternate", "alternate")}
"""Rules of the kept layers in training and afterwards (Table 8)."""
SHARES = (0.003, 0.03, 0.3, 1.0)
"""Shares of the training text (Table 9)."""
Table = list[dict[str, Any]]
"""Rows with ``seed``, ``way``, and the figures ``loss``, ``accuracy`` and ``held_out``."""


def strategies(lms: SuperLms, seeds: int) -> Table:
    """Table 6: SuperLMs trained by masked words, by relations, and by relations with continued training."""

    def compute(way: str, seed: int) -> dict[str, float]:
        arch, steps = lms.parse(STUDIED), lms.sizes.steps
        net = lms.trained("tiny", seed, steps, words=way == "MLM")
        return _figures(lms, net, seed, lms.continued(net, arch, seed, steps) if way == "KD+Cont" else None)

    return _compared(lms, "strategies", ("MLM", "KD+Cont", "KD"), seeds, compute)


def layers(lms: SuperLms, seeds: int) -> Table:
    """Table 8: rules of the kept layers."""

    def compute(way: str, seed: int) -> dict[str, float]:
        return _figures(lms, lms.trained("tiny", seed, lms.sizes.steps, RULES[way]), seed)

    return _compared(lms, "layers", tuple(RULES), seeds, compute)


def data(lms: SuperLms, seeds: int) -> Table:
    """Table 9: shares of the training text, equal steps."""

    def compute(way: str, seed: int) -> dict[str, float]:
        whole = lms.bench.training
        text = Corpus(whole[: max(1, round(float(way) * len(whole)))])
        return _figures(lms, lms.trained("tiny", seed, lms.sizes.steps, text=text), seed)

    return _compared(lms, "data", tuple(map(str, SHARES)), seeds, compute)


def _figures(lms: SuperLms, net: AutoDistilSupernet, seed: int, encoder: Any = None) -> dict[str, float]:
    """Returns the studied net's loss in a SuperLM, and its figures after fine-tuning, as extracted or from an encoder."""
    encoder = encoder or net.extract(lms.parse(STUDIED), "none")
    return {"loss": lms.losses(net, [STUDIED])[STUDIED], **lms.tuned(encoder, seed)}


def _compared(
    lms: SuperLms, study: str, ways: tuple[str, ...], seeds: int, compute: Callable[[str, int], dict[str, float]]
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
    own = {way: [row for row in table if row["way"] == way] for way in ways}
    less = f"less that of {ways[-1]}"
    print(f"\n| way | relation loss in the SuperLM | accuracy | {less} | held-out loss | {less} |\n{6 * '|---'}|")
    for way in ways:
        cells = [mean_text([row["loss"] for row in own[way]], ".2e")]
        for name in ("accuracy", "held_out"):
            apart = [row[name] - last[name] for row, last in zip(own[way], own[ways[-1]], strict=True)]
            cells += [mean_text([row[name] for row in own[way]], ".4f"), "" if way == ways[-1] else mean_text(apart, "+.4f")]
        print(f"| {way} | {' | '.join(cells)} |")
    print(f"\n{len({row['seed'] for row in table})} seeds, means and 95 % intervals")
