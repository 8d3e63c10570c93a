"""Functions of the user's own, by name."""

from __future__ import annotations

import sys

import pytest

from hwcost._imports import import_callable
from hwcost.errors import MeasurementError, UsageError
from hwcost.workloads.user_model import call_factory, taken

CODE = """
import torch
from torch import nn

def make(width, batch_size=2, **other):
    return nn.Linear(width, 3), torch.ones(batch_size, width)

def by_name(width): return nn.Linear(width, 3), {"input": torch.ones(1, width)}
def fails(): raise ValueError("no such size")
def exits(): raise SystemExit("usage: train.py")
def coloured(): raise ValueError("\\x1b[31mno such size\\x1b[0m")
def three(): return nn.Identity(), torch.ones(1), torch.ones(1)
def later():
    import user_helper
    return user_helper.module()
def without_numbers():
    with torch.device("meta"):
        return nn.Linear(2, 3), torch.ones(1, 2)
def without_shapes(): return nn.Sequential(nn.LazyLinear(3)), torch.ones(1, 2)
value = 3
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "user_code.py").write_text(CODE)
    (tmp_path / "user_helper.py").write_text("from torch import nn\ndef module(): return nn.Identity()\n")
    (tmp_path / "user_script.py").write_text("import sys\nsys.exit(2)\n")
    (tmp_path / "user_broken.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    for name in ("user_code", "user_helper", "user_broken", "user_script"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_the_current_folder_is_importable_and_the_path_is_left_clean() -> None:
    pytest.importorskip("torch")
    before = list(sys.path)
    assert import_callable("user_code:make").__name__ == "make"
    assert call_factory("user_code:later", {}).example is None  # imports a neighbour when it is called
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("user_code", "names no function. Expected package.module:name"),
        ("no_such_module:f", "cannot be imported: No module named 'no_such_module'. Looked in"),
        ("user_broken:f", "cannot be imported: SyntaxError"),
        ("user_code:value", "not a function: it is 3. Functions there: make, by_name, fails, exits, coloured, three, later"),
    ],
)
def test_a_wrong_name_is_explained(name, message) -> None:
    if name.startswith("user_code"):
        pytest.importorskip("torch")
    with pytest.raises(UsageError, match=message):
        import_callable(name)


def test_arguments_that_a_function_takes() -> None:
    offered = ["a", "b", "c"]
    assert taken(lambda a, *, c: None, offered) == ["a", "c"]
    assert taken(lambda b, /, a: None, offered) == ["a"]
    assert taken(lambda **any_name: None, offered) == offered
    assert taken(lambda: None, offered) == []


def test_a_factory_gives_a_module_and_its_inputs() -> None:
    torch = pytest.importorskip("torch")
    made = call_factory("user_code:make", {"width": 5, "depth": 1})
    assert isinstance(made.module, torch.nn.Linear)
    assert [tensor.shape for tensor in made.example] == [(2, 5)]
    assert list(call_factory("user_code:by_name", {"width": 5}).example) == ["input"]


def test_a_call_that_cannot_be_made_and_one_that_fails_say_why() -> None:
    pytest.importorskip("torch")
    with pytest.raises(UsageError, match="'user_code:by_name' cannot be called with the arguments depth: .*width"):
        call_factory("user_code:by_name", {"depth": 1})
    with pytest.raises(MeasurementError, match=r"raised ValueError: no such size \(user_code.py, line 9\)"):
        call_factory("user_code:fails", {})


def test_code_that_exits_is_an_error_like_any_other() -> None:
    pytest.importorskip("torch")
    with pytest.raises(MeasurementError, match="raised SystemExit: usage: train.py"):
        call_factory("user_code:exits", {})
    with pytest.raises(UsageError, match="'user_script:make' cannot be imported: SystemExit: 2"):
        import_callable("user_script:make")


def test_errors_have_no_colours_and_say_what_was_returned() -> None:
    pytest.importorskip("torch")
    with pytest.raises(MeasurementError, match="raised ValueError: no such size"):
        call_factory("user_code:coloured", {})
    with pytest.raises(UsageError, match="returned tuple of 3, not a torch.nn.Module"):
        call_factory("user_code:three", {})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("without_numbers", "whose 'weight' lies on the device 'meta'.*module.to_empty"),
        ("without_shapes", "whose '0.weight' has no shape yet.*Call the module once in the factory"),
    ],
)
def test_a_module_without_weights_is_refused(name, says) -> None:
    pytest.importorskip("torch")
    with pytest.raises(UsageError, match=says):
        call_factory(f"user_code:{name}", {})
