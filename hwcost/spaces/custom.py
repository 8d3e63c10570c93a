"""A space of the user's own: genes with choices, declared as plain data, for nets that a factory of the user's builds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hwcost._arguments import TEXT, check
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.accounting import Work
from hwcost.spaces.base import Architecture, Component, Gene, GeneValue, SearchSpace
from hwcost.spaces.operators import Operator, operators_of
from hwcost.spaces.reading import values_in_order

_SIGNS = ",=[]{}\""
"""Characters with which names and texts cannot be written as ``name=value,name=value``."""


class Custom(SearchSpace):
    """Your own genes with their choices; a factory of yours builds the nets.

    Args:
        genes: Choices by name, in order: ``{"layers": [2, 4, 6], "activation": ["relu", "gelu"]}``, or a list of such
            pairs. The choices of a gene are all numbers or all texts; true and false become 1 and 0. Texts carry no order.
        categorical: Names of genes whose numbers name things rather than count them.
        increasing: Names of numeric genes along which latency cannot fall.
        operators: Operators that an architecture is made of, for tables of operators; see :mod:`hwcost.spaces.operators`.

    Raises:
        UsageError: When genes are missing, a gene has no or repeated choices, or a named gene is unknown.
    """

    name = "custom"

    def __init__(
        self,
        genes: Mapping[str, Sequence[GeneValue]] | Iterable[Sequence[Any]],
        *,
        categorical: Iterable[str] = (),
        increasing: Iterable[str] = (),
        operators: Iterable[Any] = (),
    ) -> None:
        named = set(_names(categorical, "categorical"))
        self.genes = tuple(_gene(name, choices, name in named) for name, choices in _pairs(genes))
        names = [gene.name for gene in self.genes]
        if not names:
            raise UsageError("a space of your own needs at least one gene, such as genes={'layers': [2, 4, 6]}")
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise UsageError(f"genes need different names; repeated: {', '.join(repeated)}")
        _check_known("categorical", named, names)
        self._increasing = frozenset(_names(increasing, "increasing"))
        _check_known("increasing", self._increasing, [gene.name for gene in self.genes if not gene.categorical])
        self._operators: tuple[Operator, ...] = operators_of(operators, self.genes)

    @property
    def is_buildable(self) -> bool:
        """False: a factory of the user's builds the nets, and their parameters are not counted."""
        return False

    def options(self) -> dict[str, Any]:
        """Returns plain JSON; genes as pairs, because their order matters."""
        numbered = [gene.name for gene in self.genes if gene.categorical and not isinstance(gene.choices[0], str)]
        return {
            "genes": [[gene.name, list(gene.choices)] for gene in self.genes],
            "categorical": numbered,
            "increasing": sorted(self._increasing),
            "operators": [operator.plain() for operator in self._operators],
        }

    def identity_options(self) -> dict[str, Any]:
        """Returns the names of the genes in order, which a factory is called with; all else says what is known of them."""
        return {"genes": [gene.name for gene in self.genes]}

    def increasing(self) -> tuple[int, ...]:
        """See the base class; the genes that were named."""
        return tuple(int(gene.name in self._increasing) for gene in self.genes)

    # -- architectures -------------------------------------------------------------------------------------------------

    def architecture(self, genes: Iterable[GeneValue] | Mapping[str, GeneValue]) -> Architecture:
        """Checks one value per gene, in order or by name.

        Raises:
            ArchitectureError: When a name is unknown or missing, or a value is none of its gene's choices.
        """
        values = self._in_order(genes) if isinstance(genes, Mapping) else self.listed(genes)
        return super().architecture(int(value) if isinstance(value, bool) else value for value in values)

    def _in_order(self, genes: Mapping[str, GeneValue]) -> list[GeneValue]:
        names = [gene.name for gene in self.genes]
        unknown, missing = [name for name in genes if name not in names], [name for name in names if name not in genes]
        if unknown or missing:
            raise ArchitectureError(
                f"an architecture of this space has the genes {', '.join(names)}; missing: {', '.join(missing) or 'none'}; "
                f"unknown: {', '.join(unknown) or 'none'}"
            )
        return [genes[name] for name in names]

    def key(self, arch: Architecture) -> str:
        """Returns ``layers=2,activation=relu``; a JSON list where names or texts hold ``,=[]{}"`` or outer white space."""
        if self._is_plain:
            return ",".join(f"{name}={value}" for name, value in self.named(arch).items())
        return json.dumps(list(self.as_architecture(arch).genes), ensure_ascii=False)

    def parse(self, text: str) -> Architecture:
        """Reads ``layers=2,activation=relu`` in any order, values with commas between them, or JSON: a list or an object.

        Raises:
            ArchitectureError: When the text is none of these or lies outside the space.
        """
        check({"text": text}, text=TEXT)
        text = text.strip()
        if text.startswith(("[", "{")):
            return super().parse(text)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if parts and all("=" in part for part in parts):
            pairs = [part.partition("=") for part in parts]
            if repeated := {name for name, _, _ in pairs if [pair[0] for pair in pairs].count(name) > 1}:
                raise ArchitectureError(f"'{text}' gives '{min(repeated)}' twice")
            genes = {gene.name: gene for gene in self.genes}
            given = [(name.strip(), value) for name, _, value in pairs]
            return self.architecture({name: genes[name].read(value) if name in genes else value for name, value in given})
        values = values_in_order(self, text)
        if len(values) != len(self.genes):
            raise ArchitectureError(self._misread(text))
        return self.architecture([gene.read(value) for gene, value in zip(self.genes, values, strict=True)])

    def _misread(self, text: str) -> str:
        """Says how an architecture is written where a text has not as many values as there are genes."""
        first = [(gene.name, gene.choices[0]) for gene in self.genes]
        ordered, named = ",".join(str(value) for _, value in first), ",".join(f"{name}={value}" for name, value in first)
        return (
            f"space '{self.name}' has {len(first)} genes, and '{text}' has not one value for each. Write them in order, "
            f"such as {ordered}, or by name, such as {named}"
        )

    @property
    def _is_plain(self) -> bool:
        texts = [gene.name for gene in self.genes]
        texts += [value for gene in self.genes for value in gene.choices if isinstance(value, str)]
        return all(text == text.strip() and not any(sign in text for sign in _SIGNS) for text in texts)

    # -- operators -----------------------------------------------------------------------------------------------------

    def components(self, arch: Architecture | None = None) -> tuple[Component, ...]:
        """Returns the declared operators of one architecture, with repeats, or all distinct ones; none where none are."""
        if arch is None:
            names = dict.fromkeys(name for operator in self._operators for name in operator.names(self.genes))
            return tuple(Component(name) for name in names)
        values = self.named(arch)
        return tuple(Component(name) for operator in self._operators for name in operator.of(values))

    def component_work(self, component: Component, batch_size: int = 1, seq_len: int = 128) -> Work:
        """Raises UsageError: only the name of an operator is known."""
        raise UsageError(f"parameters and FLOPs of operator '{component}' are not known: it is declared by its name only")

    def work(self, arch: Architecture, batch_size: int = 1, seq_len: int = 128) -> Work:
        """Raises UsageError: a space that declares genes counts nothing."""
        raise UsageError(
            "a space of your own counts no parameters and FLOPs; count them in a function that takes an architecture, and "
            "name it as module:function"
        )


MOST_CHOICES = 100
"""Distinct values of a column beyond which it counts as a measurement or an identifier, and not as a gene."""


def from_architectures(space: SearchSpace, archs: Sequence[Architecture], names: Sequence[str] = ()) -> Custom:
    """Declares a space of the distinct values that a table's architectures have.

    Args:
        space: The space of the architectures, such as a table's.
        archs: Architectures of the table, at least one.
        names: Genes that are taken over; all where empty.

    Raises:
        UsageError: When a name is unknown, or a column has too many values for a gene.
    """
    known = [gene.name for gene in space.genes]
    _check_known("columns", names, known)
    taken = [(i, gene) for i, gene in enumerate(space.genes) if gene.name in names or not names]
    values = {gene.name: list(dict.fromkeys(arch.genes[i] for arch in archs)) for i, gene in taken}
    if wide := [name for name, choices in values.items() if len(choices) > MOST_CHOICES]:
        rest = ",".join(name for name in values if name not in wide)
        raise UsageError(
            f"column '{wide[0]}' has {len(values[wide[0]])} distinct values, too many for a gene with choices (at most "
            f"{MOST_CHOICES}). Name the columns that are genes: --columns {rest or 'A,B'}"
        )
    categorical = [gene.name for _, gene in taken if gene.categorical]
    signs = space.increasing()
    increasing = [gene.name for i, gene in taken if signs[i]]
    return Custom(values, categorical=categorical, increasing=increasing)


def _pairs(genes: Any) -> list[tuple[str, Any]]:
    pairs = list(genes.items()) if isinstance(genes, Mapping) else list(genes)
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2 or not isinstance(pair[0], str):
            raise UsageError(f"genes are choices by name, such as {{'layers': [2, 4, 6]}}; got {pair!r:.80}")
    return [(name, choices) for name, choices in pairs]


def _gene(name: str, choices: Any, is_categorical: bool) -> Gene:
    if not name.strip():
        raise UsageError("a gene needs a name")
    if isinstance(choices, str) or not isinstance(choices, Sequence) or not choices:
        raise UsageError(f"gene '{name}' needs a list of choices, such as [2, 4, 6]; got {choices!r:.80}")
    values = [_value(name, choice) for choice in choices]
    if len(set(values)) < len(values):
        raise UsageError(f"gene '{name}' has a choice twice: {', '.join(map(str, choices))}")
    texts = [isinstance(value, str) for value in values]
    if any(texts) and not all(texts):
        raise UsageError(f"the choices of gene '{name}' are all numbers or all texts; got {', '.join(map(repr, choices))}")
    if any(texts) or is_categorical:
        return Gene(name, tuple(values), categorical=True)
    return Gene(name, tuple(sorted(values)))


def _value(name: str, choice: Any) -> GeneValue:
    if isinstance(choice, float) and choice - choice != 0:
        raise UsageError(f"a choice of gene '{name}' is a finite number, got {choice}")
    try:
        return SearchSpace._plain(int(choice) if isinstance(choice, bool) else choice)
    except ArchitectureError:
        raise UsageError(f"a choice of gene '{name}' is a number, a text, true or false; got {choice!r:.80}") from None


def _names(given: Iterable[str], option: str) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(name, str) for name in names):
        raise UsageError(f"{option} is a list of names of genes, got {names}")
    return names


def _check_known(option: str, given: Iterable[str], names: Sequence[str]) -> None:
    if wrong := sorted(set(given).difference(names)):
        kind = "numeric gene" if option == "increasing" else "gene"
        known = ", ".join(names) or "none"
        raise UsageError(f"{option} names '{wrong[0]}', which is not a {kind} of the space. Known: {known}")
