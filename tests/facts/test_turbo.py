"""Whether the clock may rise above the base clock, by the switches of different drivers; the runner finds the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.facts import Process, of_moment
from tests.timing.trees import tree

CPU = "sys/devices/system/cpu"
INTEL, MACHINE = f"{CPU}/intel_pstate/no_turbo", f"{CPU}/cpufreq/boost"


def policies(*values: int) -> dict[str, str]:
    return {f"{CPU}/cpufreq/policy{number}/boost": f"{value}\n" for number, value in enumerate(values)}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({INTEL: "0\n"}, True),
        ({INTEL: "1\n", MACHINE: "1\n"}, False),
        ({MACHINE: "1\n"}, True),  # acpi-cpufreq, and amd-pstate before 6.11
        ({MACHINE: "0\n"}, False),
        ({MACHINE: "0\n", **policies(0, 0)}, False),
        ({MACHINE: "1\n", **policies(1, 1)}, True),
        ({MACHINE: "1\n", **policies(0, 0)}, None),  # both switches count, and these say different things
        (policies(0, 0), False),
        (policies(1, 0), None),
        ({}, None),
    ],
)
def test_turbo(tmp_path: Path, files: dict[str, str], expected: bool | None) -> None:
    root = tree(tmp_path, files)
    facts = {fact.name: fact for fact in of_moment("process")}
    assert facts["turbo"].find(Process(root)) is expected


def test_numa_nodes_are_unknown_where_nothing_is_shown(tmp_path: Path) -> None:
    nodes = next(fact for fact in of_moment("process") if fact.name == "numa_nodes")
    assert nodes.find(Process(tmp_path)) is None
    root = tree(tmp_path, {f"{CPU}/online": "0-3\n"})
    assert nodes.find(Process(root)) == 1
