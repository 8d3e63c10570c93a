"""``hwcost supernet tokens``: write a corpus as token numbers, once, for trainings that map them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwcost.cli import console
from hwcost.cli.supernet_train import CorpusPath

Out = Annotated[str, typer.Option("--out", metavar="DIR", help="New folder for the tokens and their tokenizer.")]
Vocabulary = Annotated[
    int, typer.Option("--vocabulary", min=64, help="Number of word pieces of the tokenizer that is trained.")
]
TokenizerFolder = Annotated[
    str | None,
    typer.Option("--tokenizer", metavar="DIR", help="Folder of a BERT, or of a saved net, whose tokenizer is taken."),
]


def tokens(
    out: Out,
    corpus: CorpusPath = "stdlib",
    vocabulary: Vocabulary = 30522,
    tokenizer: TokenizerFolder = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Write a corpus as token numbers, which trainings map into memory: --corpus DIR takes the folder.

    A tenth of the documents is held out, as in a training. A data set is read row by row: it may be larger than memory.
    """
    from hwcost.corpora import Corpus, Tokenizer, halves, prepare, token_folder
    from hwcost.errors import UsageError
    from hwcost.supernets.run import HELD_OUT, tokenizer_of

    training, held_out = halves(corpus, HELD_OUT)
    if not isinstance(training, Corpus) or not isinstance(held_out, Corpus):
        raise UsageError(f"'{corpus}' holds tokens already. Give text, such as a folder that save_to_disk wrote")
    given = None if tokenizer is None else tokenizer_of(Path(tokenizer))
    if tokenizer is not None and given is None:
        raise UsageError(f"'{tokenizer}' holds no tokenizer. Expected tokenizer.json or vocab.txt")
    prepare(training, held_out, given or Tokenizer.train(training, vocabulary), out)
    sides = dict(zip(("training", "held_out"), token_folder(out), strict=True))
    document = {
        "folder": out, "word_pieces": sides["training"].tokenizer.size,
        "tokens": {name: len(one.encoded.tokens) for name, one in sides.items()},
    }  # fmt: skip
    if not console.write_json(document, json):
        counts = ", ".join(f"{len(one.encoded.tokens):,} {name.replace('_', ' ')}" for name, one in sides.items())
        typer.echo(f"{out}: tokens of {sides['training'].tokenizer.size:,} word pieces: {counts}")
