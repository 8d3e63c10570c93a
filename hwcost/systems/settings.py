"""What a pipeline is run on, and how it measures latencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hwcost.devices import elsewhere
from hwcost.errors import UsageError
from hwcost.workloads import models

if TYPE_CHECKING:
    from hwcost.devices import DeviceProfile
    from hwcost.spaces import Architecture, SearchSpace
    from hwcost.workloads import Workload


REHEARSAL = "smoke"
"""Name of the preset that rehearses a run in a minute or two: its numbers mean nothing."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's choices for one run of a pipeline.

    Attributes:
        preset: Name of the preset: ``smoke``, ``quick`` or ``paper``, or another one of the system.
        seed: Seed of weights, batches, samples and searches.
        corpus: Training text: ``stdlib``, or the path of text files or of a data set on disk.
        device: Name of the device that latencies are measured on; None for this CPU, or for no device where a cost model is
            given: nothing is measured then.
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
    device: str | None = None
    backend: str = "torch"
    threads: int = 1
    train_on: str | None = None
    weights: str | None = None
    tasks: tuple[str, ...] = ()

    @property
    def trains_on(self) -> str:
        """Device that nets are trained on, ``cpu`` or ``cuda``.

        Raises:
            UnknownNameError: When there is no profile of the device that latencies are measured on.
        """
        return self.train_on or ("cuda" if elsewhere(self.device or "cpu").kind == "cuda" else "cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """The protocol of a pipeline's campaigns.

    Attributes:
        batch_size: Number of sequences in a call; None for the device's own.
        seq_lens: Numbers of tokens in a sequence, ascending; None for the device's own.
        dtype: Number format of weights and activations; None for the device's own.
        rounds: Number of rounds in a campaign; None for as many as the tier wants.
        tier: Tier of precision: ``quick``, ``standard`` or ``strict``.
        budget_s: Most seconds that the rounds of a campaign share; None for as long as the tier asks for, which is
            several times as long on a machine that others slow.
    """

    batch_size: int | None = None
    seq_lens: tuple[int, ...] | None = None
    dtype: str | None = None
    rounds: int | None = None
    tier: str = "quick"
    budget_s: float | None = None

    def on(self, device: DeviceProfile) -> Measuring:
        """Returns the protocol with a device's own choices where it has none, as its profile tells them."""
        own = device.protocol
        return replace(
            self, batch_size=self.batch_size or own.batch_size, seq_lens=self.seq_lens or (own.seq_len,),
            dtype=self.dtype or own.dtype,
        )  # fmt: skip

    @property
    def seq_len(self) -> int:
        """The longest sequence length, which counts where a net has one latency.

        Raises:
            UsageError: When it is left to the device; see :meth:`on`.
        """
        return self.lengths[-1]

    @property
    def lengths(self) -> tuple[int, ...]:
        """The sequence lengths; raises UsageError as :attr:`seq_len` does."""
        if not self.seq_lens:
            raise UsageError("this protocol leaves lengths to the device: ask Measuring.on(profile) first")
        return self.seq_lens

    def shape(self, seq_len: int | None = None) -> dict[str, Any]:
        """Returns batch size, sequence length and dtype of a call, as workloads take them.

        Args:
            seq_len: Number of tokens in a sequence; None for the longest.
        """
        return {"batch_size": self.batch_size, "seq_len": seq_len or self.seq_len, "dtype": self.dtype}

    def workloads(
        self, space: SearchSpace, archs: Sequence[Architecture], seq_len: int | None = None
    ) -> list[Workload]:
        """Returns one whole-model workload per architecture, at the longest sequence length or at another one."""
        return list(models(space, archs, **self.shape(seq_len)))


DEVICE_PROTOCOL = Measuring(tier="standard")
"""The papers' protocol: batch size, sequence length and number format as the profile of their device has them."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The sizes of a run: how many steps, nets and evaluations. Each system adds its own in a subclass.

    Attributes:
        measuring: Protocol of the campaigns.
        tasks: Labelled tasks that nets are fine-tuned on where the user gives none.
    """

    measuring: Measuring
    tasks: tuple[str, ...] = ()
