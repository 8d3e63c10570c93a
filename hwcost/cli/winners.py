"""Measures the winners of a search in the manner in which their cost model's rows were measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from hwcost.cli import console
from hwcost.cost_models.base import CostModel
from hwcost.errors import InterruptedRunError, UsageError
from hwcost.objectives.cost_function import quantity_of
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import Architecture
from hwcost.study.remeasure import Interval, Remeasured, anchors, level_of, remeasured
from hwcost.study.results import Results
from hwcost.study.verification import Verification, verify
from hwcost.timing.measurement import Measurement
from hwcost.timing.timer import stopwatch

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.run import Result
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

MOST = 20
"""Winners that are measured."""
ROLE = "winner"
"""Role of winners in a campaign."""
OPEN, DONE = "verifying", "done"
"""Status of the campaigns that a search has measured by now, and of those of a search that came to its end."""
GO_ON = "The same command goes on with it where it finds the same winners."
"""Advice of a search that was interrupted while it measured."""
BACK_TO_BACK, HOT = "back-to-back", "hot"
DEFAULT_BACKEND = "torch"
"""Backend of winners where nothing names one."""
UNKNOWN = "nothing tells how far the cost model errs on unmeasured ones; measure three or more, as --verify 12 does"
ELSEWHERE = (
    "the cost model was measured on another device or backend, where nets may rank otherwise; fit one to what measures "
    "here"
)
"""Reasons for which a verification has no probability, and what to do."""


class Place(NamedTuple):
    """The device and the manner of a measurement.

    Attributes:
        device: Name of the device.
        backend: Name of the backend.
        tier: Tier of the protocol.
        store: Address of the store; None for the default one.
        factory: Factory of a space of the user's own, or None.
        budget_s: Seconds that all measurements share; None for as long as the tier asks for.
    """

    device: str
    backend: str
    tier: str
    store: str | None
    factory: str | None
    budget_s: float | None = None

    def check(self) -> None:
        """Checks that winners can be measured here, before they are searched.

        Raises:
            DeviceError: When the device is not here.
            MissingBackendError: When the runtime is not installed.
            UsageError: When there is no such device or backend.
        """
        from hwcost.backends import usable
        from hwcost.devices import require

        require(self.device)
        usable(self.backend)


def measured(models: list[CostModel], winners: list[Trial], place: Place) -> list[Remeasured]:
    """Measures winners, and some nets that the first latency model was fitted on, in one campaign.

    Raises:
        UsageError: When the search used no latency model.
    """
    cost = latency_model(models, "--measure")
    if len(winners) > MOST:
        console.note(f"of {len(winners)} winners, the first {MOST} are measured")
    found = _measured(cost, [trial.architecture for trial in winners[:MOST]], place)
    _close(place)
    return found


def verified(models: list[CostModel], found: Results, place: Place, most: int) -> tuple[Verification, list[Remeasured]]:
    """Measures candidates of a search round by round until the best measured one is probably the best of all.

    Each round has as much of what is left of the budget as it has of the candidates that may still be measured.

    Args:
        models: Cost models of the search; the first latency model is the one that learns.
        found: The search.
        place: Device and manner.
        most: Largest number of candidates to be measured.

    Returns:
        The certainty about the winner, and each measurement beside what the search predicted.

    Raises:
        UsageError: When the search used no latency model, or has several objectives.
    """
    cost, rows, spent_s = latency_model(models, "--verify"), list[Remeasured](), 0.0

    def measure(archs: Sequence[Architecture]) -> list[Interval]:
        nonlocal spent_s
        share, took = len(archs) / (most - len(rows)), stopwatch()
        left_s = None if place.budget_s is None else max(0.0, place.budget_s - spent_s)
        new = _measured(cost, list(archs), place._replace(budget_s=None if left_s is None else share * left_s))
        spent_s += took()  # without what the model takes to learn
        rows.extend(new)
        return [row.at_level for row in new]

    def said(state: Verification) -> None:
        console.note(f"round {state.rounds}, {len(rows)} measured: {certainty(state)}")

    try:
        state = verify(found, cost, measure, most=most, progress=said, is_elsewhere=bool(_other(cost, place)))
    except KeyboardInterrupt:
        if rows:
            raise InterruptedRunError(f"interrupted; what was measured is kept. {GO_ON}") from None
        raise
    if rows:
        _close(place)
    return state, rows


def _close(place: Place) -> None:
    """Marks the campaigns that a search has measured as those of one that came to its end."""
    from hwcost.stores import open_store

    with open_store(place.store) as store:
        for one in _of_latest_search(store):
            if one.status == OPEN:
                store.set_status(one.campaign_id, DONE)


def certainty(state: Verification) -> str:
    """Says what is known of the winner."""
    if not state.measured:
        return "nothing could be measured, so that no winner is verified"
    if state.best is None:
        return "none of the measured architectures satisfies the constraints"
    key = state.cost.space.key(state.best)
    if state.probability is None:
        return f"{key} is the best of those measured; whether of all is not known: {why_unknown(state)}"
    within = f"to within {100 * state.tolerance:g} %" if state.tolerance else ""
    best = f"{key} is the best of all {within} with probability {state.probability:.2f}"
    if state.is_sure:
        return best
    if state.margin is None:
        return f"{best}, {state.wanted:g} was asked for"
    return f"{best}; none is better by more than {100 * state.margin:.2g} % with probability {state.wanted:g}"


def why_unknown(state: Verification) -> str:
    """Returns the reason for which a verification has no probability, and what to do."""
    return ELSEWHERE if state.is_elsewhere else UNKNOWN


def backend_of(models: list[CostModel]) -> str:
    """Returns the backend of the rows of the first latency model; torch where it names none that is known."""
    from hwcost.backends import BACKENDS

    own = next((model.provenance.get("backend") for model in models if quantity_of(model) == "latency_s"), None)
    return str(own) if own in BACKENDS else DEFAULT_BACKEND


def latency_model(models: list[CostModel], option: str) -> CostModel:
    """Returns the latency model whose predictions are put beside measurements.

    Args:
        models: Cost models of the search.
        option: Option of the command line that asks for it.

    Raises:
        UsageError: When the search uses none.
    """
    latencies = [model for model in models if quantity_of(model) == "latency_s"]
    if not latencies:
        raise UsageError(
            f"{option} puts measurements beside predictions: give a latency model as objective or constraint"
        )
    return latencies[0]


def _measured(cost: CostModel, archs: list[Architecture], place: Place) -> list[Remeasured]:
    """Measures architectures and anchors of the cost model in one campaign."""
    from hwcost.campaign.options import MeasureOptions
    from hwcost.campaign.targets import workloads

    other = _other(cost, place)
    if other:
        console.note(f"the model was measured with {', '.join(f'{name} {value}' for name, value in other.items())}")
    again = [] if other else anchors(cost)  # elsewhere, a level would hide that it is elsewhere
    factory = _factory(cost, place.factory)
    shape = _shape(cost, factory)
    _announce(len(archs), len(again), place, shape)
    distinct = list(dict.fromkeys([*archs, *again]))
    options = MeasureOptions(
        device=place.device, backend=place.backend, tier=place.tier, role=ROLE, **shape, **_manner(cost, place)
    )
    result = _run(options.plan(workloads(distinct, options, cost.space, factory)), place)
    for flag in (one for one in result.flags if one.code == "I_BUDGET"):
        console.note(str(flag))
    _note_lost([one for one in result.measurements[: len(archs)] if one.latency_s is None])
    intervals = ((one.latency_s, one.low_s, one.high_s) for one in result.measurements)
    found = dict(zip(distinct, intervals, strict=True))
    level = level_of(cost, again, [found[arch] for arch in again])
    return remeasured(cost, archs, [found[arch] for arch in archs], level)


def _run(plan: Plan, place: Place) -> Result:
    """Measures what is planned, or goes on with what a search that was interrupted has measured of it."""
    from hwcost.campaign import run as campaign
    from hwcost.cli.progress import progress
    from hwcost.cli.running import progress_text
    from hwcost.stores import open_store

    with open_store(place.store) as store, progress(progress_text) as update:
        campaign_id = _campaign(plan, store)
        budget_s = 0.0 if store.campaign(campaign_id).status == OPEN else place.budget_s  # what was measured is only read
        how: dict[str, Any] = {"budget_s": budget_s, "progress": update, "remark": console.note, "advice": GO_ON}
        result = campaign.run(store, campaign_id, **how)
        store.set_status(campaign_id, OPEN)  # until the search ends, so that one that is killed meanwhile goes on
        return result


def _campaign(plan: Plan, store: Store) -> str:
    """Returns the id of the campaign that measures a plan: one of the interrupted search, or a new one.

    A search is interrupted where the store's latest campaign of winners is not done. Then those that it had finished are
    read too; after a search that came to its end, winners are measured anew.
    """
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.run import start

    for one in _of_latest_search(store):
        if Plan.from_dict(one.plan).is_same(plan):
            if known := store.count(one.campaign_id):
                kept = f"campaign {one.campaign_id}: its {known} visits are kept"
                console.note(f"an interrupted search measured them in {kept}")
            return one.campaign_id
    return start(plan, store)


def _of_latest_search(store: Store) -> Iterator[Campaign]:
    """Returns the campaigns of winners of the latest search, the latest first; none where it came to its end."""
    of_winners = (one for one in reversed(store.campaigns()) if _is_of_winners(one))
    return takewhile(lambda one: one.status != DONE, of_winners)


def _is_of_winners(campaign: Campaign) -> bool:
    from hwcost.campaign.plans.plan import Plan

    return any(item.role == ROLE for item in Plan.from_dict(campaign.plan).items)


def _other(cost: CostModel, place: Place) -> dict[str, str]:
    """Returns device and backend of the model's rows, where they are others than those of a measurement."""
    from hwcost.devices import require

    own = {"device": require(place.device).name, "backend": place.backend}
    return {name: cost.provenance[name] for name in own if cost.provenance.get(name, own[name]) != own[name]}


def _shape(cost: CostModel, factory: str | None) -> dict[str, Any]:
    """Returns batch size, sequence length and number format of the model's rows; None for what a factory may say itself."""
    if factory is None:
        dtype = cost.provenance.get("dtype")
        return {"batch_size": cost.features.batch_size, "seq_len": cost.features.seq_len, "dtype": dtype}
    return {name: cost.provenance.get(name) for name in ("batch_size", "seq_len", "dtype")}


def _announce(winners: int, again: int, place: Place, shape: dict[str, Any]) -> None:
    texts = {"batch_size": "batch {}", "seq_len": "{} tokens", "dtype": "{}"}
    known = (text.format(shape[name]) for name, text in texts.items() if shape[name])
    about = ", ".join([f"on {place.device}", f"backend {place.backend}", *known])
    console.note(f"measuring {winners} winners, and {again} nets that the model was fitted on, {about}")


def _manner(cost: CostModel, place: Place) -> dict[str, Any]:
    """Returns the arguments of ``measure`` that repeat how the cost model's rows were measured, as far as it knows."""
    known, protocol = cost.provenance, cost.provenance.get("protocol", {})
    manner = {
        "threads": known.get("threads", 1), "arrival": protocol.get("arrival", BACK_TO_BACK),
        "cache": protocol.get("cache", HOT),
    }  # fmt: skip
    if manner != {"threads": 1, "arrival": BACK_TO_BACK, "cache": HOT}:
        caches = "" if manner["cache"] == HOT else f", {manner['cache']} caches"
        console.note(f"as the model's rows were: {manner['threads']} thread(s), calls {manner['arrival']}{caches}")
    if known.get("backend") == place.backend:
        manner["backend_options"] = known.get("backend_options", {})
    return manner


def _note_lost(lost: list[Measurement]) -> None:
    """Says why winners have no measurement."""
    for one in lost:
        why = next((str(found) for found in one.flags if found.code.startswith("E_")), "none of its visits can be used")
        console.note(f"'{one.workload.name}' could not be measured: {why}")


def _factory(cost: CostModel, given: str | None) -> str | None:
    """Returns the factory of the winners; says so when another one built the nets that the cost model was fitted on."""
    from hwcost.workloads import source_of

    known: str | None = cost.provenance.get("factory")
    factory = given or known
    if factory is not None and known is not None:
        digest = cost.provenance.get("factory_sha256")
        if factory != known:
            console.note(f"the cost model was fitted on nets that {known} built; the winners are built by {factory}")
        elif digest and source_of(factory) != digest:
            console.note(f"the file of {factory} has changed since the cost model's nets were measured: winners may differ")
    return factory
