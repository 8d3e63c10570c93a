"""Nets on disk that a supernet starts from or learns from: BERTs as ``transformers`` writes them, and nets saved here."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from hwcost.supernets import huggingface, subnet
from hwcost.supernets.base import Supernet
from hwcost.supernets.relations import attention

__all__ = ["is_saved", "load", "teacher"]


def load(supernet: Supernet, folder: str | Path) -> None:
    """Starts a supernet from a net of its full size.

    Args:
        supernet: The supernet.
        folder: Folder of a BERT, or of a net that :meth:`~hwcost.supernets.base.Supernet.save` wrote.

    Raises:
        DataError: When the folder holds neither, or its net has other sizes than the supernet.
        MissingExtraError: When it is a BERT and ``transformers`` is not installed.
    """
    if is_saved(folder):
        net = subnet.load(folder)
        tensors = {name.replace("parts.", "layers.", 1): one.detach() for name, one in net.named_parameters()}
        huggingface.load_backbone(supernet, tensors, int(attention(net).heads))
    else:
        config, tensors = huggingface.read(folder)
        huggingface.load_backbone(supernet, tensors, int(config["num_attention_heads"]))


def teacher(folder: str | Path) -> tuple[nn.Module, int]:
    """Returns a net to learn from, and its attention heads.

    Args:
        folder: Folder of a BERT or of a saved net, as for :func:`load`.

    Raises:
        DataError: When the folder holds neither.
        MissingExtraError: When it is a BERT and ``transformers`` is not installed.
    """
    if is_saved(folder):
        net = subnet.load(folder)
        return net, int(attention(net).heads)
    config, tensors = huggingface.read(folder)
    return huggingface.teacher(config, tensors), int(config["num_attention_heads"])


def is_saved(folder: str | Path) -> bool:
    """Whether a folder holds a net that was saved here."""
    return (Path(folder) / subnet.SOURCE).exists()
