from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import ArchitectureError, DataError, StoreError, UsageError
from hwcost.spaces import Gene, SearchSpace
from tests.cost_models.planted import SPACE, noisy

ARCHS = SPACE.sample(30, seed=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return cost_model("lightgbm", SPACE, rounds=5).fit(ARCHS, noisy(ARCHS)).save(tmp_path / "model")


def edit(folder: Path, change) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_config_is_plain_json_with_provenance(folder):
    config = json.loads((folder / "config.json").read_text())
    assert config["schema_version"] == 3
    assert config["space"] == {"name": "supershaper", "options": {"merged": False}}
    assert set(config) >= {"model", "options", "provenance", "files", "state", "hwcost_version"}
    assert len(json.loads((folder / "measured.json").read_text())) == 30


@pytest.mark.parametrize(("name", "lost"), [("lightgbm", ["trend", "ends"]), ("lightgbm", ["ends"]), ("ridge", [])])
def test_a_model_of_before_answers_as_it_did_and_says_what_it_lacks(name, lost, tmp_path, caplog):
    archs = SPACE.sample(120, seed=3)
    made = cost_model(name, SPACE, **({"rounds": 20} if lost else {}))
    fit = calibrate(made.fit(archs, noisy(archs)), archs, noisy(archs))
    bare = replace(fit.domain_, **dict.fromkeys(lost or ["trend", "ends"]), follows=False)
    fit.domain_ = bare  # what the version before knew
    folder, asked = fit.save(tmp_path / "model"), [*SPACE.sample(50, seed=4), SPACE.architecture([120] * 12)]
    edit(folder, lambda config: config.update(schema_version=2))
    found, said = load(folder).predict(asked), caplog.text
    for end in ("values", "low", "high", "in_domain"):
        np.testing.assert_array_equal(getattr(found, end), getattr(fit.predict(asked), end))
    assert ("how far its rows reach" if "trend" in lost else "whether its errors are larger") in said
    assert "answers as it did" in said
    caplog.clear()
    edit(folder, lambda config: config.update(schema_version=3))
    load(folder)
    assert not caplog.text


@pytest.mark.parametrize("name", ["config.json", "measured.json", "booster.txt"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "measured.json", "booster.txt"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[1, 2", b"tree\nTree=0\n"])
def test_a_damaged_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}.*damaged"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(schema_version=4), "schema_version 4"),
        (lambda c: c.pop("schema_version"), "no schema_version"),
        (lambda c: c.update(model="os:system"), "unknown cost model 'os:system'"),
        (lambda c: c.update(model=["lut"]), "unknown cost model"),
        (lambda c: c["space"].update(name="bert"), "unknown space 'bert'"),
        (lambda c: c["options"].update(depth="deep"), "does not take these options"),
        (lambda c: c["options"].update(colour=1), "does not take these options"),
        (lambda c: c.pop("state"), "damaged"),
        (lambda c: c["state"].pop("domain"), "damaged"),
        (lambda c: c["state"].update(domain=7), "damaged"),
        (lambda c: c.update(files={"../booster.txt": "0"}), "not a plain file name"),
        (lambda c: c["files"].update({"booster.txt": "0" * 64}), "not what was saved"),
    ],
)
def test_a_changed_config_is_refused(folder, change, said):
    edit(folder, change)
    with pytest.raises(DataError, match=said):
        load(folder)


def test_a_config_that_is_no_object_is_refused(folder):
    (folder / "config.json").write_text("[1]")
    with pytest.raises(DataError, match="no schema_version"):
        load(folder)


def test_a_model_of_another_class_is_refused(folder):
    with pytest.raises(DataError, match="holds a 'lightgbm' model"):
        LookupTable.load(folder)


def test_a_folder_that_is_none_and_one_that_cannot_be_written(tmp_path, folder):
    with pytest.raises(DataError, match="holds no cost model"):
        load(tmp_path / "nothing")
    with pytest.raises(UsageError, match="cannot write"):
        load(folder).save(folder / "config.json" / "below")


def test_a_save_that_fails_leaves_the_model_that_was_there(tmp_path, folder, monkeypatch):
    before = load(folder).predict(ARCHS).values
    (folder / "fitness.png").write_bytes(b"figure")
    wider = cost_model("lut", SPACE).fit(ARCHS, 2 * noisy(ARCHS))
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "config.json":
            raise OSError(28, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        for place in (folder, tmp_path / "new"):
            with pytest.raises(StoreError, match="No space left.*Make room"):
                wider.save(place)
    assert sorted(one.name for one in tmp_path.iterdir()) == [folder.name]
    assert load(folder).predict(ARCHS).values.tolist() == before.tolist()
    wider.save(folder)
    assert load(folder).predict(ARCHS).values.tolist() == wider.predict(ARCHS).values.tolist()
    assert sorted(one.name for one in folder.iterdir()) == ["README.md", "config.json", "fitness.png", "measured.json"]


class Mine(SearchSpace):
    """A space of a script, which has no entry point."""

    name = "mine"
    genes = (Gene("depth", (1, 2, 3)), Gene("act", ("relu", "gelu"), categorical=True))


class Changed(Mine):
    """The same after an edit."""

    genes = (Gene("depth", (1, 2, 4)), Gene("act", ("relu", "gelu"), categorical=True))


def test_a_model_of_a_space_in_a_script_is_loaded_with_the_space(tmp_path):
    archs = Mine().sample(6)
    model = cost_model("ridge", Mine()).fit(archs, np.arange(1.0, 7.0))
    folder = model.save(tmp_path / "model")
    with pytest.raises(DataError, match=r"unknown space 'mine'.*hwcost.load\(folder, space=MySpace\(\)\)"):
        load(folder)
    for read in (load(folder, space=Mine()), type(model).load(folder, space=Mine())):
        np.testing.assert_array_equal(read.predict(archs).values, model.predict(archs).values)
    with pytest.raises(DataError, match="'name': 'mine'.*'name': 'supershaper'.* was given"):
        load(folder, space=SPACE)
    with pytest.raises(ArchitectureError, match="gene 'depth' of space 'mine' cannot be 3"):
        load(folder, space=Changed())
    with pytest.raises(UsageError, match="space= is a search space"):
        load(folder, space="mine")
