"""Which workloads of two arms are compared with each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from hwcost.timing.measurement import Measurement
from hwcost.workloads import ChainWorkload, ComponentWorkload, ModelWorkload
from hwcost.workloads.base import Workload

Identity = Callable[[Workload], Hashable]


def matches(a: Sequence[Measurement], b: Sequence[Measurement]) -> list[tuple[Measurement, Measurement]]:
    """Matches the workloads of two arms, in the order of the first.

    Equal workloads match; of the rest those with one name, then those of one architecture or component, as when only the
    dtype or the batch differs. Where each arm has a single workload, the two are what is compared.
    """
    pairs: dict[int, Measurement] = {}
    taken: set[int] = set()
    identities: tuple[Identity, ...] = (lambda work: work.key, lambda work: work.name, _content)
    for identity in identities:
        left, free = [m for m in a if id(m) not in pairs], [m for m in b if id(m) not in taken]
        for one, other in _unique_matches(identity, left, free):
            pairs[id(one)] = other
            taken.add(id(other))
    if len(a) == len(b) == 1:
        pairs[id(a[0])] = b[0]
    return [(m, pairs[id(m)]) for m in a if id(m) in pairs]


def _unique_matches(
    identity: Identity, a: Iterable[Measurement], b: Iterable[Measurement]
) -> Iterator[tuple[Measurement, Measurement]]:
    """Yields what has an identity that no other workload of its arm has."""
    one, other = _by_identity(identity, a), _by_identity(identity, b)
    yield from ((one[key][0], other[key][0]) for key in one if len(one[key]) == len(other.get(key, ())) == 1)


def _by_identity(identity: Identity, arm: Iterable[Measurement]) -> dict[Hashable, list[Measurement]]:
    found: dict[Hashable, list[Measurement]] = {}
    for m in arm:
        if (key := identity(m.workload)) is not None:
            found.setdefault(key, []).append(m)
    return found


def _content(workload: Workload) -> Hashable:
    if isinstance(workload, ModelWorkload):
        return (workload.space, workload.genes)
    if isinstance(workload, ComponentWorkload):
        return (workload.space, workload.part, workload.depth)
    if isinstance(workload, ChainWorkload):
        return (workload.space, workload.parts, workload.depth)
    return None
