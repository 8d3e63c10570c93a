"""What a pipeline is run on, and how it measures latencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost.workloads import models

if TYPE_CHECKING:
    from hwcost.spaces import Architecture, SearchSpace
    from hwcost.workloads import Workload


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's choices for one run of a pipeline.

    Attributes:
        preset: Name of the preset: ``smoke``, ``quick`` or ``paper``.
        seed: Seed of weights, batches, samples and searches.
        corpus: Training text: ``stdlib``, or the path of text files or of a data set on disk.
        device: Name of the device that latencies are measured on.
        backend: Backend that latencies are measured with.
        threads: Threads inside an operator while latencies are measured.
        train_on: Device that nets are trained on: ``cpu`` or ``cuda``; None for ``cuda`` where latencies are measured on
            such a device, else ``cpu``.
        weights: Folder of a BERT that training starts from, or that is the teacher; None starts from random weights.
        tasks: Labelled tasks that nets are fine-tuned on, each a name or a folder, see :func:`hwcost.tasks.task`; empty for
            those of the preset.
    """

    preset: str = "quick"
    seed: int = 0
    corpus: str = "stdlib"
    device: str = "cpu"
    backend: str = "torch"
    threads: int = 1
    train_on: str | None = None
    weights: str | None = None
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """The protocol of a pipeline's campaigns.

    Attributes:
        batch_size: Number of sequences in a call.
        seq_lens: Numbers of tokens in a sequence; ascending.
        rounds: Number of rounds in a campaign; None for as many as the tier wants.
        tier: Tier of precision: ``quick``, ``standard`` or ``strict``.
    """

    batch_size: int
    seq_lens: tuple[int, ...]
    rounds: int | None = None
    tier: str = "quick"

    @property
    def seq_len(self) -> int:
        """The longest sequence length, which counts where a net has one latency."""
        return self.seq_lens[-1]

    def workloads(
        self, space: SearchSpace, archs: Sequence[Architecture], seq_len: int | None = None
    ) -> list[Workload]:
        """Returns one whole-model workload per architecture, at the longest sequence length or at another one."""
        return list(models(space, archs, self.batch_size, seq_len or self.seq_len))


ONE_BY_ONE = Measuring(batch_size=1, seq_lens=(128,), tier="standard")
"""The papers' protocol: one sequence of 128 tokens at a time."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The sizes of a run: how many steps, nets and evaluations. Each system adds its own in a subclass.

    Attributes:
        measuring: Protocol of the campaigns.
        tasks: Labelled tasks that nets are fine-tuned on where the user gives none.
    """

    measuring: Measuring
    tasks: tuple[str, ...] = ()
