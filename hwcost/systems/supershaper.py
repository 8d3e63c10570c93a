"""SuperShaper end to end: one supernet, two predictors, and shapes evolved under a limit on size or on latency.

Source: Ganesan et al., "SuperShaper", sections 3 and 4: sandwich training, perplexity and latency predicted from shapes
(Figures 7 and 9), evolution under limits, and what the limits lead to (Figure 8, Table 6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from hwcost.cost_models import load
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.quality import fit_quality
from hwcost.objectives import Constraint, Minimize, Params
from hwcost.spaces import space as make_space
from hwcost.spaces.base import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.study import search
from hwcost.study.remeasure import anchors, level_of, remeasured
from hwcost.study.study import Progress, Study
from hwcost.supernets.diagnostics import bottleneck_diagonals, perplexities
from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as Training
from hwcost.systems import latencies
from hwcost.systems.base import ONE_BY_ONE, Measuring, Pipeline, Plain, Verdict
from hwcost.systems.curves import curves, thinned
from hwcost.units import format_count, format_seconds

PROBABILITY = 0.95
"""With which limits on latency hold; the 90 % interval of a prediction ends there."""
LEAST = 19
"""Rows that a latency model must have been judged on to be that sure; with fewer, predictions are taken as they are."""
RESOLUTION = 1e-6
"""To which a limit on latency is found, relative."""
TOLERANCE = 0.03
"""By how much perplexity may be worse under a limit on latency than under the limit on size that led to it."""
DRAWN = 6
"""Random nets that are measured beside the winners."""


@dataclass(frozen=True)
class Effort:
    """How much of everything is done.

    Attributes:
        scale: Of the space.
        recipe: Of the supernet's training.
        sampled: Subnets that the predictor of perplexity learns from.
        judged: Held-out batches that perplexity is found on; winners are judged by as many others.
        measured: Nets that the latency model learns from.
        measuring: How latencies are measured.
        evaluations: Of every evolution.
        sizes: Limits on size, as quantiles of the parameters of random nets; the middle one is judged.
    """

    scale: str
    recipe: Recipe
    sampled: int
    judged: int
    measured: int
    measuring: Measuring
    evaluations: int
    sizes: tuple[float, ...] = (0.3, 0.5, 0.7)


class SuperShaperPipeline(Pipeline):
    """See the module and :class:`~hwcost.systems.base.Pipeline`."""

    name = "supershaper"
    title = "SuperShaper: shapes of a net under limits on size and on latency"
    presets: ClassVar[Mapping[str, Any]] = {
        "smoke": Effort("mini", RECIPES["smoke"], 12, 1, 10, Measuring(4, (32,), 2), 40, (0.5,)),
        "quick": Effort("mini", RECIPES["mini"].scaled(0.5), 200, 4, 32, Measuring(16, (64,), 3), 600),
        "paper": Effort("paper", RECIPES["supershaper-paper"], 10_000, 8, 1000, ONE_BY_ONE, 30_000),
    }

    @property
    def stages(self) -> Mapping[str, Callable[[], Plain]]:
        """See the base class."""
        return {
            "supernet": self.train, "perplexities": self.judge, "latencies": self.measure, "predictor": self.learn,
            "search": self.search, "winners": self.check,
        }  # fmt: skip

    # -- what stages share ---------------------------------------------------------------------------------------------

    def read_given(self) -> None:
        """See the base class."""
        _ = self.training

    @cached_property
    def space(self) -> SuperShaper:
        """The space."""
        made = make_space("supershaper", scale=self.effort.scale)
        assert isinstance(made, SuperShaper)
        return made

    @cached_property
    def training(self) -> Run:
        """The supernet's training."""
        settings = self.settings
        described = Training(
            "supershaper", self.space.options(), self.effort.recipe, settings.corpus, settings.seed, settings.weights
        )
        return Run.start(self.folder / "supernet", described, self.train_on)

    @cached_property
    def supernet(self) -> Any:
        """The trained supernet."""
        return self.training.trained()

    @cached_property
    def held_out(self) -> tuple[list[Any], list[Any]]:
        """Batches that nets are chosen by, and those that winners are judged by."""
        batches = self.training.held_out(2 * self.effort.judged)
        return batches[: self.effort.judged], batches[self.effort.judged :]

    @property
    def latency(self) -> CostModel:
        """The latency model."""
        return load(self.folder / "models" / "latency")

    @property
    def perplexity(self) -> CostModel:
        """The predictor of perplexity."""
        return load(self.folder / "models" / "perplexity")

    # -- stages --------------------------------------------------------------------------------------------------------

    def train(self) -> Plain:
        """Trains the supernet by sandwiches (section 3.2)."""
        self.training.train(lambda state: self.say("training", state.done, state.total))
        return {
            "curves": curves(self.folder / "supernet"), "widths": list(self.space.sizes.widths),
            "diagonals": bottleneck_diagonals(self.supernet).tolist(),
        }  # fmt: skip

    def judge(self) -> Plain:
        """Finds the perplexity of random subnets, with the weights that they inherit."""
        archs = self.space.sample(self.effort.sampled, seed=self.settings.seed + 1)
        return {"archs": list(map(self.space.key, archs)), "perplexity": self._perplexities("perplexities", archs, 0)}

    def _perplexities(self, name: str, archs: list[Architecture], part: int) -> list[float]:
        batches = self.held_out[part]
        return self.each(name, archs, self.space.key, lambda arch: perplexities(self.supernet, [arch], batches)[0])

    def measure(self) -> Plain:
        """Measures nets of all sizes and fits a model of their latency (Figure 9)."""
        archs = [self.supernet.smallest(), self.supernet.largest()]
        drawn = self.space.sample(self.effort.measured, seed=self.settings.seed + 2, design="spread")
        archs = [*archs, *(arch for arch in drawn if arch not in archs)]
        result = self.measured(self.effort.measuring.models(self.space, archs))
        return latencies.fitted(result, self.space, self.folder / "models" / "latency")

    def learn(self) -> Plain:
        """Fits a predictor of perplexity (Figure 7)."""
        rows = self.found["perplexities"]
        archs = [self.space.parse(key) for key in rows["archs"]]
        fit = fit_quality(self.space, archs, rows["perplexity"])
        fit.model.save(self.folder / "models" / "perplexity")
        return {
            "metrics": dict(fit.metrics), "importance": fit.model.importance(), "perplexity": fit.measured_s.tolist(),
            "predicted": fit.left_out_s.tolist(),
        }  # fmt: skip

    def search(self) -> Plain:
        """Evolves shapes under limits on size, and under the latency that each of those winners is sure to keep."""
        rows, latency = [], self.latency
        drawn = self.space.sample(101, seed=self.settings.seed + 3)
        for share in self.effort.sizes:
            most = float(np.quantile([self.space.params(arch) for arch in drawn], share))
            by_size = self._evolved(f"params-{share:g}", Constraint(Params(self.space), most=most))
            sure = PROBABILITY if latency.errors_ is not None and len(latency.errors_) >= LEAST else None
            budget_s = kept_latency_s(latency, by_size.best.architecture, sure)
            by_latency = self._evolved(f"latency-{share:g}", Constraint(latency, most=budget_s, probability=sure or 0))
            for kind, study in (("params", by_size), ("latency", by_latency)):
                row = {
                    "limit": kind, "share": share, "arch": self.space.key(study.best.architecture), "max_params": most,
                    "budget_s": budget_s, "probability": sure, "predicted_perplexity": study.best.values[0],
                    "evaluations": study.evaluations, "progress": thinned(study.convergence().tolist()),
                }  # fmt: skip
                rows.append(row)
        return {"winners": rows}

    def _evolved(self, name: str, limit: Any) -> Study:
        def tell(state: Progress) -> None:
            self.say(f"evolution within {name}", state.evaluations, self.effort.evaluations)

        return search(
            self.space, [Minimize(self.perplexity, "perplexity")], [limit], searcher="evolution",
            searcher_options={"preset": "supershaper-paper"},
            evaluations=min(self.effort.evaluations, self.space.size), seed=self.settings.seed,
            log=self.folder / "studies" / f"{name}.jsonl", progress=tell,
        )  # fmt: skip

    def check(self) -> Plain:
        """Judges and measures the winners, the templates, and random nets, all in one campaign (Figure 8, Table 6)."""
        named = self._named()
        archs = list(dict.fromkeys(named.values()))
        found = dict(zip(archs, self._perplexities("winners", archs, 1), strict=True))
        again = anchors(self.latency)
        workloads = self.effort.measuring.models(self.space, list(dict.fromkeys([*archs, *again])))
        measured = latencies.of_archs(self.measured(workloads, "winner").measurements)
        level = level_of(self.latency, again, [measured[arch] for arch in again])
        checked = remeasured(self.latency, archs, [measured[arch] for arch in archs], level)
        rows = dict(zip(archs, checked, strict=True))
        found_by = self.found["search"]["winners"]
        budgets = {f"latency {row['share']:g}": row["budget_s"] for row in found_by if row["limit"] == "latency"}
        kept = {name: {"keeps_budget": rows[named[name]].keeps(budget_s)} for name, budget_s in budgets.items()}
        for name, arch in named.items():
            if name.startswith(("params ", "latency ")):
                self.supernet.save(arch, self.folder / "winners" / name.replace(" ", "-"))
        return {
            "nets": {
                name: {
                    "arch": self.space.key(arch), "params": self.space.params(arch), "perplexity": found[arch],
                    **latencies.row(rows[arch]), **kept.get(name, {}),
                }
                for name, arch in named.items()
            },
            "level": None if level is None else level.plain(),
        }  # fmt: skip

    def _named(self) -> dict[str, Architecture]:
        found = {
            f"{row['limit']} {row['share']:g}": self.space.parse(row["arch"]) for row in self.found["search"]["winners"]
        }
        found |= self.space.templates
        if self.effort.scale == "paper":  # the heuristic scales shapes of twelve layers (section 4.4)
            by_size = {name: arch for name, arch in found.items() if name.startswith("params ")}
            found |= {
                name.replace("params", "cigar"): self.space.cigar(self.space.params(arch, "paper"))
                for name, arch in by_size.items()
            }
        found |= {"smallest": self.supernet.smallest(), "largest": self.supernet.largest()}
        drawn = self.space.sample(DRAWN, seed=self.settings.seed + 4)
        return found | {f"random {index}": arch for index, arch in enumerate(drawn, 1)}

    # -- what came out -------------------------------------------------------------------------------------------------

    def verdicts(self) -> list[Verdict]:
        """See the base class."""
        nets = self.found["winners"]["nets"]
        rows = [row for row in self.found["search"]["winners"] if row["limit"] == "latency"]
        row = rows[len(rows) // 2]
        fast, small = nets[f"latency {row['share']:g}"], nets[f"params {row['share']:g}"]
        kept = [nets[f"latency {one['share']:g}"]["keeps_budget"] is True for one in rows]
        measured = "nothing usable" if fast["at_level_s"] is None else format_seconds(fast["at_level_s"])
        level = self.found["winners"]["level"]
        moved = "" if level is None else f" on the level of the first measurements, now {level['ratio']:.3f} times as high"
        ratio = fast["perplexity"] / small["perplexity"] - 1
        return [
            Verdict(
                "the net that was evolved within a latency keeps it when it is measured",
                f"{measured} of {format_seconds(row['budget_s'])}{moved}; {sum(kept)} of {len(kept)} budgets are kept",
                kept[len(kept) // 2],
            ),
            Verdict(
                f"its perplexity is at most {100 * TOLERANCE:g} % worse than that of the net evolved within a size",
                f"{fast['perplexity']:.1f} against {small['perplexity']:.1f} ({100 * ratio:+.1f} %), "
                f"{format_count(fast['params'])} against {format_count(small['params'])} parameters",
                ratio <= TOLERANCE,
            ),
        ]


def kept_latency_s(cost: CostModel, arch: Architecture, probability: float | None) -> float:
    """Returns the least limit on latency that a net keeps with a probability; None takes the prediction as it is.

    An exact hit is no exception: a limit asks what the model's errors allow, see :class:`hwcost.objectives.Constraint`.
    """
    low = high = float(cost.predict([arch]).latency_s[0])

    def is_kept(max_s: float) -> bool:
        return bool(Constraint(cost, most=max_s, probability=probability or 0).feasible([arch])[0])

    while is_kept(low):
        low /= 1.25
    while not is_kept(high):
        high *= 1.25
    while high / low > 1 + RESOLUTION:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if is_kept(middle) else (middle, high)
    return high
