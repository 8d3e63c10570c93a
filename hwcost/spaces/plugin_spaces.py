"""Search spaces of other people, checked when they are made or first used: a slip is named before anything is measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hwcost.errors import ContractError
from hwcost.spaces.base import Gene, SearchSpace


def checked(made: Any, name: str, given: Mapping[str, Any]) -> SearchSpace:
    """Returns a space of another distribution, or of a script.

    Args:
        made: The space that its class made.
        name: Name under which the class is registered, or its own.
        given: Options that it was made with.

    Raises:
        ContractError: When it breaks the contract of spaces; says where.
    """
    slip = _slip(made, name, given)
    if slip is not None:
        raise ContractError(f"the class {type(made).__name__} breaks the contract of spaces as space '{name}': {slip}")
    space: SearchSpace = made
    return space


def _slip(made: Any, name: str, given: Mapping[str, Any]) -> str | None:
    """Returns what is wrong with a space in words; None where nothing is."""
    if not isinstance(made, SearchSpace):
        return "it is not a subclass of hwcost.spaces.SearchSpace"
    own = getattr(made, "name", None)
    if own != name:
        return f"its attribute name is {own!r}, so that stores and cost models would look for it there; call both '{name}'"
    genes = getattr(made, "genes", None)
    if not isinstance(genes, Iterable) or not genes or not all(isinstance(gene, Gene) for gene in genes):
        return f"genes is a tuple of Gene(name, choices), got {genes!r:.60}"
    repeated = _repeated(gene.name for gene in genes)
    if repeated is not None:
        return f"two genes are called '{repeated}'"
    lost = [option for option in given if option not in made.options()]
    if lost:
        return f"options() lacks '{lost[0]}', with which it was made; the processes that measure would make another space"
    if len(made.increasing()) != len(made.genes):
        return f"increasing() has {len(made.increasing())} entries for {len(made.genes)} genes"
    return next((slip for gene in genes if (slip := _slip_of(gene)) is not None), None)


def _slip_of(gene: Gene) -> str | None:
    """Returns what is wrong with a gene in words; None where nothing is."""
    others = [one for one in gene.choices if isinstance(one, bool) or not isinstance(one, (int, float, str))]
    if others:
        return f"gene '{gene.name}' has the choice {others[0]!r:.60}; a choice is a number or a text, such as 0 or 'off'"
    repeated = _repeated(gene.choices)
    if repeated is not None:
        return f"gene '{gene.name}' has the choice {repeated!r} twice"
    if not gene.categorical and any(isinstance(choice, str) for choice in gene.choices):
        return f"gene '{gene.name}' has texts as choices: make it Gene('{gene.name}', choices, categorical=True)"
    return None


def _repeated(values: Iterable[Any]) -> Any:
    """Returns the first value that stands twice; None where none does."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None
