"""What is measured or planned, as the options of a command say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import typer

from hwcost.cli.given import refuse_unused
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.campaign.options import MeasureOptions
    from hwcost.campaign.plans.plan import Item, Plan
    from hwcost.cost_models.priors.design import Few
    from hwcost.spaces.base import SearchSpace
    from hwcost.workloads.base import Workload

DEFAULT_SPACE = "supershaper"

DRAWN = ("number", "design", "test_rows", "uniform")
"""Options that say which architectures are drawn."""

OF_SPACES = (*DRAWN, "arch", "space_option", "components", "parts")
"""Options that need a search space."""


def planned(given: Mapping[str, Any], options: MeasureOptions) -> tuple[Plan, Few | None]:
    """Plans a campaign, of the few architectures that tell most where that is asked for."""
    if given["few"] is None:
        return options.plan(targets(given, options)), None
    from hwcost.cost_models.priors.plan import plan_few

    space, archs = _space(given), given["arch"]
    among = [space.parse(text) for text in archs] if archs else None
    kept = {"test": given["test_rows"], "uniform": given["uniform"]}
    return plan_few(space, given["prior"], given["few"], options, among, factory=_factory(given), **kept)


def targets(given: Mapping[str, Any], options: MeasureOptions) -> Iterable[Item | Workload]:
    """Makes what is measured: models of the user's, components, named architectures, or drawn ones, as far as wanted."""
    from hwcost.campaign.plans.plan import Item

    made, only = list(_all_targets(given, options)), given["only"] or ()
    names = [one.workload.name if isinstance(one, Item) else one.name for one in made]
    left = [one for one, name in zip(made, names, strict=True) if any(fnmatchcase(name, glob) for glob in only)]
    if only and not left:
        raise UsageError(f"--only {' '.join(only)} leaves nothing of {len(made)} workloads, such as '{names[0]}'")
    return left if only else made


def _all_targets(given: Mapping[str, Any], options: MeasureOptions) -> Iterable[Item | Workload]:
    from hwcost.campaign import targets as of_campaign

    if given["model"] and given["space"] is None:
        own, inputs = of_campaign.own_models(given["model"]), given["inputs"] or ()
        return [of_campaign.model_workload(model, one, inputs) for model in own for one in options.each_shape]
    space, factory, number = _space(given), _factory(given), given["number"]
    if given["components"]:
        return of_campaign.component_items(space, options, number, parts=given["parts"])
    if given["arch"]:
        return of_campaign.architecture_workloads(space, [space.parse(text) for text in given["arch"]], options, factory)
    kept = {"test": given["test_rows"], "uniform": given["uniform"]}
    return of_campaign.drawn_items(space, options, number, design=given["design"], factory=factory, **kept)


def _factory(given: Mapping[str, Any]) -> str | None:
    """Returns the factory of a space's architectures; None where hwcost builds them."""
    models = given["model"] or ()
    if len(models) > 1:
        raise UsageError(f"one factory builds the architectures of a space; --model was given {len(models)} times")
    return models[0] if models else None


def _space(given: Mapping[str, Any]) -> SearchSpace:
    from hwcost.registry import parse_options
    from hwcost.spaces import space as make_space

    options = parse_options(given["space_option"] or (), "--space-option NAME=VALUE")
    return make_space(given["space"] or DEFAULT_SPACE, **options)


def refuse_without_effect(context: typer.Context) -> None:
    """Refuses options that what is measured leaves without effect."""
    chosen = context.params
    _refuse_few(context)
    if chosen["model"] and chosen["space"] is None:
        refuse_unused(context, OF_SPACES, "on a --model without a --space")
    elif chosen["inputs"]:
        raise UsageError("--input gives the shape of an input of a model of your own; give --model FILE.onnx too")
    if chosen["components"] and chosen["model"]:
        raise UsageError("--components prices what hwcost builds; a factory (--model) builds whole models only")
    if chosen["components"]:
        refuse_unused(context, ["design", "test_rows", "uniform", "arch"], "with --components")
    else:
        refuse_unused(context, ["parts"], "without --components")
    if chosen["arch"] and chosen.get("few") is None:
        refuse_unused(context, DRAWN, "with --arch, which says what is measured")


def _refuse_few(context: typer.Context) -> None:
    """Refuses what contradicts the choice of a few architectures, or what is missing for it."""
    given = context.params
    if given.get("few") is None:
        refuse_unused(context, ["prior"], "without --few N, which chooses by it what to measure")
        return
    if not given["prior"]:
        raise UsageError("--few chooses by models of other devices what to measure: give --prior DIR or --prior auto")
    if given["model"] and given["space"] is None:
        raise UsageError("--few chooses among the architectures of a space; give --space with --model")
    refuse_unused(context, ["number", "design", "components", "parts", "only"], "with --few, which says what is measured")
