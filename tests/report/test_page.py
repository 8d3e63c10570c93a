"""The page of a pipeline's report: what its tables show, and that none of it is wider than the window."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from hwcost.report import write_page
from hwcost.report.page import LISTED

KEY = "10" * 126
"""Key of a net of 252 gates, as BERT-base has."""


def net(seconds: float) -> dict[str, Any]:
    latencies = {
        f"{name}{end}_s": factor * seconds
        for name in ("measured", "predicted", "at_level")
        for end, factor in {"": 1.0, "_low": 0.9, "_high": 2.2}.items()
    }
    return {"arch": KEY, "params": 84_934_656, **latencies, "budget_s": None, "keeps": True, "scores": {"mnli": 0.8125}}


def report(**stages: Any) -> dict[str, Any]:
    """A report as small as can be, of nets whose keys are as long as any."""
    return {
        "pipeline": "own", "title": "Nets", "settings": {"preset": "quick", "seed": 0, "backend": "torch", "threads": 1},
        "device": "cpu", "parts": {"constraints": f"arch={KEY}"}, "doubts": [f"The net {KEY} has learnt nothing."],
        "verdicts": [{"claim": f"the net {KEY} is fast", "found": f"{KEY} against {KEY}", "holds": True}],
        "is_rehearsal": False, "stages": stages, "seconds": {"winners": 3.0},
    }  # fmt: skip


def headings(page: str) -> list[str]:
    return re.findall(r"<th>([^<]*)</th>", page)


def test_columns_that_are_empty_are_left_out(tmp_path: Path) -> None:
    nets = {"base": {**net(0.5), "by_batch": {}, "parts": []}, "do": {**net(0.25), "predicted_s": None, "by_batch": {}}}
    page = write_page(report(winners={"nets": nets}), tmp_path).read_text()
    assert headings(page)[:6] == ["name", "arch", "params", "measured", "predicted", "at level"]  # one net has the second
    assert not {"budget", "by batch", "parts"} & set(headings(page))
    assert "<td>mnli 0.8125</td>" in page


def test_a_page_that_is_cut_while_it_is_written_leaves_the_one_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write_page(report(winners={"nets": [net(0.5)]}), tmp_path).read_text()

    def cut(path: Path, data: bytes) -> None:
        path.open("wb").write(data[:9])
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.write_bytes", cut)
    with pytest.raises(KeyboardInterrupt):
        write_page(report(winners={"nets": [net(0.25)]}), tmp_path)
    assert (tmp_path / "report.html").read_text() == before
    assert {path.name for path in tmp_path.iterdir()} <= {"report.html", "figures"}


def test_an_interval_stands_with_its_value_where_the_row_has_one(tmp_path: Path) -> None:
    nets = [net(0.5), {**net(0.25), "measured_low_s": None}, {"arch": KEY, "measured_s": None}]
    page = write_page(report(winners={"nets": nets}), tmp_path).read_text().replace("\u00a0", " ")
    assert headings(page)[:5] == ["arch", "params", "measured", "predicted", "at level"]
    shown = re.findall(r"<td>([^<]*ms[^<]*)</td>", page)
    assert shown == ["500 ms (450 ms to 1.10 s)"] * 3 + ["250 ms", *["250 ms (225 to 550)"] * 2]


def test_tables_are_those_of_nets_and_no_longer_than_is_read(tmp_path: Path) -> None:
    stages = {
        "fit": {"rows": 3, "nets": []}, "drawn": {"nets": [net(0.1)] * (LISTED + 1)},
        "tuned": {"nets": [net(0.1)], "by_net": [{"net": "bert", "average": 0.8125}]},
    }  # fmt: skip
    page = write_page(report(**stages), tmp_path).read_text()
    assert re.findall(r"<h2>Stage ([^<]*)</h2>", page) == ["tuned", "tuned, by net"]


@pytest.mark.parametrize("width", [1300, 375])
def test_nothing_is_wider_than_the_window(tmp_path: Path, opened: Any, width: int) -> None:
    path = write_page(report(winners={"nets": {"base": net(0.5), "do": net(0.25)}}), tmp_path)
    with opened(tmp_path.as_uri() + "/", viewport={"width": width, "height": 900}) as reader:
        reader.page.goto(path.as_uri())
        page, table = reader.page.evaluate(
            "[document.documentElement, document.querySelector('.wide')].map((one) => [one.scrollWidth, one.clientWidth])"
        )
        assert page[0] <= page[1]
        if width == 1300:  # all columns are in sight; a narrow window scrolls the table alone
            assert table[0] <= table[1]


def test_a_table_says_what_its_stage_does_and_what_its_columns_mean(tmp_path: Path) -> None:
    told = {
        **report(winners={"nets": [{"arch": "8_8", "measured_s": None}, {"arch": "8_16", "measured_s": 0.5}]}),
        "described": {"winners": "Measures the winners (Table 6)."},
        "tables": {"winners": {"nets": {"about": "The nets.", "columns": {
            "measured_s": "Seconds; None where nothing was measured.", "predicted_s": "Predicted seconds.",
        }}}},
    }  # fmt: skip
    page = write_page(told, tmp_path).read_text()
    assert "Measures the winners (Table 6). The nets." in page
    assert "<strong>measured</strong>: Seconds; empty where nothing was measured." in page
    assert "<strong>predicted</strong>" not in page  # no net has a prediction


def test_the_head_names_paper_shape_and_what_was_given(tmp_path: Path) -> None:
    told = {
        **report(), "paper": "Tsai et al.", "parts": {"sizes": {"base.steps": 60, "sweep.rates": [1, 2]}},
        "preset": {"measuring": {"batch_size": 8, "seq_lens": [32, 128], "dtype": "float32"}},
    }  # fmt: skip
    page = write_page(told, tmp_path).read_text()
    assert "8 x 32 or 128 tokens a call (sequences x length), in float32" in page
    assert "After Tsai et al." in page
    assert "Given sizes base.steps 60, sweep.rates 1, 2." in page


def test_latencies_and_speed_ups_by_length_have_a_row_for_each(tmp_path: Path) -> None:
    latency = {"measured_s": 0.5, "measured_low_s": 0.4, "measured_high_s": 0.6}
    winners = {
        "latencies": {"do": {"32": latency, "128": latency}},
        "mean_speed_up": {"do": {"ratio": 2.0, "low": 1.5, "high": 3.0}},
    }  # fmt: skip
    page = write_page(report(winners=winners, own={"latencies": {"do": 0.5}}), tmp_path).read_text().replace("\u00a0", " ")
    assert headings(page)[:5] == ["name", "tokens", "measured", "name", "ratio"]
    assert page.count("<td>500 ms (400 to 600)</td>") == 2
    assert "<td>2 (1.5 to 3)</td>" in page
    assert re.findall(r"<h2>Stage ([^<]*)</h2>", page) == ["winners, latencies", "winners, speed-up of the mean"]


def test_a_number_with_its_interval_is_one_cell(tmp_path: Path) -> None:
    rows = [{"name": "params 53M", "spearman": {"value": 0.671, "low": 0.3, "high": 0.9}, "pearson": None},
            {"name": "params 66M", "spearman": {"value": 0.5, "low": None, "high": None}, "pearson": None}]  # fmt: skip
    page = write_page(report(by_size={"differences": rows}), tmp_path).read_text().replace("\u00a0", " ")
    assert re.findall(r"<td>([^<]*)</td>", page)[:4] == ["params 53M", "0.671 (0.3 to 0.9)", "params 66M", "0.5"]
    assert "<h2>Stage by_size, differences</h2>" in page


def test_large_numbers_are_read_as_counts(tmp_path: Path) -> None:
    page = write_page(report(winners={"nets": [{"flops": 6012400.0, "score": 0.8125}]}), tmp_path).read_text()
    assert "<td>6.012\u00a0M</td><td>0.8125</td>" in page
    task = {"task": "rte", "metric": "accuracy", "split": "validation"}
    page = write_page(report(winners={"nets": [{"score": 0.8125}], "task": task}), tmp_path).read_text()
    assert "The score is accuracy on rte (validation)." in page
