"use strict";
// Verdicts: a sign, a word and what it means; never colour alone.
(function () {
  const ABOUT = {
    regressed: ["▲", "worse than before, by more than noise explains"],
    missing: ["∅", "not measured last night, or its measurement failed"],
    ambiguous: ["?", "something moved, but the data cannot tell what"],
    improved: ["▼", "better than before, by more than noise explains"],
    insufficient: ["·", "too few nights to be judged yet"],
    ok: ["✓", "as before, within what noise explains"],
  };
  const known = (verdict) => ABOUT[verdict] || ["?", ""];

  hwcost.verdict = {
    sign: (verdict) => known(verdict)[0],
    meaning: (verdict) => known(verdict)[1],
    tag: (verdict) => hwcost.el("span", { class: "tag " + verdict, title: known(verdict)[1] },
      hwcost.el("span", { class: "sign", "aria-hidden": "true" }, known(verdict)[0]), " ", verdict),
    legend: () => hwcost.el("ul", { class: "legend", "aria-label": "Meaning of the signs" },
      Object.keys(ABOUT).map((verdict) => hwcost.el("li", {}, hwcost.verdict.tag(verdict), " ", hwcost.el("span", { class: "quiet" }, ABOUT[verdict][1])))),
  };
})();
