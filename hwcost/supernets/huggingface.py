"""Weights of BERT that the user has on disk, as a backbone or a teacher.

A folder as ``transformers`` writes it is read with that library and from the disk alone. Weights go by the names that the
nets of this package share: ``embeddings``, ``layers``, ``head`` and ``pooler``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from hwcost._extras import imported
from hwcost.errors import DataError, UsageError
from hwcost.supernets.base import Supernet
from hwcost.supernets.components import ComponentSupernet
from hwcost.workloads.modules import EPSILON
from hwcost.workloads.transformer_model import TransformerModel
from hwcost.workloads.weights import Uninitialised

_LAYER = {
    "attention.self.query": "attention.query",
    "attention.self.key": "attention.key",
    "attention.self.value": "attention.value",
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "attention.norm",
    "intermediate.dense": "feed_forward.grow",
    "output.dense": "feed_forward.shrink",
    "output.LayerNorm": "feed_forward.norm",
}
_ENDS = {
    "embeddings.word_embeddings": "embeddings.word",
    "embeddings.position_embeddings": "embeddings.position",
    "embeddings.token_type_embeddings": "embeddings.token_type",
    "embeddings.LayerNorm": "embeddings.norm",
    "cls.predictions.transform.dense": "head.dense",
    "cls.predictions.transform.LayerNorm": "head.norm",
    "cls.predictions": "head",
    "pooler.dense": "pooler.dense",
}

_EXPECTED = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": EPSILON}
_USUAL = {"position_embedding_type": "absolute", "is_decoder": False, "tie_word_embeddings": True}
"""The same of settings that a configuration may leave out."""

Tensors = dict[str, torch.Tensor]


def read(folder: str | Path) -> tuple[dict[str, Any], Tensors]:
    """Reads a BERT from a folder on disk.

    Returns:
        Its configuration, and its weights by this package's names.

    Raises:
        DataError: When the folder holds no BERT.
        MissingExtraError: When ``transformers`` is not installed.
    """
    transformers = imported("transformers", "hf")
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True).to_dict()
        check(config, folder)
        model, loading = transformers.BertForPreTraining.from_pretrained(
            str(folder), local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        why = error if Path(folder).is_dir() else "there is no such folder. Give one on disk"
        raise DataError(f"'{folder}' holds no BERT that transformers can read: {why}") from None
    missing = set(loading["missing_keys"])
    tensors = renamed({name: tensor for name, tensor in model.state_dict().items() if name not in missing})
    wanted = {f"layers.{index}.attention.query.weight" for index in range(config["num_hidden_layers"])}
    if not {"embeddings.word.weight", *wanted} <= tensors.keys():
        raise DataError(f"'{folder}' holds no weights of a BERT: {', '.join(sorted(missing)[:3])} are missing")
    return config, tensors


def check(config: dict[str, Any], folder: str | Path) -> None:
    """Raises DataError when a configuration is of a net that this package's modules do not compute."""
    for name, wanted in {**_EXPECTED, **_USUAL}.items():
        found = config.get(name, _USUAL.get(name))
        if found != wanted:
            raise DataError(f"the net in '{folder}' has {name} {found!r}; here BERT has {wanted!r}")


def renamed(state: Tensors) -> Tensors:
    """Returns weights of ``transformers``' BERT, with whichever heads, by this package's names; others are left out."""
    found = {}
    for name, tensor in state.items():
        owner, _, leaf = name.removeprefix("bert.").rpartition(".")
        if owner.startswith("encoder.layer."):
            index, _, rest = owner.removeprefix("encoder.layer.").partition(".")
            found[f"layers.{index}.{_LAYER[rest]}.{leaf}"] = tensor
        elif owner in _ENDS and (leaf in ("weight", "bias")):
            found[f"{_ENDS[owner]}.{leaf}"] = tensor
    return found


def load_backbone(supernet: Supernet, tensors: Tensors, heads: int | None = None) -> None:
    """Starts a supernet from a BERT of its full size; what BERT does not have, such as bottlenecks, stays as it is.

    Args:
        supernet: Supernet of the space ``supershaper``, ``autodistil``, ``transformer`` or ``components``.
        tensors: Weights as returned by :func:`read` or :func:`renamed`.
        heads: Attention heads of the BERT; compared where they are known.

    Raises:
        DataError: When the BERT has other heads, other layers, or a tensor of another shape than the supernet.
        UsageError: When the weights are not those of a BERT.
    """
    if "embeddings.word.weight" not in tensors:
        raise UsageError("these weights hold no word embeddings; give what huggingface.read or renamed returns")
    _check_depth(supernet, tensors, heads)
    if isinstance(supernet, ComponentSupernet):
        tensors = _in_pieces(tensors, supernet)
    elif supernet.space.name != "supershaper":
        tensors = {name.replace("layers.", "parts.", 1): tensor for name, tensor in tensors.items()}
    own = dict(supernet.weights.named_parameters())
    with torch.no_grad():
        for name in own.keys() & tensors.keys():
            if own[name].shape != tensors[name].shape:
                raise DataError(
                    f"'{name}' of the given BERT has shape {tuple(tensors[name].shape)}, the supernet of space "
                    f"'{supernet.space.name}' needs {tuple(own[name].shape)}"
                )
            own[name].copy_(tensors[name])


def _check_depth(supernet: Supernet, tensors: Tensors, heads: int | None) -> None:
    weights = supernet.weights
    layers = next(getattr(weights, name) for name in ("layers", "parts", "blocks") if hasattr(weights, name))
    first = layers[0]
    own = first.grid.heads if isinstance(supernet, ComponentSupernet) else first.attention.heads
    given = len({name.split(".")[1] for name in tensors if name.startswith("layers.")})
    if given != len(layers) or heads not in (None, own):
        raise DataError(
            f"the given BERT has {given} layers" + (f" of {heads} heads" if heads else "") + f", the supernet of space "
            f"'{supernet.space.name}' needs {len(layers)} of {own} heads"
        )


def teacher(config: dict[str, Any], tensors: Tensors, head: str = "none") -> nn.Module:
    """Makes a plain net of a BERT, for example to distil from; in eval mode.

    Args:
        config: Configuration as returned by :func:`read`.
        tensors: Weights as returned by :func:`read`.
        head: Head that the net ends in.

    Raises:
        DataError: When the weights do not fit the configuration.
    """
    width, heads = config["hidden_size"], config["num_attention_heads"]
    layer = (width, config["intermediate_size"], heads, width)
    with torch.device("meta"), Uninitialised():
        net = TransformerModel(
            [layer] * config["num_hidden_layers"],
            width,
            head,
            config["vocab_size"],
            config["max_position_embeddings"],
            config["type_vocab_size"],
        )
    named = {name.replace("layers.", "parts.", 1): tensor.clone() for name, tensor in tensors.items()}
    try:
        net.load_state_dict({name: named[name] for name in net.state_dict()}, assign=True)
    except (KeyError, RuntimeError) as error:
        raise DataError(f"the weights of this BERT do not fit its configuration: {error}") from None
    return net.eval()


def _in_pieces(tensors: Tensors, supernet: ComponentSupernet) -> Tensors:
    """Divides biases among the pieces that carry one each, and names weights as the component supernet does."""
    grid = supernet.space.grid
    found = {name: tensor for name, tensor in tensors.items() if not name.startswith("layers.")}
    for name, tensor in tensors.items():
        if not name.startswith("layers."):
            continue
        _, index, part, kind, leaf = name.split(".")
        block = f"blocks.{index}"
        if (kind, leaf) == ("output", "bias"):
            found[f"{block}.output_bias"] = tensor.expand(grid.head_groups, -1) / grid.head_groups
        elif (kind, leaf) == ("shrink", "bias"):
            found[f"{block}.shrink_bias"] = tensor.expand(grid.feed_forwards, -1) / grid.feed_forwards
        else:
            found[f"{block}.{part}_norm.{leaf}" if kind == "norm" else f"{block}.{kind}.{leaf}"] = tensor
    return found
