"use strict";
// Fronts of studies: all trials, the front, and the measured series behind its points.
(function () {
  const { el, format, address } = hwcost;
  const tick = (unit) => (value, digits) => format.value(value, unit, digits);

  function chart(study, list) {
    const points = study.points.slice().sort((a, b) => a[1][0] - b[1][0]);
    const [x, y] = study.objectives, { styles } = hwcost.chart;
    return hwcost.chart.draw({
      label: "Trials of " + study.name + " and their front", height: 360, data: [points.map((p) => p[1][0]), points.map((p) => (p[2] ? null : p[1][1])), points.map((p) => (p[2] ? p[1][1] : null))],
      series: () => [styles.dots("accent-soft", 5), { ...styles.dots("accent", 8) }], labels: { x: x[0], y: y[0], tick: tick(y[1]), xTick: tick(x[1]) },
      say: (index) => [points[index][0] + ": ", tick(x[1])(points[index][1][0]), ", ", tick(y[1])(points[index][1][1])], hint: "Large dots: the front, which no other trial dominates.",
      pick: (index) => { const row = list.rows[points[index][3]]; if (row) location.hash = address.link("series", { s: row.key }); },
    });
  }

  function table(study, list) {
    const best = study.points.filter((point) => point[2]).sort((a, b) => a[1][0] - b[1][0]);
    return hwcost.table(best.length + " architectures that no other dominates", [
      { label: "architecture", class: "name", cell: (p) => { const row = list.rows[p[3]]; return row ? el("a", { href: address.link("series", { s: row.key }) }, p[0]) : p[0]; } },
      ...study.objectives.map(([name, unit], index) => ({ label: name, class: "nowrap", cell: (p) => tick(unit)(p[1][index]) })),
      { label: "measured", text: true, cell: (p) => (list.rows[p[3]] ? format.value(list.rows[p[3]].value, list.rows[p[3]].unit) : "not here") },
    ], best.slice(0, 200), { id: "front", cards: true });
  }

  hwcost.pages.front = async function (view) {
    const [studies, list] = await Promise.all([hwcost.load("fronts"), hwcost.history.series()]);
    view.append(el("h1", {}, "Fronts of studies"));
    if (!studies.length) return void view.append(el("p", {}, "No study was given. ", el("code", {}, "hwcost report build --study LOG"), " shows the front of a search that kept its log."));
    for (const study of studies) {
      view.append(el("h2", {}, study.name), el("p", { class: "quiet" }, "Space " + study.space + ", searcher " + study.searcher + ", seed " + study.seed + ", " + study.completed + " of " + study.trials + " trials completed."),
        study.objectives.length > 1 && study.points.length ? chart(study, list) : null, table(study, list));
    }
  };
})();
