"""The Grafana dashboard reads a PostgreSQL store through its views, and finds what was written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from hwcost.cli.main import invoke
from hwcost.report.dashboard.grafana import write_grafana
from hwcost.stores import open_store
from hwcost.testing.nights import SimNights

pytestmark = pytest.mark.once

SIM = SimNights(nights=10, workloads=6, failed=0.05)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_grafana(tmp_path)
    return tmp_path


def test_views_and_panels_say_what_was_written(postgres: str, written: Path) -> None:
    with open_store(postgres) as store:
        SIM.write(store)
    engine = create_engine(postgres)
    with engine.begin() as connection:
        for _ in range(2):
            connection.exec_driver_sql((written / "views.sql").read_text())
        rows = {panel["title"]: connection.execute(text(filled(panel))).all() for panel in panels(written)}
        levels = connection.execute(text("select run_id, device, level from hwcost_levels order by 1, 2")).all()
    engine.dispose()
    measured = [one for night in range(SIM.nights) for one in SIM.estimates(night)]
    assert len(rows["Latency"]) == len(measured)
    assert sum(row.value is None for row in rows["Latency"]) == sum(one.value is None for one in measured) > 0
    nights = rows["Estimates of each night by status"]
    assert [row.ok + row.failed for row in nights] == [len(SIM.series)] * SIM.nights
    assert len(rows["Latest values"]) == len(SIM.series)
    assert np.allclose([row.level for row in levels], 1.0, atol=0.03)


def panels(folder: Path) -> list[dict]:
    found: list[dict] = json.loads((folder / "hwcost.json").read_text())["panels"]
    return found


def filled(panel: dict) -> str:
    """Returns a panel's query as Grafana fills it in with everything chosen."""
    (target,) = panel["targets"]
    names = {"device": {one.device for one in SIM.series}, "workload": {one.name for one in SIM.series}}
    chosen = {name: ",".join(f"'{one}'" for one in sorted(values)) for name, values in names.items()}
    sql = re.sub(r"\$__timeFilter\([^)]*\)", "true", target["rawSql"])
    return re.sub(r"\$\{(\w+):sqlstring\}", lambda found: chosen[found[1]], sql)


def test_the_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["report", "grafana", "--out", str(tmp_path / "new")]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.split()] == ["views.sql", "hwcost.json"]
    assert invoke(["report", "grafana", "--out", str(tmp_path / "new"), "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["files"]) == 2
    (tmp_path / "file").write_text("")
    assert invoke(["report", "grafana", "--out", str(tmp_path / "file")]) == 2


def test_no_levels_without_values(postgres: str, written: Path) -> None:
    with open_store(postgres) as store:
        replace(SIM, nights=1, failed=1.0).write(store)
    engine = create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql((written / "views.sql").read_text())
        assert connection.execute(text("select * from hwcost_levels")).all() == []
    engine.dispose()
