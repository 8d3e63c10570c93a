"""What fitting with the machine's level taken out does for latency tables that others published.

Run: ``python benchmarks/published.py FOLDER [TABLE ...] [--seeds N]``; tables: fits, few, intervals, audits, kinds.

The folder holds ``hat/``, ``supershaper/`` and others as CSVs with a column ``latency_s``, rows in the order measured.
Errors are percent on rows held out, medians over seeds; each figure stands beside the plain fit and the bar it has to meet.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hwcost.auditing.source import audit
from hwcost.cost_models.data import Data, from_table
from hwcost.cost_models.evaluation.evaluate import evaluate
from hwcost.cost_models.evaluation.rolling import roll
from hwcost.cost_models.training.train import drift_of, train_on
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import read_table

SETS = {
    "hat/wmt14ende_gpu_titanxp": ("mape", 2.0),
    "hat/wmt14ende_cpu_raspberrypi": ("mape", 2.0),
    "hat/wmt14ende_cpu_xeon": ("mape", 4.3),
    "supershaper/1080ti_bs128": ("mape", 0.16),
    "supershaper/gcp_xeon_bs1_seed543_2k": ("median_ape", 1.3),
    "supershaper/gcp_xeon_bs1_3k": ("median_ape", 0.9),
    "supershaper/corei7_9th_8_9": ("median_ape", 0.7),
    "supershaper/ryzen": ("mape", None),
    "supershaper/xeon_bs128_set3": ("mape", None),
}
"""File, metric and bar."""

FEW = {"1080ti_bs128": 0.986, "ryzen": 0.952, "corei7_9th_8_9": 0.815}

KINDS = (
    "help_fbnet/samsung_a50", "help_fbnet/essential_ph_1", "ofa_note10_lut/mbv3_blocks",
    "neusight/linear_train_t4", "neusight/linear_train_v100", "neusight/linear_train_p4",
    "aiconfigurator/encattn_bf16_h100_trtllm", "vidur/gemm_a100",
)

AUDITS = {
    "supershaper/i7_bs1": "invalid", "hat_npu/iwslt14deen_npu": "invalid",
    "supershaper/1080ti_bs128": "clean", "supershaper/ryzen": "clean",
    "supershaper/gcp_xeon_bs1_seed543_2k": "drifting, jump at 1296", "supershaper/gcp_xeon_bs1_3k": "drifting, jump at 1000",
    "supershaper/corei7_9th_8_9": "drifting", "supershaper/xeon_bs128_set3": "not invalid",
    "hat/wmt14ende_gpu_titanxp": "drifting, jump at 1263", "hat/wmt14ende_cpu_raspberrypi": "drifting, jump at 120",
    "hat/wmt14ende_cpu_xeon": "not invalid",
}  # fmt: skip


def read(folder: Path, name: str) -> Data:
    """Reads one file, with the space that its folder stands for."""
    space = {"hat": "hat", "hat_npu": "hat", "supershaper": "supershaper"}.get(name.split("/")[0], "table")
    path = folder / f"{name}.csv"
    names = path.read_text().split("\n", 1)[0].split(",") if name.startswith("help_") else []
    categorical = tuple(one for one in names if not one.startswith("latency_"))
    return from_table(read_table(path, space, TableOptions(categorical)))


def fits(folder: Path, seeds: int) -> None:
    """Error with and without the level, for every set with a bar."""
    print(f"\nTrained on 80 % of the rows, {seeds} seeds\n{'':40s}{'metric':>12s}{'plain':>8s}{'ours':>8s}   bar   chosen")
    for name, (metric, bar) in SETS.items():
        data = read(folder, name)
        plain, ours = (evaluate(data, "auto", seeds=seeds, drift=drift)["models"]["auto"] for drift in ("none", "auto"))
        values = [report["as_measured"][metric] for report in (plain, ours)]
        shown = "     " if bar is None else f"{bar:5.2f}"
        print(f"{name:40s}{metric:>12s}{values[0]:8.3f}{values[1]:8.3f}  {shown}  {ours['chosen']}", flush=True)


def few(folder: Path, seeds: int) -> None:
    """What twenty rows are enough for, and a hundred with drift."""
    print(f"\nR2, no drift term, {2 * seeds} seeds\n{'':20s}{'auto, 20 rows':>14s}{'XGBoost, 70 %':>14s}   bar")
    for name, bar in FEW.items():
        data = read(folder, f"supershaper/{name}")
        ours = evaluate(data, "auto", 20, seeds=2 * seeds, drift="none")["models"]["auto"]["as_measured"]["r2"]
        other = float(np.median([_default_xgboost(data, seed) for seed in range(2 * seeds)]))
        print(f"{name:20s}{ours:14.4f}{other:14.4f}  {bar:.3f}", flush=True)
    data = read(folder, "hat/wmt14ende_gpu_titanxp")
    found = [evaluate(data, "auto", 100, seeds=2 * seeds, drift=drift)["models"]["auto"] for drift in ("none", "auto")]
    plain, ours = (one["as_measured"]["mape"] for one in found)
    print(f"titanxp, MAPE from 100 rows: plain {plain:.2f} %, ours {ours:.2f} % (bar 3.5 %)")


def _default_xgboost(data: Data, seed: int) -> float:
    """Returns R2 on 30 % of the rows of XGBoost as it comes, on the widths and the parameter count of the other 70 %."""
    import xgboost

    archs, latency_s, _ = data.take(np.arange(len(data)))
    columns = np.column_stack([data.space.encode(archs), [data.space.params(arch) for arch in archs]])
    order = np.random.default_rng(seed).permutation(len(data))
    fit, judge = np.split(order, [round(0.7 * len(order))])
    booster = xgboost.train({}, xgboost.DMatrix(columns[fit], latency_s[fit]), num_boost_round=100)
    errors = latency_s[judge] - booster.predict(xgboost.DMatrix(columns[judge]))
    return float(1.0 - np.square(errors).sum() / np.square(latency_s[judge] - latency_s[judge].mean()).sum())


def intervals(folder: Path, seeds: int) -> None:
    """Coverage of 90 % intervals on random and on ordered splits, and width beside a constant one that knows the errors."""
    print(f"\n90 % intervals, {seeds} seeds (bars: random 0.88 to 0.92, rolling 0.85 to 0.95, width 1.3)")
    print(f"{'':40s}{'random':>8s}{'width':>8s}{'/oracle':>9s}{'rolling':>9s}{'/oracle':>9s}{'once':>8s}")
    for name in SETS:
        data = read(folder, name)
        n = len(data)
        rows = []
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(n)
            rows.append(_constant(data, order[: round(0.8 * n)], order[round(0.8 * n) :]))
        covered, width, ratio = np.median(rows, axis=0)
        fit, judge = np.arange(round(0.8 * n)), np.arange(round(0.8 * n), n)
        rolled, rolled_ratio = _rolling(data, fit, judge)
        once = _constant(data, fit, judge)[0]
        print(f"{name:40s}{covered:8.3f}{100 * width:7.2f}%{ratio:9.2f}", end="")
        print(f"{rolled:9.3f}{rolled_ratio:9.2f}{once:8.3f}", flush=True)


def _constant(data: Data, fit: np.ndarray, judge: np.ndarray) -> tuple[float, float, float]:
    fitted = train_on(fit, data, "auto", drift_of(data, fit))
    archs, measured_s, _ = data.take(judge)
    errors = np.abs(np.log(measured_s / fitted.model.predict(archs).latency_s) - fitted.level(data, judge))
    spread = fitted.model.log_interval_half_width_ or np.nan
    return _against_oracle(errors, np.full(len(errors), spread))


def _rolling(data: Data, fit: np.ndarray, judge: np.ndarray) -> tuple[float, float]:
    fitted = train_on(fit, data, "auto", drift_of(data, fit))
    archs, measured_s, _ = data.take(judge)
    level = fitted.level(data, fitted.rows)
    errors = np.log(measured_s / fitted.model.predict(archs).latency_s)
    rolled = roll(fitted.errors + level, level, errors)
    covered, _, ratio = _against_oracle(np.abs(errors - rolled.level), rolled.spread)
    return covered, ratio


def _against_oracle(errors: np.ndarray, spreads: np.ndarray) -> tuple[float, float, float]:
    """Returns coverage, median relative width, and that over the constant width that covers as many of these errors."""
    covered = float((errors <= spreads).mean())
    width, oracle = (2 * np.sinh(one) for one in (np.median(spreads), np.quantile(errors, covered)))
    return covered, float(width), float(width / oracle)


def audits(folder: Path, seeds: int) -> None:
    """Verdicts, and the boundary next to a known one."""
    print(f"\n{'':40s}{'verdict':>10s}{'ratio':>7s}{'range':>8s}{'tau':>7s}  nearest boundary   wanted")
    for name, wanted in AUDITS.items():
        space = "supershaper" if name.startswith("supershaper") else "hat"
        report = audit(str(folder / f"{name}.csv"), space=space).to_dict()
        starts = [segment["first_row"] for segment in report["segments"]][1:]
        jump = int(wanted.rsplit(" ", 1)[1]) if "jump" in wanted else None
        nearest = "" if jump is None or not starts else min(starts, key=lambda row: abs(row - jump))
        print(f"{name:40s}{report['verdict']:>10s}{report['von_neumann']:7.2f}{report['level_range']:7.1f}%", end="")
        print(f"{report['signal_tau']:7.2f}  {nearest!s:16s}   {wanted}", flush=True)


def kinds(folder: Path, seeds: int) -> None:
    """Files of other kinds: auto beside everything that it chooses among (MAPE %, at most two seeds)."""
    print("\nFiles of other kinds, MAPE % (bar: auto within 5 % of the best)")
    for name in KINDS:
        found = evaluate(read(folder, name), "all", seeds=min(seeds, 2))["models"]
        errors = {model: report["as_measured"]["mape"] for model, report in found.items()}
        ratio = errors["auto"] / min(errors.values())
        shown = "  ".join(f"{model} {error:.2f}" for model, error in errors.items())
        print(f"{name:40s} auto/best {ratio:.3f}   {shown}", flush=True)


TABLES: dict[str, Callable[[Path, int], None]] = {
    "fits": fits, "few": few, "intervals": intervals, "audits": audits, "kinds": kinds,
}  # fmt: skip

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], metavar="TABLE")
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    for table in given.tables or TABLES:
        TABLES[table](given.folder, given.seeds)
