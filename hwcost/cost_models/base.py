"""The contract of a cost model: fitted on values of a quantity of architectures, asked for the value of any other one.

Scikit-learn manners: the constructor stores its arguments and checks them, ``fit`` returns the model itself, what was
learned ends in an underscore and does not exist before, and ``get_params`` and ``clone`` make an equal unfitted model.
Values are positive numbers in the unit of the model's quantity, seconds for latency.

A model of one's own gives four methods: ``_fit`` and ``_predict`` on encoded genes, ``_state`` and ``_restore`` for its
folder. Checks, domains, repeated measurements and intervals are dealt with here, once. ``_predict`` must answer each row by
itself: :mod:`hwcost.cost_models.rowwise` has the operations for it.

A fitted model does not change when it is asked, so that threads may share it; a forked child process may ask it too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost._arguments import COUNT, NUMBER, PATH, TEXT, check, of_type
from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.arguments import as_numbers, check_rows, check_values, parameters
from hwcost.cost_models.domain import Domain
from hwcost.cost_models.features import Features, shared_features
from hwcost.cost_models.groups import Groups
from hwcost.cost_models.prediction import Prediction
from hwcost.cost_models.repeats import Middles, merged
from hwcost.errors import DataError, NotFittedError, UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import Architecture, GeneValue, SearchSpace
from hwcost.units import unit_of

if TYPE_CHECKING:
    from hwcost.cost_models.measured import MeasuredFirst

__all__ = ["CostModel", "Prediction"]

Model = TypeVar("Model", bound="CostModel")

SPACE = of_type("a search space, such as hwcost.space('supershaper')", SearchSpace)

MIN_ROWS = 2
"""Fewest measurements that anything can be fitted on."""


class CostModel(ABC):
    """Predicts one quantity of the architectures of one space.

    Args:
        space: The space of the architectures.
        batch_size: Sequences per call of what is predicted; only the features that count work depend on it.
        seq_len: Tokens per sequence of what is predicted; likewise.
        quantity: Name of what is predicted; it ends in its unit where it has one.

    Attributes:
        name: Name in the registry of cost models.
        complexity: Rank among the candidates of ``auto``, from plain to general; None for a model that is not one of them.
        learns: Whether ``auto`` may be asked to try it, as one model that learns from rows.
        candidate_rows: Fewest rows from which the model is worth trying as a candidate.
        baseline_for: Kinds of data, ``table`` or ``campaign``, in whose evaluations the model is shown as a baseline.
        unit: Unit of the quantity, for example ``s``; ``1`` for a bare number.
        provenance: Origin of the numbers (device, protocol, data hash, metrics); free JSON.
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
    complexity: ClassVar[int | None] = 100
    learns: ClassVar[bool] = True
    candidate_rows: ClassVar[int] = 0
    baseline_for: ClassVar[frozenset[str]] = frozenset()

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

    def __init__(
        self, space: SearchSpace, *, batch_size: int = 1, seq_len: int = 128, quantity: str = LATENCY
    ) -> None:
        given = {"space": space, "batch_size": batch_size, "seq_len": seq_len, "quantity": quantity}
        check(given, space=SPACE, batch_size=COUNT, seq_len=COUNT, quantity=TEXT)
        self.space = space
        self.batch_size = batch_size
        self.seq_len = seq_len
        self.quantity = quantity
        self.provenance: dict[str, Any] = {}

    @property
    def unit(self) -> str:
        """Unit of the quantity."""
        return unit_of(self.quantity)

    @cached_property
    def features(self) -> Features:
        """The feature extractor, shared by all models of equal spaces."""
        return shared_features(self.space, self.batch_size, self.seq_len)

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @abstractmethod
    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        """Learns from encoded genes (n, genes), values (n,) and weights (n,) of mean about 1; every architecture once."""

    @abstractmethod
    def _predict(self, genes: Floats) -> Floats:
        """Returns values (n,) for encoded genes (n, genes); each depends on its own row alone, to the last bit."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """Returns what was learned as plain JSON; floats keep every bit."""

    @abstractmethod
    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        """Reads what ``_state`` and ``_files`` returned; may raise any LookupError, TypeError or ValueError."""

    def _files(self) -> dict[str, str]:
        """Returns the text files that belong to the state."""
        return {}

    def _one(self, arch: Architecture) -> float:
        """Predicts a single architecture; models with a quicker way to the same bits override it."""
        return float(self._predict(self.features.encode([arch]))[0])

    def importance(self) -> dict[str, float]:
        """Returns each feature's share of what the model explains, summing to 1; empty when it uses none."""
        return {}

    @property
    def chosen(self) -> str | None:
        """Name of the model that was chosen by cross-validation; None for a model that is not a choice."""
        return None

    @property
    def plain(self) -> CostModel:
        """The fitted model that answers: the model itself, or what it is no more than a choice of."""
        return self

    # -- parameters ----------------------------------------------------------------------------------------------------

    def get_params(self) -> dict[str, Any]:
        """Returns the keyword arguments, besides the space, that make an equal unfitted model (JSON)."""
        return {name: getattr(self, name) for name in parameters(type(self))}

    def clone(self: Model) -> Model:
        """Returns an unfitted model with the same parameters."""
        return type(self)(self.space, **self.get_params())

    def clone_with_hyperparameters(self: Model) -> Model:
        """Returns an unfitted copy that keeps every hyperparameter that this fitted model chose by cross-validation."""
        return self.clone()

    def common_params(self) -> dict[str, Any]:
        """Returns the keyword arguments that all cost models share, for models that are made of others."""
        return {name: getattr(self, name) for name in parameters(CostModel)}

    # -- fitting -------------------------------------------------------------------------------------------------------

    def fit(
        self: Model, archs: Sequence[Architecture] | NDArray[Any], values: ArrayLike, weights: ArrayLike | None = None
    ) -> Model:
        """Learns from measurements.

        Args:
            archs: n architectures, or their encoded genes as an array (n, genes), of which no measured values are kept.
                Repeats are merged: every architecture counts once, less where its measurements disagree.
            values: Measured values, positive, shape (n,); seconds for latency.
            weights: Positive weights, larger for more trustworthy rows, shape (n,); only their ratios count. None for equal
                ones.

        Returns:
            The model itself.

        Raises:
            DataError: When there are fewer than two rows, or a value or weight is not positive and finite.
            ArchitectureError: When an architecture belongs to another space.
        """
        known, genes = self.features.read(archs)
        what = "latency" if self.quantity == LATENCY else self.quantity
        rows = as_numbers(values, what)
        row_weights = np.ones(len(genes)) if weights is None else as_numbers(weights, "weight")
        check_rows(len(genes), MIN_ROWS if known is not None else 1)
        check_values(len(genes), rows, what)
        check_values(len(genes), row_weights, "weight")
        groups, even = Groups.of(self.features, genes), row_weights / row_weights.mean()
        self.monotone_ = ()
        self._fit(*merged(groups, genes, rows, even))
        self.n_rows_, self.n_architectures_ = len(genes), len(groups)
        self.log_interval_half_width_, self.errors_, self.noise_half_width_ = None, None, None
        self.measured_, self.measured_half_widths_, self.doubts_ = {}, {}, {}
        self.domain_ = Domain.of(self.features, genes)
        if known is not None:
            firsts = [self.space.canonical(known[row].genes) for row in groups.first]
            self.measured_ = dict(zip(firsts, Middles.of(groups, rows, even).values.tolist(), strict=True))
        return self

    # -- asking --------------------------------------------------------------------------------------------------------

    def predict(self, archs: Sequence[Architecture | Any] | NDArray[Any] | Any) -> Prediction:
        """Predicts many architectures at once.

        Args:
            archs: n architectures, or what each can be made of (see ``__call__``), or a data frame with one a row, or their
                encoded genes as an array (n, genes). A single architecture, or its text, counts as a list of one.

        Raises:
            ArchitectureError: When one belongs to another space.
            NotFittedError: When the model is not fitted.
        """
        self._check_fitted()
        _, genes = self.features.read(archs)
        half_width = np.nan if self.log_interval_half_width_ is None else self.log_interval_half_width_
        half_widths = np.full(len(genes), half_width)
        return Prediction.within(self._predict(genes), half_widths, self.in_domain(genes), self.quantity)

    def __call__(self, arch: Architecture | Any) -> float:
        """Returns the predicted value of one architecture, seconds for latency; the same as ``predict([arch])``, every bit.

        Args:
            arch: An architecture, or what :meth:`hwcost.spaces.base.SearchSpace.as_architecture` makes one of: values in a
                sequence, a mapping, a row of a data frame, a text.

        Raises:
            ArchitectureError: When it does not belong to the model's space.
            NotFittedError: When the model is not fitted.
        """
        try:
            is_ours = arch.space == self.space.name
        except AttributeError:
            is_ours = False
        return self._one(arch if is_ours else self.space.as_architecture(arch))

    def predict_encoded(self, genes: Floats) -> Floats:
        """Predicts values (n,) for encoded genes (n, genes), without checks or intervals."""
        return self._predict(genes)

    def predict_codes(self, codes: Codes) -> Floats:
        """Predicts values (n,) for gene codes (n, genes), for searchers that hold candidates as codes; nothing is checked.

        A code is an index into a gene's choices, which stand in ascending order where they are numbers.
        """
        return self._predict(self.features.genes_of(codes))

    def with_measured(self) -> MeasuredFirst:
        """Returns a cost function that answers measured architectures with their measurements, others with this model."""
        from hwcost.cost_models.measured import MeasuredFirst

        return MeasuredFirst(self)

    def probability(self, archs: Sequence[Architecture] | NDArray[Any], most: float) -> Floats:
        """Returns the probability that each architecture, measured once, does not exceed a bound; shape (n,).

        The share of errors on rows left out that would keep the prediction within the bound; with n such errors it never
        claims more than ``n / (n + 1)``.

        Args:
            archs: n architectures, or their encoded genes as an array (n, genes).
            most: Upper bound, in the unit of the quantity.

        Raises:
            UsageError: When the model is not calibrated.
        """
        check({"most": most}, most=NUMBER)
        predicted = self.predict(archs).values
        if self.errors_ is None:
            raise UsageError(
                f"the cost model '{self.name}' has no interval: it was fitted on too few architectures. Measure more."
            )
        room = rowwise.log(most / predicted)
        return np.asarray(np.searchsorted(self.errors_, room, side="right") / (len(self.errors_) + 1))

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """Returns the mean value when every gene is drawn by itself; differentiable in the probabilities.

        For searches by gradients (Finding Fast Transformers: the expected cost of a policy). At one-hot probabilities it is
        the model's own value, but for the floor under its predictions.

        Args:
            probabilities: One array or torch tensor per gene, with one number per choice in ascending order.

        Raises:
            UsageError: When the model is not a lookup table over genes, or the probabilities do not fit.
        """
        raise UsageError(
            f"a mean over architectures needs a table over genes, which '{self.name}' is not: fit one with model='lut'"
        )

    def in_domain(self, genes: Floats) -> NDArray[np.bool_]:
        """Says for encoded genes (n, genes) whether each row lies within what the model was fitted on; shape (n,)."""
        return self.domain_.contains(self.features, genes)

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
        return {name: value for name, value in vars(self).items() if name != "features"}

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
        """
        from hwcost.cost_models.persistence import save

        check({"folder": folder}, folder=PATH)
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
