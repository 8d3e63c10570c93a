"""What the paper prints of its nets and of the distilled models that it compares them with.

Source: Xu et al., "AutoDistil", Table 4: operations (multiply-adds, in billions), parameters, and accuracy on MNLI.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BERT", "DISTILLED", "STUDENTS", "Printed"]


@dataclass(frozen=True, slots=True)
class Printed:
    """A row of Table 4.

    Attributes:
        flops: Operations in billions, as the paper counts them.
        params: Parameters in millions.
        mnli: Accuracy on MNLI, in percent.
    """

    flops: float
    params: float
    mnli: float

    def share(self, cost: str) -> float:
        """Returns the operations (``flops``) or the parameters (``params``) over the teacher's."""
        return float(getattr(self, cost) / getattr(BERT, cost))

    @property
    def gain(self) -> float:
        """Accuracy less the teacher's, as a fraction."""
        return (self.mnli - BERT.mnli) / 100


BERT = Printed(11.2, 109, 84.5)
"""The teacher."""

DISTILLED = {
    name: Printed(5.66, 66.5, mnli)
    for name, mnli in (
        ("BERT-small", 81.8), ("Truncated BERT", 81.2), ("DistilBERT", 82.2), ("TinyBERT", 83.5), ("MiniLM", 84.0),
    )
}  # fmt: skip
"""Students of six layers and the teacher's width, distilled by others."""

STUDENTS = {
    "agnostic": ("small", Printed(2.13, 26.8, 82.8)),
    "proxy base": ("base", Printed(4.40, 50.1, 83.8)),
    "proxy small": ("small", Printed(2.02, 26.1, 83.2)),
    "proxy tiny": ("tiny", Printed(0.27, 6.88, 79.0)),
}
"""The students that the paper's searches chose, with their sub-spaces."""
