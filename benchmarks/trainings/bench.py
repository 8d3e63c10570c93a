"""What the trainings share: the text, the effort, and the folder that results are kept in."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scipy import stats
from torch import nn

from hwcost.corpora import MlmBatches, Tokenizer, corpus
from hwcost.spaces import space as make_space
from hwcost.supernets.masked_words import masked_words
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Progress

SEED = 11
"""Chooses nets, batches and weights; fixed before any of them was trained."""

WORDS = Recipe(steps=1, batch_size=64, seq_len=32, learning_rate=2e-3, clip=1.0)
SHAPER, TRAINED = "supershaper:scale=mini", "sandwich.safetensors"


@dataclass(frozen=True)
class Effort:
    """How much of everything is done.

    Attributes:
        sandwich: Steps of the supernet.
        scratch: Nets trained by themselves.
        sampled: Subnets that the predictor of perplexity is fitted on.
        relation_teacher: Steps of AutoDistil's teacher.
        relations: Steps of each SuperLM.
        relation_batches: Held-out batches that relation losses are found on.
        flash_teacher: Steps of AutoDistill's teacher.
        flash: Steps of flash distillation in all; regular distillation has ``ratio`` times as many.
        ratio: Ratio of regular to flash distillation; 20 in the paper.
        students: Students that are distilled both ways.
        finetuned: Nets that are fine-tuned from all three starts.
    """

    sandwich: int = 3000
    scratch: int = 12
    sampled: int = 300
    relation_teacher: int = 800
    relations: int = 120
    relation_batches: int = 2
    flash_teacher: int = 2000
    flash: int = 250
    ratio: int = 6
    students: int = 6
    finetuned: int = 3


QUICK = Effort(600, 4, 60, 800, 30, 1, 300, 60, 5, 4, 1)


class Bench:
    """The text, the effort, and the folder that results are kept in."""

    def __init__(self, folder: Path, effort: Effort) -> None:
        self.folder, self.effort = folder, effort
        folder.mkdir(parents=True, exist_ok=True)
        self.training, self.held_out = corpus("stdlib").split(0.1)
        self.tokenizer = Tokenizer.train(self.training, make_space("supershaper", scale="mini").sizes.vocabulary)
        self.batches, self.judged = self.text(next_sentence=False)

    def text(self, next_sentence: bool) -> tuple[MlmBatches, list[dict[str, Any]]]:
        """Returns batches to train on, and held-out ones to judge by."""
        shape = (self.tokenizer, WORDS.seq_len, WORDS.batch_size)
        held_out = MlmBatches(self.held_out, *shape, seed=1, next_sentence=next_sentence)
        return MlmBatches(self.training, *shape, seed=SEED, next_sentence=next_sentence), held_out.fixed(12)

    def recipe(self, steps: int, **changes: Any) -> Recipe:
        """Returns the benchmark's recipe with a number of steps, a tenth of them to warm up."""
        return replace(WORDS, steps=steps, warmup_steps=steps // 10, **changes)

    def learnt(self, net: nn.Module, judged: list[dict[str, Any]]) -> dict[str, Any]:
        """Returns the loss of masked words, of a net and by their frequencies, and whether the net's is clearly lower."""
        found = masked_words(net, judged, self.batches.frequencies(), self.batches.mask)
        return {**asdict(found), "has_learnt": found.gain_low > 0}

    def stage(self, name: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Returns a stage's results, from the folder where the same work is finished."""
        path = self.folder / f"{name}.json"
        same = {"effort": asdict(self.effort), "corpus": self.training.digest, "seed": SEED}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if found.get("same") != same:
            print(f"{name}:", flush=True)
            started = time.monotonic()
            found = run() | {"seconds": round(time.monotonic() - started, 1), "same": same}
            path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {found['seconds']} s, kept in {path}", flush=True)
        return found

    def about(self, what: str) -> dict[str, Any]:
        """Describes a training for its checkpoint."""
        return {"what": what, "corpus": self.training.digest, "seed": SEED}


def reporter(every: int) -> Callable[[Progress], None]:
    """Prints a line every so many steps."""

    def tell(state: Progress) -> None:
        if state.done % every == 0 or state.done == state.total:
            losses = ", ".join(f"{name} {loss:.3f}" for name, loss in state.losses.items())
            print(f"  {state.phase} {state.done}/{state.total}: {losses}", flush=True)

    return tell


def show_learnt(found: dict[str, Any]) -> None:
    """Prints what a teacher has learnt of masked words."""
    verdict = "has learnt" if found["has_learnt"] else "HAS LEARNT NOTHING, so that nothing below means anything"
    print(f"the teacher {verdict}: masked words {found['loss']:.3f} nats, by their frequencies {found['unigram']:.3f}")


def spearman(one: list[float], other: list[float]) -> float:
    """Returns Spearman's rank correlation of two lists."""
    return float(stats.spearmanr(one, other).statistic)
