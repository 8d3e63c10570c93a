"""A supernet's training as a folder: settings, tokenizer, checkpoint and log. The same settings resume it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._cached import cached_property
from hwcost._io import write_text
from hwcost._log import logger
from hwcost.corpora import Corpus, MlmBatches, TokenFiles, Tokenizer, halves
from hwcost.errors import DataError, InterruptedRunError, OtherSettingsError, UsageError
from hwcost.files import cannot_write
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.schema import VERSION, check_version
from hwcost.workloads import builder

if TYPE_CHECKING:
    from hwcost.supernets.base import Supernet
    from hwcost.supernets.sampling import Allowed
    from hwcost.supernets.training import Progress, Summary

__all__ = ["HELD_OUT", "Run", "Settings", "first_tokenizer", "tokenizer_of"]

_log = logger(__name__)

SETTINGS = "run.json"
PARTS = "micro_batches"
"""Micro batches of a step on all processes together, in that file where several processes began a training."""
HELD_OUT = 0.1
"""Share of the corpus's documents that nothing is trained on."""
JUDGED, JUDGED_SEQUENCES = 8, 32
"""Number of batches on which perplexity is computed, and of sequences in each."""


@dataclass(frozen=True)
class Settings:
    """Settings of a supernet's training: space, data and recipe.

    Attributes:
        space: Name of the space.
        options: The space's options.
        recipe: Steps, batches, optimiser and rates.
        corpus: ``stdlib``, or the path of text files or of a data set on disk.
        seed: Seed of weights, batches and sampled architectures.
        backbone: Folder of a BERT, or of a saved net, that the weights start from; None for random ones.
        teacher: Folder of a BERT, or of a saved net, whose relations are learnt; None for masked language modelling. The
            supernet of space ``autodistil`` starts from it (AutoDistil, section 3.2) where there is no backbone.
        constraints: Constraints that trained subnets satisfy, in words; ``allowed`` of the run decides whether one does.
    """

    space: str
    options: dict[str, Any]
    recipe: Recipe
    corpus: str = "stdlib"
    seed: int = 0
    backbone: str | None = None
    teacher: str | None = None
    constraints: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def flat(self) -> dict[str, Any]:
        """Returns plain JSON with the recipe's settings among the others."""
        plain = self.as_dict()
        recipe = plain.pop("recipe")
        return {**plain, **recipe}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Settings:
        """Reads what :meth:`as_dict` gave, now or in version 0.1.0 (``limits`` for ``constraints``)."""
        given = dict(plain)
        recipe, former = dict(given.pop("recipe")), given.pop("limits", ())
        recipe |= {name: tuple(recipe[name]) for name in ("betas", "relation_weights") if name in recipe}
        made = Recipe(**recipe)
        return cls(**{**given, "recipe": made, "constraints": tuple(given.get("constraints", former))})


@dataclass
class Run:
    """A training in a folder.

    Attributes:
        folder: Folder of the training.
        settings: Space, data and recipe.
        device: Device on which torch computes: ``cpu`` or ``cuda``.
        allowed: Function that says for each of n architectures whether it satisfies the settings' constraints; needed where
            there are any.
        recipe: The recipe with as many micro batches as a step has on all processes together. A training that several
            processes began keeps them, whichever number of processes resumes it.
        own_teacher: Folder of the settings' teacher where that belongs to the training and is moved with it; None where the
            settings say the teacher's folder.
    """

    folder: Path
    settings: Settings
    device: str = field(default="cpu")
    allowed: Allowed | None = None
    recipe: Recipe = field(init=False)
    own_teacher: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.recipe = self.settings.recipe

    @classmethod
    def start(
        cls, folder: str | Path, settings: Settings, device: str = "cpu", allowed: Allowed | None = None,
        has_own_teacher: bool = False,
    ) -> Run:  # fmt: skip
        """Begins a training, or resumes one of the same settings.

        Where several processes train together, the folder is one that all of them see: the first begins the training, and
        the others open it.

        Args:
            folder: Folder of the training.
            settings: Space, data and recipe.
            device: Device on which torch computes: ``cpu`` or ``cuda``.
            allowed: Function that says which architectures satisfy the settings' constraints.
            has_own_teacher: Whether the teacher belongs to the training and is moved with it, so that a training that is
                resumed may find it in another folder.

        Raises:
            DataError: When the folder holds a training of other settings, or its settings are damaged.
            UsageError: When the space has no supernet, the sequences are too long for it, the folder cannot be written, or
                a batch has fewer sequences than there are processes.
        """
        from hwcost.supernets.process_group import here

        group, path = here(), Path(folder) / SETTINGS
        if not group.is_first:
            group.wait()
            return cls._resumed(folder, settings, device, allowed, has_own_teacher)
        if path.exists():
            run = cls._resumed(folder, settings, device, allowed, has_own_teacher)
        else:
            run = cls(Path(folder), settings, device, allowed)
            run.recipe = settings.recipe.over(group.count)
            run._begin(path)
        group.wait()
        return run

    @classmethod
    def _resumed(
        cls, folder: str | Path, settings: Settings, device: str, allowed: Allowed | None, has_own_teacher: bool
    ) -> Run:
        """Opens a training that has begun, of the same settings."""
        run = cls.open(folder, device)
        run.allowed = allowed
        if has_own_teacher:
            run.own_teacher = settings.teacher
            settings = replace(settings, teacher=run.settings.teacher)
        own, given = run.settings.flat(), settings.flat()
        for name in own:
            if own[name] != given[name]:
                raise OtherSettingsError(
                    f"'{folder}' holds a training with other settings", name, own[name], given[name],
                    "Give the same settings to resume it, or another folder",
                )  # fmt: skip
        return run

    def _begin(self, path: Path) -> None:
        """Writes the settings and the tokenizer."""
        _ = self.objective  # what cannot be read, or does not fit, is an error before anything is written
        divided = self.recipe.accumulate
        parts = {} if divided == self.settings.recipe.accumulate else {PARTS: divided}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.tokenizer.save(path.parent)
            write_text(path, json.dumps({"schema_version": VERSION, **self.settings.as_dict(), **parts}, indent=2))
        except OSError as error:
            raise cannot_write(f"'{path}'", error) from None

    @classmethod
    def open(cls, folder: str | Path, device: str = "cpu") -> Run:
        """Opens a training that has begun.

        Raises:
            DataError: When the folder holds none, or its settings are damaged.
        """
        path = Path(folder) / SETTINGS
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            check_version(plain, path)
            own = {name: value for name, value in plain.items() if name not in ("schema_version", PARTS)}
            run = cls(Path(folder), Settings.from_dict(own), device)
            run.recipe = replace(run.recipe, accumulate=plain.get(PARTS, run.recipe.accumulate))
        except OSError as error:
            raise DataError(f"'{folder}' holds no training of a supernet: {error.strerror}: {SETTINGS}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"'{path}' holds no settings of a training, or it is damaged: {error}") from None
        return run

    @property
    def teacher(self) -> str | None:
        """Folder of the teacher; None where there is none."""
        return self.own_teacher or self.settings.teacher

    @cached_property
    def supernet(self) -> Supernet:
        """The supernet, with its initial weights until it is trained or read."""
        settings = self.settings
        made = supernet(settings.space, settings.seed, **settings.options)
        builder(made.space).check_seq_len(settings.recipe.seq_len)
        made.keep_layers(settings.recipe.layer_rules[0])
        made.to(self.device)
        return made

    def trained(self) -> Supernet:
        """Returns the supernet with the weights of the checkpoint.

        Raises:
            DataError: When there is no checkpoint, or it is damaged or of another net.
        """
        from hwcost.supernets.checkpoint import Checkpoint
        from hwcost.supernets.training import fill

        fill(self.supernet, Checkpoint.load(self.folder).model, self.folder)
        self.supernet.keep_layers(self.settings.recipe.layer_rules[1])
        return self.supernet

    @cached_property
    def text(self) -> tuple[Corpus | TokenFiles, Corpus | TokenFiles]:
        """The corpus, to train on and held out."""
        return halves(self.settings.corpus, HELD_OUT)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The folder's tokenizer; at first the prepared corpus's, the backbone's, or one trained on the corpus."""
        if (self.folder / "tokenizer.json").exists():
            return Tokenizer.load(self.folder)
        rows = len(self.supernet.weights.embeddings.word.weight)
        return first_tokenizer(self.text[0], self.settings.backbone or self.teacher, rows)

    def held_out(self, count: int = JUDGED) -> list[dict[str, Any]]:
        """Returns batches of held-out text; of short text, a sequence is in several."""
        return self._held_out.fixed(count)

    def held_out_parts(self, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Returns two parts of the held-out text without a common sequence: to select nets on, and to evaluate them on.

        Args:
            count: Number of batches in each part; of short text there are fewer, or smaller ones.
        """
        text = self._held_out
        most = text.sequences // 2
        size = min(JUDGED_SEQUENCES, most)
        kept = min(count, most // size)
        if size * kept < JUDGED_SEQUENCES * count:
            _log.warning(
                "%s: nets are selected on %d sequences, not %d, as there are no more for that and for what is said of them",
                self.text[1].source, size * kept, JUDGED_SEQUENCES * count,
            )  # fmt: skip
        if size < JUDGED_SEQUENCES:
            text = self._batches(self.text[1], self.settings.seed + 1, size)
        found = text.fixed(2 * kept)
        return found[:kept], found[kept:]

    @cached_property
    def _held_out(self) -> MlmBatches:
        return self._batches(self.text[1], self.settings.seed + 1, JUDGED_SEQUENCES)

    def train(self, progress: Callable[[Progress], None] = lambda state: None, save_every: int = 200) -> Summary:
        """Trains to the end of the recipe, from wherever the checkpoint stands; see ``training.train``.

        Raises:
            InterruptedRunError: On Ctrl-C; the last checkpoint is kept.
        """
        from hwcost.supernets.objective import Phase
        from hwcost.supernets.training import train

        self.supernet.keep_layers(self.settings.recipe.layer_rules[0])
        about = self.settings.as_dict() | {"text": self.text[0].digest}
        del about["recipe"]  # the phase has it
        about["limits"] = about.pop("constraints")  # as checkpoints of version 0.1.0 name them
        phase = Phase("training", self.objective, self.recipe)
        try:
            return train(self.supernet, [phase], self.folder, about, save_every, progress)
        except KeyboardInterrupt:
            raise InterruptedRunError(
                f"interrupted; '{self.folder}' stands at step {self.steps_done()} of {self.settings.recipe.steps}. The same "
                f"command resumes there"
            ) from None

    def steps_done(self) -> int:
        """Returns how many steps the checkpoint has behind it; 0 where there is none.

        Raises:
            DataError: When it is damaged.
        """
        from hwcost.supernets.checkpoint import FILE, describe

        if not (self.folder / FILE).exists():
            return 0
        found = describe(self.folder)
        return self.settings.recipe.steps if found["phase"] else int(found["step"])

    @cached_property
    def objective(self) -> Any:
        """The training objective, on the supernet with the backbone's weights."""
        from hwcost.supernets.masked_lm import SupernetLm
        from hwcost.supernets.relations import RelationDistillation
        from hwcost.supernets.sampling import rule

        settings, recipe = self.settings, self.recipe
        batches = self._batches(self.text[0], settings.seed, recipe.micro_batch)
        if settings.constraints and self.allowed is None:
            raise UsageError(f"this training has constraints: {', '.join(settings.constraints)}. Give allowed= to resume it")
        drawn = rule(recipe.sampling, self.supernet, recipe.random, settings.seed, self.allowed)
        begun = settings.backbone or (self.teacher if settings.space == "autodistil" else None)
        if begun is not None:
            from hwcost.supernets.backbone import load

            load(self.supernet, begun)
        if self.teacher is None:
            return SupernetLm(self.supernet, batches.batch, drawn)
        from hwcost.supernets.backbone import teacher

        net, heads = teacher(self.teacher)
        return RelationDistillation(self.supernet, net.to(self.device), heads, batches.batch, drawn, *recipe.relations)

    def _batches(self, text: Corpus | TokenFiles, seed: int, size: int) -> MlmBatches:
        return MlmBatches(text, self.tokenizer, self.settings.recipe.seq_len, size, seed)


def first_tokenizer(text: Corpus | TokenFiles, weights: str | None, rows: int, kind: str = "wordpiece") -> Tokenizer:
    """Returns the tokenizer of a training that begins: the one beside weights, that of tokens on disk, or a trained one.

    Args:
        text: Text to train on.
        weights: Folder of a BERT, or of a saved net, that the training starts or learns from; None where there is none.
        rows: Number of word pieces of the net.
        kind: Kind of the tokenizer that is trained, or path of one, see :meth:`hwcost.corpora.Tokenizer.of`.

    Raises:
        DataError: When it has more word pieces than the net, or tokens on disk are another tokenizer's.
    """
    given = tokenizer_of(Path(weights)) if weights else None
    if not isinstance(text, TokenFiles):
        made, owner = given or Tokenizer.of(kind, text, rows), weights or kind
    elif given is None or given.digest == text.tokenizer.digest:
        made, owner = text.tokenizer, text.source
    else:
        raise DataError(
            f"the tokens of '{text.source}' are not those of the tokenizer of '{weights}'. Prepare the corpus with that one"
        )
    if made.size > rows:
        raise DataError(f"the tokenizer of '{owner}' has {made.size} word pieces, the supernet has {rows}")
    return made


def tokenizer_of(folder: Path) -> Tokenizer | None:
    """Returns the tokenizer beside a BERT, or beside a net of this package's; None when there is none."""
    if (folder / "vocab.txt").is_file():
        config = folder / "tokenizer_config.json"
        described = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
        return Tokenizer.from_vocabulary(folder / "vocab.txt", bool(described.get("do_lower_case", True)))
    return Tokenizer.load(folder) if (folder / "tokenizer.json").is_file() else None
