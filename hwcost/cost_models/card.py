"""The card of a saved cost model: what it predicts and where it comes from, for people."""

from __future__ import annotations

import json
from typing import Any

from hwcost.cost_models.base import CostModel
from hwcost.spaces.shaped import Shaped, unshaped
from hwcost.units import format_half_width


def card(model: CostModel) -> str:
    """Returns the card in Markdown."""
    unit = "a bare number" if model.unit == "1" else f"in {model.unit}"
    over = ", at any batch size and sequence length" if isinstance(model.space, Shaped) else ""
    ask = " --batch-size ... --seq-len ..." if over else ""
    rows = {
        "quantity": model.quantity,
        "fitted on": f"{model.n_rows_} measurements",
        "different architectures": model.n_architectures_,
        **({"chosen by cross-validation": model.chosen} if model.chosen else {}),
        "90 % interval, half-width": format_half_width(model.log_interval_half_width_),
        **dict(sorted(model.provenance.items())),
    }
    lines = [
        f"# Cost model: {model.name} for space {unshaped(model.space).name}{over}",
        "",
        f"Predicts the {model.quantity} of an architecture, {unit}. Load it with `hwcost.load(folder)`, or ask it with",
        f"`hwcost predict FOLDER --arch ...{ask}`.",
        "",
        "| what | value |",
        "|---|---|",
        *(f"| {name} | {_cell(value)} |" for name, value in rows.items()),
    ]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
