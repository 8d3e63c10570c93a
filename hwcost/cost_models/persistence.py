"""A saved cost model: a folder of plain data that anyone can read and that executes nothing when loaded.

``config.json`` holds the space, the parameters, everything learned and where it came from; ``measured.json`` the measured
values; ``hits.json``, where it is needed, the half-widths about repeated ones and the reasons why others are not believed;
``booster.txt`` a booster in its library's own text format; ``README.md`` a card for people. Files are checked against the
hashes in ``config.json`` before anything reads them.

Format history: 1, the first; 2, models name their quantity, and ``products`` is called ``polynomial``; 3, the trend of the
rows does not always end the domain.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import hwcost
from hwcost._arguments import PATH, check
from hwcost._io import write_folder
from hwcost._log import logger
from hwcost.cost_models.base import SPACE, CostModel
from hwcost.cost_models.card import card
from hwcost.cost_models.families.boosters import BOOSTER_FILE
from hwcost.cost_models.registry import COST_MODELS, cost_model
from hwcost.cost_models.upgrade import missing, upgraded
from hwcost.errors import DataError, HwcostError, UnknownNameError, UsageError
from hwcost.files import cannot_write
from hwcost.spaces import SPACES
from hwcost.spaces import space as make_space
from hwcost.spaces.base import GeneValue, SearchSpace
from hwcost.spaces.shaped import Shaped, unshaped

_log = logger(__name__)

SCHEMA_VERSION = 3
CONFIG, MEASURED, HITS, CARD = "config.json", "measured.json", "hits.json", "README.md"
OWN = (CONFIG, MEASURED, HITS, CARD, BOOSTER_FILE)
"""Files that a new model in the same folder replaces or removes; all others, such as figures, stay."""


def save(model: CostModel, folder: Path) -> Path:
    """Writes a fitted model; see :meth:`hwcost.cost_models.base.CostModel.save`."""
    texts = {**model.files(), MEASURED: json.dumps([[list(genes), value] for genes, value in model.measured_.items()])}
    if model.measured_half_widths_ or model.doubts_:
        texts[HITS] = _repeats(model)
    config = {
        "schema_version": SCHEMA_VERSION,
        "hwcost_version": hwcost.__version__,
        "model": model.name,
        "space": {"name": unshaped(model.space).name, "options": unshaped(model.space).options()},
        **({"over_shapes": True} if isinstance(model.space, Shaped) else {}),
        "options": model.get_params(),
        "provenance": model.provenance,
        "files": {name: _hash(text) for name, text in texts.items()},
        "state": model.state(),
    }
    texts[CARD] = card(model)
    texts[CONFIG] = json.dumps(config, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    try:
        write_folder(folder, texts, OWN)
    except OSError as error:
        raise cannot_write(f"the cost model to '{folder}'", error) from None
    return folder


def load(folder: str | Path, kind: type[CostModel] | None = None, space: SearchSpace | None = None) -> CostModel:
    """Loads a saved model; ``kind`` and ``space`` are those of a model whose names may not be registered.

    See :func:`hwcost.cost_models.load`.
    """
    check({"folder": folder, "space": space}, folder=PATH, space=SPACE.or_none)
    path = Path(folder)
    config = _json(path / CONFIG, f"'{path}' holds no cost model")
    if not isinstance(config, dict) or "schema_version" not in config:
        raise _damaged(path / CONFIG, "it has no schema_version")
    version = config["schema_version"]
    if version not in range(1, SCHEMA_VERSION + 1):
        raise DataError(
            f"{path / CONFIG} has schema_version {version!r}; this version of hwcost reads 1 to {SCHEMA_VERSION}. "
            "Update hwcost, or fit the model again."
        )
    try:
        model = _rebuilt(path, upgraded(config) if version == 1 else config, kind, space)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, HwcostError):
            raise
        raise _damaged(path / CONFIG, f"{type(error).__name__}: {error}") from None
    lacking = None if version == SCHEMA_VERSION else missing(model)
    if lacking is not None:
        _log.warning("%s: %s", path, lacking)
    return model


def _rebuilt(
    path: Path, config: dict[str, Any], kind: type[CostModel] | None, own: SearchSpace | None
) -> CostModel:
    files = {name: _checked(path, name, digest) for name, digest in config["files"].items()}
    name: str | type[CostModel] = config["model"]
    if name not in COST_MODELS.names():
        if kind is None or name != getattr(kind, "name", None):
            advice = "One of your own is read by its class, MyModel.load(folder), or by its entry point."
            raise DataError(f"{path / CONFIG}: {UnknownNameError('cost model', str(name), COST_MODELS.names(), advice)}")
        name = kind
    try:
        space = _space(path, config["space"]) if own is None else _same(path, config["space"], own)
        space = Shaped(space) if config.get("over_shapes", False) else space
        model = cost_model(name, space, **config["options"])
    except UsageError as error:
        raise DataError(f"{path / CONFIG}: {error}") from None
    model.restore(config["state"], files)
    model.measured_ = {tuple(_genes(genes)): float(value) for genes, value in json.loads(files[MEASURED])}
    if own is not None:
        for genes in model.measured_:
            _ = space.architecture(genes)  # names the gene where the class has changed since
    if HITS in files:
        hits = json.loads(files[HITS])
        model.measured_half_widths_ = {tuple(_genes(genes)): float(width) for genes, width in hits["spreads"]}
        model.doubts_ = {tuple(_genes(genes)): str(doubt) for genes, doubt in hits["doubts"]}
    model.provenance = dict(config["provenance"])
    return model


def _space(path: Path, described: dict[str, Any]) -> SearchSpace:
    """Makes the space that a folder names."""
    name = described["name"]
    if name not in SPACES.names():
        advice = "One that is a class of yours is given to it, hwcost.load(folder, space=MySpace()), or has an entry point."
        raise DataError(f"{path / CONFIG}: {UnknownNameError('space', str(name), SPACES.names(), advice)}")
    return make_space(name, **described["options"])


def _same(path: Path, described: dict[str, Any], own: SearchSpace) -> SearchSpace:
    """Returns the space that was given, where it is the one that a folder names."""
    given = {"name": own.name, "options": json.loads(own.options_text)}
    if given != described:
        raise DataError(f"{path / CONFIG}: the model is of the space {described}, and {given} was given. Give that one")
    return own


def _repeats(model: CostModel) -> str:
    spreads = [[list(genes), width] for genes, width in model.measured_half_widths_.items()]
    return json.dumps({"spreads": spreads, "doubts": [[list(genes), doubt] for genes, doubt in model.doubts_.items()]})


def _genes(genes: Any) -> list[GeneValue]:
    if not isinstance(genes, list):
        raise ValueError(f"expected a list of genes, got {genes!r}")
    return genes


def _checked(path: Path, name: str, digest: str) -> str:
    if Path(name).name != name:
        raise _damaged(path / CONFIG, f"'{name}' is not a plain file name")
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
        raise _damaged(path, "it is not UTF-8 text") from None


def _damaged(path: Path, what: str) -> DataError:
    return DataError(f"{path} is damaged: {what}. Fit the model again, or take an undamaged copy.")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
