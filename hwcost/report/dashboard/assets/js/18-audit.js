"use strict";
// Audit: the level of each machine, night by night, and within its latest campaign.
(function () {
  const { el, format } = hwcost;

  function nights(one) {
    if (one.levels.t.length < 2) return el("p", { class: "quiet" }, "A level takes two nights with values of " + one.levels.least + " series each; this device has " + one.series + " series.");
    return hwcost.chart.draw({
      label: "Level of " + one.label + " night by night; 1 is its usual state", isTime: true, height: 220, data: [one.levels.t, one.levels.v], series: () => [hwcost.chart.styles.joined("accent")],
      marks: one.changes.map(([t]) => ({ t, dashed: true, colour: "quiet" })), labels: { y: "level", tick: (v, digits) => format.change(v, digits - 2) }, ranges: { y: { range: (chart, low, high) => [Math.min(0.97, low), Math.max(1.03, high)] } },
      say: (index) => [format.when(one.levels.t[index]), ": " + format.change(one.levels.v[index], 2) + " against usual, over " + one.levels.n[index] + " series"], hint: "Median over all series of the device." + (one.changes.length ? " Dashed lines: a new driver or environment." : ""),
    });
  }

  function within(audit) {
    if (!audit) return null;
    if (audit.reason) return el("p", { class: "quiet" }, "Its latest campaign cannot be audited: " + audit.reason);
    const { styles } = hwcost.chart;
    return el("div", {}, el("p", {}, "Latest campaign: ", el("strong", {}, audit.verdict), ", level range " + format.percent(audit.level_range) + ", von Neumann ratio " + Number(audit.von_neumann).toFixed(2) + "."),
      hwcost.chart.draw({ label: "Level of " + audit.label + " within its latest campaign", height: 220, data: [audit.rows, audit.residuals, audit.level], series: () => [styles.dots("accent-soft", 4), styles.line("accent", 2)], labels: { x: "visit, in the order measured", tick: (v, digits) => format.change(1 + v, digits - 2) } }),
      audit.flags.length ? el("ul", {}, audit.flags.map(([code, text, remedy]) => el("li", {}, el("code", {}, code), ": " + text + " " + (remedy || "")))) : null);
  }

  hwcost.pages.audit = async function (view) {
    const [devices, audits] = await Promise.all([hwcost.load("devices"), hwcost.load("audits")]);
    view.append(el("h1", {}, "Levels of the machines"), el("p", {}, "A machine whose level moves makes everything on it faster or slower at once. Verdicts allow for that; here it can be seen."));
    if (!devices.length) view.append(el("p", { class: "quiet" }, "No device has measured anything yet."));
    for (const one of devices) view.append(el("h2", {}, one.label), nights(one), within(audits.find((other) => other.label === one.label)));
  };
})();
