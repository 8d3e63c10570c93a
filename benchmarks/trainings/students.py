"""All 576 students of AutoDistill at scale ``mini``: their distillations and their latencies, kept one by one."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch import nn
from trainings.kept_rows import add_row, read_rows

import hwcost
from hwcost.corpora import MlmBatches, Tokenizer, corpus
from hwcost.spaces import Architecture
from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.candidates import Candidates
from hwcost.supernets import subnet
from hwcost.supernets.distillation import Distillation, Schedule, TeacherTraining
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.student import student, student_blueprint, teacher
from hwcost.supernets.text_quality import text_quality
from hwcost.supernets.training import Phase, train

SEED = 17
"""Chooses nets, batches and weights; fixed before any of them was trained."""

LENGTH, TEACHER_BATCH, BATCH = 32, 32, 16
TEACHER = Recipe(steps=1500, batch_size=TEACHER_BATCH, seq_len=LENGTH, learning_rate=1e-3, warmup_steps=150, clip=1.0)
STUDENT = Recipe(steps=1, batch_size=BATCH, seq_len=LENGTH, learning_rate=3e-3, clip=1.0)
FLASH = Schedule(4, 34, 3)
"""Progressive against pre-training steps as 0.47 to 1; the ratio of all cases in Figure 5 is 0.48."""
RATIO = 20
"""Ratio of regular to flash distillation (section 4.1: 740,000 and 37,000 steps)."""
SHARES = (0.0125, 0.025, 0.05, 0.1)
"""Shares of the regular steps in Figure 5."""
SAMPLE = 20
"""Number of students that are distilled regularly, MobileBERT's place among them."""
SHARE_SEEDS = (17, 18, 19)
QUALITIES = ("perplexity", "mlm_accuracy", "nsp_accuracy")
"""Figures of a distilled student on held-out text."""
HELD_OUT = 16
"""Number of held-out batches."""
MEASURED_BATCH, ROUNDS, CALLS = 16, 15, 4
"""Sequences of a measured call; visits of every student; timed calls of a visit."""
TABLE = Path(__file__).parents[2] / "hwcost" / "testing" / "autodistill_table.json"


class Students:
    """The space, the text, the teacher, and the folder that results are kept in.

    Args:
        folder: Folder of the results.
        seconds: Time after which a stage begins no further student.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.ends = folder, time.monotonic() + seconds
        self.space = AutoDistill(scale="mini")

    def text(self, batch_size: int) -> tuple[MlmBatches, MlmBatches, str]:
        """Returns batches to train on, held-out ones, and the digest of the training text."""
        training, held_out = corpus("stdlib").split(0.1)
        tokenizer = Tokenizer.train(training, self.space.sizes.vocabulary)
        judged = MlmBatches(held_out, tokenizer, LENGTH, TEACHER_BATCH, seed=SEED + 1, next_sentence=True)
        batches = MlmBatches(training, tokenizer, LENGTH, batch_size, seed=SEED, next_sentence=True)
        return batches, judged, training.digest

    @cached_property
    def batches(self) -> dict[str, list[dict[str, Any]]]:
        """All batches to distil on, and held-out ones, encoded once and kept in ``batches.npz``."""
        path = self.folder / "batches.npz"
        if not path.exists():
            training, judged, digest = self.text(BATCH)
            made = {"training": training.fixed(FLASH.scaled(RATIO).pretraining_steps), "judged": judged.fixed(HELD_OUT)}
            stacked = {
                f"{kind} {name}": np.stack([one[name] for one in rows]) for kind, rows in made.items() for name in rows[0]
            }
            np.savez(path, digest=np.array(digest), **stacked)
        found: dict[str, list[dict[str, Any]]] = {}
        with np.load(path) as arrays:
            for label in arrays.files:
                kind, _, name = label.partition(" ")
                for number, array in enumerate(arrays[label] if name else ()):
                    rows = found.setdefault(kind, [])
                    rows += [{}] if number == len(rows) else []
                    rows[number][name] = array
        return found

    def batch(self, number: int) -> dict[str, Any]:
        """Returns a batch to distil on."""
        return self.batches["training"][number]

    @cached_property
    def teacher(self) -> nn.Module:
        """The trained teacher; its quality is kept in ``teacher.json``."""
        net = teacher(self.space, SEED)
        kept, weights = self.folder / "teacher.json", self.folder / "teacher.safetensors"
        if not weights.exists():
            batches, _, digest = self.text(TEACHER_BATCH)
            pretraining = TeacherTraining(net, self.space.sizes.teacher[0], batches.batch)
            about = {"what": "teacher", "corpus": digest, "seed": SEED}
            train(pretraining, [Phase("teacher", pretraining, TEACHER)], self.folder / "teacher", about, 500)
            found = asdict(text_quality(net, self.batches["judged"], pretraining.next_sentence))
            kept.write_text(json.dumps(found | {"corpus": digest}) + "\n", encoding="utf-8")
            subnet.write_tensors(weights, net.state_dict())
        net.load_state_dict(subnet.read_tensors(weights))
        net.forward = _remembering(net.forward)  # type: ignore[method-assign]
        return net

    def distilled(self, arch: Architecture, schedule: Schedule, seed: int = SEED) -> dict[str, Any]:
        """Distils a student; returns its quality on held-out text and the seconds that it took."""
        started = time.monotonic()
        net = student(self.space, arch, seed=seed)
        pair = Distillation(net, self.teacher, seed)
        train(pair, pair.phases(self.batch, schedule, STUDENT))
        spent = time.monotonic() - started
        return asdict(text_quality(net, self.batches["judged"], pair.next_sentence)) | {"seconds": round(spent, 2)}

    def keep(self, name: str, wanted: Iterable[str], work: Callable[[str], dict[str, Any]]) -> None:
        """Works on what is wanted and not yet in a file of JSON lines, until the time is over."""
        path = self.folder / f"{name}.jsonl"
        known, items = set(self.kept(name)), list(wanted)
        for item in items:
            if item in known:
                continue
            if time.monotonic() > self.ends:
                break
            add_row(path, {"item": item, **work(item)})
            known.add(item)
        print(f"{name}: {len(known)} of {len(items)}", flush=True)

    def kept(self, name: str) -> dict[str, dict[str, Any]]:
        """Returns the finished rows of a stage by their item."""
        return {row.pop("item"): row for row in read_rows(self.folder / f"{name}.jsonl")}

    @property
    def everything(self) -> list[Architecture]:
        """The 576 students in the order of the space."""
        return list(Candidates.all(self.space).architectures)

    @property
    def sample(self) -> list[str]:
        """Keys of the students that are distilled regularly: MobileBERT's place, then a spread sample."""
        drawn = self.space.sample(SAMPLE - 1, seed=SEED, design="spread")
        return list(dict.fromkeys(self.space.key(arch) for arch in [self.space.mobilebert, *drawn]))


def distil(students: Students) -> None:
    """Distils all students, those of the regular sample first, the others in a seeded order."""
    keys = [students.space.key(arch) for arch in students.everything]
    order = np.random.default_rng(SEED).permutation(len(keys))
    wanted = dict.fromkeys([*students.sample, *(keys[place] for place in order)])
    students.keep("flash", wanted, lambda key: students.distilled(students.space.parse(key), FLASH))


def regular(students: Students) -> None:
    """Distils the sample regularly."""
    schedule = FLASH.scaled(RATIO)
    students.keep("regular", students.sample, lambda key: students.distilled(students.space.parse(key), schedule))


def shares(students: Students) -> None:
    """Distils MobileBERT's place for each share of the regular steps, and from each seed."""
    arch = students.space.mobilebert

    def work(item: str) -> dict[str, Any]:
        share, seed = item.split()
        return students.distilled(arch, FLASH.scaled(float(share) * RATIO), int(seed))

    students.keep("shares", [f"{share} {seed}" for seed in SHARE_SEEDS for share in SHARES], work)


def _remembering(forward: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Makes a frozen net remember its outputs on the batches of flash distillation, which all students share."""
    known: dict[int, torch.Tensor] = {}

    def answer(*given: torch.Tensor) -> torch.Tensor:
        place = given[0].data_ptr()  # batches stay in memory, so that an address tells which one it is
        if place in known:
            return known[place]
        found = forward(*given)
        if len(known) < FLASH.pretraining_steps:
            known[place] = found
        return found

    return answer


def measure(students: Students) -> None:
    """Times all students in rounds, each in an order of its own, until the time is over or all rounds are done.

    A visit builds a student, calls it once untimed, and keeps the least of some timed calls, which a neighbour on the
    machine disturbs least. Interleaved rounds spread what drifts over all students alike.
    """
    arguments, everything = bert_inputs(students.space), students.everything

    def work(item: str) -> dict[str, Any]:
        order = np.random.default_rng([SEED, int(item)]).permutation(len(everything))
        archs = [everything[place] for place in order]
        return {"least_s": {students.space.key(arch): _least_s(students, arch, arguments) for arch in archs}}

    students.keep("rounds", map(str, range(ROUNDS)), work)


def bert_inputs(space: AutoDistill) -> tuple[torch.Tensor, ...]:
    """Returns a call's token numbers, mask and types, drawn by the seed."""
    shape = (MEASURED_BATCH, LENGTH)
    ids = torch.from_numpy(np.random.default_rng(SEED).integers(5, space.sizes.vocabulary, shape))
    return ids, torch.ones(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)


def _least_s(students: Students, arch: Architecture, arguments: tuple[torch.Tensor, ...]) -> float:
    net = student_blueprint(students.space, arch).build().eval()
    found = []
    with torch.inference_mode():
        for _ in range(1 + CALLS):
            started = time.perf_counter()
            net(*arguments)
            found.append(time.perf_counter() - started)
    return min(found[1:])


def write(students: Students) -> None:
    """Writes the table into the package."""
    keys, flash, rounds = map(students.space.key, students.everything), students.kept("flash"), students.kept("rounds")
    latencies = latency_intervals([row["least_s"] for row in rounds.values()])
    document = {
        "provenance": provenance(students, len(rounds)),
        "columns": {
            "students": ["arch", "latency_s", "low_s", "high_s", *QUALITIES], "regular": ["arch", *QUALITIES],
            "shares": ["share", "seed", *QUALITIES],
        },
        "students": [[key, *map(_short, latencies[key]), *_qualities(flash[key])] for key in keys],
        "regular": [[key, *_qualities(row)] for key, row in students.kept("regular").items()],
        "shares": [[*map(json.loads, item.split()), *_qualities(row)] for item, row in students.kept("shares").items()],
    }  # fmt: skip
    lines = [f'"{name}": {_lines(value)}' for name, value in document.items()]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{TABLE}: {TABLE.stat().st_size} bytes")


def latency_intervals(rounds: list[dict[str, float]]) -> dict[str, tuple[float, float, float]]:
    """Returns the median of each student's seconds over rounds, and the order statistics beside it.

    Args:
        rounds: Seconds by student, one a round.

    Returns:
        Median, low and high end by student; the true median lies between the ends in 95 of 100 cases.
    """
    found, outer, last = {}, int(stats.binom.ppf(0.025, len(rounds), 0.5)), len(rounds) - 1
    for key in rounds[0]:
        ordered = sorted(row[key] for row in rounds)
        found[key] = (float(np.median(ordered)), ordered[max(outer - 1, 0)], ordered[min(len(rounds) - outer, last)])
    return found


def provenance(students: Students, rounds: int) -> dict[str, Any]:
    """Says from what the table was made, on what, and how."""
    return {
        "made_by": "benchmarks/autodistill_table.py", "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "versions": {
            "hwcost": hwcost.__version__, "python": platform.python_version(), "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "machine": {
            "device": "cpu", "model": detect_cpu(), "threads": 1,
            "load": "shared with other jobs while distilling and measuring",
        },
        "space": {"name": students.space.name, **students.space.options()},
        "text": {"corpus": "stdlib", "held_out": 0.1, "held_out_batches": HELD_OUT, "seq_len": LENGTH},
        "teacher": asdict(TEACHER) | json.loads((students.folder / "teacher.json").read_text(encoding="utf-8")),
        "student": asdict(STUDENT), "flash": asdict(FLASH), "regular": asdict(FLASH.scaled(RATIO)), "seed": SEED,
        "shares": {"net": students.space.key(students.space.mobilebert), "seeds": SHARE_SEEDS},
        "latency": {
            "batch_size": MEASURED_BATCH, "seq_len": LENGTH, "dtype": "float32", "runtime": "torch, eager",
            "rounds": rounds, "calls": CALLS,
            "estimate": "median over interleaved rounds of the least of the calls in a visit, with the order statistics "
            "between which that median lies in 95 of 100 cases; not a campaign of hwcost's",
        },
    }  # fmt: skip


def detect_cpu() -> str:
    """Returns the name of the processor, as far as the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _qualities(row: dict[str, float]) -> list[float]:
    return [_short(row[name]) for name in QUALITIES]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _lines(value: Any) -> str:
    """Returns JSON with a row of a table on each line."""
    if not isinstance(value, list):
        return json.dumps(value, indent=1)
    return "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]"


STAGES: dict[str, Callable[[Students], None]] = {
    "distil": distil, "regular": regular, "shares": shares, "measure": measure, "write": write,
}  # fmt: skip
