"""The contract of a cost model: fitted on latencies of architectures, asked for the latency of any other one.

Scikit-learn manners: ``fit`` returns the model itself, and what it learned ends in an underscore. Everything is in
seconds. Subclasses give ``_fit`` and ``_predict`` on encoded genes, and their state as plain JSON; checks, domains, exact
hits and intervals are done here, once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost._types import Codes, Floats
from hwcost.cost_models.domain import Domain
from hwcost.cost_models.features import shared_features
from hwcost.cost_models.groups import Groups
from hwcost.cost_models.repeats import Middles, merged
from hwcost.errors import DataError, HwcostError, UsageError
from hwcost.exchange.frames import as_rows, is_frame
from hwcost.spaces.base import Architecture, GeneValue, SearchSpace

__all__ = ["CostModel", "Prediction"]

Model = TypeVar("Model", bound="CostModel")

MIN_ROWS = 2
"""Fewest measurements that anything can be fitted on."""


@dataclass(frozen=True)
class Prediction:
    """What a cost model answers for n architectures.

    Attributes:
        latency_s: Seconds, shape (n,).
        low_s: Lower end of the 90 % interval of one more measurement, shape (n,); NaN for an architecture that has none,
            None when none has one.
        high_s: Upper end, likewise.
        in_domain: Whether each architecture lies within what the model was fitted on, shape (n,).
    """

    latency_s: Floats
    low_s: Floats | None
    high_s: Floats | None
    in_domain: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.latency_s)


class CostModel(ABC):
    """Predicts the latency of architectures of one space.

    Args:
        space: The space of the architectures.
        batch_size: Sequences per call of what is predicted; enters the physics features only.
        seq_len: Tokens per sequence, likewise.
        exact: Answer ``cost(arch)`` with the measurement where that very architecture was measured for the fit.

    Attributes:
        domain_: What the training rows reach.
        measured_: Measured seconds by genes, for exact hits: the median of three repeats or more, the mean of fewer.
        spreads_: Half-width of the 90 % interval of log latency about the measured seconds, by genes; of repeats only.
        noise_: Half-width of the 90 % interval of log latency of one measurement about the true value, from repeats or
            left-out errors; None where there are neither.
        doubts_: Why measurements are no exact hits, by genes: they disagree with each other, or with all other nets.
        spread_: Half-width of the 90 % interval of log latency of new architectures; None when not calibrated.
        errors_: Errors of log latency on architectures left out, ascending, one per architecture, thinned out if many; None
            when not calibrated.
        n_rows_: Rows of the fit.
        n_architectures_: Different architectures among them.
        monotone_: Names of the columns along which the model was held never to fall; none for most models.
        provenance: Where the numbers come from (device, protocol, data hash, metrics); free JSON.
    """

    name: ClassVar[str]

    def __init__(self, space: SearchSpace, *, batch_size: int = 1, seq_len: int = 128, exact: bool = False) -> None:
        self.space = space
        self.exact = exact
        self.features = shared_features(space, batch_size, seq_len)
        self.domain_: Domain | None = None
        self.measured_: dict[tuple[GeneValue, ...], float] = {}
        self.spreads_: dict[tuple[GeneValue, ...], float] = {}
        self.noise_: float | None = None
        self.doubts_: dict[tuple[GeneValue, ...], str] = {}
        self.spread_: float | None = None
        self.errors_: Floats | None = None
        self.n_rows_ = 0
        self.n_architectures_ = 0
        self.monotone_: tuple[str, ...] = ()
        self.provenance: dict[str, Any] = {}

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @abstractmethod
    def _fit(self, genes: Floats, latency_s: Floats, weights: Floats) -> None:
        """Learns from encoded genes (n, genes), seconds (n,) and weights (n,) of mean about 1; every architecture once."""

    @abstractmethod
    def _predict(self, genes: Floats) -> Floats:
        """Returns seconds (n,) for encoded genes (n, genes)."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """Returns what was learned as plain JSON; floats keep every bit."""

    @abstractmethod
    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        """Reads what ``_state`` and ``_files`` returned; may raise any LookupError, TypeError or ValueError."""

    def _files(self) -> dict[str, str]:
        """Returns the text files that belong to the state."""
        return {}

    def options(self) -> dict[str, Any]:
        """Returns the keyword arguments, besides the space and ``exact``, that make an equal unfitted model (JSON)."""
        return {"batch_size": self.features.batch_size, "seq_len": self.features.seq_len}

    def importance(self) -> dict[str, float]:
        """Returns each feature's share of what the model explains, summing to 1; empty when it uses none."""
        return {}

    def clone(self) -> CostModel:
        """Returns an unfitted model with the same options."""
        return type(self)(self.space, **self.options())

    def settled(self) -> CostModel:
        """Returns an unfitted copy that keeps every choice made by cross-validation; for folds of a calibration."""
        return self.clone()

    @property
    def chosen(self) -> str | None:
        """The name of the model that was chosen by cross-validation; None for a model that is not a choice."""
        return None

    # -- fitting -------------------------------------------------------------------------------------------------------

    def fit(self: Model, archs: Sequence[Architecture], latency_s: ArrayLike, weights: ArrayLike | None = None) -> Model:
        """Learns from measurements.

        Args:
            archs: n architectures. Repeats are merged: every architecture counts once, less where its measurements disagree.
            latency_s: Shape (n,), seconds, positive.
            weights: Shape (n,), positive, larger for more trustworthy rows; None for equal ones.

        Raises:
            DataError: When there are fewer than two rows, or a latency or weight is not positive and finite.
            ArchitectureError: When an architecture belongs to another space.
        """
        seconds = np.array(latency_s, dtype=np.float64)
        row_weights = np.ones(len(archs)) if weights is None else np.array(weights, dtype=np.float64)
        _check_rows(len(archs), seconds, "latency")
        _check_rows(len(archs), row_weights, "weight")
        archs, genes = self._encoded(archs)
        even = row_weights / row_weights.mean()
        self.fit_encoded(genes, seconds, even)
        middles = Middles.of(Groups.of(self.features, genes), seconds, even)
        firsts = [self.space.canonical(archs[rows[0]].genes) for rows in middles.groups.rows]
        self.measured_ = dict(zip(firsts, middles.seconds.tolist(), strict=True))
        return self

    def refit(self, archs: Sequence[Architecture], latency_s: ArrayLike, weights: ArrayLike | None = None) -> CostModel:
        """Returns a model fitted to other latencies of much the same rows, with every choice of this one kept."""
        fitted = self.settled()
        fitted.exact = self.exact
        return fitted.fit(archs, latency_s, weights)

    def fit_encoded(self: Model, genes: Floats, latency_s: Floats, weights: Floats) -> Model:
        """Fits checked rows: encoded genes (n, genes), seconds (n,), weights (n,) of mean about 1. Keeps no exact hits."""
        groups = Groups.of(self.features, genes)
        self.domain_ = Domain.of(self.features, genes)
        self.n_rows_, self.n_architectures_ = len(genes), len(groups)
        self.spread_, self.errors_, self.noise_ = None, None, None
        self.measured_, self.spreads_, self.doubts_ = {}, {}, {}
        self._fit(*merged(groups, genes, latency_s, weights))
        return self

    # -- asking --------------------------------------------------------------------------------------------------------

    def predict(self, archs: Sequence[Architecture | Any] | NDArray[Any] | Any, exact: bool = False) -> Prediction:
        """Predicts many architectures at once.

        Args:
            archs: n architectures, or what each can be made of (see ``__call__``), or a data frame with one a row, or their
                encoded genes as an array (n, genes).
            exact: Answer with the measurement, and an interval of its own, where that very architecture was measured for the
                fit; needs architectures rather than an array.

        Raises:
            ArchitectureError: When one belongs to another space.
            HwcostError: When the model is not fitted.
        """
        self._check_fitted()
        hits: dict[int, tuple[GeneValue, ...]] = {}
        if isinstance(archs, np.ndarray) and archs.dtype.names is None:
            genes = self.features.check(archs.astype(np.float64))
        else:
            archs, genes = self._encoded(archs)
            hits = self._hits(archs) if exact else {}
        latency_s = self._predict(genes)
        ratio = np.full(len(genes), np.nan if self.spread_ is None else float(np.exp(self.spread_)))
        if hits:
            latency_s, where = latency_s.copy(), list(hits)
            latency_s[where] = [self.measured_[key] for key in hits.values()]
            ratio[where] = [math.exp(self._measured_spread(key)) for key in hits.values()]
        inside = self.in_domain(genes)
        if np.isnan(ratio).all():
            return Prediction(latency_s, None, None, inside)
        return Prediction(latency_s, latency_s / ratio, latency_s * ratio, inside)

    def _hits(self, archs: Sequence[Architecture]) -> dict[int, tuple[GeneValue, ...]]:
        """Returns the genes of those architectures that are answered with a measurement, by their place."""
        return {i: arch.genes for i, arch in enumerate(archs) if arch.genes in self.measured_}

    def _measured_spread(self, genes: tuple[GeneValue, ...]) -> float:
        """Half-width about an exact hit: both it and a further measurement have noise; NaN where the noise is unknown."""
        alone = math.nan if self.noise_ is None else math.sqrt(2.0) * self.noise_
        return self.spreads_.get(genes, alone)

    def _encoded(self, archs: Any) -> tuple[Sequence[Architecture], Floats]:
        """Returns architectures and their encoded genes (n, genes), of architectures or what they can be made of."""
        if isinstance(archs, (list, tuple)):
            try:
                return archs, self.features.encode(archs)
            except AttributeError:  # one of them is no architecture yet
                pass
        if isinstance(archs, str):
            archs = [archs]
        rows = as_rows(archs) if is_frame(archs) or isinstance(archs, Mapping) else archs
        held = [self.space.as_architecture(one) for one in rows]
        return held, self.features.encode(held)

    def probability(self, archs: Sequence[Architecture] | NDArray[Any], max_s: float) -> Floats:
        """Returns how likely each architecture, measured once, takes no longer than a limit; shape (n,).

        The share of errors on rows left out that would keep the prediction within the limit; with n such errors it never
        claims more than ``n / (n + 1)``.

        Args:
            archs: n architectures, or their encoded genes as an array (n, genes).
            max_s: Seconds.

        Raises:
            HwcostError: When the model is not calibrated.
        """
        if self.errors_ is None:
            raise HwcostError(
                f"the cost model '{self.name}' has no interval: it was fitted on too few architectures. Measure more."
            )
        room = np.log(max_s / self.predict(archs).latency_s)
        return np.asarray(np.searchsorted(self.errors_, room, side="right") / (len(self.errors_) + 1))

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """Returns the mean latency in seconds when every gene is drawn by itself; differentiable in the probabilities.

        For searches by gradients (Finding Fast Transformers: the expected cost of a policy). At one-hot probabilities it is
        the model's own value, but for the floor under its predictions.

        Args:
            probabilities: Per gene, one number per choice in ascending order: numpy arrays, or torch tensors.

        Raises:
            UsageError: When the model is no lookup table over genes, or the probabilities do not fit.
        """
        raise UsageError(
            f"a mean over architectures needs a table over genes, which '{self.name}' is not: fit one with model='lut'"
        )

    def predict_encoded(self, genes: Floats) -> Floats:
        """Predicts seconds (n,) for encoded genes (n, genes), without checks, intervals or exact hits."""
        return self._predict(genes)

    def predict_codes(self, codes: Codes) -> Floats:
        """Predicts seconds (n,) for gene codes (n, genes), for searchers that hold populations as codes; nothing is checked.

        A code is an index into a gene's choices, which stand in ascending order where they are numbers.
        """
        return self._predict(self.features.genes_of(codes))

    def in_domain(self, genes: Floats) -> NDArray[np.bool_]:
        """Says for encoded genes (n, genes) whether each row lies within what the model was fitted on; shape (n,)."""
        if self.domain_ is None:
            return np.ones(len(genes), dtype=bool)
        return self.domain_.contains(self.features, genes)

    def __call__(self, arch: Architecture | Any) -> float:
        """Returns the latency of one architecture in seconds.

        Args:
            arch: An architecture, or what :meth:`hwcost.spaces.base.SearchSpace.as_architecture` makes one of: values in a
                sequence, a mapping, a row of a data frame, a text.

        Raises:
            ArchitectureError: When it is no architecture of the model's space.
        """
        try:
            is_ours = arch.space == self.space.name
        except AttributeError:
            is_ours = False
        if not is_ours:
            arch = self.space.as_architecture(arch)
        if self.exact:
            hit = self.measured_.get(arch.genes)
            if hit is not None:
                return hit
        return self._one(arch)

    def _one(self, arch: Architecture) -> float:
        """Predicts a single architecture; models with a quicker way override it."""
        self._check_fitted()
        return float(self._predict(self.features.encode([arch]))[0])

    def _check_fitted(self) -> None:
        if not self._is_fitted():
            raise HwcostError(f"the cost model '{self.name}' is not fitted yet; call fit(archs, latency_s) first")

    def _is_fitted(self) -> bool:
        return self.domain_ is not None

    # -- keeping -------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Returns everything learned as plain JSON, besides what ``files`` holds."""
        domain = None if self.domain_ is None else self.domain_.as_dict()
        errors = None if self.errors_ is None else self.errors_.tolist()
        counts = {"n_rows": self.n_rows_, "n_architectures": self.n_architectures_}
        kept = {"domain": domain, "spread": self.spread_, "noise": self.noise_, "errors": errors, **counts}
        return {**kept, "learned": self._state()}

    def files(self) -> dict[str, str]:
        """Returns learned parts that have a text format of their own, by file name."""
        return self._files()

    def restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        """Takes over what ``state`` and ``files`` returned.

        Raises:
            DataError: When a part is no model.
            LookupError, TypeError, ValueError: When the state lacks something or holds the wrong kind of thing.
        """
        self.domain_ = None if state["domain"] is None else Domain.from_dict(state["domain"])
        self.spread_ = None if state["spread"] is None else float(state["spread"])
        self.errors_ = None if state["errors"] is None else np.array(state["errors"], dtype=np.float64)
        noise = state.get("noise", self.spread_)  # folders of earlier versions have none
        self.noise_ = None if noise is None else float(noise)
        self.n_rows_ = int(state["n_rows"])
        self.n_architectures_ = int(state.get("n_architectures", self.n_rows_))
        self._restore(state["learned"], files)

    def save(self, folder: str | Path) -> Path:
        """Writes the model as a folder of plain data and returns its path; :func:`hwcost.load` reads it.

        Raises:
            UsageError: When the folder cannot be written.
        """
        from hwcost.cost_models.persistence import save

        self._check_fitted()
        return save(self, Path(folder))

    @classmethod
    def load(cls: type[Model], folder: str | Path) -> Model:
        """Loads a saved model of this class.

        Raises:
            DataError: When the folder holds no model, a damaged one, or one of another class.
        """
        from hwcost.cost_models.persistence import load

        model = load(folder)
        if not isinstance(model, cls):
            raise DataError(f"{folder} holds a '{model.name}' model; load it with hwcost.load(...)")
        return model


def _check_rows(n: int, values: Floats, what: str) -> None:
    if n < MIN_ROWS:
        raise DataError(f"a cost model needs at least {MIN_ROWS} measurements, got {n}. Measure more architectures.")
    if values.shape != (n,):
        raise UsageError(f"expected one {what} for each of {n} architectures, got an array of shape {values.shape}")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        raise DataError(f"row {wrong[0]}: the {what} {values[wrong[0]]} is not positive and finite. Leave the row out.")
