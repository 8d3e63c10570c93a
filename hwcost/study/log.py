"""The append-only log of a study: asks and trials, a line each, written before they are used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO

from hwcost._jsonl import dumped, opened, whole_lines
from hwcost.agent.locks import CannotLockError, FileLock, described
from hwcost.errors import BusyError, DataError, OtherSettingsError, StoreError
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import SearchSpace

VERSION = 2
"""Version of the format; logs of other versions are refused."""

CODE = "code_sha256"
"""Entry of the first line with a hash of the code of each cost function; logs of earlier releases have none."""


class Log:
    """A JSON Lines file, held by one search at a time; one that is cut short loses its last line only.

    Args:
        path: File of the log; None keeps nothing.
        space: Space of the architectures.
        about: Description of the search, plain JSON. A file of another search is refused.
        code: Name of each cost function and a hash of its code, None where that is not known. A file whose scores other code
            gave is refused.

    Attributes:
        asked: Asks of an earlier run: the number that each was for, and the architectures that it gave.

    Raises:
        BusyError: When another search keeps this file meanwhile.
        DataError: When the file is of another search, of another version of the format, or damaged.
        StoreError: When it cannot be read or written.
    """

    def __init__(
        self, path: str | Path | None, space: SearchSpace, about: dict[str, Any],
        code: Sequence[tuple[str, str | None]] = (),
    ) -> None:  # fmt: skip
        self.path = None if path is None else Path(path)
        self.space, self._code = space, code
        self.asked: list[tuple[int, list[str]]] = []
        self._trials: dict[tuple[str, int], Trial] = {}
        self._file: TextIO | None = None
        self._lock: FileLock | None = None
        if self.path is not None:
            try:
                self._open(self.path, json.loads(json.dumps(about, default=repr)))
            except BaseException:
                self.close()
                raise

    def _open(self, path: Path, about: dict[str, Any]) -> None:
        if path.exists() and not path.is_file():
            raise StoreError(f"cannot keep a study in '{path}': it is not a plain file. Give another file")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._hold(path)
            lines = whole_lines(path) if path.exists() else []
            if lines:
                self._read(path, lines, about)
            self._file = opened(path)
            if not lines:
                self._write({"event": "study", "schema_version": VERSION, **about, CODE: [one for _, one in self._code]})
        except OSError as error:
            raise StoreError(f"cannot keep a study in '{path}': {error.strerror}. Give another file") from None
        except UnicodeDecodeError:
            raise DataError(f"'{path}' is not the log of a study: it is not a text. Give another file") from None

    def _hold(self, path: Path) -> None:
        """Holds the file for this search, so that no second one writes between its lines."""
        lock = FileLock(path.with_name(f"{path.name}.lock"), is_temporary=True)
        try:
            is_held = lock.acquire({})
        except CannotLockError as error:
            raise StoreError(f"cannot keep a study in '{path}': {error}. Give another file") from None
        if not is_held:
            raise BusyError(
                f"'{path}' is being written by {described(lock.holder())}, which runs a search. Wait until it ends, or give "
                "another file"
            )
        self._lock = lock

    def _read(self, path: Path, whole: list[str], about: dict[str, Any]) -> None:
        header, *lines = whole
        try:
            found = json.loads(header)
            if found.pop("event") != "study":
                raise ValueError("its first line does not describe a search")
            version, code = found.pop("schema_version"), list(found.pop(CODE, []))
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise DataError(f"'{path}' is not the log of a study: {error}. Give another file") from None
        if version != VERSION:
            raise DataError(
                f"'{path}' has schema version {version}; this hwcost reads and writes {VERSION}. Another version of "
                f"hwcost wrote it: go on with that one, or give another file"
            )
        for name in sorted(found.keys() | about.keys()):
            if found.get(name) != about.get(name):
                raise OtherSettingsError(
                    f"'{path}' holds another search", name, found.get(name), about.get(name),
                    "Give the same settings to go on, or another file",
                )  # fmt: skip
        self._check_code(path, code)
        for number, line in enumerate(lines, start=2):
            try:
                self._event(json.loads(line))
            except (ValueError, LookupError, TypeError) as error:
                raise DataError(f"'{path}', line {number} is damaged: {error}") from None

    def _check_code(self, path: Path, kept: Sequence[str | None]) -> None:
        """Raises DataError when scores of the log were given by other code than that of the search."""
        for (what, now), then in zip(self._code, kept, strict=False):
            if then is not None and now is not None and then != now:
                raise DataError(
                    f"'{path}' cannot be resumed: the code of the {what} has changed since, so its values there may be "
                    f"others than it gives now. Give another file to search anew, or restore the code to go on"
                )

    def _event(self, event: dict[str, Any]) -> None:
        if event["event"] == "ask":
            self.asked.append((int(event["n"]), list(event["archs"])))
        else:
            key = event.pop("arch")
            del event["event"]
            values = tuple(float(value) for value in event.pop("values"))
            trial = Trial(self.space.parse(key), values=values, **event)
            self._trials[key, trial.number] = trial

    @property
    def is_kept(self) -> bool:
        """Whether anything is written."""
        return self._file is not None

    @property
    def trials(self) -> int:
        """Number of trials that an earlier run left."""
        return len(self._trials)

    def known(self, arch: str, number: int) -> Trial | None:
        """Returns the trial of that architecture and number that an earlier run left, or None."""
        return self._trials.get((arch, number))

    def ask(self, n: int, archs: Sequence[str]) -> None:
        """Keeps an ask: the number it was for, and the keys of the architectures that it gave."""
        self._write({"event": "ask", "n": n, "archs": list(archs)})

    def tell(self, trial: Trial) -> None:
        """Keeps a trial; one that took a while is handed to the system at once."""
        if self._file is None:
            return
        plain = {field.name: getattr(trial, field.name) for field in fields(Trial) if field.name != "source"}
        self._write({"event": "tell", "arch": self.space.key(trial.architecture), **plain})
        if trial.seconds:
            self.flush()

    def flush(self) -> None:
        """Hands everything to the system, so that it outlives this process."""
        self._do(lambda file: file.flush())

    def close(self) -> None:
        """Closes the file, and lets go of it."""
        try:
            self._do(lambda file: file.close())
        finally:
            self._file = None
            if self._lock is not None:
                self._lock.release()

    def _write(self, event: dict[str, Any]) -> None:
        self._do(lambda file: file.write(dumped(event)))

    def _do(self, action: Any) -> None:
        if self._file is None:
            return
        try:
            action(self._file)
        except OSError as error:
            raise StoreError(
                f"cannot write '{self.path}': {error.strerror}. What was written before is whole: make room, then run the "
                f"same search again"
            ) from None
