"""``hwcost search`` as a user meets it."""

from __future__ import annotations

import json

import pytest

from hwcost.campaign.plans.plan import Plan
from hwcost.cli.main import invoke
from hwcost.cost_models import cost_model, load
from hwcost.cost_models.training.intervals import calibrate
from hwcost.cost_models.training.quality import fit_quality
from hwcost.errors import UsageError
from hwcost.spaces import Candidates, space
from hwcost.study.remeasure import ANCHORS

pytestmark = pytest.mark.usefixtures("laws_here")

SPACE = space("supershaper", scale="mini")
NAME = "supershaper:scale=mini"
MIDDLE = "24_24_24_24"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A latency model and a quality model, saved."""
    folder = tmp_path_factory.mktemp("models")
    archs = SPACE.sample(80, seed=0)
    seconds = [1e-3 + 1e-9 * SPACE.params(arch) for arch in archs]
    calibrate(cost_model("lut", SPACE).fit(archs, seconds), archs, seconds).save(folder / "latency")
    quality = [5e3 - 10 * sum(arch.genes) for arch in archs]
    fit_quality(SPACE, archs, quality, "lut").model.save(folder / "quality")
    return folder


def answer(capsys, *arguments):
    assert invoke(["search", *map(str, arguments), "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_best_quality_under_a_latency_limit(capsys, models) -> None:
    found = answer(
        capsys, "--minimize", models / 'quality', "--constraint", f"{models / 'latency'}<=1.3ms", "-n", 400,
        "--probability", 0.5,
    )  # fmt: skip
    assert found["space"] == "supershaper"
    assert found["evaluations"] == 400
    assert found["rejected"]["latency_s"] > 0
    best = found["front"][0]
    arch = SPACE.parse(best["arch"])
    assert best["params"] == SPACE.params(arch)
    assert 1e-3 + 1e-9 * SPACE.params(arch) <= 1.3e-3
    assert best["values"] == {"perplexity": pytest.approx(5e3 - 10 * sum(arch.genes), rel=0.02)}


def test_fronts_and_exact_answers(capsys, models) -> None:
    front = answer(capsys, "--minimize", models / "latency", "--maximize", "flops", "--space", NAME, "-s", "exact")["front"]
    assert len(front) > 3
    seconds, flops = ([row["values"][name] for row in front] for name in ("latency_s", "flops"))
    assert seconds == sorted(seconds)
    assert flops == sorted(flops)


def test_the_same_command_goes_on(capsys, models, tmp_path) -> None:
    command = ["--space", NAME, "--minimize", "params", "--maximize", "big=tests.cli.test_search_command:wide"]
    command += ["-s", "nsga2", "--log", tmp_path / "study.jsonl", "--seed", 3, "--searcher-option", "population=8"]
    answer(capsys, *command, "-n", 20)
    assert answer(capsys, *command, "-n", 40)["front"] == answer(capsys, *command, "-n", 40)["front"]
    assert invoke([*map(str, ["search", *command]), "-n", "40", "--seed", "4"]) == 2
    assert "it has seed=3, and seed=4 was given" in capsys.readouterr().err


def wide(arch) -> float:
    return float(sum(arch.genes))


class Wide:
    """The same for many architectures at once."""

    name = "width"

    def __init__(self, space) -> None:
        self.space = space

    def __call__(self, arch) -> float:
        return wide(arch)

    def predict_codes(self, codes):
        return Candidates(self.space, codes).genes.sum(axis=1)


OF_MINI = Wide(SPACE)


@pytest.mark.parametrize(("what", "name"), [("Wide", "width"), ("OF_MINI", "width"), ("wide", None)])
def test_limits_of_your_own(capsys, what, name) -> None:
    """Classes are made for the space; what values many architectures at once is checked before anything is evaluated."""
    bound = f"tests.cli.test_search_command:{what}>=140"
    command = ["--space", NAME, "--minimize", "params", "--constraint", bound, "-n", 60]
    found = answer(capsys, *command)
    assert all(wide(SPACE.parse(row["arch"])) >= 140 for row in found["front"])
    assert set(found["rejected"]) == ({name} if name else set())
    assert (found["infeasible"] > 0) == (name is None)
    assert invoke(["search", *map(str, command)]) == 0
    assert ("of them infeasible" in capsys.readouterr().out) == (name is None)


def test_a_class_that_takes_no_space_is_refused(capsys) -> None:
    assert invoke(["search", "--space", NAME, "--minimize", "tests.cli.test_search_command:NoSpace"]) == 2
    assert "'tests.cli.test_search_command:NoSpace' could not be made for space 'supershaper'" in capsys.readouterr().err


class NoSpace:
    pass


def test_limits_relative_to_a_baseline_and_a_reference(capsys) -> None:
    found = answer(
        capsys, "--space", NAME, "--minimize", "params", "--maximize", "flops", "--constraint", "memory<=0.9x",
        "--baseline", MIDDLE, "--reference", "48_16_16_48", "--dominate", 1, "-n", 300, "-s", "nsga2",
    )  # fmt: skip
    middle = SPACE.params(SPACE.parse(MIDDLE))
    assert all(row["params"] <= 0.9 * middle for row in found["front"] if row["arch"] != "48_16_16_48")


def test_sizes_are_counted_as_a_paper_does_where_it_is_asked_for(capsys) -> None:
    paper = space("supershaper")
    most = 55e6
    command = ["--space", "supershaper", "--maximize", "flops", "--minimize", "params:paper", "-s", "exact"]
    front = answer(capsys, *command)["front"]
    assert all(row["values"]["params:paper"] == paper.params(paper.parse(row["arch"]), "paper") for row in front)
    command = ["--space", "supershaper", "--maximize", "flops", "--constraint", "params:paper<=55M", "-n", 300]
    found = answer(capsys, *command)
    assert found["rejected"]["params:paper"] > 0
    assert paper.params(paper.parse(found["front"][0]["arch"]), "paper") <= most


def test_winners_are_measured_and_put_beside_what_was_predicted(capsys, models, tmp_path) -> None:
    found = answer(
        capsys, "--minimize", models / "latency", "--constraint", "params>=200k", "-s", "exact", "--measure",
        "--backend", "null", "--store", tmp_path / "winners.db",
    )  # fmt: skip
    (row,) = found["measured"]
    assert row["predicted_s"] == pytest.approx(found["front"][0]["values"]["latency_s"])
    assert row["measured_s"] > 0
    level = found["level"]
    assert level["anchors"] == ANCHORS
    assert row["error"] == pytest.approx(row["predicted_s"] * level["ratio"] / row["measured_s"] - 1)
    assert row["holds"] in (True, False)
    assert invoke(["search", "--space", NAME, "--minimize", "params", "--measure", "-n", "9"]) == 2
    assert "give a latency model" in capsys.readouterr().err


def test_the_campaign_of_winners_shows_its_progress_and_is_announced(capsys, models, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("hwcost.campaign.rounds.forecast.LONG_S", 0.0)
    asked = ["search", "--minimize", models / "latency", "-s", "exact", "--measure", "--backend", "null"]
    assert invoke([*map(str, asked), "--store", str(tmp_path / "winners.db"), "--json", "-"]) == 0
    said = capsys.readouterr().err
    assert said.index("measuring 1 winners") < said.index("this takes ") < said.index("process 1 of 2, ")


def test_winners_are_corrected_for_their_selection(capsys, models) -> None:
    found = answer(capsys, "--minimize", models / "latency", "--constraint", "params>=200k", "-n", 200)
    (bias, best) = found["selection"]["latency_s"], found["front"][0]
    assert bias["refits"] == 20
    assert best["corrected"]["latency_s"] == pytest.approx(bias["factor"] * best["values"]["latency_s"])
    command = ["search", "--minimize", str(models / "latency"), "-n", "50"]
    assert invoke(command) == 0
    out, err = capsys.readouterr()
    assert "corrected" in out
    assert "winners were chosen for their predictions" in err
    assert answer(capsys, *command[1:], "--refits", 0)["selection"] == {}


def test_the_best_is_verified_by_measuring(capsys, models, tmp_path) -> None:
    command = [
        "--minimize", models / "latency", "--constraint", "params>=200k", "--verify", 4, "--backend", "null",
        "--store", tmp_path / "verified.db",
    ]  # fmt: skip
    found = answer(capsys, *command)
    state = found["verification"]
    assert 1 <= len(found["measured"]) <= 4
    assert state["best"] in {row["arch"] for row in found["measured"]}
    assert state["sure"] == (state["probability"] >= state["wanted"])
    assert 1 <= state["rounds"] <= len(found["measured"])
    assert invoke(["search", "--space", NAME, "--minimize", "params", "--verify", "2", "-n", "9"]) == 2
    assert "give a latency model" in capsys.readouterr().err
    both = ["--minimize", str(models / "latency"), "--maximize", "params", "--verify", "2", "-s", "nsga2"]
    assert invoke(["search", *both]) == 2
    assert "takes one objective" in capsys.readouterr().err


def test_no_level_hides_that_winners_were_measured_elsewhere(capsys, models, tmp_path) -> None:
    elsewhere = load(models / "latency")
    elsewhere.provenance["backend"] = "torch"
    elsewhere.save(tmp_path / "elsewhere")
    command = ["--minimize", tmp_path / "elsewhere", "-s", "exact", "--measure", "--backend", "null"]
    assert invoke(["search", *map(str, command), "--store", str(tmp_path / "winners.db"), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["level"] is None
    assert "the model was measured with backend torch" in err


def test_a_model_of_another_backend_backs_no_certainty(capsys, models, tmp_path) -> None:
    """Its errors on its own rows are as good as none, which says nothing of nets on another backend."""
    elsewhere = load(models / "latency")
    elsewhere.provenance["backend"] = "torch"
    elsewhere.save(tmp_path / "elsewhere")
    options = ["--constraint", "params>=200k", "-n", 200, "--verify", 4, "--store", tmp_path / "verified.db"]
    found = answer(capsys, "--minimize", tmp_path / "elsewhere", *options, "--backend", "null")
    state = found["verification"]
    assert len(found["measured"]) == 4
    assert (state["probability"], state["margin"], state["sure"]) == (None, None, False)
    seconds = {row["arch"]: row["measured_s"] for row in found["measured"]}
    assert seconds[state["best"]] < 1.02 * min(seconds.values())
    assert "the cost model was measured on another device or backend" in state["remark"]


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("null", "on cpu, backend null,"),
        pytest.param("of another tool", "on cpu, backend torch,", marks=pytest.mark.torch),
    ],
)
def test_winners_are_measured_by_the_backend_of_the_rows(capsys, models, tmp_path, monkeypatch, backend, said) -> None:
    from hwcost.cli import winners

    def stop(*given: object) -> None:
        raise UsageError("enough")

    monkeypatch.setattr(winners, "_run", stop)
    own = load(models / "latency")
    own.provenance["backend"] = backend
    own.save(tmp_path / "own")
    command = ["search", "--minimize", str(tmp_path / "own"), "-s", "exact", "--measure"]
    assert invoke([*command, "--store", str(tmp_path / "w.db")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        (["--device", "k80"], 3, "k80"),
        (["--device", "nowhere"], 2, "unknown device 'nowhere'"),
        (["--backend", "nothing"], 2, "unknown backend 'nothing'"),
    ],
)
def test_winners_that_cannot_be_measured_are_not_searched(capsys, models, monkeypatch, option, code, said) -> None:
    from hwcost.study import SearchOptions

    monkeypatch.setattr(SearchOptions, "run", None)
    assert invoke(["search", "--minimize", str(models / "latency"), "-s", "exact", "--measure", *option]) == code
    assert said in capsys.readouterr().err


def test_winners_are_measured_in_the_manner_of_the_rows(capsys, models, tmp_path, monkeypatch) -> None:
    from types import SimpleNamespace

    from hwcost.campaign import run as campaign
    from hwcost.stores import open_store
    from hwcost.timing.measurement import Flag

    manner = load(models / "latency")
    manner.provenance |= {"protocol": {"arrival": "gap=50ms", "cache": "cold"}, "dtype": "bfloat16"}
    manner.provenance |= {"threads": 2, "backend": "null", "backend_options": {"noise": 0}}
    manner.save(tmp_path / "manner")

    def lost(store, campaign_id, **options):
        nothing: dict = dict.fromkeys(("latency_s", "low_s", "high_s"))
        one = SimpleNamespace(**nothing, flags=(Flag("E_FOREIGN", "ran there"),), workload=SimpleNamespace(name="w"))
        return SimpleNamespace(flags=(), measurements=[one for _ in store.campaign(campaign_id).plan["items"]])

    monkeypatch.setattr(campaign, "run", lost)
    command = ["search", "--minimize", str(tmp_path / "manner"), "-s", "exact", "--measure"]
    assert invoke([*command, "--store", str(tmp_path / "w.db")]) == 4
    told = capsys.readouterr().err
    with open_store(tmp_path / "w.db") as store:
        (plan,) = (Plan.from_dict(one.plan) for one in store.campaigns())
    assert (plan.threads, plan.protocol.arrival, plan.backend_options) == (2, "gap=50ms", {"noise": 0})
    assert (plan.protocol.cache, plan.items[0].workload.dtype) == ("cold", "bfloat16")
    assert "on cpu, backend null, batch 1, 128 tokens, bfloat16" in told
    assert "as the model's rows were: 2 thread(s), calls gap=50ms, cold caches" in told
    assert "'w' could not be measured: E_FOREIGN: ran there" in told
    assert "no winner could be measured" in told


def test_figures_are_drawn(capsys, models, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    answer(capsys, "--space", NAME, "--minimize", "params", "-n", 20, "--plot", tmp_path / "one")
    answer(capsys, "--space", NAME, "--minimize", "params", "--maximize", "flops", "-s", "random", "-n", 20, "--plot",
           tmp_path / "two")  # fmt: skip
    assert {path.stem for path in (tmp_path / "one").iterdir()} == {"best", "progress"}
    assert {path.name for path in (tmp_path / "two").iterdir()} == {"front.png", "front.svg"}
    three = ["--minimize", "params", "--maximize", "flops", "--minimize", "memory", "-s", "random", "-n", 20]
    assert invoke(["search", "--space", NAME, *map(str, three), "--plot", str(tmp_path / "three")]) == 0
    out, err = capsys.readouterr()
    assert "Front of supershaper by random" in out
    assert "no figure: a front of 3 objectives" in err


def nothing(arch) -> float:
    raise ValueError("no such net")


@pytest.mark.parametrize("form", [[], ["--json", "-"]], ids=["table", "document"])
def test_a_search_that_completes_nothing_ends_alike_in_both_forms(capsys, form) -> None:
    command = ["search", "--space", NAME, "--minimize", "tests.cli.test_search_command:nothing", "-s", "random", "-n", "3"]
    assert invoke([*command, *form]) == 2
    out, err = capsys.readouterr()
    assert "no architecture was completed" in err
    assert "The last one: nothing: ValueError: no such net" in err
    assert not form or json.loads(out)["failed"] == 3


def test_figures_that_could_not_be_written_are_refused_before_the_search(capsys, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "file").write_text("")
    command = ["search", "--space", NAME, "--minimize", "params", "-n", "5", "--plot", str(tmp_path / "file")]
    assert invoke(command) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "Not a directory" in err


def test_tables_are_printed_where_no_json_is_wanted(capsys, models) -> None:
    assert invoke(["search", "--minimize", str(models / "latency"), "-s", "random", "-n", "30"]) == 0
    out, err = capsys.readouterr()
    assert "Best of supershaper by random" in out
    assert "30 evaluated in 30 iterations; 30 evaluations" in out
    assert "evaluated: best" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--space", NAME], "needs an objective"),
        (["--minimize", "params"], "which space?"),
        (["--space", NAME, "--minimize", "parms"], "nor a folder that is there"),
        (["--space", NAME, "--minimize", "nowhere.at.all:f"], "cannot be imported"),
        (["--space", NAME, "--minimize", "json:nothing"], "has no function of an architecture 'nothing'"),
        (["--space", NAME, "--minimize", "params", "--constraint", "params=3"], "is not a constraint"),
        (["--space", NAME, "--minimize", "params:papr"], "has no accounting 'papr'. Known: built, paper"),
        (["--space", NAME, "--minimize", "params", "--constraint", "params:papr<=66M"], "has no accounting 'papr'"),
        (["--space", NAME, "--minimize", "params", "--constraint", "params<=wide"], "is not a quantity"),
        (["--space", NAME, "--minimize", "params", "--constraint", "params<=0.5x"], "give --baseline"),
        (["--space", NAME, "--minimize", "params", "--constraint", "params<=1"], "no architecture of space"),
        (["--space", NAME, "--minimize", "params", "-s", "best"], "unknown searcher 'best'"),
        (["--space", NAME, "--minimize", "params", "--searcher-option", "population"], "write --searcher-option NAME=VALUE"),
        (["--space", NAME, "--minimize", "params", "--searcher-option", "seed=3"], "'seed' is none"),
        (["--space", NAME, "--minimize", "params", "-n", "0"], "positive number of evaluations, got 0"),
        (["--space", NAME, "--minimize", "params", "--searcher-option", "size=3"], "does not take these options"),
        (["--space", NAME, "--minimize", "params", "--dominate", "3"], "needs a reference"),
        (["--space", NAME, "--minimize", "params", "--reference", "9_9"], "has 4 genes"),
        (["--space", "hat", "--minimize", "params"], "describes data only"),
        (["--space", "autodistill", "--minimize", "{latency}"], "is of space 'supershaper'"),
    ],
)
def test_bad_input_is_told(capsys, models, arguments, says) -> None:
    assert invoke(["search", *[one.format(latency=models / "latency") for one in arguments]]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("{0}/latency<=150", "150 needs a unit: write 150ms or 150s"),
        ("{0}/latency<=66M", "66M needs a unit: write 66ms or 66s"),
        ("{0}/latency>=0.001", "0.001 needs a unit"),
        ("params<=50ms", "bounds something that is not a time"),
        ("{0}/quality<=3s", "bounds something that is not a time"),
        ("params<=3J", "bounds something without a unit, which 3J is not"),
    ],
)
def test_a_bound_on_a_time_has_a_unit_of_time_and_others_have_none(capsys, models, limit, says) -> None:
    command = ["search", "--space", NAME, "--minimize", "params", "--constraint", limit.format(models), "-n", "5"]
    assert invoke(command) == 2
    assert says in capsys.readouterr().err


def test_a_constraint_that_keeps_nothing_out_is_said_first(capsys, models) -> None:
    command = ["--minimize", "params", "--constraint", f"{models / 'latency'}<=150s", "--constraint", "params<=66M", "-n", 5]
    assert invoke(["search", "--space", NAME, *map(str, command), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert "satisfy latency_s <= 150 s with probability 0.95: they reach from" in err
    assert len(json.loads(out)["remarks"]) == 2
