"""BERT beside the backbone: the largest net without its bottlenecks (Figures 1 and 2)."""

from __future__ import annotations

import torch
from torch import nn

from hwcost.spaces import Architecture, SearchSpace, space
from hwcost.spaces.supershaper import SuperShaper
from hwcost.supernets.base import Supernet
from hwcost.workloads import builder


def bert_like(net: SuperShaper) -> tuple[SearchSpace, Architecture]:
    """Returns the net without bottlenecks that is as large as a space's largest one, and a space that holds it alone."""
    sizes = net.sizes
    plain = space(
        "transformer", layers=[sizes.layers], hidden=[sizes.backbone_width],
        ffn_ratio=[sizes.feed_forward / sizes.backbone_width], heads=[sizes.heads], vocabulary=sizes.vocabulary,
        positions=sizes.positions,
    )  # fmt: skip
    return plain, plain.architecture([gene.choices[0] for gene in plain.genes])


def bert_of(net: Supernet) -> nn.Module:
    """Returns a BERT with the weights of a supernet's largest net.

    As long as bottlenecks are identities without bias, as they are before any training, both compute the same.

    Args:
        net: Supernet of SuperShaper; its weights are copied.
    """
    plain, arch = bert_like(net.space)  # type: ignore[arg-type]
    made = builder(plain).blueprint(arch, "mlm").build()
    weights = dict(net.weights.named_parameters())
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(weights[name.replace("parts.", "layers.", 1)])
    return made
