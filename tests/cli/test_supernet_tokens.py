"""``hwcost supernet tokens``: a training on prepared tokens is the training on the text itself."""



from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")

from hwcost.cli.main import invoke
from hwcost.supernets.checkpoint import FILE
from hwcost.supernets.training import read_log

pytestmark = pytest.mark.torch

SPACE = "transformer:layers=[1,2],hidden=[16,32],heads=[2],ffn_ratio=[2],vocabulary=128,positions=16"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    folder = tmp_path / "text"
    folder.mkdir()
    for number in range(30):
        lines = [f"Line {line} of document {number} has {line * number} words." for line in range(12)]
        (folder / f"part{number}.txt").write_text("\n".join(lines))
    return folder


def test_training_on_prepared_tokens_is_training_on_the_text(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = tmp_path / "tokens"
    command = ["supernet", "tokens", "--corpus", str(text), "--vocabulary", "128", "--out", str(tokens)]
    assert invoke([*command, "--json", "-"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["word_pieces"] <= 128
    assert found["tokens"]["training"] > found["tokens"]["held_out"] > 0
    for corpus in (text, tokens):
        out = str(tmp_path / f"on-{corpus.name}")
        assert invoke(["supernet", "train", SPACE, "--recipe", "smoke", "--corpus", str(corpus), "--out", out]) == 0
        assert invoke(["supernet", "eval", out, "-n", "1"]) == 0
    own, other = (list(read_log(tmp_path / f"on-{name}")) for name in ("text", "tokens"))
    assert own == other
    with (tmp_path / "tokens" / "training.tokens").open("ab") as file:
        file.write(b"\0")
    assert invoke(["supernet", "eval", str(tmp_path / "on-tokens"), "-n", "1"]) == 2
    assert "holds no tokens of a corpus, or it is damaged" in capsys.readouterr().err


def test_a_folder_tells_how_its_training_goes_on(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A training whose last checkpoint is lost begins anew, by its folder alone, and ends in the same losses."""
    out = tmp_path / "run"
    asked = ["--recipe", "smoke", "--corpus", str(text), "--constraint", "params<=1M", "--out", str(out)]
    assert invoke(["supernet", "train", SPACE, *asked]) == 0
    whole = list(read_log(out))
    (out / FILE).unlink()
    capsys.readouterr()
    assert invoke(["supernet", "resume", str(out), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["steps_now"] == len(whole)
    assert list(read_log(out)) == whole
    assert invoke(["supernet", "resume", str(tmp_path)]) == 2


def test_what_cannot_be_prepared_is_refused(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["supernet", "tokens", "--corpus", str(text), "--vocabulary", "128", "--out", str(tmp_path / "tokens")]
    assert invoke([*command, "--tokenizer", str(text)]) == 2
    assert "holds no tokenizer" in capsys.readouterr().err
    assert invoke(command) == 0
    assert invoke(command) == 2
    assert "is there already" in capsys.readouterr().err
    assert invoke([*command[:3], str(tmp_path / "tokens"), "--out", str(tmp_path / "again")]) == 2
    assert "holds tokens already" in capsys.readouterr().err
    small = ["supernet", "train", SPACE.replace("128", "64"), "--recipe", "smoke", "--out", str(tmp_path / "run")]
    assert invoke([*small, "--corpus", str(tmp_path / "tokens")]) == 2
    assert "word pieces, the supernet has 64" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
