"""Backends are made by name, and what is missing says how to get it."""

from __future__ import annotations

import importlib.util

import pytest

from hwcost.backends import BACKENDS, backend
from hwcost.backends import options as read
from hwcost.errors import MissingExtraError, UnknownNameError, UsageError

EXTRAS = {
    "torch": "torch", "torch-compile": "torch", "torch-cudagraph": "torch", "torch-xla": "tpu", "onnxruntime": "onnx",
    "openvino": "openvino",
}  # fmt: skip


def test_the_shipped_names() -> None:
    assert BACKENDS.names() == [
        "null", "onnxruntime", "openvino", "replay", "tensorrt", "torch", "torch-compile", "torch-cudagraph", "torch-xla"
    ]  # fmt: skip


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown backend 'onnxruntim'. Did you mean 'onnxruntime'"):
        backend("onnxruntim")


@pytest.mark.parametrize(("name", "extra"), EXTRAS.items())
def test_a_missing_runtime_names_its_extra(name, extra, monkeypatch) -> None:
    monkeypatch.setattr(f"{BACKENDS.load(name).__module__}.find_spec", lambda module: None, raising=False)
    monkeypatch.setattr("hwcost.backends.torch_eager.find_spec", lambda module: None)
    with pytest.raises(MissingExtraError, match=rf"'{name}'.*is missing.*pip install 'hwcost\[{extra}\]'") as error:
        backend(name)
    assert error.value.exit_code == 3


def test_threads_must_be_positive() -> None:
    with pytest.raises(UsageError, match="at least 1, got 0"):
        backend("null", threads=0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("null", {"noise": "loud"}, "option 'noise' must be a number of at least 0, got 'loud'"),
        ("null", {"noise": -1}, "at least 0, got -1"),
        ("null", {"flops_per_s": 0}, "at least 1, got 0"),
        ("null", {"seed": 1.5}, "whole number, got 1.5"),
        ("null", {"realtime": "maybe"}, "true or false, got 'maybe'"),
        ("null", {"noize": 1}, "has no option 'noize'. Known: seed, noise"),
        ("replay", {}, "needs the option 'file'"),
        ("torch-compile", {"mode": "fast"}, "option 'mode' cannot be 'fast'. Known: default, reduce-overhead"),
        ("onnxruntime", {"optimization": "most"}, "cannot be 'most'. Known: none, basic, extended, all"),
    ],
)
def test_bad_options_are_refused(name, options, message) -> None:
    if name in EXTRAS and importlib.util.find_spec(name.split("-")[0]) is None:
        pytest.skip(f"{name} is not installed")
    with pytest.raises(UsageError, match=message):
        backend(name, options=options)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("no", False), (False, False), (True, True)])
def test_switches_come_as_texts_too(text, value) -> None:
    assert read.switch({"realtime": text}, "realtime", default=not value) is value


def test_numbers_come_as_texts_too() -> None:
    assert read.number({"noise": "1e-3"}, "noise", 0.5) == 1e-3
    assert read.number({}, "noise", 0.5) == 0.5
    assert read.integer({"seed": "7"}, "seed", 0) == 7
