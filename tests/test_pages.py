"""Every code block of README and docs does what it shows; see ``tests/pages.py``."""

from __future__ import annotations

import itertools
import re
import shutil
import sys
from pathlib import Path

import pytest

import hwcost
from hwcost.cli.main import invoke
from hwcost.cost_models.training.quality import fit_quality
from tests.conftest import ROOT
from tests.pages import commands, file_of, output, parse, program, run_commands, words

pytestmark = pytest.mark.usefixtures("laws_here")

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OWN_TESTS = {"own-model.md": "test_own_model_page.py"}
"""Pages whose Python blocks have a test of their own."""

PLUG_IN = "extending.md"
"""The page whose commands need the plug-in that it builds; ``test_extending.py`` installs it and runs all of it."""

SPACE = hwcost.space("supershaper")
ROWS = 40


def law(arch) -> float:
    """Seconds of an architecture on a device that is made up."""
    return 1e-4 + SPACE.flops(arch, seq_len=128) / 1e11


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files that pages speak of: a table, stores and models."""
    folder = tmp_path_factory.mktemp("pages")
    archs = SPACE.sample(ROWS, seed=0, design="spread")
    header = ",".join([gene.name for gene in SPACE.genes] + ["latency_s"])
    noise = [1 + 0.01 * (-1) ** (number // 2) for number in range(ROWS)]
    rows = [f"{','.join(map(str, arch.genes))},{law(arch) * off}" for arch, off in zip(archs, noise, strict=True)]
    (folder / "latencies.csv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "runs").mkdir()
    hwcost.measure(archs, "cpu", backend="null", tier="quick", store=str(folder / "cpu.db"))
    shutil.copy(folder / "cpu.db", folder / "runs" / "cpu-supershaper.db")
    for name, model in (("cpu", "lut"), ("cpu-supershaper", "hybrid")):
        hwcost.fit(str(folder / "cpu.db"), model=model).save(folder / "models" / name)
    quality = fit_quality(SPACE, archs, [30 - SPACE.params(arch) / 1e7 for arch in archs], "lut").model
    for name in ("quality", "perplexity"):
        quality.save(folder / "models" / name)
    return folder


@pytest.fixture
def place(files, tmp_path, monkeypatch):
    """A folder of its own for every page, with those files, and ``hc.measure`` and ``hc.search`` that take no time."""
    folder = tmp_path / "page"
    shutil.copytree(files, folder)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    before, measure, search = set(sys.modules), hwcost.measure, hwcost.search

    def quick(archs, device="cpu", **options):
        return measure(archs, "cpu", **{**options, "backend": "null", "tier": "quick"})

    def short(space, *args, evaluations=100, **options):
        return search(space, *args, evaluations=min(evaluations, 100), **options)

    monkeypatch.setattr(hwcost, "measure", quick, raising=False)
    monkeypatch.setattr(hwcost, "search", short, raising=False)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def frames() -> dict:
    """Data frames of a made-up table, where pandas is installed."""
    try:
        import pandas
    except ImportError:
        return {}
    shapes = itertools.product(range(1, 9), range(128, 768, 128), ("gelu", "relu"))
    rows = [(*shape, shape[0] * shape[1] * (1e-3 if shape[2] == "relu" else 1.1e-3)) for shape in shapes]
    frame = pandas.DataFrame(rows, columns=["layers", "hidden", "activation", "latency_ms"]).sample(frac=1, random_state=0)
    return {"frame": frame.assign(seed=0), "other": frame.assign(seed=1, latency_ms=frame["latency_ms"] * 1.1)}


def context() -> dict:
    """Names that pages use without saying where they come from."""
    archs = SPACE.sample(12, seed=1)
    return {
        **frames(),
        "hc": hwcost, "space": SPACE, "archs": archs, "arch": archs[0], "cost": hwcost.load("models/cpu"),
        "perplexity": lambda arch: 30 - SPACE.params(arch) / 1e7,
    }  # fmt: skip


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != PLUG_IN], ids=lambda path: path.name)
def test_the_code_blocks_of_a_page(path: Path, place, monkeypatch) -> None:
    sybil = pytest.importorskip("sybil")
    from sybil.evaluators.python import PythonEvaluator
    from sybil.parsers.markdown import CodeBlockParser, SkipParser
    from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

    if path.name == "tables.md":
        pytest.importorskip("pandas")
    python = PythonEvaluator()

    def write(name: str, text: str) -> None:
        Path(name).write_text(text)
        monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)  # that of another test

    def run_python(example) -> object:
        name = file_of(example.parsed)
        if name:
            return write(name, example.parsed)
        return None if path.name in OWN_TESTS else python(example)

    def run_other(example) -> None:
        name = file_of(example.parsed)
        if name:
            write(name, example.parsed)
        else:
            run_commands(example.parsed)

    def others(document):
        lexer = FencedCodeBlockLexer(r"(?!python)\w*", mapping={"source": "source"})
        for region in lexer(document):
            region.parsed, region.evaluator = region.lexemes["source"], run_other
            yield region

    document = sybil.Document.parse(str(path), CodeBlockParser("python", run_python), others, SkipParser())
    document.namespace.update(context())
    for example in document.examples():
        try:
            example.evaluate()
        except BaseException as error:
            if type(error).__name__ not in ("SkipTest", "NotEvaluated"):
                raise AssertionError(f"{path.name}, line {example.line}: {type(error).__name__}: {error}") from error


def test_the_readme_shows_the_columns_that_evaluate_prints(place, capsys) -> None:
    shown = words((ROOT / "README.md").read_text(encoding="utf-8").partition("held-out rows\n")[2])
    assert invoke(["evaluate", "latencies.csv", "--space", "supershaper", "--model", "ridge", "--seeds", "1"]) == 0
    printed = words(capsys.readouterr().out)
    assert printed[0] == "latencies.csv: supershaper, held-out rows"
    assert printed[1] == shown[0]
    assert set(printed[2:]) <= set(shown)  # the rows of the baseline and of ridge, and the line below


def test_what_stands_below_a_command_is_compared_but_for_numbers(place) -> None:
    command = "$ hwcost predict models/cpu --arch " + "_".join(["360"] * 12)
    with pytest.raises(AssertionError, match="Predicted by lut"):
        run_commands(f"{command}\nPredicted by hybrid\n")
    assert output(f"{command}\nPredicted\n") == "Predicted\n"
    assert output(f"{command}\n{command}\n") == ""
    assert words("  a   234 ms   l1\n\n ────\n-0.5 %") == ["a 0 ms l1", "0 %"]


def test_pages_with_tests_of_their_own_have_them() -> None:
    for name in ("test_extending.py", *OWN_TESTS.values()):
        assert (ROOT / "tests" / name).exists()


def test_blocks_are_left_out_for_a_reason_only() -> None:
    for path in PAGES:
        for reason in re.findall(r"<!--+ skip: *(?:next|start)(.*?)--+>", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r' "[^"]{15,}" ', reason), f"{path.name}: say why a block is left out, got {reason}"


def test_commands_are_found_in_blocks() -> None:
    block = "$ .venv/bin/hwcost fit a.db \\\n    --out m  # remark\nBy lut\n$ make\n$ hwcost compare a.db#torch b.db"
    assert list(commands(block)) == [["fit", "a.db", "--out", "m"], ["compare", "a.db#torch", "b.db"]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [("fit a.db --modell lut", "No such option"), ("fits a.db", "no command 'hwcost fits'"), ("devices", "is a group")],
)
def test_commands_that_do_not_exist_are_found(line: str, expected: str) -> None:
    with pytest.raises(AssertionError, match=expected):
        parse(line.split())


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != PLUG_IN], ids=lambda path: path.name)
def test_commands_in_sentences_exist(path: Path) -> None:
    known = program().commands
    for text in re.findall(r"`hwcost ([a-z][\w-]*(?: [a-z][\w-]*)?)", path.read_text(encoding="utf-8")):
        verb, _, word = text.partition(" ")
        assert verb in known, f"{path.name}: there is no command 'hwcost {verb}'"
        inner = getattr(known[verb], "commands", None)
        assert not inner or not word or word in inner, f"{path.name}: there is no command 'hwcost {text}'"
