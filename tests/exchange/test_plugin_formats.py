"""Formats of other distributions: one that fails spoils no other tool's files, and a slip is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwcost.errors import ContractError
from hwcost.exchange.benchmarks import plugin_formats
from hwcost.exchange.benchmarks.base import Exported, Given, History, Reader, Writer
from hwcost.exchange.benchmarks.reading import read, readers
from hwcost.exchange.benchmarks.rows import Origin, Row, imported
from hwcost.testing.plugins import registered


class Mine(Reader):
    name = "mine"
    tool = "mine"

    def recognises(self, document: Any) -> bool:
        return bool(document.content.startswith(b"mine"))

    def read(self, document: Any, given: Any) -> Any:
        return [imported([Row("a", 0.5)], document, given, Origin(self.name), [])]


class CannotTell(Mine):
    def recognises(self, document: Any) -> bool:
        raise ValueError("no header")


class Yields(Mine):
    def read(self, document: Any, given: Any) -> Any:
        yield from super().read(document, given)


class One(Mine):
    def read(self, document: Any, given: Any) -> Any:
        return super().read(document, given)[0]


class Rows(Mine):
    def read(self, document: Any, given: Any) -> Any:
        return [Row("a", 0.5)]


class Nothing(Mine):
    def read(self, document: Any, given: Any) -> Any:
        return None


class Fails(Mine):
    def read(self, document: Any, given: Any) -> Any:
        raise KeyError("median")


class NoRead(Reader):
    name = "mine"
    tool = "mine"

    def recognises(self, document: Any) -> bool:
        return True


class Texts(Writer):
    name = "mine"
    tool = "mine"

    def write(self, history: History) -> Any:
        return {"": "text"}


HYPERFINE = '{"results": [{"command": "true", "mean": 0.2, "median": 0.2, "times": [0.1, 0.2, 0.3]}]}'


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "results.json"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("member", "said"), [("CannotTell", "failed in recognises"), ("NoRead", "lacks the methods read")])
def test_one_that_fails_is_left_out(member: str, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with registered("hwcost.formats", {"mine": f"{__name__}:{member}"}):
        assert read(file(tmp_path, HYPERFINE), given=Given(device="cpu"))[0].name == "hyperfine"
        assert "hyperfine" in readers()
    assert said in caplog.text


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("One", r"the format 'mine' gave Imported\(.* from read; expected a list"),
        ("Rows", r"the format 'mine' gave \[Row\(.* from read; expected a list"),
        ("Nothing", r"the format 'mine' gave None from read; expected a list"),
        ("Fails", r"the format 'mine' failed in read: KeyError: 'median'"),
    ],
)
def test_a_slip_in_reading_is_named(member: str, said: str, tmp_path: Path) -> None:
    with registered("hwcost.formats", {"mine": f"{__name__}:{member}"}), pytest.raises(ContractError, match=said):
        read(file(tmp_path, "mine"), given=Given(device="cpu"))


@pytest.mark.parametrize("member", ["Mine", "Yields"])
def test_a_generator_of_runs_is_as_good_as_a_list(member: str, tmp_path: Path) -> None:
    with registered("hwcost.formats", {"mine": f"{__name__}:{member}"}):
        (run,) = read(file(tmp_path, "mine"), given=Given(device="cpu"))[1]
    assert [one.value for one in run.estimates] == [0.5]


def test_a_writer_gives_texts_by_path() -> None:
    with pytest.raises(ContractError, match=r"the format 'mine' gave .* from write; expected an Exported\(files\)"):
        plugin_formats.write(Texts(), History([], {}, []))


@pytest.mark.parametrize(
    ("exported", "said"),
    [
        (Exported({}), r"the files \{\}; expected a dict of texts by path"),
        (Exported({"a.csv": "1", "b.csv": b"2"}), "bytes for the file 'b.csv'; expected its text. Nothing was written"),
        (Exported({"../a.csv": "1"}), "a file with the path '../a.csv'; expected one below the folder"),
        (Exported({"": "1", "b.csv": "2"}), "a file with the path ''; expected one below"),
        (Exported({"": "1"}, remarks="no history"), "the remarks 'no history'; expected a tuple of sentences"),
    ],
)
def test_files_that_cannot_all_be_written_are_not_begun(exported: Exported, said: str) -> None:
    class Files(Texts):
        def write(self, history: History) -> Any:
            return exported

    with pytest.raises(ContractError, match="the format 'mine' gave from write " + said):
        plugin_formats.write(Files(), History([], {}, []))
