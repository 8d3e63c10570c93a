"""A saved cost model: a folder of plain data that anyone can read and that executes nothing when loaded.

``config.json`` holds the space, the options, everything learned and where it came from; ``measured.json`` the latencies
for exact hits; ``hits.json``, where it is needed, the half-widths about repeated ones and why others are no hits;
``booster.txt`` a booster in its library's own text format; ``README.md`` a card for people. Files are checked against the
hashes in ``config.json`` before anything reads them.

Format history: 1, the first.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import hwcost
from hwcost.cost_models import COST_MODELS, cost_model
from hwcost.cost_models.base import CostModel
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.spaces import space as make_space
from hwcost.spaces.base import GeneValue
from hwcost.units import format_percent

SCHEMA_VERSION = 1
CONFIG, MEASURED, HITS, CARD = "config.json", "measured.json", "hits.json", "README.md"


def save(model: CostModel, folder: Path) -> Path:
    """Writes a fitted model; see :meth:`hwcost.cost_models.base.CostModel.save`."""
    texts = {**model.files(), MEASURED: json.dumps([[list(genes), s] for genes, s in model.measured_.items()])}
    if model.spreads_ or model.doubts_:
        texts[HITS] = _hits(model)
    config = {
        "schema_version": SCHEMA_VERSION,
        "hwcost_version": hwcost.__version__,
        "model": model.name,
        "space": {"name": model.space.name, "options": model.space.options()},
        "options": model.options(),
        "provenance": model.provenance,
        "files": {name: _hash(text) for name, text in texts.items()},
        "state": model.state(),
    }
    texts[CONFIG] = json.dumps(config, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    texts[CARD] = _card(model)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write the cost model to '{folder}': {error.strerror}. Give another folder.") from None
    return folder


def load(folder: str | Path) -> CostModel:
    """Loads a saved model; exact hits answer with the measurement. See :func:`hwcost.cost_models.load`."""
    path = Path(folder)
    config = _json(path / CONFIG, f"'{path}' holds no cost model")
    if not isinstance(config, dict) or "schema_version" not in config:
        raise _damaged(path / CONFIG, "it has no schema_version")
    version = config["schema_version"]
    if version != SCHEMA_VERSION:
        raise DataError(
            f"{path / CONFIG} has schema_version {version!r}; this version of hwcost reads {SCHEMA_VERSION}. "
            "Update hwcost, or fit the model again."
        )
    try:
        return _rebuilt(path, config)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path / CONFIG, f"{type(error).__name__}: {error}") from None


def _rebuilt(path: Path, config: dict[str, Any]) -> CostModel:
    files = {name: _checked(path, name, digest) for name, digest in config["files"].items()}
    name = config["model"]
    if name not in COST_MODELS.names():
        raise DataError(f"{path / CONFIG}: {UnknownNameError('cost model', str(name), COST_MODELS.names())}")
    try:
        space = make_space(config["space"]["name"], **config["space"]["options"])
        model = cost_model(name, space, **config["options"], exact=True)
    except UsageError as error:
        raise DataError(f"{path / CONFIG}: {error}") from None
    model.restore(config["state"], files)
    model.measured_ = {tuple(_genes(genes)): float(seconds) for genes, seconds in json.loads(files[MEASURED])}
    if HITS in files:
        hits = json.loads(files[HITS])
        model.spreads_ = {tuple(_genes(genes)): float(spread) for genes, spread in hits["spreads"]}
        model.doubts_ = {tuple(_genes(genes)): str(doubt) for genes, doubt in hits["doubts"]}
    model.provenance = dict(config["provenance"])
    return model


def _hits(model: CostModel) -> str:
    spreads = [[list(genes), spread] for genes, spread in model.spreads_.items()]
    return json.dumps({"spreads": spreads, "doubts": [[list(genes), doubt] for genes, doubt in model.doubts_.items()]})


def _genes(genes: Any) -> list[GeneValue]:
    if not isinstance(genes, list):
        raise ValueError(f"expected a list of genes, got {genes!r}")
    return genes


def _checked(path: Path, name: str, digest: str) -> str:
    if Path(name).name != name:
        raise _damaged(path / CONFIG, f"'{name}' is no plain file name")
    text = _text(path / name, f"the cost model in '{path}' lacks '{name}'")
    if _hash(text) != digest:
        raise _damaged(path / name, "its content is not what was saved")
    return text


def _json(path: Path, missing: str) -> Any:
    try:
        return json.loads(_text(path, missing))
    except ValueError as error:
        raise _damaged(path, str(error)) from None


def _text(path: Path, missing: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DataError(f"{missing}: {error.strerror}: {path}. Give a folder that 'hwcost fit --out' wrote.") from None
    except UnicodeDecodeError:
        raise _damaged(path, "it is no UTF-8 text") from None


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path} is damaged: {what}. Fit the model again, or take an undamaged copy.")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _card(model: CostModel) -> str:
    lines = [
        f"# Cost model: {model.name} for space {model.space.name}",
        "",
        "Predicts the latency of an architecture, in seconds. Load it with `hwcost.load(folder)`, or ask it with",
        "`hwcost predict FOLDER --arch ...`.",
        "",
        "| what | value |",
        "|---|---|",
        f"| fitted on | {model.n_rows_} measurements |",
        f"| different architectures | {model.n_architectures_} |",
    ]
    if model.chosen:
        lines.append(f"| chosen by cross-validation | {model.chosen} |")
    width = None if model.spread_ is None else model.spread_
    lines.append(f"| 90 % interval, half-width | {format_percent(width)} |")
    lines += [f"| {key} | {_cell(value)} |" for key, value in sorted(model.provenance.items())]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
