"""How a system measures: its device, the calls that it plans, and campaigns that are kept in the run's store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.planning import find_or_create
from hwcost.campaign.run import run as run_campaign
from hwcost.devices import DeviceHandle, elsewhere, require
from hwcost.errors import DeviceError, MeasurementError, UsageError
from hwcost.stores import open_store
from hwcost.systems.campaign_notes import NOTES, CampaignNote
from hwcost.systems.plan import Calls
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.run_folder import STORE
from hwcost.systems.searching import Searching
from hwcost.systems.settings import Measuring, Settings
from hwcost.systems.typed import typed

if TYPE_CHECKING:
    from hwcost.campaign.run import Result as Campaign
    from hwcost.cost_models import CostModel
    from hwcost.timing.measurement import Measurement
    from hwcost.workloads import Workload


class Campaigns(Searching):
    """The part of a pipeline that measures.

    Attributes:
        device: The device that latencies are measured on, or planned for.
        measures: Whether latencies are measured; not where a cost model is given, unless a device is named and here.
    """

    device: DeviceHandle
    measures: bool
    _stage: str

    def calls(self) -> list[Calls]:
        """Returns what is measured, by stage and shape; by default one row per sequence length."""
        return [self.planned_calls(None, None, length) for length in self.preset.measuring.lengths]

    def planned_calls(self, stage: str | None, nets: int | None, seq_len: int | None = None) -> Calls:
        """Describes calls that a stage measures.

        Args:
            stage: Name of the stage; None where it is not known.
            nets: Largest number of nets, or of stacks of components; None where it is not known.
            seq_len: Number of tokens in a sequence; None for the longest.
        """
        shape = self.preset.measuring.shape(seq_len)
        return Calls(stage=stage, nets=nets, **shape, backend=self.settings.backend, device=self.device.name)

    def measured(
        self, workloads: Sequence[Workload], role: str = "fit", rounds: int | None = None
    ) -> Sequence[Measurement]:
        """Returns what :meth:`measure` finds; nothing where nothing is measured."""
        return self.measure(workloads, role, rounds).measurements if self.measures else ()

    def measure(self, workloads: Sequence[Workload], role: str = "fit", rounds: int | None = None) -> Campaign:
        """Measures workloads in a campaign of their own, or resumes it; what it says of itself is kept in :attr:`notes`.

        Args:
            workloads: Workloads to measure.
            role: Role of the measurements: cost models are fitted on ``fit``.
            rounds: Number of rounds; None for the preset's.

        Raises:
            MeasurementError: When no measurement is usable.
        """
        settings, measuring = self.settings, self.preset.measuring
        plan = MeasureOptions(
            device=self.device, backend=settings.backend, threads=settings.threads, tier=measuring.tier,
            rounds=measuring.rounds if rounds is None else rounds, seed=settings.seed, role=role,
            quantities=self.quantities(),
        ).plan(workloads)  # fmt: skip
        with open_store(self.folder / STORE) as store:
            result = run_campaign(
                store, find_or_create(plan, store), budget_s=measuring.budget_s,
                progress=lambda state: self.say(state.waiting or "measuring", state.done, state.planned),
                remark=lambda text: self.say("measuring", remark=text), advice="The same command resumes the run.",
            )  # fmt: skip
        if all(one.latency_s is None for one in result.measurements):
            flags = [flag for one in result.measurements for flag in one.flags]
            raise MeasurementError(f"no measurement is usable. The first reason: {flags[0] if flags else '-'}")
        kept = ResultCache(self.folder / NOTES)
        kept.get(f"{self._stage} {result.campaign_id}", lambda: asdict(CampaignNote.of(self._stage, result)))
        return result

    @property
    def notes(self) -> list[CampaignNote]:
        """What the campaigns of this run say of themselves, in the order that they ended in."""
        return [typed(CampaignNote, one) for one in ResultCache(self.folder / NOTES).values()]


def device_of(settings: Settings, is_given: bool, is_planned: bool) -> tuple[DeviceHandle, bool]:
    """Returns the device of a run, and whether it measures.

    Args:
        settings: The user's choices.
        is_given: Whether a cost model is given, with which the device may be absent.
        is_planned: Whether the device is only planned for, and need not be here.

    Raises:
        DeviceError: When it is not here.
    """
    named = settings.device
    if is_planned or (is_given and named is None):
        return elsewhere(named or "cpu"), named is not None or not is_given
    try:
        return require(named or "cpu"), True
    except DeviceError:
        if not is_given:
            raise
        return elsewhere(named or "cpu"), False


def check_shapes(costs: Mapping[str, CostModel], measuring: Measuring) -> None:
    """Refuses a cost model of another shape than its predictions would be compared with.

    Raises:
        UsageError: When the shape that a cost model predicts is not measured.
    """
    for cost in costs.values():
        of_model = {name: cost.provenance.get(name) for name in ("batch_size", "seq_len")}
        is_same = of_model["batch_size"] in (None, measuring.batch_size)
        if not is_same or of_model["seq_len"] not in (None, *measuring.lengths):
            raise UsageError(
                f"the cost model predicts calls of {of_model['batch_size']} x {of_model['seq_len']} tokens, and winners "
                f"would be measured at {measuring.batch_size} x {', '.join(map(str, measuring.lengths))}. Set "
                "measuring.batch_size and measuring.seq_lens to the model's, or name no device: nothing is measured then"
            )
