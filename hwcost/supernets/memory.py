# mypy: allow-subclassing-any
"""The memory of a training before it begins: what its tensors would take, found without holding any of them.

A step of the training, its forward and backward passes and the optimiser's, runs on tensors that have shapes and no values;
so a net of any size is planned in seconds on any machine. The step of a small net in float32 is computed instead, which
takes a fraction of the time and a few megabytes (:data:`SMALL_BYTES`). Every storage that comes and goes is written down at
two small micro batches; sizes are linear in the number of sequences, so that the same record tells the peak at any number.
On top come parameters and the optimiser's moments, which are there all the time, and an allowance for the allocator's gaps.
What is not in it: the workspace of libraries, and the process itself.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hwcost._types import Floats
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import stepping

__all__ = ["Memory", "StepMemory", "step_memory"]

PROBED = (2, 4)
"""Sequences of the micro batches that are written down."""
SMALL_BYTES = 32 << 20
"""Bytes of parameters up to which a step is computed: with gradients, moments and activations a few times as much."""
SMALL_TOKENS = 512
"""Tokens of the larger micro batch up to which a step is computed."""
MOMENTS = 2
"""Numbers that AdamW and LAMB keep of each parameter."""
MASKED = 0.15
"""Share of a sequence's tokens that are to be predicted (Devlin et al., "BERT", section 3.1)."""

GAPS = 0.1
"""Share of what is alive by which a process is taken to hold more, in gaps that blocks of other sizes left. Processes held
from 0.03 to 0.26 more in the papers' trainings on a processor, whose allocator is the C library's, and gaps are the likely
reason; see ``benchmarks/planned_memory.py``."""

Batches = Callable[[int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a training at its peak, in bytes.

    Attributes:
        parameters_bytes: Parameters, also of nets that are not trained, such as a teacher.
        optimizer_bytes: The optimiser's moments.
        gradients_bytes: Gradients of parameters that are there at the peak.
        activations_bytes: Everything else that is there at the peak: activations that are kept for the gradients, and what
            is being computed, by the optimiser too.
        gaps_bytes: Memory that the allocator holds and that nothing can use, a share of all the other.
    """

    parameters_bytes: int
    optimizer_bytes: int
    gradients_bytes: int
    activations_bytes: int
    gaps_bytes: int

    @property
    def alive_bytes(self) -> int:
        """Bytes of tensors."""
        return self.parameters_bytes + self.optimizer_bytes + self.gradients_bytes + self.activations_bytes

    @property
    def total_bytes(self) -> int:
        """Bytes of tensors and of the gaps between them."""
        return self.alive_bytes + self.gaps_bytes


@dataclass(frozen=True, slots=True)
class StepMemory:
    """What a step of a training allocates and frees, at any number of sequences in a micro batch.

    Attributes:
        parameters_bytes: Bytes of parameters.
        optimizer_bytes: Bytes of the optimiser's moments.
        storages: Number of each event's storage, shape (events,).
        signs: 1 where a storage comes, -1 where it goes, 0 where it is a moment's, shape (events,).
        is_repeated: Whether each event is of the second micro batch, which a step of one has not, shape (events,).
        sizes: Bytes of each storage at the micro batches of :data:`PROBED`, shape (2, storages).
        is_gradient: Whether each storage is a parameter's gradient, shape (storages,).
        gaps: Share of what is alive by which the allocator holds more.
    """

    parameters_bytes: int
    optimizer_bytes: int
    storages: NDArray[np.intp]
    signs: NDArray[np.intp]
    is_repeated: NDArray[np.bool_]
    sizes: Floats
    is_gradient: NDArray[np.bool_]
    gaps: float = GAPS

    def at(self, micro_batch: int, is_summed: bool) -> Memory:
        """Returns the memory at its peak.

        Args:
            micro_batch: Number of sequences in a micro batch.
            is_summed: Whether a step has several micro batches, so that gradients of earlier ones are there.
        """
        small, large = PROBED
        slope = (self.sizes[1] - self.sizes[0]) / (large - small)
        sizes = np.maximum(self.sizes[0] + slope * (micro_batch - small), 0.0)
        moved = sizes[self.storages] * self.signs * (is_summed | ~self.is_repeated)
        gradients = np.cumsum(moved * self.is_gradient[self.storages])
        whole = np.cumsum(moved)
        peak = int(whole.argmax())
        found = Memory(
            self.parameters_bytes, self.optimizer_bytes, int(gradients[peak]), int(whole[peak] - gradients[peak]), 0
        )
        return replace(found, gaps_bytes=int(self.gaps * found.alive_bytes))


def step_memory(
    make: Callable[[Batches, Recipe], tuple[nn.Module, Phase, Sequence[nn.Module]]], recipe: Recipe, vocabulary: int
) -> StepMemory:
    """Records what a step of a training allocates and frees.

    Args:
        make: Function that makes the module, the phase of its training with a recipe, and further nets that it uses, of
            batches of text.
        recipe: Recipe of the training.
        vocabulary: Number of word pieces.
    """
    is_computed = _is_small(make, recipe, vocabulary)
    first, second = (_recorded(make, recipe, vocabulary, count, is_computed) for count in PROBED)
    if is_computed and not _are_alike(first, second):  # what is computed may depend on values
        first, second = (_recorded(make, recipe, vocabulary, count, False) for count in PROBED)
    if not _are_alike(first, second):
        raise AssertionError("a step does the same with any number of sequences")
    storages, signs = np.array(first.events, dtype=np.intp).reshape(-1, 2).T
    return StepMemory(
        first.parameters, first.moments, storages, signs, np.isin(np.arange(len(signs)), first.repeated),
        np.array([first.sizes, second.sizes], dtype=np.float64), np.isin(np.arange(len(first.sizes)), first.gradients),
    )  # fmt: skip


def text_batch(vocabulary: int, sequences: int, seq_len: int) -> dict[str, Any]:
    """Returns a batch as of text, of which as many tokens of each sequence are to be predicted as in training."""
    ids = np.arange(sequences * seq_len, dtype=np.int64).reshape(sequences, seq_len) % vocabulary
    labels = np.full_like(ids, -100)
    labels[:, : max(1, round(MASKED * seq_len))] = 1
    return {
        "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids), "labels": labels,
        "is_next": np.zeros(sequences, dtype=np.int64),
    }  # fmt: skip


def _masked(batch: dict[str, Any]) -> int:
    return int((batch["labels"] == 1).sum())


class _Recorder(TorchDispatchMode):
    """Writes down every storage that comes and goes, and answers what only values could tell.

    Args:
        masked: Number of tokens that are to be predicted in a batch; None where tensors have values.
    """

    def __init__(self, masked: int | None) -> None:
        super().__init__()
        self.masked = masked
        self.events: list[tuple[int, int]] = []
        self.sizes: list[int] = []
        self.known: dict[int, int] = {}
        self.is_on = False

    def numbers(self, tensors: Iterable[torch.Tensor]) -> list[int]:
        """Returns the numbers of the storages of tensors, of those that were written down."""
        found = (self.known.get(one.untyped_storage()._cdata) for one in tensors)
        return [number for number in found if number is not None]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.masked is not None and func is torch.ops.aten._local_scalar_dense.default:
            return 1.0 if args[0].dtype.is_floating_point else 1
        if self.masked is not None and func is torch.ops.aten.nonzero.default:
            found = args[0].new_empty((self.masked, args[0].ndim), dtype=torch.int64)
        else:
            found = func(*args, **(kwargs or {}))
        is_view = any(one.alias_info is not None for one in func._schema.returns)  # or what is overwritten
        if self.is_on and not is_view:
            for one in tree_leaves(found):
                if isinstance(one, torch.Tensor) and one.device.type != "meta":  # modules of subnets are without weights
                    self.see(one.untyped_storage())
        return found

    def see(self, storage: Any) -> None:
        """Notes a storage that is new, and when it goes."""
        key = storage._cdata
        if key in self.known:
            return
        number = self.known[key] = len(self.sizes)
        self.sizes.append(storage.nbytes())
        self.events.append((number, 1))
        weakref.finalize(storage, self._gone, key, number)

    def _gone(self, key: int, number: int) -> None:
        self.known.pop(key, None)
        if self.is_on:
            self.events.append((number, -1))


@dataclass(frozen=True)
class _Seen:
    parameters: int
    moments: int
    events: list[tuple[int, int]]
    repeated: range
    sizes: list[int]
    gradients: list[int]


def _are_alike(first: _Seen, second: _Seen) -> bool:
    """Says whether the same storages came and went; what goes at one time goes in any order."""
    return sorted(first.events) == sorted(second.events)


def _probed(recipe: Recipe, sequences: int) -> Recipe:
    return replace(recipe, steps=1, warmup_steps=0, batch_size=2 * sequences, accumulate=2)


def _is_small(make: Any, recipe: Recipe, vocabulary: int) -> bool:
    """Says whether a step may be computed: in float32, where sizes are the same; in bfloat16 they differed."""
    most = max(PROBED)
    if recipe.dtype != "float32" or most * recipe.seq_len > SMALL_TOKENS:
        return False
    batch = text_batch(vocabulary, most, recipe.seq_len)
    with FakeTensorMode(allow_non_fake_inputs=True), _Recorder(_masked(batch)):
        module, _, others = make(lambda number: batch, _probed(recipe, most))
    held: int = sum(one.nbytes for one in _held(module, *others))
    return held <= SMALL_BYTES


def _held(*nets: nn.Module) -> list[torch.Tensor]:
    """Returns parameters and buffers, those that nets share once."""
    return list({id(one): one for net in nets for one in (*net.parameters(), *net.buffers())}.values())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Lets torch compute in one thread: where others compute too, several threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _recorded(make: Any, recipe: Recipe, vocabulary: int, sequences: int, is_computed: bool) -> _Seen:
    """Runs a step of two micro batches. Moments, which come in the first step, are taken as there before."""
    small = _probed(recipe, sequences)
    recorder = _Recorder(None if is_computed else _masked(text_batch(vocabulary, sequences, recipe.seq_len)))
    begun: dict[int, int] = {}

    def batches(number: int) -> dict[str, Any]:
        begun.setdefault(number, len(recorder.events))
        return text_batch(vocabulary, sequences, recipe.seq_len)

    values: AbstractContextManager[Any] = (
        torch.random.fork_rng(devices=[]) if is_computed else FakeTensorMode(allow_non_fake_inputs=True)
    )
    with values, _one_thread(), recorder:
        module, phase, others = make(batches, small)
        held = _held(module, *others)
        gradients, move, optimizer = stepping(module, phase)
        recorder.is_on = True
        gradients(0)
        repeated = range(begun[1], len(recorder.events))
        move(0)
        recorder.is_on = False
    trained = [one for group in optimizer.param_groups for one in group["params"]]
    moments = set(recorder.numbers(
        value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor)
    ))  # fmt: skip
    return _Seen(
        sum(one.nbytes for one in held), MOMENTS * sum(one.numel() * 4 for one in trained),
        [(number, 0 if number in moments else sign) for number, sign in recorder.events], repeated, recorder.sizes,
        recorder.numbers(one.grad for one in trained if one.grad is not None),
    )  # fmt: skip
