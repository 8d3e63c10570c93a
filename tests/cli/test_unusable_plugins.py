"""A plug-in that cannot be imported is listed with the reason and takes nothing else away."""

from __future__ import annotations

import json

import pytest

from hwcost.cli.main import invoke
from hwcost.devices import every, names, present, profiles_of
from hwcost.spaces.supershaper import SuperShaper
from hwcost.testing.plugins import registered

GONE = "no_such_module:Member"


class Silent(SuperShaper):
    __doc__ = None


def listed(capsys, *command: str) -> tuple[dict, str, str]:
    """Returns what a listing prints as JSON, as a table and beside the table."""
    assert invoke([*command, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert invoke([*command]) == 0
    return document, *capsys.readouterr()


def test_spaces(capsys) -> None:
    with registered("hwcost.spaces", {"theirs": GONE, "silent": "tests.cli.test_unusable_plugins:Silent"}):
        document, table, beside = listed(capsys, "spaces", "list")
    assert {"supershaper", "silent", "theirs"} <= set(document["spaces"])
    assert list(document["unusable"]) == ["theirs"]
    assert "No module named 'no_such_module'" in document["unusable"]["theirs"]
    assert "supershaper" in table
    assert "unusable" in table
    assert "'theirs' cannot be used" in beside


@pytest.mark.parametrize(("group", "name"), [("hwcost.device_profiles", "theirs"), ("hwcost.device_kinds", "npu")])
def test_devices(capsys, group, name) -> None:
    with registered(group, {name: GONE}):
        assert "cpu" in names()
        document, table, beside = listed(capsys, "devices", "list")
        assert invoke(["devices", "detect"]) == 0
    assert "cpu" in {one["name"] for one in document["devices"]}
    assert "no_such_module" in document["unusable"][name]
    assert "unusable" in table
    assert f"'{name}' cannot be used" in beside


def test_a_profile_that_cannot_be_read(capsys, tmp_path, monkeypatch) -> None:
    (tmp_path / "torn.toml").write_text("name = ")
    monkeypatch.setenv("HWCOST_DEVICE_PATH", str(tmp_path))
    assert "torn" not in every()[0]
    assert "cpu" in profiles_of(present()[0])
    document, _, beside = listed(capsys, "devices", "list")
    assert "not valid TOML" in document["unusable"]["torn"]
    assert "'torn' cannot be used" in beside


@pytest.mark.parametrize(("options", "times"), [((), 1), (("-q",), 0), (("-v",), 0)])
def test_a_member_that_is_left_out_is_said_once_beside_the_document(capsys, tmp_path, options, times) -> None:
    (tmp_path / "times.txt").write_text("nothing that anyone knows\n")
    with registered("hwcost.formats", {"theirs": GONE}):
        assert invoke(["import", str(tmp_path / "times.txt"), "--json", "-", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.startswith("left out: format 'theirs'") for line in err.splitlines()].count(True) == times
    assert ("hwcost.registry: left out: format 'theirs'" in err or "plugin_formats: left out" in err) == ("-v" in options)
