"""What BERT-like nets take, and what their components take from each other."""

from __future__ import annotations

from hwcost.workloads.builder import Input


def ids(batch_size: int, seq_len: int, vocabulary: int, token_types: int) -> dict[str, Input]:
    """Describes ``input_ids``, ``attention_mask`` (all ones: no padding) and ``token_type_ids``, each (B, S)."""
    shape = (batch_size, seq_len)
    return {
        "input_ids": Input(shape, vocabulary),
        "attention_mask": Input(shape, 2, low=1),
        "token_type_ids": Input(shape, token_types),
    }


def without_mask(inputs: dict[str, Input]) -> dict[str, Input]:
    """Returns what embeddings take of a net's inputs."""
    return {name: spec for name, spec in inputs.items() if name != "attention_mask"}


def hidden(inputs: dict[str, Input], width: int, is_masked: bool) -> dict[str, Input]:
    """Describes a hidden state (B, S, width) and, where it is used, the mask of a net's inputs."""
    state = {"hidden": Input((*inputs["input_ids"].shape, width))}
    return state | {"attention_mask": inputs["attention_mask"]} if is_masked else state
