"""The conformance suite of cost models: what every cost model promises, as tests.

::

    class TestMyModel(CostModelSuite):
        name = "my-model"

The rows are latencies of a law with some noise, on a space of Transformer encoders; a model needs not predict them well.
"""

from __future__ import annotations

import json
from abc import ABC
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import numpy as np
import pytest

from hwcost._types import Floats
from hwcost.cost_models import cost_model, load
from hwcost.cost_models.base import CostModel
from hwcost.errors import ArchitectureError, DataError, NotFittedError, UsageError
from hwcost.spaces import Architecture, SearchSpace, space

THREADS = 8
PATIENCE_S = 120.0
"""Seconds after which a thread counts as hanging."""


def law_s(of: SearchSpace, archs: list[Architecture], seed: int = 0, noise: float = 0.01) -> Floats:
    """Returns latencies that grow with the FLOPs.

    Args:
        of: Space that counts sizes.
        archs: n of its architectures.
        seed: Seed of the noise.
        noise: Standard deviation of the logarithm of a latency.

    Returns:
        Seconds, shape (n,).
    """
    flops = np.array([of.flops(arch) for arch in archs], dtype=np.float64)
    factors = np.exp(noise * np.random.default_rng(seed).standard_normal(len(archs)))
    return np.asarray((1e-3 + flops * 1e-11) * factors)


class CostModelSuite(ABC):
    """Subclass it as ``Test...`` and name the model; it is fitted once for all tests.

    Attributes:
        name: Name of the cost model.
        options: Options to test it with.
        rows: Number of architectures that it is fitted on.
        varies: Whether predictions depend on the architecture.
    """

    name: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}
    rows: ClassVar[int] = 40
    varies: ClassVar[bool] = True

    @classmethod
    def space(cls) -> SearchSpace:
        """Returns the space of the rows."""
        return space("supershaper")

    def make(self) -> CostModel:
        """Makes an unfitted model."""
        return cost_model(self.name, self.space(), **self.options)

    @pytest.fixture(scope="class")
    @classmethod
    def archs(cls) -> list[Architecture]:
        """Architectures that the model is fitted on."""
        return cls.space().sample(cls.rows, seed=0)

    @pytest.fixture(scope="class")
    @classmethod
    def latency_s(cls, archs: list[Architecture]) -> Floats:
        """Their latencies in seconds."""
        return law_s(cls.space(), archs)

    @pytest.fixture(scope="class")
    @classmethod
    def others(cls, archs: list[Architecture]) -> list[Architecture]:
        """Architectures that it is not fitted on."""
        return [arch for arch in cls.space().sample(25, seed=77) if arch not in set(archs)]

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, archs: list[Architecture], latency_s: Floats) -> CostModel:
        """The fitted model."""
        return cost_model(cls.name, cls.space(), **cls.options).fit(archs, latency_s)

    # -- before a fit --------------------------------------------------------------------------------------------------

    def test_options_are_plain_and_make_an_equal_model(
        self, fitted: CostModel, archs: list[Architecture], latency_s: Floats, others: list[Architecture]
    ) -> None:
        """A clone is unfitted, and fits to the same predictions."""
        assert json.loads(json.dumps(fitted.get_params(), allow_nan=False)).keys() == fitted.get_params().keys()
        clone = fitted.clone()
        assert type(clone) is type(fitted)
        assert clone.get_params() == fitted.get_params()
        with pytest.raises(NotFittedError, match="not fitted"):
            clone.predict(others)
        assert not clone.learns or not [name for name in vars(clone) if name.endswith("_")]
        np.testing.assert_array_equal(values(clone.fit(archs, latency_s), others), values(fitted, others))

    def test_an_unfitted_model_answers_nothing(self, others: list[Architecture], tmp_path: Path) -> None:
        """Neither one architecture nor many, and there is nothing to save."""
        model = self.make()
        for attempt in (
            lambda: model(others[0]),
            lambda: model.predict(others),
            lambda: model.save(tmp_path / "model"),
        ):
            with pytest.raises(NotFittedError, match="not fitted"):
                attempt()
        assert not (tmp_path / "model").exists()

    def test_an_unknown_option_is_refused(self) -> None:
        """A misspelt option is named, together with the known ones."""
        with pytest.raises(UsageError, match="'no_such_option' is unknown"):
            cost_model(self.name, self.space(), **{**self.options, "no_such_option": 1})

    # -- fitting -------------------------------------------------------------------------------------------------------

    def test_a_fit_returns_the_model_and_leaves_the_rows_alone(self, archs: list[Architecture], latency_s: Floats) -> None:
        """The rule is scikit-learn's."""
        rows, model = latency_s.copy(), self.make()
        assert model.fit(archs, rows) is model
        np.testing.assert_array_equal(rows, latency_s)
        assert model.n_rows_ == len(archs)

    def test_rows_that_are_no_latencies_are_refused(self, archs: list[Architecture], latency_s: Floats) -> None:
        """The row is named."""
        for bad in (0.0, -1.0, float("nan"), float("inf")):
            with pytest.raises(DataError, match="row 1"):
                self.make().fit(archs[:3], [latency_s[0], bad, latency_s[2]])
        with pytest.raises(UsageError, match="for each of 3 architectures"):
            self.make().fit(archs[:3], latency_s[:2])

    # -- predicting ----------------------------------------------------------------------------------------------------

    def test_predictions_are_positive_and_follow_the_architecture(
        self, fitted: CostModel, others: list[Architecture]
    ) -> None:
        """Finite seconds, also for architectures that were not measured."""
        found = values(fitted, others)
        assert found.shape == (len(others),)
        assert np.isfinite(found).all()
        assert (found > 0).all()
        assert not self.varies or len(np.unique(found)) > 1

    def test_there_is_one_answer_for_an_architecture(
        self, fitted: CostModel, archs: list[Architecture], others: list[Architecture]
    ) -> None:
        """Bit for bit, whether it is asked for alone or among others, and whether it was measured or not."""
        for some in (archs[:5], others):
            together = values(fitted, some)
            assert [fitted(arch) for arch in some] == together.tolist()
            assert values(fitted, some[::-1]).tolist() == together.tolist()[::-1]

    def test_architectures_of_other_spaces_are_refused(self, fitted: CostModel) -> None:
        """Never priced in silence."""
        stranger = Architecture("another-space", (1, 2))
        for attempt in (lambda: fitted(stranger), lambda: fitted.predict([stranger])):
            with pytest.raises(ArchitectureError, match="another-space"):
                attempt()

    def test_threads_get_the_same_answers(self, fitted: CostModel, others: list[Architecture]) -> None:
        """Several searches may ask one model at the same time."""
        expected = values(fitted, others).tolist()
        answers = from_threads(lambda: [values(fitted, others).tolist() for _ in range(2)])
        assert all(answer == [expected, expected] for answer in answers)

    def test_shares_of_features_sum_to_one(self, fitted: CostModel) -> None:
        """Where a model says what it goes by."""
        shares = fitted.importance()
        assert not shares or sum(shares.values()) == pytest.approx(1.0)

    # -- keeping -------------------------------------------------------------------------------------------------------

    def test_a_saved_model_answers_as_before(
        self, fitted: CostModel, archs: list[Architecture], others: list[Architecture], tmp_path: Path
    ) -> None:
        """Bit for bit; the folder holds plain data only."""
        fitted.provenance = {"device": "cpu", "note": "µs"}
        fitted.save(tmp_path / "model")
        again = load(tmp_path / "model")
        assert type(again) is type(fitted)
        assert again.get_params() == fitted.get_params()
        assert again.provenance == fitted.provenance
        for some in (archs, others):
            before, after = fitted.predict(some), again.predict(some)
            np.testing.assert_array_equal(after.values, before.values)
            np.testing.assert_array_equal(after.in_domain, before.in_domain)
        assert {path.suffix for path in (tmp_path / "model").rglob("*") if path.is_file()} <= {".json", ".md", ".txt"}


def values(model: CostModel, archs: list[Architecture]) -> Floats:
    """Returns the predictions of a model, shape (n,)."""
    return model.predict(archs).values


def from_threads(ask: Callable[[], Any], patience_s: float = PATIENCE_S) -> list[Any]:
    """Returns what a function gives in eight threads at the same time.

    Args:
        ask: The function.
        patience_s: Seconds that each thread may take.

    Raises:
        TimeoutError: When a thread hangs; it does not keep the process from ending.
    """
    found: list[Future[Any]] = [Future() for _ in range(THREADS)]

    def work(one: Future[Any]) -> None:
        try:
            one.set_result(ask())
        except BaseException as error:  # raised again where the answers are awaited
            one.set_exception(error)

    for one in found:
        Thread(target=work, args=(one,), daemon=True).start()
    try:
        return [one.result(patience_s) for one in found]
    except FutureTimeout:  # a class of its own before Python 3.11
        raise TimeoutError(f"a thread was not finished after {patience_s:g} s") from None
