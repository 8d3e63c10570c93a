"""The style sheet that dashboards and the reports of pipelines share."""

from __future__ import annotations

from importlib.resources import files


def style_sheet() -> str:
    """Returns its text: colours for light and dark, type, tables, verdicts."""
    return files("hwcost.report").joinpath("look.css").read_text(encoding="utf-8")
