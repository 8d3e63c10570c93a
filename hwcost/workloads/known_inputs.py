"""Inputs of a user's module whose factory gives no example inputs: ids and masks of language models."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from hwcost._imports import reason
from hwcost.errors import MeasurementError, UsageError
from hwcost.workloads.builder import Input
from hwcost.workloads.user_model import EXPECTED

if TYPE_CHECKING:
    import torch

KNOWN = {
    "input_ids": (1000, 0),
    "attention_mask": (2, 1),
    "token_type_ids": (2, 0),
    "decoder_input_ids": (1000, 0),
    "decoder_attention_mask": (2, 1),
}
"""Inputs that need no example: their integers stay below the first number and start at the second."""


def known_inputs(module: torch.nn.Module, factory: str, batch_size: int, seq_len: int) -> dict[str, Input]:
    """Describes the inputs of a module by the arguments of its ``forward``.

    Ids also stay below the rows of the smallest embedding table that they are looked up in.

    Args:
        module: Module in eval mode, on the CPU.
        factory: The name of its factory, for messages.
        batch_size: Sequences per call.
        seq_len: Tokens per sequence.

    Raises:
        UsageError: When ``forward`` needs other arguments.
        MeasurementError: When the module does not run on such inputs.
    """
    shape = (batch_size, seq_len)
    found = {name: Input(shape, *KNOWN[name]) for name in _wanted(module, factory)}
    rows = _rows(module, found, factory)
    below = {name: min(KNOWN[name][0], rows.get(name, KNOWN[name][0])) for name in found}
    return {name: Input(shape, below[name], spec.low) for name, spec in found.items()}


def _wanted(module: Any, factory: str) -> list[str]:
    """Returns the arguments of ``forward`` that are filled: those it needs, and every known one that comes before."""
    parameters = inspect.signature(module.forward).parameters.values()
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    unknown = [name for name in needed if name not in KNOWN]
    leading = []
    for parameter in plain:
        if parameter.name not in KNOWN:
            break
        leading.append(parameter.name)
    if unknown or not leading:
        given = ", ".join(unknown or [p.name for p in plain]) or "no argument"
        raise UsageError(
            f"'{factory}' gives no example inputs, and forward takes {given}. "
            f"Known without an example: {', '.join(KNOWN)}. {EXPECTED}"
        )
    return leading


def _rows(module: torch.nn.Module, inputs: dict[str, Input], factory: str) -> dict[str, int]:
    """Returns the rows of the smallest embedding table that each input is looked up in, found by one call.

    The call is made with the least ids, which every table has, and only where tables are small enough to matter.
    """
    import torch

    tables = [one for one in module.modules() if isinstance(one, torch.nn.Embedding)]
    largest = max((spec.below or 0 for name, spec in inputs.items() if name.endswith("ids")), default=0)
    if all(table.num_embeddings >= largest for table in tables):
        return {}
    device = tables[0].weight.device
    values = {name: torch.full(spec.shape, spec.low, device=device) for name, spec in inputs.items()}
    names = {value.untyped_storage().data_ptr(): name for name, value in values.items()}
    found: dict[str, int] = {}

    def see(table: Any, args: tuple[Any, ...]) -> None:
        name = names.get(args[0].untyped_storage().data_ptr()) if args else None
        if name is not None:
            found[name] = min(found.get(name, table.num_embeddings), table.num_embeddings)

    hooks = [table.register_forward_pre_hook(see) for table in tables]
    try:
        with torch.inference_mode():
            module(*values.values())
    except Exception as error:
        shapes = ", ".join(f"{name} {'x'.join(map(str, spec.shape))}" for name, spec in inputs.items())
        raise MeasurementError(
            f"the module of '{factory}' does not run on {shapes}: {reason(error)}. Take another --batch-size or --seq-len, "
            f"or give example inputs. {EXPECTED}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return found
