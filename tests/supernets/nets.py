"""What the tests of supernets share: weights that are far from their initial symmetry, and small batches with padding."""

from __future__ import annotations

import torch

from hwcost.supernets.registry import supernet


def shaken(text, seed=0, **options):
    """A supernet whose every weight is random, scales and biases too."""
    net = supernet(text, **options)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            noise = torch.randn(parameter.shape, generator=generator) * 0.1
            parameter.copy_(parameter + noise if parameter.ndim == 1 else noise)
    return net


def batch(vocabulary=2048, size=2, seq_len=12, seed=0):
    """Ids, a mask with padding in every second row, and segments."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(vocabulary, (size, seq_len), generator=generator)
    mask = torch.ones_like(ids)
    mask[1::2, seq_len * 2 // 3 :] = 0
    return ids, mask, torch.randint(2, (size, seq_len), generator=generator)
