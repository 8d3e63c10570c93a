"""Tables on narrow terminals: no number is ever cut."""

from __future__ import annotations

import pytest

from hwcost.cli import console

COLUMNS = ["architecture", "MAPE %", "median APE %", "latency"]
ROWS = [["360_" * 12 + "360", "1.04", "0.81", "200.1 ms"], ["120", "11.25", "9.80", "97 us"]]


@pytest.mark.parametrize("width", [20, 45, 60, 80, 200])
def test_every_cell_is_there_whole(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    monkeypatch.setattr(console, "stdout", lambda: Console(width=width, highlight=False))
    console.print_table("A table", COLUMNS, ROWS, "footer")
    printed = capsys.readouterr().out
    for row in ROWS:
        for cell in row[1:]:
            assert cell in printed
    first = [line.split()[0] for line in printed.splitlines() if line.strip()]
    assert ROWS[0][0] in "".join(first)
    if width >= 60:
        assert max(len(line.rstrip()) for line in printed.splitlines()) <= width


@pytest.mark.parametrize("name", ["rows[/v2].csv", "rows[v2].csv", "[bold]x[/bold]", "a:100:b", "[link=x]"])
def test_names_of_others_are_no_markup(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(f"{name}: table", ["architecture", name], [[name, name]], name)
    assert capsys.readouterr().out.count(name) == 5
