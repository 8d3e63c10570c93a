"""The contract of a cost model: fitted on values of a quantity of architectures, asked for the value of any other one.

Scikit-learn manners: the constructor stores its arguments and checks them, ``fit`` returns the model itself, what was
learned ends in an underscore and does not exist before, and ``get_params`` and ``clone`` make an equal unfitted model.
Values are positive numbers in the unit of the model's quantity, seconds for latency.

A model of one's own gives four methods: ``_fit`` and ``_predict`` on encoded genes, ``_state`` and ``_restore`` for its
folder. Checks, domains, repeated measurements and intervals are dealt with here, once. ``_predict`` must answer each row by
itself: :mod:`hwcost.cost_models.rowwise` has the operations for it. A fitted model does not change when it is asked: threads
may share it, and a forked child process may ask it too.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost._arguments import COUNT, NUMBER, TEXT, check, of_type
from hwcost._cached import cached_property
from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models import rowwise
from hwcost.cost_models.arguments import checked_rows, parameters, stored
from hwcost.cost_models.features.asked import check_own_shape, points, sizes_asked
from hwcost.cost_models.features.domain import Domain
from hwcost.cost_models.features.extractor import Features, shared_features
from hwcost.cost_models.features.fixed_shape import FixedShape
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import Middles, merged
from hwcost.cost_models.features.trend import Trend
from hwcost.cost_models.learned import Learned
from hwcost.cost_models.prediction import Prediction
from hwcost.cost_models.workers import THREADS_FROM
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY, QUANTITIES
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.spaces.shape_columns import ShapeColumns
from hwcost.spaces.shaped import Shaped, split
from hwcost.units import unit_of

if TYPE_CHECKING:
    from hwcost.cost_models.training.measured import MeasuredFirst

__all__ = ["CostModel", "Prediction"]

Model = TypeVar("Model", bound="CostModel")

SPACE = of_type("a search space, such as hwcost.space('supershaper')", SearchSpace)

MIN_ROWS = 2
"""Fewest measurements that anything can be fitted on."""


class CostModel(Learned):
    """Predicts one quantity of the architectures of one space; what it learns is listed in its base class.

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
        has_interval: Whether a fit brings its own interval; that of other models comes from rows left out.
        fewest_architectures: Fewest different architectures from which ``hwcost.fit`` fits the model.
        threads_from: Rows from which fits of it gain by running side by side; many where most of a fit is Python's own work.
        narrowest: Least factor by which intervals are wider than typical ones.
        extrapolates: Whether predictions follow the trend of the rows beyond them; those of trees and of neighbours do not.
        asks_domain: Whether predictions may depend on how far the rows reach; brief fits of other models have no domain.
        unit: Unit of the quantity, for example ``s``; ``1`` for a bare number.
        provenance: Origin of the numbers (device, protocol, data hash, metrics); free JSON.
        fixed_shape: The shape that ``at`` took it at, and the model over shapes that it is there; None for any other model.
    """

    name: ClassVar[str]
    complexity: ClassVar[int | None] = 100
    learns: ClassVar[bool] = True
    candidate_rows: ClassVar[int] = 0
    baseline_for: ClassVar[frozenset[str]] = frozenset()
    has_interval: ClassVar[bool] = False
    fewest_architectures: ClassVar[int] = 5
    threads_from: ClassVar[int] = THREADS_FROM
    narrowest: ClassVar[float] = 1.0
    asks_domain: ClassVar[bool] = True
    extrapolates: bool = True
    fixed_shape: FixedShape | None = None
    _is_brief = False

    def __init__(self, space: SearchSpace, *, batch_size: int = 1, seq_len: int = 128, quantity: str = LATENCY) -> None:
        given = {"space": space, "batch_size": batch_size, "seq_len": seq_len, "quantity": quantity}
        check(given, space=SPACE, batch_size=COUNT, seq_len=COUNT, quantity=TEXT)
        self.space, self.quantity = space, quantity
        self.batch_size, self.seq_len = batch_size, seq_len
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

    def _one(self, arch: Architecture) -> float:
        """Predicts a single architecture; models with a quicker way to the same bits override it."""
        return float(self._predict(self.features.encode([arch]))[0])

    def compile(self: Model) -> Model:
        """Prepares the fast path now, which is otherwise prepared on demand, with the same answers; returns the model.

        Raises:
            NotFittedError: When the model is not fitted.
        """
        self._check_fitted()
        return self

    def importance(self) -> dict[str, float]:
        """Returns each feature's share of what the model explains, summing to 1; empty when it uses none."""
        return {}

    @property
    def chosen(self) -> str | None:
        """Name of the model that was chosen by cross-validation; None for a model that is not a choice."""
        return None

    def rechosen_errors(
        self, genes: Floats, values: Floats, parts: Sequence[tuple[Indices, Indices]]
    ) -> Floats | None:
        """Returns errors of the logarithm (n,) on left-out rows where they had no part in the choice of the model.

        None for a model that is not a choice, or chose by other rows.

        Args:
            genes: Encoded architectures of the fit, each once, shape (n, genes).
            values: Their values, shape (n,).
            parts: Kept and left-out rows of every fold.
        """
        return None

    @property
    def plain(self) -> CostModel:
        """The fitted model that answers: the model itself, or what it is no more than a choice of."""
        return self

    # -- parameters ----------------------------------------------------------------------------------------------------

    def get_params(self) -> dict[str, Any]:
        """Returns the keyword arguments, besides the space, that make an equal unfitted model (JSON)."""
        return stored(self, parameters(type(self)))

    def clone(self: Model) -> Model:
        """Returns an unfitted model with the same parameters."""
        return type(self)(self.space, **self.get_params())

    def clone_with_hyperparameters(self: Model) -> Model:
        """Returns an unfitted copy that keeps every hyperparameter that this fitted model chose by cross-validation."""
        return self.clone()

    def common_params(self) -> dict[str, Any]:
        """Returns the keyword arguments that all cost models share, for models that are made of others."""
        return stored(self, parameters(CostModel))

    # -- fitting -------------------------------------------------------------------------------------------------------

    def fit(
        self: Model, archs: Sequence[Architecture] | NDArray[Any], values: ArrayLike, weights: ArrayLike | None = None
    ) -> Model:
        """Learns from measurements.

        Args:
            archs: n architectures, or their encoded genes as an array (n, genes), of which no measured values are kept.
                Repeats are merged: every architecture counts once, less where its measurements disagree.
            values: Measured values, positive, shape (n,); seconds for latency.
            weights: Positive weights (n,), larger for more trustworthy rows; only ratios count. None for equal ones.

        Returns:
            The model itself.

        Raises:
            DataError: When there are fewer than two rows, or a value or weight is not positive and finite.
            ArchitectureError: When an architecture belongs to another space, or to it with options that build other nets.
        """
        known, genes = self.features.read(archs)
        what, fewest = "latency" if self.quantity == LATENCY else self.quantity, MIN_ROWS if known is not None else 1
        rows, row_weights = checked_rows(len(genes), fewest, values, weights, what)
        groups, even = Groups.of(self.features, genes), row_weights / row_weights.mean()
        self._learn(genes, rows, even, groups)
        is_ended = self.quantity in QUANTITIES and not self.extrapolates  # a quality only ranks
        trend = Trend.of(self.features, genes, rows, even) if is_ended else None
        self.domain_ = Domain.of(self.features, genes, trend).related(self.features, genes[groups.first])
        if known is not None:
            firsts = [self.space.canonical(known[row].genes) for row in groups.first]
            self.measured_ = dict(zip(firsts, Middles.of(groups, rows, even).values.tolist(), strict=True))
        return self

    def fit_briefly(self: Model, genes: Floats, values: Floats, weights: Floats, groups: Groups | None = None) -> Model:
        """Does what ``fit`` does with some of the rows that another fit has checked, for one call of ``predict_encoded``.

        Args:
            genes: Encoded architectures, shape (n, genes).
            values: Measured values, shape (n,).
            weights: Weights of the rows, shape (n,).
            groups: The architectures of the rows; None where they are not known.
        """
        self._is_brief = True
        self._learn(genes, values, weights / weights.mean(), groups or Groups.of(self.features, genes))
        if self.asks_domain:
            self.domain_ = Domain.of(self.features, genes)
        return self

    def _learn(self, genes: Floats, values: Floats, even: Floats, groups: Groups) -> None:
        """Learns from checked rows, with weights of mean 1, and forgets what was learned before."""
        self.monotone_ = ()
        self._fit(*merged(groups, genes, values, even))
        self.n_rows_, self.n_architectures_ = len(genes), len(groups)
        self.log_interval_half_width_, self.errors_, self.noise_half_width_ = None, None, None
        self.measured_, self.measured_half_widths_, self.doubts_ = {}, {}, {}

    # -- asking --------------------------------------------------------------------------------------------------------

    def predict(
        self,
        archs: Sequence[Architecture | Any] | NDArray[Any] | Any,
        *,
        batch_size: ArrayLike | None = None,
        seq_len: ArrayLike | None = None,
    ) -> Prediction:
        """Predicts many architectures at once.

        Args:
            archs: n architectures, or what each can be made of (see ``__call__``), or a data frame with one a row, or their
                encoded genes as an array (n, genes). A single architecture, or its text, counts as a list of one.
            batch_size: Sequences per call, one number or one for each architecture, for a model over shapes.
            seq_len: Tokens per sequence, likewise.

        Raises:
            ArchitectureError: When one belongs to another space, or to it with options that build other nets.
            NotFittedError: When the model is not fitted.
            UsageError: When the model is over shapes and none is given, or of one shape and another one is given.
        """
        self._check_fitted()
        genes = points(self, archs, batch_size, seq_len)
        return Prediction.within(self._predict(genes), self.half_widths(genes), self.in_domain(genes), self.quantity)

    def __call__(
        self, arch: Architecture | Any, *, batch_size: int | None = None, seq_len: int | None = None
    ) -> float:
        """Returns the predicted value of one architecture, seconds for latency; the same as ``predict([arch])``, every bit.

        Args:
            arch: An architecture, or what :meth:`hwcost.spaces.base.SearchSpace.as_architecture` makes one of: values in a
                sequence, a mapping, a row of a data frame, a text.
            batch_size: Sequences per call, for a model over shapes.
            seq_len: Tokens per sequence, for a model over shapes.

        Raises:
            ArchitectureError: When it does not belong to the model's space, or to it with options that build other nets.
            NotFittedError: When the model is not fitted.
            UsageError: When the model is over shapes and none is given, or of one shape and another one is given.
        """
        is_ours = getattr(arch, "space_options", None) == self.space.options_text and arch.space == self.space.name
        if is_ours and batch_size is None and seq_len is None:
            return self._one(arch)
        if batch_size is None and seq_len is None and not isinstance(self.space, Shaped):
            return self._one(self.space.as_architecture(arch))
        return float(self.predict([arch], batch_size=batch_size, seq_len=seq_len).values[0])

    def predict_encoded(self, genes: Floats) -> Floats:
        """Predicts values (n,) for encoded genes (n, genes), without checks or intervals."""
        return self._predict(genes)

    def predict_codes(self, codes: Codes) -> Floats:
        """Predicts values (n,) for gene codes (n, genes), for searchers that hold candidates as codes; nothing is checked.

        A code is an index into a gene's choices, which stand in ascending order where they are numbers.
        """
        return self._predict(self.features.genes_of(codes))

    def at(self, batch_size: int | None = None, seq_len: int | None = None) -> CostModel:
        """Returns a cost function of architectures alone: the model at one batch size and sequence length.

        Where the model is a sum of component prices, that is a lookup table, whatever searchers ask of one. Columns of a
        table that are named ``batch_size`` and ``seq_len`` (or ``batch`` and ``seq``) are a shape too.

        Args:
            batch_size: Sequences per call; None for the only one that was fitted.
            seq_len: Tokens per sequence, likewise.

        Raises:
            NotFittedError: When the model is not fitted.
            UsageError: When a size is not a whole number from 1, is missing, or the model is of another shape.
        """
        from hwcost.cost_models.families.at_shape import at_shape

        self._check_fitted()
        columns = ShapeColumns.of(self.space)
        if columns is not None and (batch_size is not None or seq_len is not None or isinstance(self.space, Shaped)):
            return at_shape(self, columns, sizes_asked(self, columns, batch_size, seq_len))
        check_own_shape(self, {"batch_size": batch_size, "seq_len": seq_len})
        return self

    def at_shape(self, shape: FixedShape) -> CostModel | None:
        """Returns a faster model of architectures with this one's answers at a shape, without interval; None without one."""
        return None

    def half_widths(self, genes: Floats) -> Floats:
        """Returns half-widths of the intervals of the logarithm for encoded genes (n, genes); NaN where there is none."""
        half_width = np.nan if self.log_interval_half_width_ is None else self.log_interval_half_width_
        return np.asarray(half_width * self.relative_widths(genes))

    def relative_widths(self, genes: Floats) -> Floats:
        """Returns how many times wider than typical intervals and errors of encoded genes (n, genes) are, shape (n,)."""
        usual = self.log_interval_half_width_
        wider = self.domain_.widening(self.features, genes, usual)
        rise = self.tiling_rise(split(genes)[1]) if isinstance(self.space, Shaped) else None
        return wider if rise is None or not usual else np.asarray(wider + rise / usual)

    def with_measured(self) -> MeasuredFirst:
        """Returns a cost function that answers measured architectures with their measurements, others with this model."""
        from hwcost.cost_models.training.measured import MeasuredFirst

        return MeasuredFirst(self)

    def probability(self, archs: Sequence[Architecture] | NDArray[Any], most: float) -> Floats:
        """Returns the probability that each architecture, measured once, does not exceed a bound; shape (n,).

        The share of errors on n rows left out that would keep the prediction within the bound, each as many times larger as
        the interval of the architecture is wider; never more than ``n / (n + 1)``.

        Args:
            archs: n architectures, or their encoded genes as an array (n, genes).
            most: Upper bound, in the unit of the quantity.

        Raises:
            UsageError: When the model is not calibrated.
        """
        self._check_fitted()
        check({"most": most}, most=NUMBER)
        genes = points(self, archs, None, None)
        if self.errors_ is None:
            raise UsageError(f"the cost model '{self.name}' has no interval: fitted on too few architectures. Measure more.")
        room = rowwise.log(most / self._predict(genes)) / self.relative_widths(genes)
        return np.asarray(np.searchsorted(self.errors_, room, side="right") / (len(self.errors_) + 1))

    def transfer(self, measurements: Any, **options: Any) -> CostModel:
        """Fits a model of another device on three of its measurements or more, with this model as the prior.

        ``hwcost.fit(measurements, prior=[...])`` takes several, which is better: they tell how far a new one may differ.

        Args:
            measurements: Campaign, store or table as :func:`hwcost.fit` takes it, of this model's space.
            **options: Further arguments of :func:`hwcost.fit`, such as ``campaign_id`` or ``table``.

        Raises:
            DataError: When they are of another space, or fewer than three different architectures.
            NotFittedError: When this model is not fitted.
            UsageError: When another prior is given.
        """
        from hwcost.cost_models.priors.fit import transferred

        self._check_fitted()
        return transferred(self, measurements, options)

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """Returns the mean value when every gene is drawn by itself; differentiable in the probabilities.

        For searches by gradients (Finding Fast Transformers: the expected cost of a policy). One-hot gives the model's own.

        Args:
            probabilities: One array or torch tensor per gene, with one number per choice in ascending order.

        Raises:
            UsageError: When the model is not a lookup table over genes, or the probabilities do not fit.
        """
        raise UsageError(f"a mean over architectures needs a table over genes, which '{self.name}' is not: fit a 'lut'")

    def in_domain(self, genes: Floats) -> NDArray[np.bool_]:
        """Says for encoded genes (n, genes) whether each row lies within what the model was fitted on; shape (n,)."""
        return self.domain_.contains(self.features, genes, self.log_interval_half_width_)
