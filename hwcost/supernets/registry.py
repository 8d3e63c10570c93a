"""The registry of supernets by the name of their space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.errors import MissingExtraError, UsageError
from hwcost.registry import Registry
from hwcost.spaces import space as make_space

if TYPE_CHECKING:
    from hwcost.supernets.base import Supernet

__all__ = ["SUPERNETS", "supernet"]

SUPERNETS = Registry(
    "hwcost.supernets",
    "supernet",
    {
        "autodistil": "hwcost.supernets.transformer:AutoDistilSupernet",
        "components": "hwcost.supernets.components:ComponentSupernet",
        "supershaper": "hwcost.supernets.supershaper:SuperShaperSupernet",
        "transformer": "hwcost.supernets.transformer:TransformerSupernet",
    },
)


def supernet(space: str, seed: int = 0, **options: Any) -> Supernet:
    """Makes the supernet of a space, filled as BERT is before any training.

    Args:
        space: The space's name; its options may follow in the text: ``supershaper:scale=mini``.
        seed: Seed of the initial weights.
        **options: Options of the space.

    Raises:
        UnknownNameError: When there is no such space.
        ContractError: When the supernet of another distribution fails, or trains otherwise than it extracts.
        UsageError: When the space's nets share no weights: each student of ``autodistill`` is distilled by itself.
        MissingExtraError: When torch is not installed.
    """
    of = make_space(space, **options)
    if of.name == "autodistill":
        raise UsageError(
            "space 'autodistill' has no supernet: each of its students is distilled by itself. Build one with "
            "hwcost.supernets.student.student(space, arch), and train it with hwcost.supernets.distillation"
        )
    try:
        kind = SUPERNETS.load(of.name)
        from hwcost.supernets import plugin_supernets
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("torch", "torch") from None
    return plugin_supernets.made(kind, of, seed)
