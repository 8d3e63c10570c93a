"""Several batch sizes and sequence lengths on the command line: measured, fitted, judged, asked and searched."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import hwcost as hc
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.targets import drawn_items
from hwcost.cli.main import invoke
from hwcost.errors import DataError, UsageError
from hwcost.spaces import space

pytestmark = pytest.mark.usefixtures("laws_here")

SPACE = space("supershaper", scale="mini")
NAME = "supershaper:scale=mini"


def document(capsys, *arguments: str) -> dict:
    assert invoke([*arguments, "--json", "-", "-q"]) == 0, capsys.readouterr().err
    found: dict = json.loads(capsys.readouterr().out)
    return found


def refused(capsys, *arguments: str) -> str:
    assert invoke([*arguments]) == 2
    return str(capsys.readouterr().err)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> str:
    """A model over two batch sizes and two lengths, of the null backend."""
    folder = tmp_path_factory.mktemp("shapes")
    store, out = str(folder / "runs.db"), str(folder / "model")
    asked = ["--batch-size", "1,4", "--seq-len", "16,64", "-n", "12", "--test-rows", "4", "--design", "grid"]
    how = ["--backend", "null", "--tier", "quick", "--no-pin", "-q"]
    assert invoke(["measure", "--space", NAME, *asked, *how, "--store", store]) == 0
    assert invoke(["fit", store, "--model", "shapes", "--out", out, "--no-plot", "-q"]) == 0
    return out


def test_a_grid_is_measured_fitted_and_judged(fitted, capsys) -> None:
    store = fitted.replace("model", "runs.db")
    capsys.readouterr()
    report = document(capsys, "evaluate", store, "--model", "shapes")
    assert (report["space"], report["n_rows"], report["n_architectures"]) == ("supershaper", 64, 16)
    assert report["models"]["shapes"]["as_measured"]["mape"] < 2.0
    for option, value in (("--train", "0.5"), ("--split", "ordered"), ("--seeds", "3")):
        assert f"{option} has no effect on a campaign" in refused(capsys, "evaluate", store, option, value)
    of_one = document(capsys, "evaluate", store, "--model", "auto", "--batch-size", "4", "--seq-len", "16")["models"]
    assert of_one["auto"]["chosen"] is not None
    fit = document(capsys, "fit", store, "--model", "shapes", "--out", fitted, "--no-plot")
    assert fit["over_shapes"] == {"batch_size": [1, 4], "seq_len": [16, 64]}
    one = document(capsys, "fit", store, "--batch-size", "4", "--seq-len", "16", "--out", fitted + "-one", "--no-plot")
    assert one["over_shapes"] is None
    assert one["n_rows"] == 12
    assert "of one shape, 4x16" in refused(capsys, "predict", fitted + "-one", "--arch", "8_8_8_8", "--batch-size", "1")


def test_a_model_is_asked_at_a_shape(fitted, capsys) -> None:
    asked = ["predict", fitted, "--arch", "8_8_8_8", "--batch-size", "2", "--seq-len"]
    inside, beyond = (document(capsys, *asked, length) for length in ("32", "128"))
    assert (inside["model"], inside["batch_size"], inside["seq_len"]) == ("shapes", 2, 32)
    assert inside["predictions"][0]["in_domain"]
    assert not beyond["predictions"][0]["in_domain"]
    assert beyond["predictions"][0]["latency_s"] > inside["predictions"][0]["latency_s"]
    both = document(capsys, *asked[:-2], "1,2", "--seq-len", "32,128")
    assert [(one["batch_size"], one["seq_len"]) for one in both["predictions"]] == [(1, 32), (1, 128), (2, 32), (2, 128)]
    assert [one["latency_s"] for one in both["predictions"][2:]] == [
        one["predictions"][0]["latency_s"] for one in (inside, beyond)
    ]
    assert invoke([*asked[:-2], "1,2", "--seq-len", "32"]) == 0
    assert "8_8_8_8@2x32" in capsys.readouterr().out
    assert "several shapes (batch_size 1 to 4; seq_len 16 to 64)" in refused(capsys, "predict", fitted, "--arch", "8_8_8_8")


def test_a_prior_and_rows_at_several_shapes(fitted, capsys) -> None:
    """Models over shapes teach rows at several and at one; models of one shape, and the shipped prior, teach rows of one."""
    store, one = fitted.replace("model", "runs.db"), fitted + "-of-one"
    capsys.readouterr()
    of_one = ["--batch-size", "4", "--seq-len", "16"]
    document(capsys, "fit", store, "--model", "lut", *of_one, "--out", one, "--no-plot")
    several = document(capsys, "fit", store, "--prior", fitted, "--out", fitted + "-prior", "--no-plot")
    assert (several["model"], several["n_rows"]) == ("prior", 48)
    assert several["over_shapes"] == {"batch_size": [1, 4], "seq_len": [16, 64]}
    alone = document(capsys, "fit", store, "--prior", one, *of_one, "--out", fitted + "-prior", "--no-plot")
    assert (alone["n_rows"], alone["over_shapes"]) == (12, None)
    with pytest.raises(DataError, match=r"the prior .* is of space .* measurements are of .* at several batch"):
        hc.fit(store, prior=one)
    asked = document(capsys, "fit", store, "--prior", fitted, *of_one, "--out", fitted + "-prior", "--no-plot")
    assert (asked["model"], asked["n_rows"], asked["over_shapes"]) == ("prior", 12, None)
    with pytest.raises(UsageError, match="what ships with space 'supershaper' is of no shape"):
        hc.fit(store, prior="auto")


def test_a_search_bounds_latency_at_a_shape(fitted, capsys) -> None:
    limits = ["search", "--maximize", "params", "--searcher", "exact", "--probability", "0", "--constraint"]
    small, other = (document(capsys, *limits, f"{fitted}@{shape}<=1500us") for shape in ("1,16", "4x64"))
    options = document(capsys, *limits, f"{fitted}<=1500us", "--batch-size", "4", "--seq-len", "64")
    assert other["front"] == options["front"] != small["front"]
    assert "DIR@8,256" in refused(capsys, *limits, f"{fitted}<=1500us")
    assert "a whole number from 1" in refused(capsys, *limits, f"{fitted}@0,16<=1500us")


@pytest.mark.parametrize("model", ["shapes", "lightgbm"])
def test_winners_at_a_shape_are_corrected_and_verified(model, fitted, capsys) -> None:
    store, out = fitted.replace("model", "runs.db"), f"{fitted}-{model}"
    assert invoke(["fit", store, "--model", model, "--out", out, "--no-plot", "-q"]) == 0
    capsys.readouterr()
    asked = ["search", "--minimize", f"{out}@4,64", "-n", "30", "--refits", "4"]
    measured = ["--verify", "3", "--backend", "null", "--tier", "quick", "--store", f"{fitted}-{model}.db"]
    found = document(capsys, *asked, *measured)
    (bias,) = found["selection"].values()
    assert 0.8 < bias["factor"] < 1.3
    assert bias["log_error"] < 0.1
    assert len(found["measured"]) == 3
    assert found["verification"]["rounds"] == 1
    assert 0 < found["verification"]["probability"] <= 1


@pytest.mark.parametrize("sizes", ["0", "1,0", "1,x", "1,,2", "-1", "nan", "1,nan"])
def test_what_is_no_size_is_refused(sizes, capsys) -> None:
    for option, name in (("--batch-size", "batch size"), ("--seq-len", "sequence length")):
        assert f"the {name} is a whole number from 1" in refused(capsys, "measure", "--backend", "null", f"{option}={sizes}")


def test_prices_of_components_are_of_one_shape(capsys) -> None:
    message = refused(capsys, "measure", "--backend", "null", "--components", "--batch-size", "1,4")
    assert "measured at one shape, and batch_size=1,4 was given" in message


def test_resuming_takes_the_same_sizes_and_no_others(fitted, capsys) -> None:
    resumed = ["measure", "--resume", "--store", fitted.replace("model", "runs.db"), "--backend", "null", "-n", "12"]
    assert invoke([*resumed, "--batch-size", "4,1", "--seq-len", "16,64", "-q"]) == 0
    assert "was planned with --batch-size 1, 4" in refused(capsys, *resumed, "--batch-size", "1,2")


def test_a_spread_deals_every_size_of_architecture_to_every_shape() -> None:
    options = MeasureOptions(batch_size=[1, 2], seq_len=(16, 32, 64))
    items = drawn_items(SPACE, options, 24, design="spread", test=6)
    work = [(item.role, (item.workload.batch_size, item.workload.seq_len)) for item in items]
    assert len({item.workload.genes for item in items}) == 30
    for shape in [(batch, length) for batch in (1, 2) for length in (16, 32, 64)]:
        assert (work.count(("fit", shape)), work.count(("test", shape))) == (4, 1)
    sizes = sorted(SPACE.params(item.workload.architecture) for item in items if item.role == "fit")
    for shape in {shape for _, shape in work}:
        own = [item for item in items if (item.workload.batch_size, item.workload.seq_len) == shape and item.role == "fit"]
        ranks = [sizes.index(SPACE.params(item.workload.architecture)) // 6 for item in own]
        assert len(set(ranks)) >= 3
    assert len(drawn_items(SPACE, options, 4)) == len(drawn_items(SPACE, options, 4, design="grid")) == 24
    for sizes in (math.nan, [1, math.nan], np.float64("nan"), [math.inf]):
        with pytest.raises(UsageError, match="seq_len= is a whole number from 1, or a list of them"):
            MeasureOptions(seq_len=sizes)
    with pytest.raises(UsageError, match="Known: spread, uniform, grid"):
        drawn_items(SPACE, options, 4, design="cube")
    with pytest.raises(UsageError, match="batch_size= is a whole number from 1, or a list of them"):
        MeasureOptions(batch_size=[])
