"""What a cost model has learned, and how it is kept: as attributes that do not exist before the fit, and as a folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import numpy as np

from hwcost._arguments import PATH, check
from hwcost._types import Floats
from hwcost.cost_models.features.domain import Domain
from hwcost.cost_models.plugin_methods import check_methods
from hwcost.errors import DataError, NotFittedError
from hwcost.spaces.base import GeneValue, SearchSpace

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel

__all__ = ["Learned"]

Kept = TypeVar("Kept", bound="Learned")


class Learned(ABC):
    """The learned part of a cost model.

    Attributes:
        domain_: Reach of the training rows.
        measured_: Measured values by genes: the median of three repeats or more, the mean of fewer.
        measured_half_widths_: Half-width of the 90 % interval of the logarithm about a measured value, by genes; of repeated
            ones only.
        noise_half_width_: Half-width of the 90 % interval of the logarithm of one measurement about the true value, from
            repeats or left-out errors; None without either.
        doubts_: Reason why measurements of an architecture are not believed, by genes: they disagree with each other, or
            with all other architectures.
        log_interval_half_width_: Half-width of the 90 % interval of the logarithm for new architectures; None when not
            calibrated.
        errors_: Errors of the logarithm on architectures left out, ascending, one per architecture, thinned out if many;
            None when not calibrated.
        n_rows_: Number of rows of the fit.
        n_architectures_: Number of different architectures among them.
        monotone_: Names of the columns along which the model was held never to fall; empty for most models.
    """

    name: ClassVar[str]
    space: SearchSpace
    quantity: str

    domain_: Domain
    measured_: dict[tuple[GeneValue, ...], float]
    measured_half_widths_: dict[tuple[GeneValue, ...], float]
    noise_half_width_: float | None
    doubts_: dict[tuple[GeneValue, ...], str]
    log_interval_half_width_: float | None
    errors_: Floats | None
    n_rows_: int
    n_architectures_: int
    monotone_: tuple[str, ...]

    def __init_subclass__(cls, **options: Any) -> None:
        """Has methods of other packages checked."""
        super().__init_subclass__(**options)
        check_methods(cls)

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """Returns what was learned as plain JSON; floats keep every bit."""

    @abstractmethod
    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        """Reads what ``_state`` and ``_files`` returned; may raise any LookupError, TypeError or ValueError."""

    def _files(self) -> dict[str, str]:
        """Returns the text files that belong to the state."""
        return {}

    def tiling_rise(self, sizes: Floats) -> Floats | None:
        """Returns logarithms of how many times more a call may cost at shapes that fill no whole tiles.

        Intervals are wider by them. Only a model that prices tiles knows them.

        Args:
            sizes: Batch sizes and sequence lengths, shape (n, 2).

        Returns:
            Logarithms of at least 0, shape (n,); None where the model knows nothing of tiles.
        """
        return None

    # -- being fitted --------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        state = f"fitted on {self.n_architectures_} architectures" if self.is_fitted else "not fitted"
        return f"<{type(self).__name__} of {self.quantity} over {self.space!r}, {state}>"

    @property
    def is_fitted(self) -> bool:
        """Whether the model can be asked."""
        return "domain_" in vars(self)

    def _check_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFittedError(
                f"the cost model '{self.name}' is not fitted yet. Call fit(archs, values) first, or read a fitted one with "
                "hwcost.load(folder)."
            )

    def __getstate__(self) -> dict[str, Any]:
        """Leaves the feature extractor out: whoever unpickles the model shares that of its own process."""
        return {name: value for name, value in vars(self).items() if name not in ("features", "_forest", "_table")}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Says of what is learned that there is nothing yet."""
            is_property = hasattr(type(self), name)  # one that reads what is learned
            if is_property or (name.endswith("_") and not name.startswith("_")):
                self._check_fitted()
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    # -- keeping -------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Returns everything learned as plain JSON, besides what ``files`` holds."""
        errors = None if self.errors_ is None else self.errors_.tolist()
        counts = {"n_rows": self.n_rows_, "n_architectures": self.n_architectures_}
        widths = {"spread": self.log_interval_half_width_, "noise": self.noise_half_width_}
        return {"domain": self.domain_.as_dict(), **widths, "errors": errors, **counts, "learned": self._state()}

    def files(self) -> dict[str, str]:
        """Returns learned parts that have a text format of their own, by file name."""
        return self._files()

    def restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        """Takes over what ``state`` and ``files`` returned.

        Raises:
            DataError: When a part does not hold a model.
            LookupError, TypeError, ValueError: When the state lacks something or holds the wrong kind of thing.
        """
        self.domain_ = Domain.from_dict(state["domain"])
        self.log_interval_half_width_ = None if state["spread"] is None else float(state["spread"])
        self.errors_ = None if state["errors"] is None else np.array(state["errors"], dtype=np.float64)
        noise = state.get("noise", self.log_interval_half_width_)  # the first folders lack it
        self.noise_half_width_ = None if noise is None else float(noise)
        self.n_rows_ = int(state["n_rows"])
        self.n_architectures_ = int(state.get("n_architectures", self.n_rows_))
        self.measured_, self.measured_half_widths_, self.doubts_ = {}, {}, {}
        self.monotone_ = ()
        self._restore(state["learned"], files)

    def save(self, folder: str | Path) -> Path:
        """Writes the model as a folder of plain data and returns its path; :func:`hwcost.load` reads it.

        All files are written beside the folder before any is moved into it: a failure leaves the model that was there. Other
        files in the folder stay.

        Raises:
            NotFittedError: When the model is not fitted.
            UsageError: When the folder cannot be written.
            StoreError: When the disk is full, or it fails.
        """
        from hwcost.cost_models.persistence import save

        check({"folder": folder}, folder=PATH)
        self._check_fitted()
        return save(cast("CostModel", self), Path(folder))

    @classmethod
    def load(cls: type[Kept], folder: str | Path, *, space: SearchSpace | None = None) -> Kept:
        """Loads a saved model of this class.

        Args:
            folder: Folder of the model.
            space: The space of the model, where no entry point names its class; see :func:`hwcost.load`.

        Raises:
            DataError: When the folder holds no model, a damaged one, or one of another class.
        """
        from hwcost.cost_models.persistence import load

        model = load(folder, cast("type[CostModel]", cls), space)
        if not isinstance(model, cls):
            raise DataError(f"{folder} holds a '{model.name}' model; load it with hwcost.load(...)")
        return model
