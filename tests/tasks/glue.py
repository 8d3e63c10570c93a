"""Small labelled folders in the forms of GLUE and of Universal Dependencies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEADERS = {
    "cola": None,
    "sst2": "sentence\tlabel",
    "mrpc": "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String",
    "qqp": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
    "stsb": "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore",
    "mnli": "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
    "sentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label",
    "qnli": "index\tquestion\tsentence\tlabel",
    "rte": "index\tsentence1\tsentence2\tlabel",
    "wnli": "index\tsentence1\tsentence2\tlabel",
}
"""Headers of the files that GLUE distributes."""

LABELS = {
    "mnli": ("entailment", "neutral", "contradiction"), "qnli": ("entailment", "not_entailment"), "stsb": ("0.5", "4.25"),
    "rte": ("entailment", "not_entailment"),
}  # fmt: skip
TEXTS = {"#1 String", "#2 String", "question1", "question2", "sentence1", "sentence2", "question", "sentence"}
LABEL = {"label", "Quality", "is_duplicate", "score", "gold_label"}


def rows(name: str, count: int = 6) -> list[str]:
    """Returns lines of a file of GLUE's; texts are ``text 3 of COLUMN``."""
    labels = LABELS.get(name, ("0", "1"))
    if name == "cola":
        return [f"gj04\t{labels[n % 2]}\t{'*' if n % 2 == 0 else ''}\ttext {n} of sentence" for n in range(count)]
    columns = str(HEADERS[name]).split("\t")

    def cell(column: str, number: int) -> str:
        if column in LABEL:
            return labels[number % len(labels)]
        return f"text {number} of {column}" if column in TEXTS else str(number)

    return ["\t".join(cell(column, number) for column in columns) for number in range(count)]


def write_glue(folder: Path, name: str, count: int = 6) -> Path:
    """Writes a task as GLUE distributes it."""
    folder.mkdir(parents=True, exist_ok=True)
    header = [] if HEADERS[name] is None else [str(HEADERS[name])]
    for split in ("train", "dev_matched", "dev_mismatched") if name == "mnli" else ("train", "dev"):
        text = "\n".join([*header, *rows(name, count)]) + "\n"
        (folder / f"{split}.tsv").write_text("\ufeff" + text if name == "mrpc" else text, encoding="utf-8")
    return folder


def write_json(folder: Path, found: Sequence[dict[str, Any]]) -> Path:
    """Writes the same rows to train on and to judge by, as JSON Lines."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    return folder


CONLLU = """\
# sent_id = 1
# text = Dogs don't bark.
1\tDogs\tdog\tNOUN\tNNS\tNumber=Plur\t4\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\tMood=Ind\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
3.1\tever\tever\tADV\tRB\t_\t_\t_\t_\t_
4\tbark\tbark\tVERB\tVB\t_\t0\troot\t_\t_

# sent_id = 2
1\tStop\tstop\tVERB\tVB\tMood=Imp\t0\troot\t_\t_
"""


def write_conllu(folder: Path, train: str = CONLLU, dev: str = CONLLU) -> Path:
    """Writes a treebank."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "en_made-ud-train.conllu").write_text(train, encoding="utf-8")
    (folder / "en_made-ud-dev.conllu").write_text(dev, encoding="utf-8")
    return folder
