"""Reads architectures from texts, dictionaries, rows of data frames and sequences of values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwcost._arguments import TEXT, check
from hwcost._patterns import Pattern
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.benchmark_names import read_benchmark_name
from hwcost.spaces.identity import check_identity
from hwcost.spaces.layouts import aliases
from hwcost.spaces.nested import SHORTEST_CODE, flattened, read_key, read_labels, read_nested
from hwcost.spaces.points import Architecture, GeneValue, number

if TYPE_CHECKING:
    from hwcost.spaces.base import SearchSpace

_ASSIGNMENT = Pattern(r"\s*[^=,\[\]{}()]+=")
_NEXT = Pattern(r"[,;](?=[^=,;]+=)")


def as_architecture(space: SearchSpace, value: Any) -> Architecture:
    """Makes an architecture of a space; see :meth:`hwcost.spaces.base.SearchSpace.as_architecture`."""
    if isinstance(value, Architecture):
        check_identity(space, value)
        return value
    if isinstance(value, str):
        return space.parse(value)
    named = _named(value)
    if named is not None:
        return space.architecture(_genes(space, named))
    if isinstance(value, Iterable):
        return space.architecture(value)
    raise ArchitectureError(
        f"an architecture of space '{space.name}' is {len(space.genes)} values in a sequence, a mapping such as "
        f"{{'{space.genes[0].name}': ...}}, a row of a data frame, or a text; got {value!r}"
    )


def several(archs: Any) -> Sequence[Any]:
    """Returns architectures as a sequence; a single one, or a text that stands for one, counts as a list of one.

    Raises:
        UsageError: When it is neither architectures nor one of them.
    """
    if isinstance(archs, (Architecture, str)):
        return [archs]
    if not isinstance(archs, Iterable):
        raise UsageError(f"expected a list of architectures, or a single one; got {archs!r:.60} ({type(archs).__name__})")
    return archs if isinstance(archs, Sequence) else list(archs)


def is_assignments(text: str) -> bool:
    """Whether a text is a JSON object or dictionary, or gives genes by name: ``layers=4,hidden=512``."""
    return text.startswith("{") or _ASSIGNMENT.match(text) is not None


def read_assignments(space: SearchSpace, text: str) -> Architecture:
    """Reads a dictionary, or genes by name; see :func:`is_assignments`.

    Raises:
        ArchitectureError: When it is neither, or lacks a gene.
    """
    if text.startswith("{"):
        value = read_nested(text)
        if not isinstance(value, Mapping):
            raise ArchitectureError(f"'{text}' is neither a JSON object nor a dictionary")
        return space.architecture(_genes(space, value))
    parts = [part.partition("=") for part in _NEXT.split(text) if part.strip()]
    pairs = [(name.strip(), value) for name, _, value in parts]
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ArchitectureError(f"'{text}' gives '{twice}' twice. Give every value once.")
    genes = {gene.name: gene for gene in space.genes}
    given = {name: genes[name].read(value) if name in genes else number(value) for name, value in pairs}
    return space.architecture(_genes(space, given))


def parse(space: SearchSpace, text: str) -> Architecture:
    """Reads an architecture from a text; see :meth:`hwcost.spaces.base.SearchSpace.parse`."""
    check({"text": text}, text=TEXT)
    text = text.strip()
    if is_assignments(text):
        return read_assignments(space, text)
    if text.startswith("["):
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ArchitectureError(f"'{text}' is not a JSON list: {error}") from None
        return space.architecture(values)
    parts = values_in_order(space, text)
    if len(parts) != len(space.genes):
        return space.architecture(map(number, parts))  # says how many it has
    return space.architecture(gene.read(part) for gene, part in zip(space.genes, parts, strict=True))


def values_in_order(space: SearchSpace, text: str) -> list[str]:
    """Returns the values that a text gives in order: as many as there are genes where commas or underscores part so many.

    The value of a gene may hold underscores itself, such as ``conv_3x3``, where commas stand between values.
    """
    for signs in (",", "_", "[,_]"):
        parts = [part.strip() for part in re.split(signs, text) if part.strip()]
        if len(parts) == len(space.genes):
            break
    return parts


def _named(value: Any) -> Mapping[str, Any] | None:
    """Returns values by name, where an object has names for its values."""
    if isinstance(value, Mapping):
        return value
    if hasattr(value, "_asdict"):
        return dict(value._asdict())
    return dict(value.to_dict()) if hasattr(value, "to_dict") else None


def _genes(space: SearchSpace, named: Mapping[Any, Any]) -> list[GeneValue]:
    """Finds the value of every gene by its name, also within dictionaries and lists; other names are passed over."""
    values = {str(name): value for name, value in named.items()}
    wanted = [gene.name for gene in space.genes]
    if not all(name in values for name in wanted):
        inner = _digits(space, values) | _within(values)
        values |= _padding(space, inner) | inner
        other_names = aliases(space.name)
        values |= {other_names[name]: value for name, value in values.items() if name in other_names}
    missing = [name for name in wanted if name not in values]
    if missing:
        raise ArchitectureError(
            f"an architecture of space '{space.name}' needs a value for {', '.join(missing)}. "
            f"Given: {', '.join(map(str, named)) or 'nothing'}. Genes: {', '.join(wanted)}"
        )
    given = ((gene, values[gene.name]) for gene in space.genes)
    return [number(value) if isinstance(value, str) and not gene.categorical else value for gene, value in given]


def _padding(space: SearchSpace, inner: Mapping[str, Any]) -> dict[str, GeneValue]:
    """Returns the values that lists lack which are shorter than the longest one that the space knows."""
    heads = {name.rpartition(".")[0] for name in inner}
    return {name: value for name, value in space.fillers().items() if name.rpartition(".")[0] in heads}


def _digits(space: SearchSpace, values: Mapping[str, Any]) -> dict[str, GeneValue]:
    """Returns the digits of codes such as ``03124``, also of those that lost their zeros as a number, by name of gene."""
    found: dict[str, GeneValue] = {}
    for name, value in values.items():
        places = [gene.name for gene in space.genes if gene.name.rpartition(".")[0] == name]
        text = str(value)
        if len(places) >= SHORTEST_CODE and text.isdecimal() and len(text) <= len(places):
            found |= dict(zip(places, map(int, text.zfill(len(places))), strict=True))
    return found


def _within(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values within dictionaries and lists, by the names that a table's columns get."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = _inner(value.strip()) if isinstance(value, str) else value
        if isinstance(inner, Mapping):
            found |= flattened(inner) | flattened(inner, name)
        elif isinstance(inner, (list, tuple)):
            found |= flattened(inner, name)
    return found


def _inner(text: str) -> Any:
    """Returns the dictionary or list that a text is, numbers with labels and names of benchmarks among them."""
    nested = read_nested(text)
    if nested is None and (labelled := read_labels(text)) is not None:
        return labelled[1]
    if nested is None and (parts := read_benchmark_name(text)) is not None:
        return parts
    return nested if nested is not None else [number(part) for part in read_key(text) or ()]
