"""A cost model of a suite, and the limits within which it holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hwcost.configuration.table import Count, Table
from hwcost.suites.place import RUNTIME

__all__ = ["Limits", "ModelSpec"]


class Limits(Table):
    """Limits within which a cost model holds on its device."""

    mape: Annotated[float, Field(gt=0)] = 10.0
    """Largest mean error, percent; on architectures that the model did not learn from, where enough of them are measured."""
    level: Annotated[float, Field(gt=0)] = 3.0
    """Largest drift of the device's level against the model, percent."""
    kendall_tau: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Least rank correlation; not checked where it is left out."""
    coverage: bool = True
    """Whether too few measurements within the 90 % intervals count against the model."""
    least_n: Count = 5
    """Fewest measurements that judge a model, and fewest architectures it did not learn from that judge its errors."""


class ModelSpec(Table):
    """A cost model that the night's measurements judge."""

    path: str
    """Folder of the model, relative to the suite's file; it is fitted there on the first night where it is absent."""
    space: str | None = None
    """Search space of the measurements; that of the model where it is left out."""
    model: str = "hybrid"
    """Kind of the model where it is fitted."""
    device: str = "cpu"
    """Device that the model is of: ``NAME`` for one that is here, ``NAME@ssh://HOST`` for one elsewhere, as in the suite."""
    backend: RUNTIME | None = None
    """Backend that the model is of, or a table with its options and threads; any where it is left out."""
    quantity: str = "latency_s"
    """Quantity that it predicts."""
    batch_size: Count | None = None
    """Sequences per call of the measurements; any where it is left out."""
    seq_len: Count | None = None
    """Tokens per sequence, likewise."""
    dtype: str | None = None
    """Number format, likewise."""
    refit: Literal["never", "failing", "always"] = "never"
    """Case in which it is fitted again, into a new folder: never, when it does not hold (``failing``), or always."""
    limits: Limits = Limits()
    """Limits within which it holds."""
