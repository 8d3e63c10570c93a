"""A new device from a few measurements: what models of other devices are worth, on latencies that others published.

::

    python benchmarks/few_measurements.py DATA [--draws 20] [--rows 3,5,10,20,200]
        [--part supershaper|hat|fbnet|nb201|wrong|design|causes|floor]

Each device is left out in turn; models of the others, fitted on all of their rows, are its prior. Errors in percent are the
mean over the rest of its rows, as measured; each figure is the median over random draws of the rows, followed by the mean
and its standard error. Beside it: the best of the usual models fitted on the same rows alone, the other device that turns
out best times one factor (which nobody can know beforehand), and the mean of the others times one factor. Coverage is of
90 % intervals.

``supershaper`` has six tables that an audit does not call invalid; two of them are of one machine, which never serve each
other. ``hat`` (three devices) and ``fbnet`` (six) learn from 900 rows of each device; no choice in the model was made by
them. ``nb201`` does so too, and reports Spearman's correlation. ``wrong`` gives sources whose prices were shuffled, and
sources of another shape, on which a layer costs the more the earlier it stands, at 20 rows. ``design`` has rows that were
chosen among 400 of the table, as ``hwcost measure --few`` does, beside random ones; the best other device times one factor
is given for both. ``causes`` says where errors come from: as they are, and with the factor known that the rest of the rows
calls for, which leaves the error of the shape; with the prior, for the other device that turns out best, and for the one
that the few rows call best, which can be known. ``floor`` says, without any fit, what the device's own shape, known from all
of its rows, reaches where the rows give no more than a factor, beside the other devices likewise; give it many draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from hwcost._types import Floats, Indices
from hwcost.cost_models import cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.data import Data, read
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.prediction import Prediction
from hwcost.cost_models.priors.design import most_telling
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.source import Source
from hwcost.cost_models.training.train import train, train_on
from hwcost.exchange.options import TableOptions

SUPERSHAPER = (
    "1080ti_bs128", "ryzen", "corei7_9th_8_9", "gcp_xeon_bs1_3k", "gcp_xeon_bs1_seed543_2k", "xeon_bs128_set3",
)  # fmt: skip
PARTS = ("supershaper", "hat", "fbnet", "nb201", "wrong", "design", "causes", "floor")
EDGES = ("e01", "e02", "e12", "e03", "e13", "e23")
BLOCKS = tuple(f"b{i}" for i in range(1, 23))
SCRATCH = ("lut", "hybrid", "ridge")
OF_TABLES = ("hybrid", "ridge")
"""Models from scratch of spaces whose components are not known."""
TESTED = 700
"""Rows of the rest that are predicted, where there are more."""


@dataclass(frozen=True)
class Device:
    """One table, and the model that serves as a source."""

    name: str
    data: Data
    genes: Floats
    model: CostModel

    @property
    def machine(self) -> str:
        """Name of the machine, of which there may be several tables."""
        return self.name.split("_bs1")[0]


def supershaper(folder: Path) -> list[Device]:
    """Reads the tables and fits a source on each."""
    return [_device(name, read(str(folder / "supershaper" / f"{name}.csv"), "supershaper")) for name in SUPERSHAPER]


def _device(name: str, data: Data) -> Device:
    model = train(data, "lut").model
    return Device(name, data, model.features.encode(data.architectures), model)


def sampled(folder: Path, space: str = "table", categorical: Sequence[str] = (), n: int = 900) -> list[Device]:
    """Reads the tables of a folder and fits a source on the same random rows of each."""
    made = []
    for path in sorted(folder.glob("*.csv")):
        data = read(str(path), space, options=TableOptions(categorical=categorical))
        chosen = np.random.default_rng(0).choice(len(data), n, replace=False)
        model = train_on(chosen, data, "hybrid").model
        made.append(Device(path.stem, data, model.features.encode(data.architectures), model))
    return made


@dataclass(frozen=True)
class Judged:
    """Errors in percent on one device from one number of rows.

    Attributes:
        errors: Error of each draw, shape (draws,).
        coverage: Share of measured values inside their intervals.
        width: Half-width of the intervals.
        scratch: Error of the best model that was fitted on the same rows alone.
        single: Error of the best other device times one factor.
        mean: Error of the mean of the other devices times one factor.
    """

    errors: Floats
    coverage: float
    width: float
    scratch: float
    single: float
    mean: float

    @property
    def prior(self) -> float:
        """Median error with the prior."""
        return float(np.median(self.errors))


def others(devices: Sequence[Device], of: Device) -> list[Device]:
    """Returns the devices that may serve one as sources."""
    return [one for one in devices if one.name != of.name and one.machine != of.machine]


def mape(predicted: Floats, measured: Floats) -> float:
    """Returns the mean absolute error in percent."""
    return float(100 * np.mean(np.abs(predicted / measured - 1)))


def covered(answer: Prediction, measured: Floats) -> float:
    """Returns the share of measured values inside their intervals, which those without one are not."""
    return float(np.mean((answer.low <= measured) & (measured <= answer.high)))


def doubt(errors: Floats, digits: int) -> str:
    """Returns the standard error of a mean over draws as text; a single draw has none."""
    found = f"{np.std(errors, ddof=1) / np.sqrt(len(errors)):.{digits}f}" if len(errors) > 1 else "-"
    return f"± {found:>{digits + 2}}"


def agreement(predicted: Floats, measured: Floats) -> float:
    """Returns Spearman's correlation."""
    return float(spearmanr(predicted, measured)[0])


def split(device: Device, n: int, draw: int) -> tuple[Indices, Indices]:
    """Returns rows to fit on and rows to predict."""
    order = np.random.default_rng(1000 + draw).permutation(len(device.data))
    return order[:n], order[n : n + TESTED]


def scaled(factors: Floats, kept: Indices, held: Indices, values: Floats) -> Floats:
    """Predicts rows by another device times the median factor of some."""
    return np.asarray(factors[held] * np.exp(np.median(np.log(values[kept] / factors[kept]))))


def judge(
    device: Device, prior: PriorModel, sources: Sequence[Device], n: int, draws: int, names: Sequence[str] = SCRATCH
) -> Judged:
    """Returns medians over draws, coverage as a mean."""
    prior.learnt()  # once for all draws
    values = device.data.values
    known = np.stack([one.model.predict_encoded(device.genes) for one in sources])
    mean = np.exp(np.mean(np.log(known / known.mean(axis=1, keepdims=True)), axis=0))
    rows: list[list[float]] = []
    for draw in range(draws):
        kept, held = split(device, n, draw)
        answer = prior.clone().fit(device.genes[kept], values[kept]).predict(device.genes[held])
        measured = values[held]
        inside = covered(answer, measured)
        width = 100 * float(np.nan_to_num(np.median(answer.high / answer.values - 1)))
        alone = [cost_model(name, device.data.space).fit(device.genes[kept], values[kept]) for name in names]
        fits = [mape(one.predict_encoded(device.genes[held]), measured) for one in alone]
        singles = [mape(scaled(one, kept, held, values), measured) for one in (*known, mean)]
        rows.append([mape(answer.values, measured), inside, width, *fits, *singles])
    middle = np.median(rows, axis=0)
    scratch, factors = middle[3 : 3 + len(names)], middle[3 + len(names) :]
    cover = float(np.mean(rows, axis=0)[1])
    return Judged(np.array(rows)[:, 0], cover, middle[2], scratch.min(), factors[:-1].min(), factors[-1])


def show_errors(devices: Sequence[Device], counts: Sequence[int], draws: int, names: Sequence[str] = SCRATCH) -> None:
    """Prints every device and number of rows, beside fits from scratch of the models of some names."""
    heads = f"{'mean of draws':>14} {'scratch':>8} {'single':>7} {'mean':>6} {'cover':>6} {'width':>6}"
    print(f"{'device':24} {'rows':>4} {'prior':>6} {heads}")
    cover: dict[int, list[float]] = {n: [] for n in counts}
    for device in devices:
        sources = others(devices, device)
        prior = PriorModel(device.data.space, sources=[Source(one.name, one.model) for one in sources])
        for n in counts:
            found = judge(device, prior, sources, n, draws if n < 100 else max(3, draws // 4), names)
            cover[n].append(found.coverage)
            print(
                f"{device.name:24} {n:4d} {found.prior:6.2f} {found.errors.mean():7.2f} {doubt(found.errors, 2)} "
                f"{found.scratch:8.2f} {found.single:7.2f} {found.mean:6.2f} {found.coverage:6.2f} {found.width:6.1f}",
                flush=True,
            )
    print("mean coverage:", ", ".join(f"{n} rows {np.mean(shares):.3f}" for n, shares in cover.items()))


def show_wrong(folder: Path, draws: int, n: int = 20) -> None:
    """Prints what sources with shuffled prices, and sources of another shape, cost against a fit from scratch."""
    devices = supershaper(folder)
    for device in devices:
        known = others(devices, device)
        for kind, spoiled in (("shuffled", _shuffled), ("another shape", _another_shape)):
            sources = [Source(one.name, spoiled(one.model, i)) for i, one in enumerate(known)]
            found = judge(device, PriorModel(device.data.space, sources=sources), known, n, draws)
            text = f"prior {found.prior:6.2f} scratch {found.scratch:6.2f} coverage {found.coverage:.2f}"
            print(f"{device.name:24} {kind:13} {text} ratio {found.prior / found.scratch:.2f}", flush=True)


def _shuffled(model: CostModel, seed: int) -> CostModel:
    """Makes a source whose widths have each other's prices."""
    assert isinstance(model, LookupTable)
    prices = [name.name for name in model.features.components if name.kind == "layer"]
    known = np.array([float(model.predict_encoded(_homogeneous(model, name))[0]) / 12 for name in prices])
    mixed = dict(zip(prices, np.random.default_rng(seed).permutation(known), strict=True))
    rest = {part.name: 1e-12 for part in model.features.components if part.name not in mixed}
    return _as_sure(LookupTable.from_components(model.space, {**mixed, **rest}), model)


def _another_shape(model: CostModel, seed: int) -> CostModel:
    """Makes a source as of convolutional nets: a layer's cost halves every few places, as its pixels do."""
    genes = model.features.encode(model.space.sample(300, seed=seed))
    values = (genes * 0.5 ** (np.arange(genes.shape[1]) / (1.0 + seed))).sum(axis=1)
    return _as_sure(cost_model("ridge", model.space).fit(genes, values), model)


def _as_sure(made: CostModel, model: CostModel) -> CostModel:
    """Gives a made-up source the interval of a real one."""
    made.log_interval_half_width_, made.errors_ = model.log_interval_half_width_, model.errors_
    made.provenance = model.provenance
    return made


def _homogeneous(model: CostModel, component: str) -> Floats:
    width = float(component.partition("hidden=")[2].rstrip("]"))
    return np.full((1, len(model.space.genes)), width)


def show_design(folder: Path, counts: Sequence[int], draws: int) -> None:
    """Prints errors from rows that tell most beside those from random ones, and of the best other device from either."""
    devices = supershaper(folder)
    print(f"{'device':24} {'rows':>4} {'chosen':>7} {'single':>7} {'random':>7} {'single':>7}")
    for device in devices:
        sources = others(devices, device)
        prior = PriorModel(device.data.space, sources=[Source(one.name, one.model) for one in sources])
        known = [one.model.predict_encoded(device.genes) for one in sources]
        prior.learnt()  # once for all draws
        for n in counts:
            errors: list[list[list[float]]] = []
            for draw in range(draws):
                order, held = split(device, 400, draw)
                among = order[np.sort(np.unique(device.genes[order], axis=0, return_index=True)[1])]
                chosen = among[most_telling(prior, device.genes[among], n)[0]]
                errors.append([_from_rows(device, prior, known, kept, held) for kept in (chosen, among[:n])])
            middle = np.median(errors, axis=0)  # chosen or random, by the prior and the other devices
            shown = [value for one in middle for value in (one[0], one[1:].min())]
            print("{:24} {:4d} {:7.2f} {:7.2f} {:7.2f} {:7.2f}".format(device.name, n, *shown), flush=True)


def _from_rows(device: Device, prior: PriorModel, known: Sequence[Floats], kept: Indices, held: Indices) -> list[float]:
    """Returns the error with the prior, and of each other device times one factor, from some rows."""
    values = device.data.values
    fit = prior.clone().fit(device.genes[kept], values[kept])
    singles = [mape(scaled(one, kept, held, values), values[held]) for one in known]
    return [mape(fit.predict_encoded(device.genes[held]), values[held]), *singles]


def show_causes(folder: Path, counts: Sequence[int], draws: int) -> None:
    """Prints errors as they are, and with the factor known that the rest of the rows calls for, medians over draws."""
    devices = supershaper(folder)
    print(f"{'device':24} {'rows':>4} {'prior':>6} {'shape':>6} {'single':>7} {'shape':>6} {'picked':>7} {'shape':>6}")
    for device in devices:
        sources, values = others(devices, device), device.data.values
        prior = PriorModel(device.data.space, sources=[Source(one.name, one.model) for one in sources])
        known = [one.model.predict_encoded(device.genes) for one in sources]
        prior.learnt()  # once for all draws
        for n in counts:
            rows = []
            for draw in range(draws):
                kept, held = split(device, n, draw)
                answer = prior.clone().fit(device.genes[kept], values[kept]).predict_encoded(device.genes)
                spreads = [float(np.ptp(np.log(values[kept] / one[kept]))) for one in known]
                picked = known[int(np.argmin(spreads))]
                factors = [scaled(one, kept, held, values) for one in (*known, picked)]
                errors = [(mape(one, values[held]), _shape(one, values[held])) for one in (answer[held], *factors)]
                rows.append(errors)
            own, *singles, chosen = np.median(rows, axis=0)
            best = min(singles, key=lambda one: float(one[0]))
            shown = "{:6.2f} {:6.2f} {:7.2f} {:6.2f} {:7.2f} {:6.2f}".format(*own, *best, *chosen)
            print(f"{device.name:24} {n:4d} {shown}", flush=True)


def show_floor(folder: Path, counts: Sequence[int], draws: int) -> None:
    """Prints errors of shapes times the median factor of few rows, medians over draws; the own shape is of all rows."""
    devices = supershaper(folder)
    print(f"{'device':24} {'rows':>4} {'own':>6} {'single':>7} {'picked':>7} {'mean':>6}")
    for device in devices:
        values = device.data.values
        known = [one.model.predict_encoded(device.genes) for one in others(devices, device)]
        mean = np.exp(np.mean(np.log(known), axis=0))
        shapes = (device.model.predict_encoded(device.genes), mean, *known)
        for n in counts:
            rows = []
            for draw in range(draws):
                kept, held = split(device, n, draw)
                own, of_mean, *singles = (mape(scaled(one, kept, held, values), values[held]) for one in shapes)
                spreads = [float(np.ptp(np.log(values[kept] / one[kept]))) for one in known]
                rows.append([own, of_mean, singles[int(np.argmin(spreads))], *singles])
            own, of_mean, picked, *singles = np.median(rows, axis=0)
            print(f"{device.name:24} {n:4d} {own:6.2f} {min(singles):7.2f} {picked:7.2f} {of_mean:6.2f}", flush=True)


def _shape(predicted: Floats, measured: Floats) -> float:
    """Returns the mean absolute error in percent once predictions are multiplied by the median ratio."""
    return mape(predicted * np.median(measured / predicted), measured)


def show_nb201(folder: Path, draws: int, n: int = 10, tested: int = 2000) -> None:
    """Prints Spearman's correlation from ten rows, beside every source's own, which an affine map does not change."""
    devices, table = sampled(folder / "help_nb201", categorical=EDGES), []
    print("Spearman's correlation, its standard error over draws, and that of the best source")
    for device in devices:
        sources, values = [one for one in devices if one.name != device.name], device.data.values
        prior = PriorModel(device.data.space, sources=[Source(one.name, one.model) for one in sources])
        found, cover, maps = [], [], []
        for draw in range(draws):
            order = np.random.default_rng(2000 + draw).permutation(len(values))
            kept, held = order[:n], order[n : n + tested]
            answer = prior.clone().fit(device.genes[kept], values[kept]).predict(device.genes[held])
            found.append(agreement(answer.values, values[held]))
            cover.append(covered(answer, values[held]))
            maps.append([agreement(one.model.predict_encoded(device.genes[held]), values[held]) for one in sources])
        table.append((np.mean(found), np.mean(maps, axis=0).max(), np.mean(cover)))
        mean, best, inside = table[-1]
        error = doubt(np.array(found), 4)
        print(f"{device.name:20} prior {mean:.4f} {error} best source {best:.4f} coverage {inside:.2f}", flush=True)
    print("mean: prior {:.4f} best source {:.4f} coverage {:.2f}".format(*np.mean(table, axis=0)))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--rows", default="3,5,10,20,200")
    given = parser.parse_args()
    parts, counts = given.part or list(PARTS), [int(n) for n in given.rows.split(",")]
    if "supershaper" in parts:
        show_errors(supershaper(given.data), counts, given.draws)
    if "hat" in parts:
        show_errors(sampled(given.data / "hat", "hat"), counts, given.draws, OF_TABLES)
    if "fbnet" in parts:
        show_errors(sampled(given.data / "help_fbnet", categorical=BLOCKS), counts, given.draws, OF_TABLES)
    if "nb201" in parts:
        show_nb201(given.data, min(given.draws, 10))
    if "wrong" in parts:
        show_wrong(given.data, given.draws)
    if "design" in parts:
        show_design(given.data, [n for n in counts if n <= 20], given.draws)
    if "causes" in parts:
        show_causes(given.data, [n for n in counts if n <= 20], given.draws)
    if "floor" in parts:
        show_floor(given.data, [n for n in counts if n <= 20], given.draws)


if __name__ == "__main__":
    main()
