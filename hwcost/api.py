"""The functions behind ``import hwcost``; the command line goes through them or through what they call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hwcost.cost_models import load
from hwcost.errors import UsageError
from hwcost.exchange.options import Names, TableOptions

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
    model: str | Callable[..., Any] | None = None,
    batch_size: int | None = None,
    seq_len: int | None = None,
    dtype: str | None = None,
    threads: int = 1,
    tier: str = "standard",
    rounds: int | None = None,
    blocks: int | None = None,
    arrival: str = "back-to-back",
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
        model: A factory of the user's that builds the architectures, by name (``package.module:factory``) or as a function
            that can be imported; it takes the genes as keyword arguments. None for the space's own builder.
        batch_size: Sequences per call of architectures; None for 1, or for what a factory fixes.
        seq_len: Tokens per sequence of architectures; None for 128, or for what a factory fixes.
        dtype: Number format of architectures; None for float32, or for a factory's own.
        threads: Intra-operator threads.
        tier: ``quick``, ``standard`` or ``strict``: 5, 1 or 0.5 % wanted half-width.
        rounds: Overrides the tier's number of rounds.
        blocks: Least number of timed blocks in a visit, from 4; ten by default. Fewer make slow calls quicker to measure.
        arrival: When calls arrive: ``back-to-back``, ``gap=200ms`` or ``poisson=20/s``; with pauses each is timed by itself.
        budget_s: Seconds after which no further visit is begun.
        wait_s: Seconds to wait for CPUs that other campaigns on this machine hold; no part of ``budget_s``.
        seed: Seed of the order of visits.
        role: Kept with every measurement; cost models learn from ``fit``.
        store: A file or URL; None for the user's default store.
        backend_options: The backend's own options.
        progress: Called before and after every visit.

    Returns:
        The campaign with one measurement per workload.

    Raises:
        DeviceError: When the device is not here, or busy: BusyError names the process that holds the CPUs.
        UsageError: When an argument is wrong, or there are fewer CPUs than threads.
        InterruptedRunError: On Ctrl-C; the campaign can be resumed.
    """
    from hwcost.campaign import run as campaign
    from hwcost.campaign.plan import items
    from hwcost.campaign.planning import planned
    from hwcost.devices import require
    from hwcost.stores import open_store

    shape = {"batch_size": batch_size, "seq_len": seq_len, "dtype": dtype}
    wanted = items(_workloads(what, space, model, shape), role)
    plan = planned(
        wanted, require(device if isinstance(device, str) else device.name), backend,
        tier=tier, rounds=rounds, options=backend_options, threads=threads, seed=seed,
        blocks=blocks, arrival=arrival,
    )  # fmt: skip
    with open_store(store) as opened:
        return campaign.run(opened, campaign.start(plan, opened), budget_s=budget_s, wait_s=wait_s, progress=progress)


def fit(
    source: Any,
    model: str = "hybrid",
    *,
    space: SearchSpace | str | None = None,
    campaign_id: str | None = None,
    drift: Literal["auto", "none"] = "auto",
    categorical: Names = (),
    increasing: Names = (),
    runs: str | None = None,
    latency: str | None = None,
    unit: str | None = None,
    keep: Names = (),
    drop: Names = (),
    id: str | None = None,
    **options: Any,
) -> CostModel:
    """Fits a cost model on a campaign, a store, or a table of latencies.

    Args:
        source: What :func:`measure` returned, a store's path or URL, or a table: the path of a CSV, JSON, Parquet or Excel
            file, a data frame (pandas, polars, pyarrow), a mapping of columns, or a list of dictionaries.
        model: For example ``hybrid``, ``lut``, ``xgboost``, ``lightgbm``, ``ridge`` or ``auto``.
        space: Needed for a table; for a store with several spaces, which of them.
        campaign_id: Which campaign of the store; None for the youngest.
        drift: For a table: ``auto`` takes the machine's moving level out of the rows; ``none`` takes them as they stand.
        categorical: Columns of a table whose numbers name things, for the space ``table``.
        increasing: Columns of a table along which latency cannot fall, likewise.
        runs: A column of a table that names the measuring run of each row.
        latency: Column of a table's latencies, or several with ``+`` between them; None finds it by its name.
        unit: Unit of a table's latencies: ``s``, ``ms``, ``us`` or ``ns``; None takes it from the column's name.
        keep: Columns of a table that are features although they look like names of the rows.
        drop: Columns of a table that are no features.
        id: A column of a table that names each row.
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

    table = TableOptions.of(
        categorical=categorical, increasing=increasing, runs=runs, latency=latency, unit=unit, keep=keep, drop=drop, id=id
    )
    shape = {name: size for name, size in options.items() if name in ("batch_size", "seq_len")}
    if isinstance(source, Result):
        if table.given:
            raise UsageError(f"'{table.given[0]}' is an option of tables, and this is a campaign. Leave it out.")
        rows = data.from_measurements(source.measurements, space, source.store_url, shape)
    else:
        rows = data.read(source, space, campaign_id, table, shape)
    return train(rows, model, drift, **options).model


def evaluate(
    source: Any,
    model: str = "auto",
    *,
    space: SearchSpace | str | None = None,
    train: float = 0.8,
    split: Literal["random", "ordered"] = "random",
    seeds: int = 10,
    drift: Literal["auto", "none"] = "auto",
    campaign_id: str | None = None,
    categorical: Names = (),
    increasing: Names = (),
    runs: str | None = None,
    latency: str | None = None,
    unit: str | None = None,
    keep: Names = (),
    drop: Names = (),
    id: str | None = None,
) -> dict[str, Any]:
    """Judges cost models on rows that they were not fitted on, beside plain baselines.

    Args:
        source: A table as :func:`fit` takes it, or a store whose campaign has measurements with the role ``judge``.
        model: Name of a cost model, or ``all``.
        space: Needed for a table; for a store with several spaces, which of them.
        train: For a table: below 1 the share of rows to fit on, from 2 their number.
        split: For a table: ``random``, or ``ordered``: the first rows.
        seeds: For a table: number of random splits; metrics are medians over them.
        drift: For a table: ``auto`` looks for a moving level in the order of rows; ``none`` takes rows as they stand.
        campaign_id: For a store: which campaign; None for the youngest.
        categorical: Columns of a table whose numbers name things, for the space ``table``.
        increasing: Columns of a table along which latency cannot fall, likewise.
        runs: A column of a table that names the measuring run of each row.
        latency: Column of a table's latencies, or several with ``+`` between them; None finds it by its name.
        unit: Unit of a table's latencies: ``s``, ``ms``, ``us`` or ``ns``; None takes it from the column's name.
        keep: Columns of a table that are features although they look like names of the rows.
        drop: Columns of a table that are no features.
        id: A column of a table that names each row.

    Returns:
        The document of ``hwcost evaluate --json``, without ``schema_version``.

    Raises:
        DataError: When the source holds nothing usable.
        UsageError: When the split leaves too few rows on either side.
    """
    from hwcost.cost_models import data
    from hwcost.cost_models import evaluate as evaluation

    table = TableOptions.of(
        categorical=categorical, increasing=increasing, runs=runs, latency=latency, unit=unit, keep=keep, drop=drop, id=id
    )
    rows = data.read(source, space, campaign_id, table)
    if data.is_store(source):
        return evaluation.evaluate_roles(rows, model)
    return evaluation.evaluate(rows, model, train, split, seeds, drift)


def _workloads(
    what: Iterable[Architecture | Workload],
    space: SearchSpace | None,
    model: str | Callable[..., Any] | None,
    shape: dict[str, Any],
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
        if model is not None:
            raise UsageError("model= builds architectures; a workload already says what is built. Leave model= out")
        return [one.resolved() for one in given if isinstance(one, Workload)]
    if len(archs) != len(given) or len({arch.space for arch in archs}) != 1:
        raise UsageError("measure takes architectures of one space, or workloads, but no mixture of them")
    if space is None and archs[0].space == "custom":
        raise UsageError("architectures of a space of your own do not hold its genes: give measure(..., space=space) too")
    return list(models(space or make_space(archs[0].space), archs, **shape, factory=model))
