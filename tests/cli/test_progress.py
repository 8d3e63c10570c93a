"""Lines where there is no bar: at every tenth, or for every part of the work and at the tenths of long ones."""

from __future__ import annotations

from itertools import pairwise

from hwcost.cli.progress import ProgressText, patient, progress


def test_a_line_at_every_tenth(capsys) -> None:
    with progress(lambda done: ProgressText(done, 50, "", f"line {done}")) as update:
        for done in range(51):
            update(done)
    assert capsys.readouterr().err.split("\n")[:-1] == [f"line {done}" for done in range(0, 51, 5)]


def test_a_line_for_every_part(capsys) -> None:
    with progress(lambda state: ProgressText(state[1], 10, "", f"line {state}", state[0])) as update:
        for part in ("a", "b"):
            for done in range(10):
                update((part, done))
    assert capsys.readouterr().err.split("\n")[:-1] == ["line ('a', 0)", "line ('b', 0)"]


def test_a_part_that_takes_long_has_lines_at_its_tenths(monkeypatch, capsys) -> None:
    seconds = iter(range(0, 10_000, 10))  # a look at the clock takes ten seconds
    monkeypatch.setattr("hwcost.timing.timer.Clock.now_s", lambda clock: float(next(seconds)))
    with progress(lambda done: ProgressText(done, 40, "", f"line {done}", "a part")) as update:
        for done in range(40):
            update(done)
    shown = [int(line.split()[1]) for line in capsys.readouterr().err.splitlines()]
    assert shown[0] == 0
    assert len({10 * done // 40 for done in shown}) == len(shown) > 3
    assert min(b - a for a, b in pairwise(shown)) >= 3


def test_an_unknown_total_is_no_error(capsys) -> None:
    with progress(lambda done: ProgressText(done, None, "", f"line {done}")) as update:
        update(3)
        update(4)
    assert capsys.readouterr().err == "line 3\n"


def test_a_bar_on_a_terminal(monkeypatch, capsys) -> None:
    monkeypatch.setattr("hwcost.cli.console.is_live", lambda: True)
    with progress(lambda done: ProgressText(done, 10, "what is done", "no line")) as update:
        update(5)
    assert "no line" not in capsys.readouterr().err


def test_what_is_over_at_once_shows_nothing(capsys) -> None:
    def describe(done: int) -> ProgressText:
        return ProgressText(done, 10, "", f"line {done}")

    with patient(describe) as update:
        update(5)
    assert capsys.readouterr().err == ""
    with patient(describe, 0.0) as update:
        update(5)
    assert capsys.readouterr().err == "line 5\n"


def test_a_step_is_told_once_however_many_tenths_it_takes(capsys) -> None:
    def describe(state: tuple[int, str]) -> ProgressText:
        done, step = state
        return ProgressText(done, 10, "", f"{step}, {done} done", step=(step,))

    with progress(describe) as update:
        for state in [(0, "a"), (1, "a"), (4, "a"), (5, "b"), (6, "b"), (7, "a")]:
            update(state)
    assert capsys.readouterr().err.splitlines() == ["a, 0 done", "b, 5 done", "a, 7 done"]
