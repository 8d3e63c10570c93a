"""The system ``growth``: how the latency of a matrix product grows with its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hwcost.systems import Claim, Measuring, Pipeline, Preset, stage
from hwcost_example_more.workload import Product


@dataclass(frozen=True, kw_only=True)
class Sizes(Preset):
    """Sizes of the square matrices that are multiplied."""

    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Latencies:
    """Seconds per product by the size of its matrices; None where a measurement is void."""

    sizes: list[int]
    seconds: list[float | None]


@dataclass(frozen=True)
class Ratio:
    """Latency of the largest product over that of the smallest."""

    ratio: float


@dataclass(frozen=True)
class Results:
    """The results of all stages."""

    latencies: Latencies
    ratio: Ratio


class Growth(Pipeline[Sizes]):
    """Measures products of square matrices, and compares the largest with the smallest."""

    name = "growth"
    title = "Latency of matrix products by their size"
    presets: ClassVar[Mapping[str, Sizes]] = {
        "smoke": Sizes(sizes=(64, 128, 256), measuring=Measuring(batch_size=1, seq_lens=(1,), rounds=2)),
    }

    @stage
    def latencies(self) -> Latencies:
        """Measures every size."""
        sizes = list(self.preset.sizes)
        found = self.measure([Product(size, size, size) for size in sizes])
        return Latencies(sizes, [one.latency_s for one in found.measurements])

    @stage
    def ratio(self) -> Ratio:
        """Divides the longest latency by the shortest."""
        known = [seconds for seconds in self.latencies.seconds if seconds is not None]
        return Ratio(max(known) / min(known))

    def claims(self) -> list[Claim]:
        """Says whether the size matters."""
        ratio = self.ratio.ratio
        return [Claim("a larger product takes longer", f"{ratio:.2f} times", ratio > 1.0)]
