"""Results of stages in a run's folder, one file each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from hwcost.errors import DataError
from hwcost.systems.run_folder import Plain, RunFolder
from hwcost.systems.stages import Stage


class Finished(NamedTuple):
    """A stage that has run.

    Attributes:
        result: The stage's result.
        seconds: Seconds that it took.
    """

    result: Any
    seconds: float


class StageFiles:
    """The results of stages.

    Args:
        folder: Folder of the run.
        stages: The stages by name, in order.
    """

    def __init__(self, folder: RunFolder, stages: Mapping[str, Stage[Any]]) -> None:
        self._folder = folder
        self._names = {name: f"stages/{number}-{name}.json" for number, name in enumerate(stages, 1)}

    @property
    def is_complete(self) -> bool:
        """Whether every stage's result is there."""
        return all((self._folder.path / name).exists() for name in self._names.values())

    def read(self, stage: Stage[Any]) -> Finished | None:
        """Returns what was kept; None where the stage is not finished.

        Raises:
            DataError: When it is damaged.
        """
        name = self._names[stage.name]
        return self._decoded(stage, self._folder.read(name)) if (self._folder.path / name).exists() else None

    def keep(self, stage: Stage[Any], result: Any, seconds: float) -> Finished:
        """Writes a result, and returns it as it will be read again.

        Raises:
            ContractError: When it is not a result of the stage.
            StoreError: When the disk is full, or it fails.
        """
        stage.check(result)
        plain = {"seconds": round(seconds, 1), "result": stage.encode(result)}
        self._folder.write(self._names[stage.name], plain)
        return self._decoded(stage, json.loads(json.dumps(plain)))

    def _decoded(self, stage: Stage[Any], plain: Plain) -> Finished:
        try:
            return Finished(stage.decode(plain["result"]), float(plain["seconds"]))
        except (ValueError, LookupError, TypeError) as error:
            path = self._folder.path / self._names[stage.name]
            raise DataError(f"'{path}' is damaged: {error}. Remove it to have the stage run again") from None
