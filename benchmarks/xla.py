"""torch_xla with XLA's compiler for CPUs, which runs the code of the TPU backend without a TPU.

Three tables, from one campaign at batch 1 and 128 tokens:

- BERT-base: latency, seconds of compiling and of tracing, difference from eager torch.
- Two calls of BERT-base chained in one computation against one call: a compiler that leaves out work that nobody reads, or
  does equal work once, makes them cost less than twice.
- MiniBERT: prices of its components by the slope over depth, the share of the net's time that each kind would save (as in
  Table 4 of "Finding Fast Transformers"), and the additivity gap: sum of the components over the whole net, less one.

Run: ``make test-xla``, or ``python benchmarks/xla.py [--budget 120] [--store runs/xla.db]`` where torch_xla is installed.
The exit status is 1 where something failed, was compiled inside a timed region, or differs from eager torch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import hwcost as hc
from hwcost.campaign.components.costs import component_report
from hwcost.spaces.components import Components
from hwcost.systems.components import gate_shares, share_workloads
from hwcost.timing.measurement import Measurement
from hwcost.workloads import FactoryWorkload, ModelWorkload, models

SEQ_LEN = 128
ROUNDS = 2
DEEPEST = 4
"""Most copies of a component in a stack: deeper ones take XLA longer to compile."""
RATIO = (1.7, 2.3)
"""Bounds of what two chained calls may cost, in calls."""
LARGEST_DIFFERENCE = 1e-4
"""Largest difference from eager torch, relative to the largest output."""
CHAINED = FactoryWorkload("xla:chained_bert", 1, SEQ_LEN, "float32")


def chained_bert(batch_size: int, seq_len: int, dtype: Any) -> Any:
    """Makes BERT-base called twice, where the second call needs a number that the first one computes."""
    import torch

    from hwcost.workloads.flat_call import flat_tensors

    built = bert(batch_size, seq_len).built()

    class Chained(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = built.module

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            first = flat_tensors(self.net(input_ids, attention_mask, token_type_ids))[0]
            nothing = (first.reshape(-1)[:1] * 0).to(input_ids.dtype)  # zero unless it is infinite, so it must be computed
            return self.net(input_ids + nothing, attention_mask, token_type_ids)

    return Chained().eval().to(dtype), built.inputs


def bert(batch_size: int = 1, seq_len: int = SEQ_LEN) -> ModelWorkload:
    """Returns BERT-base."""
    space = Components("bert-base")
    return models(space, [space.base()], batch_size, seq_len)[0]


def measured(budget_s: float, store: Path) -> dict[str, list[Measurement]]:
    """Measures BERT-base, its chained calls and the parts of MiniBERT; returns them by what they are for."""
    components = [one for one in share_workloads(Components("minibert"), 1, SEQ_LEN) if getattr(one, "depth", 1) <= DEEPEST]
    parts = {"bert": [bert()], "chained": [CHAINED], "components": components}
    what = [one for group in parts.values() for one in group]
    print(f"{len(what)} workloads, {ROUNDS} rounds, about {budget_s:g} s", flush=True)
    how = {"backend": "torch-xla", "tier": "quick", "rounds": ROUNDS, "budget_s": budget_s}
    found = hc.measure(what, "cpu", store=store, **how).measurements
    by_name = {one.workload.name: one for one in found}
    return {name: [by_name[one.name] for one in group] for name, group in parts.items()}


def report_bert(one: Measurement, chained: Measurement) -> None:
    """Prints what BERT-base and its chained calls took."""
    facts = one.visits[0].facts
    print(f"\nBERT-base, batch 1, {SEQ_LEN} tokens, float32; torch_xla {facts['torch_xla']} on {facts['device']}, "
          f"{facts['threads']} thread(s)")  # fmt: skip
    print(f"  latency                      {1e3 * one.latency_s:.1f} ms ± {100 * (one.half_width or 0):.1f} %")
    print(f"  tracing, apart               {1e3 * facts['trace_s']:.1f} ms")
    print(f"  compiling, before            {facts['compile_s']:.1f} s, {facts['compilations']} computation(s)")
    print(f"  difference from eager torch  {facts['difference']:.1e} (at most {LARGEST_DIFFERENCE:g})")
    ratio = chained.latency_s / one.latency_s
    verdict = "met" if RATIO[0] <= ratio <= RATIO[1] else "NOT met"
    print(f"  two chained calls            {ratio:.2f} x one ({RATIO[0]} to {RATIO[1]}: {verdict})")


def report_components(found: list[Measurement]) -> None:
    """Prints the prices of MiniBERT's components, the shares of their kinds, and the additivity gap."""
    report = component_report(found)
    shares, gaps = gate_shares(Components("minibert"), found)
    print(f"\nMiniBERT, batch 1, {SEQ_LEN} tokens: price of each component by depth slope")
    for name, fit in report.table.fits.items():
        half = "" if fit.half_width_s is None else f" ± {1e6 * fit.half_width_s:.1f}"
        print(f"  {name:<42} {1e6 * fit.cost_s:9.1f}{half} us")
    print(f"  {'overhead of a call':<42} {1e6 * report.table.overhead_s:9.1f} us")
    print("share of the whole net's time that a kind would save, percent")
    print("  " + "  ".join(f"{kind} {100 * share:.1f}" for kind, share in shares.items()))
    whole, without_keys = (f"{100 * gap:+.1f} %" for gap in gaps.values())
    print(f"additivity gap: {whole} of the whole net, {without_keys} without queries and keys")


def faults(found: list[Measurement]) -> list[str]:
    """Returns what makes the figures wrong, whatever else the machine did meanwhile."""
    said = []
    for one in found:
        flags = [flag for visit in one.visits for flag in visit.flags if flag.code in ("E_FAILED", "E_DIED", "E_COMPILE")]
        said += [f"{one.workload.name}: {flag.code}: {flag.text}" for flag in flags]
        worst = max((visit.facts.get("difference", 0.0) for visit in one.visits), default=0.0)
        if worst > LARGEST_DIFFERENCE:
            said.append(f"{one.workload.name}: outputs differ from eager torch's by {worst:.1e}")
    return said


def disturbed(found: list[Measurement]) -> list[str]:
    """Returns the workloads without a latency, with the reasons."""
    missing = [one for one in found if one.latency_s is None]
    codes = [sorted({flag.code for visit in one.visits for flag in visit.flags}) for one in missing]
    return [f"{one.workload.name}: no latency: {', '.join(reasons)}" for one, reasons in zip(missing, codes, strict=True)]


def main() -> int:
    """Measures, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=120.0, help="seconds for both rounds")
    parser.add_argument("--store", type=Path, default=Path("runs/xla.db"))
    given = parser.parse_args()
    given.store.parent.mkdir(parents=True, exist_ok=True)
    found = measured(given.budget, given.store)
    every = [one for group in found.values() for one in group]
    said = faults(every)
    if not disturbed([*found["bert"], *found["chained"]]):
        report_bert(found["bert"][0], found["chained"][0])
    if not disturbed(found["components"]):
        report_components(found["components"])
    visits = [visit for one in every for visit in one.visits]
    compiled = sum(flag.code == "E_COMPILE" for visit in visits for flag in visit.flags)
    worst = max(visit.facts.get("difference", 0.0) for visit in visits)
    print(f"\n{len(every)} workloads, {len(visits)} visits: {compiled} with a compilation inside the timed region; "
          f"largest difference from eager torch {worst:.1e}")  # fmt: skip
    print("".join(f"{line}\n" for line in [*disturbed(every), *said]), end="")
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
