"""The torch modules of the space ``mlp``."""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """Two dense layers around a ReLU, with a residual."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden + self.down(torch.relu(self.up(hidden)))


class MlpNet(nn.Module):
    """Embeddings and blocks: ids (B, S) to hidden states (B, S, width)."""

    def __init__(self, blocks: int, inner: int, width: int, vocabulary: int) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, width)
        self.blocks = nn.Sequential(*(Block(width, inner) for _ in range(blocks)))

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.embeddings(input_ids))
