"""Job folders: everything that a machine without hwcost needs to measure a campaign.

::

    run.py, hwcost_agent/   the runner, see :mod:`hwcost.agent`
    job.json                the campaign with its plan, its workloads and its device, for the runner
    rounds.json             number and order of every round
    weights.f32             numbers that all weights are taken from
    inputs/                 inputs of the workloads, raw
    models/                 ONNX files, where the job's runtime takes these
    results.jsonl           what the runner has measured
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._io import write_text
from hwcost.backends.null import Null
from hwcost.campaign.plans import canaries
from hwcost.campaign.plans.plan import Plan
from hwcost.devices import device_kind
from hwcost.elsewhere.nets import description, write_onnx
from hwcost.errors import UsageError
from hwcost.files import cannot_write
from hwcost.stores.schema import Campaign
from hwcost.timing.arrival import Arrival
from hwcost.timing.guards import cache, work
from hwcost.timing.stopping import FixedCount, MedianError

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle
    from hwcost.workloads.base import Workload

FORMAT = 1
"""Version of the folder's format."""

BACKENDS = ("null", "onnxruntime", "torch")
"""Backends whose runtimes the runner knows."""

OPTIONS = {"onnxruntime": ("optimization", "provider", "spinning"), "torch": ()}
"""Options of backends that the runner applies; the law of ``null`` takes its own."""

KINDS = ("cpu", "cuda")
"""Kinds of device that the runner measures on."""

PARTS = ("run.py", "hwcost_agent", "job.json", "rounds.json", "weights.f32", "inputs", "models")
"""Everything that is carried to the other machine, as far as it is there."""

RESULTS = "results.jsonl"


class JobFolder:
    """A job folder on this machine.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def results(self) -> Path:
        """File that the runner writes."""
        return self.path / RESULTS

    @property
    def parts(self) -> list[Path]:
        """Files and folders that are carried to the other machine."""
        return [self.path / name for name in PARTS if (self.path / name).exists()]

    def set_rounds(self, rounds: Mapping[int, Sequence[str]]) -> None:
        """Says which rounds are to be measured, with the order of each; those that have results are not repeated."""
        listed = [{"number": number, "order": list(order)} for number, order in sorted(rounds.items())]
        write_text(self.path / "rounds.json", json.dumps(listed) + "\n")


def write_folder(
    path: Path, plan: Plan, campaign: Campaign | None = None, progress: Callable[[int, int], None] = lambda done, all: None
) -> JobFolder:
    """Writes a job folder with all rounds that a campaign makes in any case.

    Args:
        path: Folder that is made, whole or not at all; it may be there if it is empty.
        plan: Plan of the campaign, for a device that need not be here.
        campaign: Campaign of a store that the results belong to; None for a new one.
        progress: Function that takes the number of workloads that are written, and that of all.

    Raises:
        UsageError: When the folder holds something, or the plan has a backend, a kind of device, a workload or a stopping
            criterion that the runner does not know, or may not be written.
        StoreError: When the disk is full, or it fails.
    """
    check(plan)
    try:
        is_new = not path.exists()
        if not is_new and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"'{path}' holds something already. Give --out an empty folder, or one that is not there")
        with _whole_or_not_at_all(path, is_new):
            path.mkdir(parents=True, exist_ok=True)
            _copy_runner(path)
            _write_job(path, plan, campaign or new_campaign(plan), progress)
            folder = JobFolder(path)
            folder.set_rounds(planned_rounds(plan))
            return folder
    except OSError as error:
        raise cannot_write(f"the job folder '{path}'", error) from None


@contextmanager
def _whole_or_not_at_all(path: Path, is_new: bool) -> Iterator[None]:
    """Leaves a folder as it was, empty or not there, when it cannot be filled."""
    try:
        yield
    except BaseException:
        for one in path.iterdir() if path.is_dir() else ():
            if one.is_dir():
                shutil.rmtree(one, ignore_errors=True)
            else:
                one.unlink(missing_ok=True)
        if is_new and path.is_dir():
            path.rmdir()
        raise


def planned_rounds(plan: Plan) -> dict[int, list[str]]:
    """Returns the order of every round that each workload gets in any case, by its number."""
    keys = list(plan.by_key)
    return {number: canaries.join(plan, plan.order(number, keys)) for number in range(plan.protocol.rounds)}


def new_campaign(plan: Plan) -> Campaign:
    """Makes a campaign of a plan, in no store yet."""
    from hwcost import __version__

    return Campaign(plan=plan.to_dict(), hwcost_version=__version__)


def check(plan: Plan) -> None:
    """Refuses plans that the runner cannot carry out.

    Raises:
        UsageError: When it does not know the backend, one of its options, the kind of device or the stopping criterion.
    """
    if plan.backend not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise UsageError(f"the runner of a job folder has no runtime for backend '{plan.backend}'. Known: {known}")
    known_options = OPTIONS.get(plan.backend, tuple(plan.backend_options))
    for name in plan.backend_options:
        if name not in known_options:
            listed = ", ".join(known_options) or "none"
            raise UsageError(f"the runner of job folders has no option '{name}' of '{plan.backend}'. Known: {listed}")
    kind = None if plan.handle is None else plan.handle.kind
    if kind not in KINDS:
        known = " and ".join(KINDS)
        raise UsageError(f"the runner measures on devices of the kinds {known}, and '{plan.device}' is of the kind {kind}")
    if not isinstance(plan.protocol.stopping, MedianError | FixedCount):
        raise UsageError(f"the runner has no stopping criterion '{plan.protocol.stopping.name}'")


def _copy_runner(path: Path) -> None:
    """Copies the runner's files, which import nothing of hwcost's."""
    source = Path(__file__).resolve().parent.parent / "agent"
    target = path / "hwcost_agent"
    target.mkdir()
    for file in sorted(source.glob("*.py")):
        shutil.copyfile(file, path / "run.py" if file.name == "run.py" else target / file.name)


def _write_job(path: Path, plan: Plan, campaign: Campaign, progress: Callable[[int, int], None]) -> None:
    handle = plan.handle
    assert handle is not None
    every = {**{key: item.workload for key, item in plan.by_key.items()}, **plan.canary_keys}
    described, pool_numbers, buffer_numbers = {}, 0, 0
    if plan.backend != "null":
        buffer_numbers = _write_weights(path)
    for done, (key, workload) in enumerate(every.items()):
        progress(done, len(every))
        own, numbers = _of_backend(path, plan, workload)
        described[key] = {**_common(workload, handle, plan.threads), **own}
        pool_numbers = max(pool_numbers, numbers)
    progress(len(every), len(every))
    job = {
        "format": FORMAT, "hwcost_version": campaign.hwcost_version, "campaign": campaign.model_dump(mode="json"),
        "backend": plan.backend, "backend_options": plan.backend_options, "threads": plan.threads, "pin": plan.pin,
        "seed": plan.seed, "protocol": plan.protocol.to_dict(), "device": _device(handle),
        "arrival": Arrival.parse(plan.protocol.arrival).to_dict(), "buffer_numbers": buffer_numbers,
        "pool_numbers": pool_numbers, "workloads": described,
    }  # fmt: skip
    write_text(path / "job.json", json.dumps(job) + "\n")


def _device(handle: DeviceHandle) -> dict[str, Any]:
    """Returns how the device is recognised, and how long a process that measures on it may be silent.

    The index 0 stands for the first one that answers to the profile.
    """
    profile = handle.profile
    return {
        "name": handle.name, "kind": handle.kind, "index": handle.index or None, "match": profile.to_dict()["match"],
        "cache_bytes": cache.last_cache_bytes(profile), "stall_s": device_kind(handle.kind).stall_s,
    }  # fmt: skip


def _common(workload: Workload, handle: DeviceHandle, threads: int) -> dict[str, Any]:
    return {
        "name": workload.name, "dtype": workload.dtype, "net": None, "places": None, "onnx": None, "inputs": [],
        "bound_s": work.bound_s(workload, handle.profile, threads), "hot_cache": cache.fits_cache(workload, handle.profile),
    }  # fmt: skip


def _of_backend(path: Path, plan: Plan, workload: Workload) -> tuple[dict[str, Any], int]:
    """Returns what the job's runtime needs of a workload, and how many numbers the pool of weights needs for it."""
    if plan.backend == "null":
        return {"law_s": Null(plan.threads, plan.backend_options).law_s(workload)}, 0
    if plan.backend == "torch":
        own, numbers = description(workload)
        return {**own, "inputs": _write_inputs(path, workload)}, numbers
    name = f"models/{workload.key[:16]}.onnx"
    (path / "models").mkdir(exist_ok=True)
    own, numbers = write_onnx(workload, path / name)
    return {**own, "onnx": name, "inputs": _write_inputs(path, workload)}, numbers


def _write_inputs(path: Path, workload: Workload) -> list[dict[str, Any]]:
    """Writes a workload's inputs, each content once, and describes them in call order."""
    (path / "inputs").mkdir(exist_ok=True)
    found = []
    for name, array in workload.inputs().items():
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        file = f"inputs/{hashlib.sha256(data).hexdigest()[:16]}.bin"
        if not (path / file).exists():
            (path / file).write_bytes(data)
        found.append({"name": name, "file": file, "dtype": array.dtype.name, "shape": list(array.shape)})
    return found


def _write_weights(path: Path) -> int:
    """Writes the numbers that all weights are taken from, and returns how many there are."""
    from hwcost._extras import imported

    imported("torch", "torch")
    from hwcost.workloads.weights import buffer

    numbers = buffer().numpy().astype("<f4")
    (path / "weights.f32").write_bytes(numbers.tobytes())
    return int(numbers.size)
