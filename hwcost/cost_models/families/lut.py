"""The lookup table: what every component costs, learnt from whole-model runs or put together from component runs.

``latency = constant + sum over components of price``, where a price is what the component's work predicts plus a deviation
of its own; deviations are shrunk as far as leave-one-out errors ask for, so that 20 runs of whole models are enough for a
table that none of them shows directly. Whatever a gene's place in the model adds comes last and is shrunk the same way.
Tables without components (someone else's columns) get one function per column instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwcost._arguments import Kind, check
from hwcost._cached import cached_property
from hwcost._stats import median
from hwcost._types import Codes, Floats
from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.group_arrays import joint_tables
from hwcost.cost_models.compiled.tabulated import Tabled, Tabulated, finished
from hwcost.cost_models.families.expected import check as check_probabilities
from hwcost.cost_models.families.expected import expected_product, expected_sum
from hwcost.cost_models.families.importance import Variation
from hwcost.cost_models.families.shrinkage import GRID, RidgeFit, fit_ridge
from hwcost.cost_models.features.additive import Additive, Design, GeneTerm
from hwcost.cost_models.features.domain import Domain
from hwcost.cost_models.features.joint import JointTables, priced
from hwcost.cost_models.features.tabulate import Tables, tabulate
from hwcost.errors import DataError, UsageError
from hwcost.spaces.base import SearchSpace

PROBABILITIES = Kind("a list of one array per gene", lambda given: hasattr(given, "__len__"))
FORMS = ("auto", "linear", "log")
LOG_GAIN = 0.95
"""The multiplicative form is taken when its error is below this share of the additive one's."""

FLOOR = 0.05
"""No prediction falls below this share of the quickest training row; an additive form could go negative far outside."""


class LookupTable(Tabled):
    """Additive lookup table.

    Args:
        space: The space of the architectures.
        form: ``linear`` adds prices in seconds, ``log`` multiplies factors, ``auto`` takes what leave-one-out errors favour.
        penalties: Shrinkage per block of columns; None chooses it by leave-one-out errors.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        form_: The form that was taken.
        penalties_: The penalties that were taken, by block.
        additive_: The fitted prices, in units of ``scale_`` or of its logarithm.
        scale_: Value that 1 stands for, in the unit of the quantity.
        floor_: Least value of any prediction.
        variation_: Values of the training rows, gene by gene; absent from a loaded model.
        tables_: The prices as sums over genes, and pairs of neighbours; None where components are not such sums.
    """

    name = "lut"
    complexity = 20
    threads_from = 4000
    asks_domain = False

    form_: str
    penalties_: dict[str, float]
    additive_: Additive
    scale_: float
    floor_: float
    variation_: Variation
    tables_: Tables | None

    def __init__(
        self, space: SearchSpace, *, form: str = "auto", penalties: Mapping[str, float] | None = None, **common: Any
    ) -> None:
        super().__init__(space, **common)
        if form not in FORMS:
            raise UsageError(f"unknown form '{form}' of a lookup table. Known: {', '.join(FORMS)}")
        self.form = form
        self.penalties = None if penalties is None else dict(penalties)

    @classmethod
    def from_components(
        cls, space: SearchSpace, component_s: Mapping[str, float], overhead_s: float = 0.0, **common: Any
    ) -> LookupTable:
        """Makes a table from measured components.

        Args:
            space: A space with components.
            component_s: Seconds by component name, such as ``layer[hidden=360]``, for every component of the space.
            overhead_s: Seconds that a whole model takes beyond its components.
            **common: Arguments of the class.

        Raises:
            DataError: When a component has no price, a price is not positive, or a name does not belong to a component.
        """
        model = cls(space, **common)
        names = [part.name for part in model.features.components]
        missing, unknown = [n for n in names if n not in component_s], [n for n in component_s if n not in names]
        if missing or unknown or not names:
            raise DataError(
                f"a lookup table of space '{space.name}' needs exactly its components: "
                f"missing {', '.join(missing) or 'none'}; not of this space {', '.join(unknown) or 'none'}. "
                "An unmeasured component is never priced as zero: measure it."
            )
        prices = np.array([component_s[name] for name in names], dtype=np.float64)
        if not (np.isfinite(prices).all() and (prices > 0).all() and np.isfinite(overhead_s)):
            wrong = [f"{name} {price:.4g} s" for name, price in zip(names, prices, strict=True) if not 0 < price < np.inf]
            wrong += [] if np.isfinite(overhead_s) else [f"the overhead {overhead_s:.4g} s"]
            raise DataError(f"a component's price must be a positive finite number of seconds, got {', '.join(wrong)}")
        facts = {"n_rows": 0, "n_architectures": 0, "spread": None, "errors": None, "noise": None}
        learned = {
            "form": "linear", "penalties": {}, "scale_s": 1.0, "floor_s": 0.0, "constant": float(overhead_s),
            "components": dict(zip(names, prices.tolist(), strict=True)), "genes": [], "importance": {},
        }  # fmt: skip
        model.restore({"domain": Domain.whole(model.features).as_dict(), **facts, "learned": learned}, {})
        return model

    @property
    def component_s_(self) -> dict[str, float]:
        """Seconds by component; only components whose number varies can be priced from whole-model runs."""
        if self.form_ != "linear":
            raise UsageError("this lookup table multiplies factors: its components have no price in seconds")
        pairs = zip(self.features.components, self.additive_.components, strict=True)
        return {part.name: float(price * self.scale_) for part, price in pairs if price != 0}

    @property
    def overhead_s_(self) -> float:
        """Seconds that every architecture takes beside its priced components."""
        if self.form_ != "linear":
            raise UsageError("this lookup table multiplies factors: it has no overhead in seconds")
        return self.additive_.constant * self.scale_

    # -- fitting -------------------------------------------------------------------------------------------------------

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        design = Design(self.features, genes)
        self.scale_ = median(values)
        self.floor_ = FLOOR * float(values.min())
        fits = {form: self._ridge(form, design, values / self.scale_, weights) for form in self._forms()}
        errors = {form: self._error(form, fit, values) for form, fit in fits.items()}
        self.form_ = min(errors, key=lambda form: errors[form] * (1.0 if form == "log" else LOG_GAIN))
        best = fits[self.form_]
        self.penalties_ = dict(zip(design.blocks, best.penalties, strict=True))
        self.additive_ = design.additive(best.intercept, best.coefficients, is_log=self.form_ == "log")
        self._tabulate()
        self.variation_ = Variation(genes)
        vars(self).pop("shares_", None)

    def _forms(self) -> tuple[str, ...]:
        return ("linear", "log") if self.form == "auto" else (self.form,)

    def _ridge(self, form: str, design: Design, latency: Floats, weights: Floats) -> RidgeFit:
        blocks = list(design.blocks.values())
        penalties = None if self.penalties is None else [self.penalties.get(name, GRID[-1]) for name in design.blocks]
        if form == "log":
            return fit_ridge(blocks, np.log(latency), weights, penalties)
        return fit_ridge(blocks, latency, weights / latency**2, penalties)

    def _error(self, form: str, fit: RidgeFit, values: Floats) -> float:
        """Root mean square of leave-one-out errors of log latency, which is fair to both forms."""
        left_out = np.exp(fit.left_out) if form == "log" else fit.left_out
        seconds = np.maximum(left_out * self.scale_, self.floor_)
        return float(np.sqrt(np.mean(np.log(seconds / values[fit.rows]) ** 2)))

    def clone_with_hyperparameters(self) -> LookupTable:
        """Returns an unfitted copy with the form and the penalties that were chosen; prices as given had none."""
        chosen = {"form": self.form_, "penalties": self.penalties_ or None}
        return LookupTable(self.space, **{**self.get_params(), **chosen})

    # -- predicting ----------------------------------------------------------------------------------------------------

    def _tabulated(self) -> Tabulated | None:
        if self.tables_ is None:
            return None
        return Tabulated(self.features, self.tables_, self.scale_, self.floor_, self.form_ == "log")

    def _untabled(self, genes: Floats) -> Floats:
        return finished(self._raw(genes), self.scale_, self.floor_, self.form_ == "log")

    def _raw(self, genes: Floats) -> Floats:
        return self.additive_(self.features, genes)

    def tables(self) -> Tables | None:
        """Returns the table as sums over genes, and pairs of neighbours, in a scale that keeps the order of values.

        None where the space's components are not such sums.
        """
        return self.tables_

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """See the base class; the floor under predictions is left out, which gradients would not pass."""
        check({"probabilities": probabilities}, probabilities=PROBABILITIES)
        if self.tables_ is not None:
            mean = expected_product if self.form_ == "log" else expected_sum
            return self.scale_ * mean(self.tables_, probabilities)
        joint = self._joint
        if joint is None:
            raise UsageError(
                f"genes of space '{self.space.name}' price components in groups that are too large to be averaged over, or "
                "may hold any number: a mean over architectures is not known. Search it with a searcher that asks instead"
            )
        check_probabilities(self.features.sizes, probabilities)
        return self.scale_ * (joint.mean_product if self.form_ == "log" else joint.mean)(probabilities)

    @cached_property
    def _joint(self) -> JointTables | None:
        """The prices as a sum over groups of genes, made when a mean is first asked for."""
        joint = self.features.joint
        return None if joint is None else priced(joint, self.additive_, self.features)

    @property
    def closing(self) -> Closing | None:
        """A price of the table times the exponential of a correction; None where there are no tables."""
        if self.tables_ is None:
            return None
        return Closing(0.0, joint_tables(self.tables_), self.scale_, self.floor_, self.form_ == "log")

    def _tabulate(self) -> None:
        """Turns the additive form into one table per gene (or pair of neighbours), where the space allows it."""
        self._forget_table()
        vars(self).pop("_joint", None)
        counts = self.features.tables
        if counts is None:
            self.tables_ = None
            return

        def raw(codes: Codes) -> Floats:
            return self._raw(self.features.genes_of(codes))

        self.tables_ = tabulate(raw, self.features.sizes, with_pairs=bool(counts.pairs))

    # -- explaining and keeping -------------------------------------------------------------------------------------------

    @cached_property
    def shares_(self) -> dict[str, float]:
        """Share of each gene in the variance that the table explains."""
        return self.variation_.shares(self._raw, self.features.gene_names)

    def importance(self) -> dict[str, float]:
        """Returns the shares of the genes."""
        return dict(self.shares_)

    def _state(self) -> dict[str, Any]:
        names = (part.name for part in self.features.components)
        return {
            "form": self.form_,
            "penalties": self.penalties_,
            "scale_s": self.scale_,
            "floor_s": self.floor_,
            "constant": self.additive_.constant,
            "components": dict(zip(names, self.additive_.components.tolist(), strict=True)),
            "genes": [term.as_list() for term in self.additive_.genes],
            "importance": self.importance(),
        }

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.form_, self.penalties_ = state["form"], dict(state["penalties"])
        self.scale_, self.floor_ = float(state["scale_s"]), float(state["floor_s"])
        prices = np.array([state["components"][part.name] for part in self.features.components], dtype=np.float64)
        self.additive_ = Additive(float(state["constant"]), prices, tuple(map(GeneTerm.from_list, state["genes"])))
        self.shares_ = dict(state["importance"])
        self._tabulate()
