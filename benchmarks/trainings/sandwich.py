"""SuperShaper's supernet, trained by sandwich sampling: subnets while it trains, its bottlenecks, shapes and templates."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from trainings.bench import SEED, SHAPER, TRAINED, Bench, reporter

from hwcost.cost_models.training.quality import fit_quality
from hwcost.report import supernet_figures
from hwcost.report.figures import importance, new_figure, save
from hwcost.spaces.base import Architecture
from hwcost.supernets.diagnostics import bottleneck_diagonals, perplexities, shape_differences
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.registry import supernet
from hwcost.supernets.sampling import Sandwich
from hwcost.supernets.subnet import write_tensors
from hwcost.supernets.training import Phase, Progress, train


def sandwich(bench: Bench) -> dict[str, Any]:
    """Trains the supernet by sandwich sampling and judges what it holds."""
    net = supernet(SHAPER, SEED)
    fixed = {"smallest": net.smallest(), "largest": net.largest()}
    fixed |= {net.space.key(arch): arch for arch in net.space.sample(4, seed=SEED)}
    every = max(1, bench.effort.sandwich // 12)
    steps, curves = [0], {name: perplexities(net, [arch], bench.judged) for name, arch in fixed.items()}

    def watch(state: Progress) -> None:
        reporter(every)(state)
        if state.done % every == 0:
            steps.append(state.done)
            for name, arch in fixed.items():
                curves[name] += perplexities(net, [arch], bench.judged)

    objective = SupernetLm(net, bench.batches.batch, Sandwich(net, 1, SEED))
    train(net, [Phase("sandwich", objective, bench.recipe(bench.effort.sandwich))], progress=watch)
    write_tensors(bench.folder / TRAINED, net.state_dict())
    figure, ax = new_figure(6.4, 4.4)
    supernet_figures.curves(ax, steps, curves, "Perplexity of subnets while the supernet trains")
    save(figure, bench.folder / "curves")
    figure, ax = new_figure(6.4, 3.6)
    widths = net.space.sizes.widths
    supernet_figures.bands(ax, bottleneck_diagonals(net), widths, "Bottleneck diagonals after sliced training (Figure 4)")
    save(figure, bench.folder / "bottlenecks")
    return {"steps": steps, "curves": curves, **shapes(bench, net), "bands": band_steps(net)}


def band_steps(net: Any) -> dict[str, float]:
    """Compares how much neighbouring diagonal entries differ across the ends of bands and within them."""
    rows = bottleneck_diagonals(net).reshape(-1, net.space.sizes.backbone_width)
    jumps = np.abs(np.diff(rows, axis=1)).mean(axis=0)
    ends = np.array(net.space.sizes.widths[:-1]) - 1
    inside = np.delete(jumps, ends)
    return {"across": float(jumps[ends].mean()), "within": float(inside.mean())}


def shapes(bench: Bench, net: Any) -> dict[str, Any]:
    """Judges sampled shapes and templates, fits the predictor, and relates shape to quality within one size."""
    archs = net.space.sample(bench.effort.sampled, seed=SEED + 1)
    quality = perplexities(net, archs, bench.judged)
    fits = {}
    for model in ("xgboost", "auto"):
        fit = fit_quality(net.space, archs, quality, model)
        fits[model] = {**dict(fit.metrics), "importance": fit.model.importance()}
        figure, ax = new_figure(5.2, 3.6)
        importance(ax, fit.model.importance(), f"What perplexity depends on ({model})")
        save(figure, bench.folder / f"importance-{model}")
    table = {
        name: {"params": net.space.params(arch), "perplexity": perplexities(net, [arch], bench.judged)[0]}
        for name, arch in net.space.templates.items()
    }
    return {"predictors": fits, "templates": table, "table_7": table_7(net.space, archs, quality)}


def table_7(space: Any, archs: list[Architecture], quality: list[float]) -> dict[str, Any]:
    """Correlates, among shapes of about one size, distance from the best shape with distance from its perplexity."""
    sizes = np.array([space.params(arch) for arch in archs])
    found = {}
    for middle in np.quantile(sizes, [0.25, 0.5, 0.75]):
        rows = np.flatnonzero(np.abs(sizes / middle - 1) < 0.05)
        best = rows[int(np.argmin([quality[i] for i in rows]))]
        others = [i for i in rows if i != best]
        apart = shape_differences(space, [archs[i] for i in others], archs[best])
        worse = [quality[i] - quality[best] for i in others]
        found[f"{middle / 1e3:.0f} k"] = {
            "nets": len(others), "spearman": float(stats.spearmanr(apart, worse).statistic),
            "pearson": float(stats.pearsonr(apart, worse).statistic),
        }  # fmt: skip
    return found


def show_sandwich(one: dict[str, Any]) -> None:
    """Prints what the supernet holds."""
    print("perplexity before and after")
    for name, values in one["curves"].items():
        print(f"  {name:>14}: {values[0]:8.1f} {values[-1]:8.1f}")
    print(f"bands: steps of the diagonal across widths {one['bands']['across']:.2e}, within {one['bands']['within']:.2e}")
    for name, fit in one["predictors"].items():
        print(f"predictor {name}: R2 {fit['r2']:.3f}, MAPE {fit['mape']:.2f} %, importance {fit['importance']}")
    for name, row in sorted(one["templates"].items(), key=lambda item: item[1]["perplexity"]):
        print(f"  {name:>16} {row['params']:>8} parameters: {row['perplexity']:.1f}")
    print(f"Table 7: {one['table_7']}")
