"""Where a training stands after each step, and the log that it writes of that, one line a step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hwcost._jsonl import append, whole_lines
from hwcost.errors import DataError
from hwcost.files import writing

__all__ = ["LOG", "Progress", "Summary", "keep", "read_log"]

LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands after a step.

    Attributes:
        phase: Name of the phase.
        step: Steps of it that are finished.
        steps: Steps that it has.
        done: Steps of all phases that are finished.
        total: Steps of all phases.
        losses: Loss of every pass by its name, the mean over micro batches.
        tokens: Tokens that the step's passes ran.
    """

    phase: str
    step: int
    steps: int
    done: int
    total: int
    losses: dict[str, float]
    tokens: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What one call of :func:`train` did.

    Attributes:
        steps: Steps that it took; 0 where the training was finished before.
        tokens: Tokens that its passes ran.
        first: The first step.
        last: The last step.
    """

    steps: int = 0
    tokens: int = 0
    first: Progress | None = None
    last: Progress | None = None

    def after(self, state: Progress) -> Summary:
        """Returns the summary with one step more."""
        return Summary(self.steps + 1, self.tokens + state.tokens, self.first or state, state)


def keep(folder: Path, state: Progress) -> None:
    """Writes the progress of a step.

    Raises:
        StoreError: When the disk is full, or it fails.
    """
    with writing(folder / LOG):
        append(folder / LOG, asdict(state))


def read_log(folder: str | Path) -> Iterator[Progress]:
    """Yields the progress that a training wrote, step by step.

    Raises:
        DataError: When there is no log, or it is damaged.
    """
    path = Path(folder) / LOG
    try:
        for line in whole_lines(path):
            yield Progress(**json.loads(line))
    except OSError as error:
        raise DataError(f"there is not a log of a training at '{path}': {error.strerror}") from None
    except (ValueError, TypeError):
        raise DataError(f"'{path}' is not a log of a training, or it is damaged") from None
