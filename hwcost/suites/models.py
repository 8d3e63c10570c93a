"""The cost models of a suite: found in their folders, judged by a night's measurements, and fitted again where asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.campaign.estimates.estimate import measurements
from hwcost.cost_models import CostModel, load
from hwcost.cost_models.data import Data, from_measurements
from hwcost.cost_models.persistence import CONFIG
from hwcost.cost_models.training.metrics import metrics
from hwcost.cost_models.training.train import train
from hwcost.errors import DataError, HwcostError
from hwcost.stores.entries import ModelCheck
from hwcost.suites.judging import Judged, judge
from hwcost.suites.model_spec import ModelSpec
from hwcost.suites.place import Place, place_of

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run
    from hwcost.suites.expansion import Part
    from hwcost.suites.outcome import Outcome

__all__ = ["check_models", "current_folder", "next_folder"]


class NotMeasuredError(DataError):
    """A run measured nothing that could judge a cost model."""


@dataclass(frozen=True)
class Night:
    """What a run measured of a cost model's space on its device.

    Attributes:
        data: The measurements.
        series_keys: Series of each row.
    """

    data: Data
    series_keys: list[str]


def check_models(
    models: dict[str, ModelSpec], store: Store, run: Run, outcomes: Sequence[Outcome]
) -> tuple[list[ModelCheck], dict[str, str]]:
    """Judges the models of a suite by what a run measured, writes that down, and fits models again where asked.

    A model that cannot be used, such as one in a damaged folder, does not hold, and its check says why.

    Args:
        models: Models by name.
        store: Store with the measurements, which takes the checks.
        run: The run.
        outcomes: Outcomes of its campaigns.

    Returns:
        The checks, and by the name of every other model why nothing was measured that could judge it.
    """
    checks, unjudged = [], {}
    for name, spec in models.items():
        try:
            check = _check(name, spec, store, run, outcomes)
        except NotMeasuredError as error:
            unjudged[name] = str(error)
            continue
        except HwcostError as error:
            check = _entry(name, spec, run, n=0, holds=False, reason=f"It could not be judged: {error}")
        store.add_entry(check)
        checks.append(check)
    return checks, unjudged


def current_folder(path: Path) -> Path | None:
    """Returns the latest of a model's folders, ``PATH`` and ``PATH.1``, ``PATH.2`` and so on; None where there is none."""
    found = [folder for _, folder in _versions(path) if (folder / CONFIG).is_file()]
    return found[-1] if found else None


def next_folder(path: Path) -> Path:
    """Returns the folder for a further fit of a model; no earlier one is touched."""
    numbers = [number for number, _ in _versions(path)]
    return path.with_name(f"{path.name}.{numbers[-1] + 1}") if numbers else path


def _versions(path: Path) -> list[tuple[int, Path]]:
    """Returns number and path of the folders of a model that there are, ascending."""
    numbered = re.compile(re.escape(path.name) + r"(?:\.(\d+))?")
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    pairs = [(numbered.fullmatch(one.name), one) for one in beside]
    return sorted((int(match[1] or 0), one) for match, one in pairs if match is not None)


def _check(name: str, spec: ModelSpec, store: Store, run: Run, outcomes: Sequence[Outcome]) -> ModelCheck:
    folder = current_folder(Path(spec.path))
    if folder is None:
        return _first_fit(name, spec, run, _night(spec, None, store, run, outcomes))
    model = load(folder)
    night = _night(spec, model, store, run, outcomes)
    found = judge(model, night.data, spec.limits)
    is_due = spec.refit == "always" or (spec.refit == "failing" and not found.holds)
    said = found.reason
    if is_due:
        is_due, again = _refit(spec, night)
        said += again
    facts = {key: value for key, value in vars(found).items() if key in ModelCheck.model_fields}
    facts |= {"points": _points(found, night), "importance": found.importance or {}, "reason": said, "refitted": is_due}
    return _entry(name, spec, run, age_s=_age_s(folder, run), **facts)


def _refit(spec: ModelSpec, night: Night) -> tuple[bool, str]:
    """Fits a model again into a new folder; returns whether that was possible, and a sentence about it."""
    new = next_folder(Path(spec.path))
    try:
        train(night.data, spec.model).model.save(new)
    except HwcostError as error:
        return False, f" It could not be fitted again: {error}"
    return True, f" It was fitted again on {len(night.data)} measurements, into {new.name}."


def _first_fit(name: str, spec: ModelSpec, run: Run, night: Night) -> ModelCheck:
    """Fits a model for the first time; its errors are those on left-out architectures."""
    trained = train(night.data, spec.model)
    trained.model.save(Path(spec.path))
    found = metrics(trained.measured, trained.left_out)
    points = [
        [night.series_keys[row], predicted, None, None, measured]
        for row, predicted, measured in zip(
            trained.rows.tolist(), trained.left_out.tolist(), trained.measured.tolist(), strict=True
        )
    ]
    return _entry(
        name, spec, run, n=len(points), n_held_out=len(points), holds=True, refitted=True, points=points,
        importance=trained.model.importance(),
        reason=f"There was no model in {spec.path}: it was fitted on {len(points)} measurements of this run.", age_s=0.0,
        **{key: found[key] for key in ("mape", "median_ape", "kendall_tau")},
    )  # fmt: skip


def _entry(name: str, spec: ModelSpec, run: Run, **facts: Any) -> ModelCheck:
    return ModelCheck(run_id=run.run_id, model=name, device=place_of(spec.device).name, quantity=spec.quantity, **facts)


def _night(
    spec: ModelSpec, model: CostModel | None, store: Store, run: Run, outcomes: Sequence[Outcome]
) -> Night:
    """Finds the measurements of a run that a model is of.

    Raises:
        NotMeasuredError: When the run has none.
        DataError: When several campaigns of it fit what the suite says of the model.
    """
    shape = {key: size for key, size in (("batch_size", spec.batch_size), ("seq_len", spec.seq_len)) if size is not None}
    space = spec.space if model is None else model.space
    found: dict[str, tuple[Part, Data]] = {}
    reasons = []
    for outcome in outcomes:
        if outcome.campaign_id is None or not _is_of(spec, outcome.part):
            continue
        try:
            made = measurements(store, outcome.campaign_id)
            wanted = [one for one in made if spec.dtype in (None, one.workload.dtype)]
            data = from_measurements(wanted, space, str(outcome.part), shape, spec.quantity)
            found[outcome.campaign_id] = outcome.part, data
        except DataError as error:
            reasons.append(str(error))
    if not found:
        nothing = f"the run measured nothing on {spec.device}{_other_places(spec, outcomes)}."
        raise NotMeasuredError(reasons[0] if reasons else nothing)
    if len(found) > 1:
        raise DataError(_ambiguous([part for part, _ in found.values()]))
    campaign_id, (_, data) = next(iter(found.items()))
    return Night(data, _series_keys(data, store, run, campaign_id))


def _is_of(spec: ModelSpec, part: Part) -> bool:
    """Says whether a campaign is of the device and the backend of a model."""
    asked = spec.backend
    if Place(name=part.device, on=part.on) != place_of(spec.device):
        return False
    if asked is None:
        return True
    has_options = "options" not in asked.model_fields_set or asked.options == part.runtime.options
    return asked.name == part.runtime.name and has_options and asked.threads in (None, _threads(part))


def _other_places(spec: ModelSpec, outcomes: Sequence[Outcome]) -> str:
    """Says where else the run measured a device of that name; empty where it did not."""
    name = place_of(spec.device).name
    known = [Place(name=one.part.device, on=one.part.on) for one in outcomes if one.part.device == name]
    known = [one for one in known if one != place_of(spec.device)]
    return f', but on {known[0]}: for a model of that one, write device = "{known[0]}"' if known else ""


def _ambiguous(parts: Sequence[Part]) -> str:
    """Says in what several campaigns differ that fit what a suite says of a model, and how to choose one."""
    facts = [_facts(part) for part in parts]
    differing = [name for name in facts[0] if any(one[name] != facts[0][name] for one in facts)]
    known = "; ".join(", ".join(f"{name} = {one[name]}" for name in differing) for one in facts)
    said = " and ".join(differing)
    table = 'backend = { name = "torch", options = { }, threads = 2 }'
    how = f" (as in {table})" if {"backend options", "threads"} & set(differing) else ""
    text = f"{len(parts)} campaigns of the run fit, and differ in {said}: {known}."
    return f"{text} Say it in the suite's table of the model{how}."


def _facts(part: Part) -> dict[str, Any]:
    """Returns what tells the campaigns of one device apart."""
    own = {"backend": part.runtime.name, "backend options": part.runtime.options, "threads": _threads(part)}
    return own | {name: "the device's own" if size is None else size for name, size in part.shape.model_dump().items()}


def _threads(part: Part) -> int:
    return part.runtime.threads or part.suite.threads or 1


def _series_keys(data: Data, store: Store, run: Run, campaign_id: str) -> list[str]:
    """Returns the series of each row; empty texts where the store has none."""
    table = store.estimates(run_ids=[run.run_id])
    ids = [*table.campaign_id, None]  # the last one is that of rows without a campaign, whose index is -1
    of_campaign = table.take(np.array([ids[i] == campaign_id for i in table.campaign.tolist()], dtype=np.bool_))
    known = store.series()
    keys: dict[Any, str] = {}
    for index in np.unique(of_campaign.series).tolist():
        one = known[table.series_key[index]]
        if one.arch is not None and one.search_space == data.space.name and one.quantity == data.quantity:
            keys[data.space.architecture(one.arch).genes] = one.series_key
    return [keys.get(arch.genes, "") for arch in data.architectures]


def _points(found: Judged, night: Night) -> list[list[Any]]:
    return [[key, *point] for key, point in zip(night.series_keys, found.points, strict=False)]


def _age_s(folder: Path, run: Run) -> float:
    """Returns how old a model was when the run began, by the time at which its folder was written."""
    started_s = datetime.fromisoformat(run.started_at).timestamp()
    return max(0.0, started_s - (folder / CONFIG).stat().st_mtime)
