"""The operators that an architecture of a declared space is made of: their names, as templates over its genes.

An operator is declared as a text, or as a mapping with ``name``, and optionally ``times`` and ``when``::

    "112x112-conv-{width}"                                            # once in every architecture
    {"name": "layer-{width}-{activation}", "times": "layers"}         # as often as the gene says
    {"name": "56x56-expand:{e2}-kernel:{k2}", "when": {"depth": [2, 3]}}  # where the gene has one of these values

Templates are plain data, so they are kept with a cost model and never executed.
"""

from __future__ import annotations

import itertools
import math
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwcost.errors import UsageError
from hwcost.spaces.base import Gene, GeneValue

MOST = 200_000
"""Names that one template may stand for."""


@dataclass(frozen=True)
class Operator:
    """One line of the declaration.

    Attributes:
        template: Name of the operator, with genes in braces.
        times: Number of times that it occurs in an architecture, or the gene that holds it.
        when: Values of genes with which it occurs; it always does where empty.
    """

    template: str
    times: int | str = 1
    when: tuple[tuple[str, tuple[GeneValue, ...]], ...] = ()

    def plain(self) -> list[Any]:
        """Returns plain JSON, ``[template, times, [[gene, values], ...]]``, which :func:`operators_of` reads."""
        return [self.template, self.times, [[gene, list(values)] for gene, values in self.when]]

    def of(self, values: Mapping[str, GeneValue]) -> Iterator[str]:
        """Yields the operator's name as often as it occurs in an architecture with these values of genes."""
        if all(values[gene] in wanted for gene, wanted in self.when):
            count = values[self.times] if isinstance(self.times, str) else self.times
            yield from itertools.repeat(_filled(self.template, values), int(count))

    def names(self, genes: Sequence[Gene]) -> Iterator[str]:
        """Yields every name that the template may stand for."""
        allowed = dict(self.when)
        used = [gene for gene in genes if gene.name in _fields(self.template)]
        choices = [allowed.get(gene.name, gene.choices) for gene in used]
        for row in itertools.product(*choices):
            yield _filled(self.template, {gene.name: value for gene, value in zip(used, row, strict=True)})


def operators_of(given: Iterable[Any], genes: Sequence[Gene]) -> tuple[Operator, ...]:
    """Reads declarations of operators and checks them against the genes.

    Raises:
        UsageError: When a declaration has another form, or names an unknown gene or a value that its gene does not have.
    """
    known = {gene.name: gene for gene in genes}
    made = tuple(_operator(one) for one in given)
    for operator in made:
        _check(operator, known)
    return made


def _operator(given: Any) -> Operator:
    if isinstance(given, str):
        return Operator(given)
    if isinstance(given, Mapping) and set(given) <= {"name", "times", "when"} and "name" in given:
        given = [given["name"], given.get("times", 1), list(dict(given.get("when", {})).items())]
    try:
        template, times, when = given
        conditions = tuple((str(gene), _values(values)) for gene, values in when)
    except (TypeError, ValueError):
        template = None
        conditions = ()
    if not isinstance(template, str) or not template or isinstance(times, bool) or not isinstance(times, (int, str)):
        raise UsageError(
            f"an operator is a text such as 'layer-{{width}}', or has name, times and when; got {given!r:.120}"
        )
    return Operator(template, times, conditions)


def _values(values: Any) -> tuple[GeneValue, ...]:
    return tuple(values) if isinstance(values, (list, tuple)) else (values,)


def _check(operator: Operator, genes: Mapping[str, Gene]) -> None:
    named = [*_fields(operator.template), *(gene for gene, _ in operator.when)]
    named += [operator.times] if isinstance(operator.times, str) else []
    if unknown := [name for name in named if name not in genes]:
        raise UsageError(f"operator '{operator.template}' names the unknown gene '{unknown[0]}'. Known: {', '.join(genes)}")
    for gene, values in operator.when:
        if wrong := [value for value in values if value not in genes[gene].choices]:
            allowed = ", ".join(map(str, genes[gene].choices))
            raise UsageError(f"operator '{operator.template}': gene '{gene}' is never {wrong[0]!r}. Choices: {allowed}")
    counts = genes[operator.times].choices if isinstance(operator.times, str) else (operator.times,)
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        raise UsageError(f"operator '{operator.template}' occurs {operator.times} times: expected whole numbers from 0 on")
    size = math.prod(len(genes[name].choices) for name in set(_fields(operator.template)))
    if size > MOST:
        raise UsageError(f"operator '{operator.template}' stands for {size} names; at most {MOST} can be listed")


def _fields(template: str) -> list[str]:
    try:
        parts = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(template)]
    except ValueError as error:
        raise UsageError(f"operator '{template}' is not a template: {error}. Write genes in braces: {{width}}") from None
    return [name for name, _, _ in parts if name is not None]


def _filled(template: str, values: Mapping[str, GeneValue]) -> str:
    """Puts values into a template; the names of genes may hold any characters."""
    parts = string.Formatter().parse(template)
    return "".join(text + ("" if name is None else str(values[name])) for text, name, _, _ in parts)
