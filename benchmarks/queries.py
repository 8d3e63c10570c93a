"""How quick questions to cost models are: one architecture, and batches of codes, beside the libraries that grew the trees.

Every row is of one model in one process: CPU time of one thread, the least of some repeats, so that columns can be divided
by each other. Compiled answers are compared with the library's, bit by bit, before they are timed. Where treelite is
installed, its answers are timed too, and those of lleaves where ``--lleaves`` names a Python that has it: it needs an older
llvmlite than numba. ``--models hybrid`` compiles a hybrid as the first thing in the process.

Run: ``python benchmarks/queries.py [--trees 1000] [--depth 4] [--rows 2000] [--models lut,hybrid,prior,hybrid@]``: about two
minutes. ``prior`` is a mixture of the shipped tables, ``hybrid@`` a hybrid over shapes that is asked at one of them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from studies.cpu_time import each_us, seconds
from studies.lleaves_answers import by_lleaves
from studies.treelite_answers import by_treelite

from hwcost.cost_models import cost_model
from hwcost.cost_models.compiled.forest_arrays import ArrayEngine
from hwcost.cost_models.compiled.models import CompiledForest
from hwcost.cost_models.compiled.ranks import Ranks
from hwcost.cost_models.families import boosters
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.sources import read_prior
from hwcost.spaces import space
from hwcost.spaces.shaped import Shape, Shaped

SHAPER = space("supershaper")
BATCH, SINGLES = 200_000, 2000


def row(name: str, numbers: dict[str, float]) -> None:
    """Prints a row."""
    print(f"{name:24s}" + "".join(f"  {what} {value:10.3f}" for what, value in numbers.items()), flush=True)


def of_trees(name: str, trees: int, depth: int, rows: int, lleaves: str | None = None) -> dict[str, float]:
    """Prints and returns the times of questions to one kind of trees, those of other tools among them.

    Args:
        name: Cost model.
        trees: Number of trees.
        depth: Depth of the trees; a hybrid has its own.
        rows: Number of rows of the fit.
        lleaves: Python that has lleaves; None to leave that out.
    """
    rng = np.random.default_rng(0)
    archs = SHAPER.sample(rows, seed=0)
    values = np.array([1e-2 + 1e-9 * SHAPER.params(arch) for arch in archs]) * np.exp(0.01 * rng.standard_normal(rows))
    options = {"rounds": trees} if name == "hybrid" else {"rounds": trees, "depth": depth}
    model = cost_model(name, SHAPER, **options).fit(archs, values)
    codes = rng.integers(0, 7, (BATCH, 12))
    few, asked = codes[:5000], archs[:SINGLES]
    columns = model.features.learner_columns(model.features.genes_of(few))
    predict = boosters.predict_xgboost if name == "xgboost" else boosters.predict_lightgbm
    own = {
        "library one us": each_us(lambda one: predict(model.booster_, one), [columns[row : row + 1] for row in range(200)]),
        "before us": each_us(model, asked[:50]),
        "library ns": seconds(lambda: predict(model.booster_, columns)) / len(few) * 1e9,
    }
    wanted = model.predict_codes(few)
    start = time.process_time()
    model.compile()
    model(asked[0])
    model.predict_codes(few[:64])
    own["compile s"] = time.process_time() - start
    assert np.array_equal(model.predict_codes(few), wanted)
    assert [model(arch) for arch in asked] == model.predict(asked).values.tolist()
    own |= {
        "compiled us": each_us(model, asked),
        "compiled ns": seconds(lambda: model.predict_codes(codes)) / BATCH * 1e9,
    }
    forest = model._forest.now()
    assert isinstance(forest, CompiledForest)
    own |= by_numpy(model, name, asked, codes[:16_384])
    own["one, times library"] = own["library one us"] / own["compiled us"]
    own["M/s"] = 1e3 / own["compiled ns"]
    row(f"{name}, {trees} trees", own)
    for tool, times in of_tools(model, name, columns, lleaves):
        own |= {f"{tool} {what}": one for what, one in times.items()}
    return own


def of_tools(model: Any, name: str, columns: Any, lleaves: str | None) -> Iterator[tuple[str, dict[str, float]]]:
    """Prints and yields the microseconds of one question, and nanoseconds of one in a batch, of tools that read boosters."""
    booster, asked = model.files()["booster.txt"], [columns[row : row + 1] for row in range(200)]
    treelite = by_treelite("xgboost" if name == "xgboost" else "lightgbm", booster)
    if treelite is not None:
        batch_ns = seconds(lambda: treelite(columns), 1) / len(columns) * 1e9
        yield "treelite", shown("treelite", {"one us": each_us(treelite, asked), "ns": batch_ns})
    if lleaves is not None and name != "xgboost":
        found = by_lleaves(lleaves, booster, columns)
        wanted = boosters.predict_lightgbm(model.booster_, columns)
        np.testing.assert_allclose(found["answers"], wanted, rtol=1e-9, atol=1e-12)
        times = {"one us": found["one_us"], "ns": found["batch_ns"], "compile s": found["compile_s"]}
        yield "lleaves", shown("lleaves", times)


def shown(tool: str, times: dict[str, float]) -> dict[str, float]:
    """Prints the times of a tool, and returns them."""
    row(f"  by {tool}", times)
    return times


def by_numpy(model: Any, name: str, asked: list[Any], codes: Any) -> dict[str, float]:
    """Microseconds of one question, and nanoseconds of one in a batch, where numba is not installed."""
    from hwcost.cost_models.compiled.forest import read_lightgbm_forest, read_xgboost_forest

    forest = (read_xgboost_forest if name == "xgboost" else read_lightgbm_forest)(model.files()["booster.txt"])
    assert forest is not None
    ranks = Ranks.of(forest, model.features)
    assert ranks is not None
    engine = ArrayEngine(forest)
    question = engine.question(ranks)
    assert question is not None
    spent = seconds(lambda: engine.many(ranks(codes), len(codes)))
    return {"NumPy us": each_us(lambda arch: question(arch.genes), asked), "NumPy ns": spent / len(codes) * 1e9}


def of_tables() -> None:
    """Questions to a lookup table."""
    archs = SHAPER.sample(200, seed=0)
    model = cost_model("lut", SHAPER).fit(archs, [1e-2 + 1e-9 * SHAPER.params(arch) for arch in archs]).compile()
    codes = np.random.default_rng(0).integers(0, 7, (BATCH, 12))
    narrow, wanted = codes.astype(np.uint8), model.tables()(codes)
    layouts = {"bytes": narrow, "bytes by column": np.asfortranarray(narrow), "int64": codes}
    row("lut", {"one us": each_us(model, SHAPER.sample(SINGLES, seed=1))})
    assert np.array_equal(model.predict_codes(narrow), np.maximum(wanted * model.scale_, model.floor_))
    for name, given in layouts.items():
        spent = seconds(lambda given=given: model.predict_codes(given)) / BATCH * 1e9
        row(f"lut, {name}", {"ns": spent, "M/s": 1e3 / spent})
    asked = SHAPER.sample(SINGLES, seed=1)
    spent = seconds(lambda: model.predict(asked)) / SINGLES * 1e9
    row("lut, list", {"ns": spent, "M/s": 1e3 / spent})


def of_one_shape(name: str, trees: int) -> None:
    """Questions to a model over shapes at one of them, before it is compiled and after."""
    rng, over = np.random.default_rng(0), Shaped(SHAPER)
    archs = SHAPER.sample(480, seed=0)
    shapes = [Shape(int(batch), int(length)) for batch, length in zip(*rng.choice([1, 2, 4], (2, 480)), strict=True)]
    values = [1e-2 + 1e-11 * SHAPER.flops(arch, seq_len=64) * one.batch_size * one.seq_len
              for arch, one in zip(archs, shapes, strict=True)]  # fmt: skip
    points = [over.at(arch, Shape(one.batch_size, 64 * one.seq_len)) for arch, one in zip(archs, shapes, strict=True)]
    options = {} if name == "shapes" else {"rounds": trees}
    model = cost_model(name, over, **options).fit(points, np.array(values) * np.exp(0.05 * rng.standard_normal(480)))
    two_ways(f"{name} at 2x64", model.at(2, 64))


def of_prior() -> None:
    """Questions to a mixture of the lookup tables that are shipped."""
    archs = SHAPER.sample(5, seed=0)
    values = [1e-2 + 1e-9 * SHAPER.params(arch) for arch in archs]
    two_ways("prior", PriorModel(SHAPER, sources=read_prior("auto", SHAPER)).fit(archs, values))


def two_ways(name: str, model: Any) -> None:
    """One question, and batches of bytes, before a model is compiled and after; answers are compared bit by bit."""
    codes = np.random.default_rng(0).integers(0, 7, (BATCH, 12)).astype(np.uint8)
    asked, few = SHAPER.sample(SINGLES, seed=1), codes[:5000]
    wanted = model.predict_codes(few)
    spent_s = seconds(lambda: model.predict_codes(few), 1)
    before = {"before us": each_us(model, asked[:50]), "before ns": spent_s / len(few) * 1e9}
    start = time.process_time()
    model.compile()
    spent = {"compile s": time.process_time() - start}
    assert np.array_equal(model.predict_codes(few), wanted)
    assert [model(arch) for arch in asked] == model.predict(asked).values.tolist()
    each_ns = seconds(lambda: model.predict_codes(codes)) / BATCH * 1e9
    row(name, {**before, **spent, "compiled us": each_us(model, asked), "compiled ns": each_ns, "M/s": 1e3 / each_ns})


def main() -> None:
    """Prints one row a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=int, default=1000, help="Number of trees.")
    parser.add_argument("--depth", type=int, default=4, help="Depth of the trees; the hybrid's have depth 4.")
    parser.add_argument("--rows", type=int, default=2000, help="Rows that models are fitted on.")
    known = "lut,xgboost,lightgbm,hybrid,prior,shapes@,xgboost@,lightgbm@,hybrid@"
    parser.add_argument("--lleaves", metavar="PYTHON", help="Python that has lleaves.")
    parser.add_argument("--models", default=known, help="Models, with commas; with @ at one of several shapes.")
    given = parser.parse_args()
    for name in given.models.split(","):
        if name == "lut":
            of_tables()
        elif name == "prior":
            of_prior()
        elif name.endswith("@"):
            of_one_shape(name[:-1], given.trees)
        else:
            of_trees(name, given.trees, given.depth, given.rows, given.lleaves)


if __name__ == "__main__":
    main()
