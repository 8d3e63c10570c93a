"""Options that were given on the command line: those that nothing would apply are refused, not passed over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan


def given(context: typer.Context) -> dict[str, Any]:
    """Returns the options that stand on a command's line, by the names of their parameters."""
    found = {}
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            found[name] = value
    return found


def flag(context: typer.Context, name: str) -> str:
    """Returns how an option of a command is written, for example ``--batch-size``."""
    return next(str(parameter.opts[0]) for parameter in context.command.params if parameter.name == name)


def refuse_unused(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Refuses options that would have no effect.

    Args:
        context: The command that runs.
        names: Names of the parameters that nothing applies.
        why: Case in which they have none, for example ``with --model``.

    Raises:
        UsageError: When one of them was given.
    """
    found = given(context)
    for name in names:
        if name in found:
            raise UsageError(f"{flag(context, name)} has no effect {why}. Leave it out")


def refuse_changed(context: typer.Context, plan: Plan, campaign_id: str) -> None:
    """Refuses options that say something else than the plan of the campaign that is resumed.

    Raises:
        UsageError: When one of them does.
    """
    from hwcost.campaign.goals.goal import read_goals
    from hwcost.campaign.plans.sizes import read_sizes
    from hwcost.campaign.targets import is_file, own_models
    from hwcost.cost_models.evaluation.goals import GOALS
    from hwcost.cost_models.priors.sources import plain_prior

    found = given(context)
    if "model" in found:
        found["model"] = [str(Path(one).resolve()) if is_file(one) else one for one in own_models(found["model"])]
    if ".toml" in str(found.get("device", "")):
        found["device"] = Path(found["device"]).name.replace(".toml", "")
    for name, what in (("batch_size", "batch size"), ("seq_len", "sequence length")):
        if isinstance(found.get(name), str):
            sizes = read_sizes(found[name], what)
            found[name] = sizes if isinstance(sizes, tuple) else [sizes]
    if "until" in found:
        found["until"] = _written(read_goals(found["until"], GOALS))
    if "prior" in found:
        found["prior"] = list(plain_prior(found["prior"]))
    if "quantity" in found:
        found["quantity"] = _written(found["quantity"])
    for name, planned in _planned(plan).items():
        given_now = found.get(name)
        is_planned = set(given_now) == set(planned) if isinstance(given_now, (list, tuple)) else given_now in planned
        if name in found and not is_planned:
            has = ", ".join(dict.fromkeys(map(str, planned))) or "nothing of the kind"
            asked = ", ".join(map(str, given_now)) if isinstance(given_now, (list, tuple)) else given_now
            raise UsageError(
                f"campaign {campaign_id} was planned with {flag(context, name)} {has}, and {asked} was given. It goes "
                f"on as it was planned: leave that out, or leave out --resume to begin a new one"
            )


def _planned(plan: Plan) -> dict[str, list[Any]]:
    """Returns what a plan holds of each option; several values where workloads differ."""
    workloads = [item.workload for item in plan.items]
    of_workloads: dict[str, list[Any]] = {
        name: [getattr(one, name, None) for one in workloads] for name in ("batch_size", "seq_len", "dtype")
    }
    learnt = [item.workload for item in plan.items if item.role == "fit"]
    learnt_from = sorted({len(learnt), len({getattr(one, "genes", i) for i, one in enumerate(learnt)})})
    return of_workloads | {
        "model": [getattr(one, "factory", None) or getattr(one, "path", None) for one in workloads],
        "device": [plan.device, f"{plan.device}:{0 if plan.handle is None else plan.handle.index}"],
        "backend": [plan.backend],
        "threads": [plan.threads],
        "seed": [plan.seed],
        "pin": [plan.pin],
        "lock_clocks": [plan.lock_clocks],
        "tier": [plan.protocol.tier],
        "rounds": [plan.protocol.rounds],
        "blocks": [plan.protocol.min_blocks],
        "arrival": [plan.protocol.arrival],
        "cache": [plan.protocol.cache],
        "until": [_written(plan.until)],
        "quantity": [_written(plan.protocol.quantities)],
        "prior": [one if isinstance(one, str) else one["name"] for one in plan.prior],
        "few": [len(learnt)] if plan.prior else [],
        "number": learnt_from if learnt else [sum(item.role == "check" for item in plan.items)],
    }


def _written(goals: Iterable[object]) -> str:
    """Returns goals or quantities in one text, whatever their order."""
    return " and ".join(sorted(map(str, goals)))
