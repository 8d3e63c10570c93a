"""The functions behind ``import hwcost``; the command line goes through them or through what they call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hwcost._arguments import DURATION, FUNCTION, TEXT, TEXTS, WAIT, WHOLE, Kind, check, of_type
from hwcost.cost_models import load
from hwcost.errors import UsageError
from hwcost.exchange.options import DEFAULTS, TableOptions
from hwcost.quantities import LATENCY, selected

__all__ = ["device", "evaluate", "fit", "load", "measure", "plan"]

if TYPE_CHECKING:
    from hwcost.campaign.options import MeasureOptions
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.run import Progress, Result
    from hwcost.cost_models.base import CostModel
    from hwcost.cost_models.priors.source import Source
    from hwcost.devices import DeviceHandle, DeviceProfile
    from hwcost.elsewhere import JobFolder
    from hwcost.spaces.base import Architecture, SearchSpace
    from hwcost.timing.stopping import StoppingCriterion
    from hwcost.workloads.base import Workload


def _is_model(given: Any) -> bool:
    from hwcost.cost_models.base import CostModel

    return isinstance(given, str) or (isinstance(given, type) and issubclass(given, CostModel))


MODEL = Kind("the name of a cost model, or a class of your own that derives from hwcost.cost_models.CostModel", _is_model)


def device(name: str = "cpu") -> DeviceProfile:
    """Loads a device profile; ``cpu`` is whatever CPU this is, with the facts found here.

    Args:
        name: Name of a known profile, or the path of a ``.toml`` file. Any profile loads anywhere; measuring needs the
            device.

    Raises:
        UnknownNameError: When no profile has that name; lists the known ones.
    """
    from hwcost.devices import resolve

    return resolve(name)


def measure(
    what: Iterable[Architecture | Workload] | SearchSpace,
    device: DeviceHandle | DeviceProfile | str = "cpu",
    *,
    few: int | None = None,
    prior: Any = None,
    backend: str = "torch",
    space: SearchSpace | None = None,
    model: str | Callable[..., Any] | None = None,
    batch_size: int | Sequence[int] | None = None,
    seq_len: int | Sequence[int] | None = None,
    dtype: str | None = None,
    threads: int = 1,
    tier: str = "standard",
    rounds: int | None = None,
    blocks: int | None = None,
    arrival: str = "back-to-back",
    cache: str = "hot",
    stopping: StoppingCriterion | None = None,
    budget_s: float | None = None,
    wait_s: float = 600.0,
    seed: int = 0,
    pin: bool = True,
    role: str = "fit",
    store: str | Path | None = None,
    backend_options: Mapping[str, Any] | None = None,
    until: str | Sequence[str] | None = None,
    quantities: str | Sequence[str] = (),
    lock_clocks: bool = False,
    on: str | None = None,
    progress: Callable[[Progress], None] = lambda state: None,
    remark: Callable[[str], None] | None = None,
) -> Result:
    """Measures architectures or workloads in randomised rounds of fresh processes, and keeps every sample.

    Args:
        what: Architectures of one space (with ``space``, also their genes, mappings by gene or keys), or workloads as they
            are; with ``few``, architectures to choose among, or a space of which a sample is drawn to choose among.
        device: Name of a device that is here, ``NAME:INDEX`` for one of several, the path of a ``.toml`` file, a profile or
            a handle.
        few: Number of architectures, from 3, that are chosen because they tell most about a new device, given ``prior``;
            with a goal about cost models, the most that are measured. None to measure all of ``what``.
        prior: Cost models of other devices, as :func:`fit` takes them; needed by ``few``, and by nothing else.
        backend: Runtime that executes the workloads, for example ``torch``, ``onnxruntime`` or ``openvino``.
        space: Space as whose architectures these are built; None for the space that made them, with its options.
        model: Factory of the user's that builds the architectures, by name (``package.module:factory``) or as a function
            that can be imported; it takes the genes as keyword arguments. None for the space's own builder.
        batch_size: Sequences per call of architectures, or several such numbers; None for the device's default, or for the
            size that a factory fixes. Every architecture is measured at every batch size and every sequence length.
        seq_len: Tokens per sequence of architectures, or several such numbers; None for the device's default, or for the
            length that a factory fixes.
        dtype: Number format of architectures; None for the device's default, or for a factory's own.
        threads: Intra-operator threads.
        tier: Precision: ``quick``, ``standard`` or ``strict`` for relative half-widths of 5, 1 or 0.5 %.
        rounds: Exact number of rounds; None for the tier's number, with further rounds until the half-width is reached.
        blocks: Least number of timed blocks in a visit, from 4; ten by default. Fewer make slow calls quicker to measure.
        arrival: Arrival of calls: ``back-to-back``, ``gap=200ms`` or ``poisson=20/s``; with pauses, each call is timed by
            itself.
        cache: State of the device's caches before a call, ``hot`` or ``cold``.
        stopping: Criterion by which a visit stops, see :mod:`hwcost.timing.stopping`; None for the tier's.
        budget_s: Seconds that the rounds share, a positive number; two rounds at least are made. None for no limit.
        wait_s: Seconds to wait for CPUs that other campaigns on this machine hold; they do not count for ``budget_s``.
        seed: Seed of the order of visits.
        pin: Whether measuring processes are bound to CPUs.
        role: Role that is kept with every measurement: ``fit`` (cost models learn from it), ``test`` and ``uniform`` (kept
            aside to test them), ``component``, ``check`` or ``winner``.
        store: File or URL of the store; None for the user's default store.
        backend_options: Options of the backend by name.
        until: Goal by which the campaign ends, or several that must all hold: ``half-width<=1%`` (every interval),
            ``mape<=2%`` or ``r2>=0.95`` (cross-validated, of the cost model that would be fitted; ``mape:lut<=2%`` names
            another one), ``interval<=3%`` (the typical half-width of that model's interval). None for the tier's
            half-width.
        quantities: Quantities that are asked for beside latency, such as ``energy_j``. Rates and shares follow from the
            latency and are always known; energy and memory are measured where they are asked for.
        lock_clocks: Whether the clock of a GPU is locked near 80 % of its highest meanwhile; it is reset in any case.
        on: Address of the machine that measures, such as ``ssh://user@host``, or of a queue, such as ``slurm://partition``;
            what measures needs no hwcost. None for this machine.
        progress: Callback after every pass.
        remark: Function that gets lines on how long it takes: beforehand where that is long, and after the first passes;
            None for no remarks.

    Returns:
        The campaign with one measurement per workload.

    Raises:
        DeviceError: When the device is not here, its clock cannot be locked, or it is busy: BusyError names the process that
            holds the CPUs.
        UsageError: When an argument is wrong, architectures were made with differing options of their space, there are fewer
            CPUs than threads, or a goal cannot be judged for what is measured.
        DataError: When a prior is of another space, or there are too few different architectures to choose among.
        InterruptedRunError: On Ctrl-C; the campaign can be resumed.
    """
    from hwcost.campaign.goals.goal import read_goals
    from hwcost.campaign.options import JobOptions, MeasureOptions
    from hwcost.cost_models.evaluation.goals import GOALS
    from hwcost.spaces.base import SearchSpace

    given = {"space": space, "budget_s": budget_s, "wait_s": wait_s, "progress": progress, "remark": remark, "few": few}
    check(given, space=of_type("a search space", SearchSpace).or_none, budget_s=DURATION.or_none, wait_s=WAIT)
    check(given, progress=FUNCTION, remark=FUNCTION.or_none, few=WHOLE.or_none)
    check({"until": until, "quantities": quantities, "on": on}, until=TEXTS.or_none, quantities=TEXTS, on=TEXT.or_none)
    goals = read_goals([until] if isinstance(until, str) else until or (), GOALS)
    options = (MeasureOptions if on is None else JobOptions)(
        device=device, backend=backend, backend_options=backend_options or {}, batch_size=batch_size, seq_len=seq_len,
        dtype=dtype, threads=threads, tier=tier, rounds=rounds, blocks=blocks, arrival=arrival, cache=cache,
        stopping=stopping, seed=seed, pin=pin, role=role, until=goals, quantities=selected(quantities),
        lock_clocks=lock_clocks,
    )  # fmt: skip
    planned = _planned(what, options, space, model, few, prior)
    how: dict[str, Any] = {"budget_s": budget_s, "wait_s": wait_s, "progress": progress, "remark": remark}
    return _run(planned, store, on, goals=GOALS, **how)


def _planned(
    what: Iterable[Architecture | Workload] | SearchSpace,
    options: MeasureOptions,
    space: SearchSpace | None,
    factory: str | Callable[..., Any] | None,
    few: int | None,
    prior: Any,
) -> Plan:
    """Plans a campaign of everything, or of the few architectures that tell most."""
    from hwcost.campaign.targets import architectures, workloads
    from hwcost.cost_models.priors.plan import plan_few
    from hwcost.spaces.base import SearchSpace

    if few is None and prior is not None:
        raise UsageError("prior= says by which models few=N architectures are chosen; give few= too, or leave out prior=")
    if few is None:
        return options.plan(workloads(what, options, space, factory))
    if prior is None:
        raise UsageError("few= chooses by models of other devices: give prior= too, such as prior='auto'")
    if isinstance(what, SearchSpace):
        return plan_few(what, prior, few, options, factory=factory)[0]
    made, archs = architectures(what, space)
    return plan_few(made, prior, few, options, archs, factory=factory)[0]


def _run(planned: Plan, store: str | Path | None, on: str | None, **how: Any) -> Result:
    """Runs a campaign from its start, on this machine or another one."""
    from hwcost.campaign import run as campaign
    from hwcost.stores import open_store
    from hwcost.stores.schema import measured_on

    if on is not None:
        from hwcost.elsewhere import admit, measure_on
        from hwcost.elsewhere.transports import transport

        place = transport(on)
        admit(planned, place)
    with open_store(store) as opened:
        started = campaign.start(planned, opened, extra=measured_on(on))
        return campaign.run(opened, started, **how) if on is None else measure_on(place, opened, started, **how)


def plan(
    what: Iterable[Architecture | Workload],
    device: DeviceHandle | DeviceProfile | str,
    out: str | Path,
    *,
    space: SearchSpace | None = None,
    **options: Any,
) -> JobFolder:
    """Writes a job folder for a machine that has the device and no hwcost; ``run.py`` in it measures there.

    Args:
        what: Architectures of one space, or workloads as they are.
        device: Device that need not be here, as :func:`measure` takes it.
        out: Folder that is made.
        space: Space as whose architectures these are built; None for the space that made them, with its options.
        **options: Further attributes of :class:`hwcost.MeasureOptions`, such as ``backend``, ``batch_size`` or ``tier``.

    Returns:
        The folder. ``hwcost import`` takes its results into a store.

    Raises:
        UsageError: When an argument is wrong, the folder holds something, or the runner of job folders does not know the
            backend, the kind of device or a workload.
        StoreError: When the folder cannot be written.
    """
    from hwcost.campaign.options import JobOptions
    from hwcost.campaign.targets import workloads
    from hwcost.elsewhere import write_folder
    from hwcost.spaces.base import SearchSpace

    check({"space": space}, space=of_type("a search space", SearchSpace).or_none)
    known = [field.name for field in fields(JobOptions) if field.name not in ("device", "until")]
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        raise UsageError(f"plan has no option '{unknown}'. Known: {', '.join(known)}")
    chosen = JobOptions(device=device, **options)
    return write_folder(Path(out), chosen.plan(workloads(what, chosen, space)))


def fit(
    source: Any,
    model: str | type[CostModel] = "hybrid",
    *,
    space: SearchSpace | str | None = None,
    campaign_id: str | None = None,
    drift: Literal["auto", "none"] = "auto",
    table: TableOptions = DEFAULTS,
    quantity: str = LATENCY,
    prior: Any = None,
    **options: Any,
) -> CostModel:
    """Fits a cost model on a campaign, a store, or a table of latencies.

    Args:
        source: Result of :func:`measure`, a store's path or URL, or a table: the path of a CSV, JSON, Parquet or Excel
            file, a data frame (pandas, polars, pyarrow), a mapping of columns, or a list of dictionaries.
        model: Name of a cost model, for example ``hybrid``, ``lut``, ``xgboost``, ``lightgbm``, ``ridge`` or ``auto``;
            or a class of your own.
        space: Search space of a table, or the one that is meant of several in a store.
        campaign_id: Campaign of the store; None for the latest that has rows to fit on.
        drift: Treatment of a table's order: ``auto`` takes the machine's moving level out of the rows, ``none`` takes them
            as they stand.
        table: Options for the columns of a table.
        quantity: Quantity of a campaign that is learnt, such as ``energy_j``; a table holds latencies.
        prior: Cost models of other devices, with which three measurements are enough: a fitted model, the folder of one,
            ``auto`` for what ships with the space, or a list of these. The model is then ``prior``. None for no prior.
        **options: Options of the cost model; ``batch_size`` and ``seq_len`` also choose among the shapes of a campaign.

    Returns:
        The fitted model, with an interval from cross-validation where there are enough rows. Only measurements with the role
        ``fit`` are used.

    Raises:
        DataError: When the source holds nothing that can be fitted, or a prior is of another space or quantity.
        UnknownNameError: When no cost model, or no quantity, has that name.
        UsageError: When an option belongs to another kind of source, or to no model.
    """
    from hwcost.cost_models import data
    from hwcost.cost_models.priors.fit import fit_with_prior
    from hwcost.cost_models.training.train import train

    _refuse_misplaced(options)
    check({"quantity": quantity}, quantity=TEXT)
    check({"model": model, "table": table}, model=MODEL, table=of_type("hwcost.TableOptions(...)", TableOptions))
    shape = {name: size for name, size in options.items() if name in ("batch_size", "seq_len")}
    if prior is not None:
        check({"model": model}, model=TEXT)
        return fit_with_prior(source, prior, str(model), space, campaign_id, drift, table, quantity, **options).model
    rows = data.rows_of(source, space, campaign_id, table, shape, quantity)
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
    table: TableOptions = DEFAULTS,
    shape: Mapping[str, int] | None = None,
    quantity: str = LATENCY,
    prior: Any = None,
) -> dict[str, Any]:
    """Judges cost models on rows that they were not fitted on, beside plain baselines.

    Args:
        source: Table as :func:`fit` takes it, or a store whose campaign has measurements with the role ``test``.
        model: Name of a cost model, or ``all``.
        space: Search space of a table, or the one that is meant of several in a store.
        train: Rows of a table to fit on: their share below 1, their number from 2.
        split: Split of a table: ``random``, or ``ordered`` for fitting on the first rows.
        seeds: Number of random splits of a table; metrics are medians over them.
        drift: Treatment of a table's order: ``auto`` looks for a moving level, ``none`` takes rows as they stand.
        campaign_id: Campaign of the store; None for the latest that has rows to fit on.
        table: Options for the columns of a table.
        shape: ``batch_size`` and ``seq_len`` of the rows to take from a campaign with several shapes.
        quantity: Quantity of a campaign that is judged, such as ``energy_j``; a table holds latencies.
        prior: Cost models of other devices as :func:`fit` takes them, with which the cost model ``prior`` is judged too.

    Returns:
        The document of ``hwcost evaluate --json``, without ``schema_version``.

    Raises:
        DataError: When the source holds nothing usable.
        UsageError: When the split leaves too few rows on either side.
    """
    from hwcost.cost_models import data
    from hwcost.cost_models.evaluation import evaluate as evaluation
    from hwcost.cost_models.priors.fit import read_with_prior

    sources: list[Source] = []
    if prior is None:
        rows = data.read(source, space, campaign_id, table, shape, quantity)
    else:
        rows, sources = read_with_prior(
            source, prior, space=space, campaign_id=campaign_id, table=table, quantity=quantity, options=shape
        )
    if data.is_store(source):
        return evaluation.evaluate_roles(rows, model, prior=sources)
    return evaluation.evaluate(rows, model, train, split, seeds, drift, prior=sources)


def _refuse_misplaced(options: Mapping[str, Any]) -> None:
    """Refuses options of a table among those of a model, and says where they belong."""
    misplaced = [field.name for field in fields(TableOptions) if field.name in options]
    if misplaced:
        shown = ", ".join(f"{name}={options[name]!r}" for name in misplaced)
        raise UsageError(f"'{misplaced[0]}' is an option of tables, not of a model: give table=hc.TableOptions({shown})")
