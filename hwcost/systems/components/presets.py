"""Sizes of a run of Finding Fast Transformers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.tuning import TUNINGS, Grid, Tuning
from hwcost.systems.components.distilling import Distilling
from hwcost.systems.settings import DEVICE_PROTOCOL, Measuring, Preset


@dataclass(frozen=True, kw_only=True)
class Sweeping:
    """A grid of searches, of which the fastest net within an accepted loss of quality is selected (Table 7).

    Attributes:
        direct_penalties: Weights of the cost in DO; empty for none.
        sampled_penalties: Weights of the cost in SDO.
        sampled_rates: Step sizes of SDO's policy, each with all weights.
        drop: Loss of the first task's metric that is accepted: 0.01 is one percent of accuracy.
    """

    direct_penalties: tuple[float, ...] = ()
    sampled_penalties: tuple[float, ...] = ()
    sampled_rates: tuple[float, ...] = ()
    drop: float = 0.01


@dataclass(frozen=True, kw_only=True)
class ComponentsPreset(Preset):
    """Sizes of a run. Gates cost their largest share over the protocol's sequence lengths.

    Attributes:
        grid: Name of the grid of components that the base net is divided into.
        tokenizer: Kind of the tokenizer that is trained on the text, ``wordpiece`` or ``unigram`` (SentencePiece); or the
            path of a model file of SentencePiece, or of a folder with a ``tokenizer.json``.
        base: Recipe of the base net's training.
        direct: Recipe of DO.
        sampled: Recipe of SDO.
        retraining: Recipe of the selected nets' training.
        is_warm: Whether searches start from the base net, and selected nets are trained on with the searched weights, the
            base net as long as search and that together; otherwise every training starts from fresh weights.
        long_seq_len: Number of tokens in a sequence in the last steps of these four trainings; None for the same in all.
        long_share: Share of the steps that are those.
        tuning: Settings of fine-tuning.
        cost_form: Form of the cost of gates: ``nested``, or ``linear``, the printed sum; see
            :class:`hwcost.systems.components.gate_costs.GateCosts`.
        direct_whole_cost: Cost of the whole net in DO: 1 for costs in shares, 100 for percent, as the paper prints them.
        direct_penalty: Weight of the cost in DO (the paper's lambda).
        direct_rate: Learning rate of DO's gates.
        direct_mode: Way that gates pay: ``proximal`` or ``decay``, see :class:`hwcost.searchers.direct.Direct`.
        direct_scaled: Whether DO's connectors and means that are neither 0 nor 1 stay scales in the net that is left
            (section 4.1); otherwise they are rounded.
        sampled_whole_cost: Cost of the whole net in SDO.
        sampled_penalty: Weight of the cost in SDO.
        sampled_rate: Learning rate of SDO's policy (the paper's nu).
        sampled_optimizer: Rule that moves the policy: ``sgd`` or ``adam``.
        sampled_decay: Whether that rate follows the recipe's schedule; otherwise it is the same in all steps.
        estimator: Gradient estimator of SDO, see :data:`hwcost.searchers.sampling.ESTIMATORS`.
        samples: Number of nets that SDO draws in a step.
        sweep: Grid of further searches.
        distillation: Searches within the distillation of taggers, off unless it is switched on.
        timed_turns: Number of turns in which steps of the trainings are timed.
        timed_steps: Number of steps in each of them.
        winner_rounds: Number of rounds of the winners' campaign, whose few nets say little about the noise; None for as many
            as the tier wants.
        batches: Number of held-out batches that perplexity is computed on.
        evaluations: Number of evaluations of a searcher that the user gives beside DO and SDO.
    """

    grid: str
    tokenizer: str = "wordpiece"
    base: Recipe
    direct: Recipe
    sampled: Recipe
    retraining: Recipe
    is_warm: bool = True
    long_seq_len: int | None = None
    long_share: float = 0.1
    tuning: Tuning
    cost_form: Literal["nested", "linear"] = "nested"
    direct_whole_cost: float = 1.0
    direct_penalty: float
    direct_rate: float
    direct_mode: Literal["proximal", "decay"] = "proximal"
    direct_scaled: bool = False
    sampled_whole_cost: float = 1.0
    sampled_penalty: float
    sampled_rate: float
    sampled_optimizer: Literal["sgd", "adam"] = "sgd"
    sampled_decay: bool = False
    estimator: str = "rloo"
    samples: int
    sweep: Sweeping = Sweeping()
    distillation: Distilling = field(default_factory=Distilling)
    timed_turns: int = 2
    timed_steps: int = 3
    winner_rounds: int | None
    batches: int
    evaluations: int


_QUICK = Recipe(steps=600, batch_size=64, seq_len=32, learning_rate=1e-3, warmup_steps=60, clip=1.0)
_PAPER = replace(RECIPES["components-paper"], steps=250_000)
_SMOKE = RECIPES["smoke"]

PRESETS = {
    "smoke": ComponentsPreset(
        grid="mini",
        base=_SMOKE,
        direct=_SMOKE,
        sampled=_SMOKE,
        retraining=_SMOKE,
        tuning=Tuning(Grid(_SMOKE)),
        tasks=("docstring",),
        direct_penalty=1.0,
        direct_rate=0.1,
        sampled_penalty=1.0,
        sampled_rate=5.0,
        samples=2,
        sweep=Sweeping(direct_penalties=(1000.0,), sampled_penalties=(2.0,), sampled_rates=(5.0,), drop=1.0),
        distillation=Distilling(grid=None, recipe=_SMOKE, gold=1),
        timed_turns=1,
        timed_steps=2,
        measuring=Measuring(batch_size=4, seq_lens=(32,), rounds=2),
        winner_rounds=2,
        batches=1,
        evaluations=8,
    ),
    "quick": ComponentsPreset(
        grid="mini",
        base=replace(_QUICK, learning_rate=2e-3),
        direct=_QUICK,
        sampled=_QUICK,
        retraining=replace(_QUICK, steps=300, warmup_steps=0),
        tuning=Tuning(Grid(replace(_QUICK, steps=100, warmup_steps=10))),
        tasks=("docstring",),
        direct_penalty=0.4,
        direct_rate=1.0,
        sampled_penalty=0.2,
        sampled_rate=24.0,
        samples=4,
        distillation=Distilling(grid=None, recipe=_QUICK, gold=16),
        measuring=Measuring(batch_size=8, seq_lens=(32, 128), rounds=3, budget_s=180.0),
        winner_rounds=10,
        batches=8,
        evaluations=200,
    ),
    "paper": ComponentsPreset(
        grid="bert-base",
        base=_PAPER,
        direct=_PAPER,
        sampled=_PAPER,
        retraining=_PAPER,
        is_warm=False,
        long_seq_len=512,
        tuning=TUNINGS["components-paper"],
        direct_whole_cost=100.0,
        direct_penalty=1e-3,
        direct_rate=0.3,
        direct_scaled=True,
        sampled_whole_cost=20_000.0,
        sampled_penalty=1e-5,
        sampled_rate=1e-2,
        sampled_optimizer="adam",
        sampled_decay=True,
        samples=4,
        sweep=Sweeping(
            direct_penalties=(1e-5, 1e-4, 1e-3, 1e-2), sampled_penalties=(1e-6, 1e-5, 1e-4), sampled_rates=(1e-2,)
        ),
        measuring=replace(DEVICE_PROTOCOL, seq_lens=(32, 128, 512)),
        winner_rounds=None,
        batches=16,
        evaluations=10_000,
    ),
}
_MULTILINGUAL = replace(_PAPER, steps=1_000_000, warmup_steps=1250)
PRESETS["multilingual"] = replace(
    PRESETS["paper"],
    grid="bert-base-multilingual",
    tokenizer="unigram",
    base=_MULTILINGUAL,
    direct=_MULTILINGUAL,
    sampled=_MULTILINGUAL,
    retraining=_MULTILINGUAL,
    long_seq_len=None,
    tuning=TUNINGS["components-multilingual"],
    direct_penalty=1e-2,
    distillation=Distilling(direct_penalty=1e-3),
)
"""``paper``: appendix A, the grid of Table 7, and fine-tuning as in appendix D.1, on tasks that the user gives. Every
training has 250,000 steps (appendix A.3); Table 7's own have 125,000. ``multilingual``: sections 5.3.2, A.3 and D.2, with
120,000 pieces of a unigram model, 1,000,000 steps at 128 tokens, and the lambdas that selected its nets; those of students
are the ones that "work out-of-the-box for other experiments" (appendix A.2), of DO and of SDO alike, as in ``paper``.

The paper prints no unit of costs, no learning rate of DO's gates and no optimiser of SDO's policy. DO's costs are in percent
here, as Tables 1 and 4 print them, and its rate is one with which every gate of no use closes within the steps, those of
means among them, as in Figure 3. SDO's whole net costs 20,000, as many as BERT-base takes microseconds for a batch of
16 x 128 at about 18 TFLOP/s: with the printed lambdas the whole net is then worth 0.02, 0.2 and 2 nats of loss, which leaves
the base net, drops what is worth little, and lets it collapse, as Table 7 has it. Its policy moves by Adam, at nu times the
schedule of the weights: by plain steps, nu moves no gate far enough."""
