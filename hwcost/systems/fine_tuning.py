"""The fine-tuning of a pipeline's nets on its tasks; a result that is known is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from hwcost.corpora import Tokenizer
from hwcost.supernets.finetuning import TaskTraining, Tuned, fine_tune
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.tuned_folder import load_tuned, save_tuned
from hwcost.supernets.tuning import Grid, Tuning
from hwcost.systems.plan import Training
from hwcost.systems.processes import together
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.task_scores import TaskScore, TaskScores, TaskUsed
from hwcost.systems.training import reporting
from hwcost.tasks import Classes, EncodedTask, Task, encode

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline


Made = Callable[[], nn.Module]


class FineTuning:
    """Fine-tunes nets of a pipeline.

    Args:
        pipeline: The pipeline; its folder keeps the results.
        tokenizer: Tokenizer of the nets.
        tuning: Settings to try.
    """

    def __init__(self, pipeline: Pipeline[Any], tokenizer: Tokenizer, tuning: Tuning) -> None:
        self.pipeline, self.tokenizer, self.tuning = pipeline, tokenizer, tuning
        self._encoded: dict[str, EncodedTask] = {}

    @cached_property
    def _known(self) -> ResultCache:
        return ResultCache(self.pipeline.folder / "fine-tuned.jsonl")

    def score(self, name: str, net: str | Made, task: Task) -> TaskScore:
        """Fine-tunes a net on a task, and returns how well it does with the best settings.

        Args:
            name: Name of the net in results.
            net: Name of the encoder with its weights, which all processes of the run have from the pipeline's ``encoder``
                and fine-tune together; or a function that returns it anew each time, which the first one calls alone.
            task: One of the pipeline's tasks.
        """
        key = f"{name} on {task.name} {task.digest[:16]}"
        return TaskScore(**self._known.get(key, lambda: asdict(self._computed(name, net, task))))

    def scores(self, nets: Mapping[str, str | Made]) -> TaskScores:
        """Fine-tunes nets on every task that the user gave; those that others start from come first.

        Args:
            nets: Encoders by the names of the nets, see :meth:`score`.
        """
        tasks = self.pipeline.tasks if self.pipeline.settings.tasks else ()
        ordered = sorted(tasks, key=lambda one: self._start_of(one) is not None)
        rows = [self.score(name, net, one) for name, net in nets.items() for one in ordered]
        return TaskScores(list(map(TaskUsed.of, tasks)), rows)

    def tuned(self, name: str, make: Made, task: Task) -> Tuned:
        """Fine-tunes a net on a task with every setting, and returns the best.

        Args:
            name: Name of the net in results.
            make: Function that returns the encoder with its weights, anew each time.
            task: One of the pipeline's tasks.
        """
        start, encoded = self._start_of(task), self._encode(task)

        def begin() -> TaskNet:
            model = TaskNet(make(), task.target, self.pipeline.settings.seed)
            if start is not None:
                other = TaskNet(make(), start.target, self.pipeline.settings.seed)
                load_tuned(self._folder(name, start), other)
                model.start_from(other)
            return model

        recipes = self.tuning.grid(task.name).recipes(len(encoded.train))
        report = reporting(self.pipeline, f"fine-tuning {name} on {task.name}")
        return fine_tune(begin, encoded, recipes, report, self.pipeline.began)

    def _computed(self, name: str, net: str | Made, task: Task) -> TaskScore:
        start = self._start_of(task)
        found = tune(self.pipeline, name, net, task.name) if isinstance(net, str) else self.tuned(name, net, task)
        if any(self._start_of(one) is task for one in self.pipeline.tasks):
            save_tuned(self._folder(name, task), found.model, {"task": task.name, "scores": found.scores})
        every = {f"{split} {metric}": value for split, one in found.scores.items() for metric, value in one.items()}
        score = every.pop(f"{task.split} {task.metric}")
        settings = {field: getattr(found.recipe, field) for field in (
            "learning_rate", "batch_size", "steps", "weight_decay", "warmup_steps",
        )}  # fmt: skip
        return TaskScore(
            net=name, task=task.name, metric=task.metric, split=task.split, score=score, others=every,
            start=None if start is None else start.name, tried=len(found.tried), **settings,
        )  # fmt: skip

    def _start_of(self, task: Task) -> Task | None:
        """Returns the task whose fine-tuned net a task starts from; None where there is none, or it is not given."""
        wanted = self.tuning.starts.get(task.name)
        return next((one for one in self.pipeline.tasks if one.name == wanted), None)

    def _folder(self, name: str, task: Task) -> Path:
        return self.pipeline.folder / "tuned" / f"{name}-{task.name}".replace(" ", "-")

    def _encode(self, task: Task) -> EncodedTask:
        if task.name not in self._encoded:
            seq_len = self.tuning.grid(task.name).base.seq_len
            self._encoded[task.name] = encode(task, self.tokenizer, seq_len, self.pipeline.settings.seed)
        return self._encoded[task.name]


@together
def tune(pipeline: Any, name: str, net: str, task: str) -> Tuned:
    """Fine-tunes a net in all processes of a run.

    Args:
        pipeline: The run; its ``fine_tuning`` has the settings, its ``encoder`` the net.
        name: Name of the net in results.
        net: Name of the encoder.
        task: Name of one of the pipeline's tasks.
    """
    own = next(one for one in pipeline.tasks if one.name == task)
    found: Tuned = pipeline.fine_tuning.tuned(name, partial(pipeline.encoder, net), own)
    return found


def planned_tunings(net: Callable[[], nn.Module], tuning: Tuning, vocabulary: int) -> dict[str, Training]:
    """Returns fine-tuning for the plan of its memory, by the names of its recipes in the preset.

    Grids whose steps are alike are one training. The head tells two classes; outputs of others take little more.

    Args:
        net: Function that returns the largest encoder that is fine-tuned.
        tuning: Settings to try.
        vocabulary: Number of word pieces.
    """

    def make(batches: Callable[[int], dict[str, Any]], own: Recipe) -> Any:
        model = TaskNet(net(), Classes(("no", "yes")))
        objective = TaskTraining(model, lambda number: _labelled(batches(number)))
        return model, Phase("fine-tuning", objective, own), ()

    grids = {"tuning.other.base": tuning.other, **{f"tuning.tasks.{name}.base": one for name, one in tuning.tasks.items()}}
    alike: dict[tuple[Any, ...], list[str]] = {}
    for name, one in grids.items():
        sizes = _batch_sizes(one)
        alike.setdefault((sizes, one.base.seq_len, one.base.accumulate, one.base.dtype), []).append(name)
    found = {}
    for (sizes, *_), (name, *others) in alike.items():
        base = grids[name].base
        recipe, divided = replace(base, batch_size=sizes[-1]), (*sizes[:-1], base.batch_size)
        found[name] = Training(recipe, vocabulary, make, batch_sizes=divided, alike=tuple(others))
    return found


def _batch_sizes(grid: Grid) -> tuple[int, ...]:
    """Returns the numbers of sequences in the steps of a grid, the largest last."""
    return tuple(sorted({one.batch_size for one in grid.recipes(examples=1)}))


def _labelled(batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, "labels": batch["is_next"]}
