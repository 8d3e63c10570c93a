"""A workload as another revision of the code builds it: measured by processes that import that revision's tree."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from hwcost.errors import DataError
from hwcost.spaces.accounting import Work
from hwcost.workloads.base import ITEMSIZES, Workload, check_shape, digest
from hwcost.workloads.registry import from_dict

if TYPE_CHECKING:
    import torch

    from hwcost.workloads.built import Built

SHOWN = 10
"""Digits of a commit in a name."""


@dataclass(frozen=True, slots=True)
class RevisionWorkload(Workload):
    """A workload at a revision. Both arms of a comparison of code are made of these, in one campaign.

    The process that measures it runs in ``folder``, where it finds the modules of that revision first.

    Attributes:
        commit: Full name of the commit.
        plain: Plain form of the workload itself, as JSON.
        batch_size: Sequences per call of the workload itself.
        seq_len: Its tokens per sequence.
        dtype: Its number format.
        folder: Folder within a working tree of the commit, as the present folder is in its own; no part of the identity.
        paths: Folders in which Python looks for modules there; no part of the identity.
    """

    kind: ClassVar[str] = "revision"

    commit: str
    plain: str
    batch_size: int | None = None
    seq_len: int | None = None
    dtype: str = "float32"
    folder: str = field(default="", compare=False)
    paths: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype if self.dtype in ITEMSIZES else "float32")
        if not isinstance(json.loads(self.plain), dict):
            raise DataError(f"expected the plain form of a workload, got {self.plain:.80}")

    @classmethod
    def of(cls, workload: Workload, commit: str, folder: str | Path = "", paths: tuple[str, ...] = ()) -> RevisionWorkload:
        """Makes the workload at a commit, whose working tree lies in a folder."""
        plain = json.dumps(workload.as_dict(), sort_keys=True)
        shape = (workload.batch_size, workload.seq_len, workload.dtype)
        return cls(commit, plain, *shape, folder=str(folder), paths=paths)

    @property
    def workload(self) -> Workload:
        """The workload itself, as the present code describes it."""
        return from_dict(json.loads(self.plain))

    @property
    def name(self) -> str:
        """Name for people, for example ``my_models:small@1x128 at 0123456789``."""
        return f"{self.workload.name} at {self.commit[:SHOWN]}"

    def as_dict(self) -> dict[str, Any]:
        """See the base class."""
        places = {"folder": self.folder, "paths": list(self.paths)}
        return {**self._identity(), **places}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> RevisionWorkload:
        """See the base class."""
        plain = json.dumps(fields["plain"], sort_keys=True)
        return cls(**{**fields, "plain": plain, "paths": tuple(fields.get("paths", ()))})

    @property
    def key(self) -> str:
        """See the base class; where the tree lies does not count."""
        return digest(self._identity())

    def _identity(self) -> dict[str, Any]:
        shape = {"batch_size": self.batch_size, "seq_len": self.seq_len, "dtype": self.dtype}
        return {"kind": self.kind, "commit": self.commit, "plain": json.loads(self.plain), **shape}

    def work(self) -> Work | None:
        """See the base class."""
        return self.workload.work()

    def build(self) -> torch.nn.Module:
        """See the base class; by the code of this process."""
        return self.workload.build()

    def inputs(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """See the base class."""
        return self.workload.inputs(seed)

    def built(self) -> Built:
        """See the base class; by the code of this process."""
        return self.workload.built()

    def resolved(self, **defaults: Any) -> RevisionWorkload:
        """See the base class."""
        found = self.workload.resolved(**defaults)
        return RevisionWorkload.of(found, self.commit, self.folder, self.paths)
