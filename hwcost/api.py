"""The functions behind ``import hwcost``; the command line goes through them or through what they call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hwcost.cost_models import load
from hwcost.errors import UsageError

__all__ = ["device", "evaluate", "fit", "load", "measure"]

if TYPE_CHECKING:
    from hwcost.campaign.run import Progress, Result
    from hwcost.cost_models.base import CostModel
    from hwcost.devices import DeviceProfile
    from hwcost.spaces.base import Architecture, SearchSpace
    from hwcost.workloads.base import Workload


def device(name: str = "cpu") -> DeviceProfile:
    """Loads a device profile; ``cpu`` is whatever CPU this is, with the facts found here.

    Args:
        name: A known profile, or the path of a ``.toml`` file. Any profile loads anywhere; measuring needs the device.

    Raises:
        UnknownNameError: When there is no such profile; lists the known ones.
    """
    from hwcost.devices import resolve

    return resolve(name)


def measure(
    what: Iterable[Architecture | Workload],
    device: DeviceProfile | str = "cpu",
    *,
    backend: str = "torch",
    space: SearchSpace | None = None,
    batch_size: int = 1,
    seq_len: int = 128,
    dtype: str = "float32",
    threads: int = 1,
    tier: str = "standard",
    rounds: int | None = None,
    budget_s: float | None = None,
    wait_s: float = 600.0,
    seed: int = 0,
    role: str = "fit",
    store: str | Path | None = None,
    backend_options: dict[str, Any] | None = None,
    progress: Callable[[Progress], None] = lambda state: None,
) -> Result:
    """Measures architectures or workloads in randomised rounds of fresh processes, and keeps every sample.

    Args:
        what: Architectures of one space, or workloads as they are.
        device: Where; it must be here.
        backend: The runtime, for example ``torch``, ``onnxruntime`` or ``openvino``.
        space: The architectures' space, where it is not the registered one of that name with default options.
        batch_size: Sequences per call; for architectures.
        seq_len: Tokens per sequence; for architectures.
        dtype: For architectures.
        threads: Intra-operator threads.
        tier: ``quick``, ``standard`` or ``strict``: 5, 1 or 0.5 % wanted half-width.
        rounds: Overrides the tier's number of rounds.
        budget_s: Seconds after which no further visit is begun.
        wait_s: Seconds to wait for CPUs that other campaigns on this machine hold; no part of ``budget_s``.
        seed: Of the order of visits.
        role: Kept with every measurement; cost models learn from ``fit``.
        store: A file or URL; None for the user's default store.
        backend_options: The backend's own options.
        progress: Called before and after every visit.

    Returns:
        The campaign with one measurement per workload.

    Raises:
        DeviceError: When the device is not here, or busy: BusyError names who holds the CPUs.
        UsageError: When an argument is wrong, or there are fewer CPUs than threads.
        InterruptedRunError: On Ctrl-C; the campaign can be resumed.
    """
    from hwcost.campaign import run as campaign
    from hwcost.campaign.plan import items
    from hwcost.campaign.planning import planned
    from hwcost.devices import require
    from hwcost.stores import open_store

    shape = {"batch_size": batch_size, "seq_len": seq_len, "dtype": dtype}
    plan = planned(
        items(_workloads(what, space, shape), role), require(device if isinstance(device, str) else device.name), backend,
        tier=tier, rounds=rounds, options=backend_options, threads=threads, seed=seed,
    )  # fmt: skip
    with open_store(store) as opened:
        return campaign.run(opened, campaign.start(plan, opened), budget_s=budget_s, wait_s=wait_s, progress=progress)


def fit(
    source: Result | str | Path,
    model: str = "hybrid",
    *,
    space: SearchSpace | str | None = None,
    campaign_id: str | None = None,
    drift: Literal["auto", "none"] = "auto",
    **options: Any,
) -> CostModel:
    """Fits a cost model on a campaign, a store, or a CSV of latencies.

    Args:
        source: What :func:`measure` returned, a store's path or URL, or a CSV with a column ``latency_s``.
        model: For example ``hybrid``, ``lut``, ``xgboost``, ``lightgbm``, ``ridge`` or ``auto``.
        space: Needed for a CSV; for a store with several spaces, which of them.
        campaign_id: Which campaign of the store; None for the youngest.
        drift: For a CSV: ``auto`` takes the machine's moving level out of the rows; ``none`` takes them as they stand.
        **options: What the model takes.

    Returns:
        The fitted model, with an interval from cross-validation where there are enough rows. Only measurements with the role
        ``fit`` are used.

    Raises:
        DataError: When the source holds nothing that can be fitted.
        UnknownNameError: When there is no such model.
    """
    from hwcost.campaign.run import Result
    from hwcost.cost_models import data
    from hwcost.cost_models.train import train

    if isinstance(source, Result):
        rows = data.from_measurements(source.measurements, space, source.store_url)
    else:
        rows = data.read(source, space, campaign_id)
    return train(rows, model, drift, **options)


def evaluate(
    source: str | Path,
    model: str = "auto",
    *,
    space: SearchSpace | str | None = None,
    train: float = 0.8,
    split: Literal["random", "ordered"] = "random",
    seeds: int = 10,
    drift: Literal["auto", "none"] = "auto",
    campaign_id: str | None = None,
) -> dict[str, Any]:
    """Judges cost models on rows that they were not fitted on, beside plain baselines.

    Args:
        source: A CSV with a column ``latency_s``, or a store whose campaign has measurements with the role ``judge``.
        model: Name of a cost model, or ``all``.
        space: Needed for a CSV; for a store with several spaces, which of them.
        train: For a CSV: below 1 the share of rows to fit on, from 2 their number.
        split: For a CSV: ``random``, or ``ordered``: the first rows.
        seeds: For a CSV: number of random splits; metrics are medians over them.
        drift: For a CSV: ``auto`` looks for a moving level in the order of rows; ``none`` takes rows as they stand.
        campaign_id: For a store: which campaign; None for the youngest.

    Returns:
        The document of ``hwcost evaluate --json``, without ``schema_version``.

    Raises:
        DataError: When the source holds nothing usable.
        UsageError: When the split leaves too few rows on either side.
    """
    from hwcost.cost_models import data
    from hwcost.cost_models import evaluate as evaluation

    rows = data.read(source, space, campaign_id)
    if data.is_store(source):
        return evaluation.evaluate_roles(rows, model)
    return evaluation.evaluate(rows, model, train, split, seeds, drift)


def _workloads(
    what: Iterable[Architecture | Workload], space: SearchSpace | None, shape: dict[str, Any]
) -> list[Workload]:
    from hwcost.spaces import Architecture
    from hwcost.spaces import space as make_space
    from hwcost.workloads import models
    from hwcost.workloads.base import Workload

    given = list(what)
    archs = [one for one in given if isinstance(one, Architecture)]
    if not archs:
        wrong = next((one for one in given if not isinstance(one, Workload)), None)
        if wrong is not None:
            raise UsageError(f"measure takes architectures or workloads, got {type(wrong).__name__}")
        return [one for one in given if isinstance(one, Workload)]
    if len(archs) != len(given) or len({arch.space for arch in archs}) != 1:
        raise UsageError("measure takes architectures of one space, or workloads, but no mixture of them")
    return list(models(space or make_space(archs[0].space), archs, **shape))
