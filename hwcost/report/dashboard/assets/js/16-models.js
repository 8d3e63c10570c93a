"use strict";
// Cost models: whether each still holds on its device, its accuracy over nights, and its predictions against measurements.
(function () {
  const { el, format, address } = hwcost;
  const last = (list) => (list.length ? list[list.length - 1] : null);
  const seconds = (text) => Math.floor(Date.parse(text) / 1000);
  const whole = (one) => (format.isNumber(one) ? one.toFixed(2) + " %" : format.NONE);

  function state(one) {
    return one.holds ? el("span", { class: "tag improved" }, "✓ holds") : el("span", { class: "tag regressed" }, "▲ no longer holds");
  }

  function accuracy(one) {
    const t = one.nights.t.map(seconds), refits = t.filter((_, index) => one.nights.refitted[index]);
    return hwcost.chart.draw({
      label: "Mean absolute error of " + one.model + " in percent, night by night", isTime: true, height: 220, data: [t, one.nights.mape], series: () => [hwcost.chart.styles.joined("accent")],
      marks: refits.map((at) => ({ t: at, dashed: true, colour: "improved" })), labels: { y: "mean error (%)" }, ranges: { y: { range: (chart, low, high) => [0, high * 1.1 || 1] } },
      say: (index) => [format.when(t[index]), ": error " + whole(one.nights.mape[index]) + ", coverage " + format.percent(one.nights.coverage_90[index], 0) + (one.nights.holds[index] ? "" : ", does not hold")], hint: refits.length ? "Dashed lines: nights after which the model was fitted again." : "",
    });
  }

  function scatter(one, list) {
    const points = one.points.filter((point) => format.isNumber(point[1]) && format.isNumber(point[4])).sort((a, b) => a[4] - b[4]);
    if (!points.length) return el("p", { class: "quiet" }, "No predictions were kept.");
    const x = points.map((point) => point[4]), { styles } = hwcost.chart;
    const { unit } = one;
    return hwcost.chart.draw({
      label: "Predicted against measured, " + points.length + " workloads; the line is where both are equal", height: 320, data: [x, points.map((p) => p[1]), points.map((p) => p[3]), points.map((p) => p[2]), x],
      series: () => [styles.dots("accent", 6), styles.edge(), styles.edge(), styles.line("quiet", 1)], bands: () => [hwcost.chart.band()],
      labels: { x: "measured " + one.quantity, y: "predicted " + one.quantity, tick: (v, digits) => format.value(v, unit, digits), xTick: (v, digits) => format.value(v, unit, digits) },
      say: (index) => { const row = list.rows[points[index][0]]; return [(row ? row.name : "a workload") + ": predicted ", format.value(points[index][1], unit), ", measured ", format.value(points[index][4], unit)]; }, hint: "Line: predicted as measured. Shaded: 90 % interval of the prediction.",
      pick: (index) => { const row = list.rows[points[index][0]]; if (row) location.hash = address.link("series", { s: row.key }); },
    });
  }

  function importance(one) {
    if (!one.importance.length) return null;
    const most = Math.max(...one.importance.map(([, share]) => share), 1e-9);
    return hwcost.table("Importance of features", [{ label: "feature", class: "name", cell: ([name]) => name }, { label: "share", class: "nowrap", cell: ([, share]) => format.percent(share) },
      { label: "", text: true, cell: ([, share]) => [hwcost.chart.bar(share / most)] }], one.importance.slice(0, 16));
  }

  hwcost.pages.models = async function (view, given) {
    const [models, list] = await Promise.all([hwcost.load("models"), hwcost.history.series()]);
    view.append(el("h1", {}, "Cost models"));
    if (!models.length) return void view.append(el("p", {}, "No suite names a cost model yet. A suite with a table ", el("code", {}, "[models.NAME]"), ", in ", el("code", {}, "hwcost.toml"), " ", el("code", {}, "[suite.SUITE.models.NAME]"), ", has its models judged by every night's measurements."));
    view.append(hwcost.table("As the latest night judged them", [
      { label: "model", class: "name", cell: (one) => el("a", { href: address.link("models", { model: one.model, device: one.device }) }, one.model) }, { label: "device", text: true, cell: (one) => one.device },
      { label: "state", text: true, cell: state }, { label: "mean error", class: "nowrap", cell: (one) => whole(last(one.nights.mape)) },
      { label: "Kendall's tau", cell: (one) => (format.isNumber(last(one.nights.kendall_tau)) ? last(one.nights.kendall_tau).toFixed(3) : format.NONE) },
      { label: "90 % interval covers", class: "nowrap", cell: (one) => format.percent(last(one.nights.coverage_90), 0) }, { label: "workloads", cell: (one) => String(one.n) }, { label: "age", class: "nowrap", cell: (one) => format.duration(one.age_s) },
    ], models, { id: "models", cards: true }));
    for (const one of models) {
      if ((given.model && one.model !== given.model) || (given.device && one.device !== given.device)) continue;
      view.append(el("h2", {}, one.model + " on " + one.device), el("p", { class: one.holds ? null : "note regressed" }, state(one), " " + one.reason), el("div", { class: "pair" }, el("div", {}, accuracy(one)), el("div", {}, scatter(one, list))), importance(one));
    }
    if (given.model) view.append(el("p", {}, el("a", { href: "#/models" }, "All models")));
  };
})();
