"use strict";
// Fronts of studies: all trials, the front, and the records and series of what was measured of its points.
(function () {
  const { el, format, address } = hwcost;
  const tick = (unit) => (value, digits) => format.value(value, unit, digits);

  // The latest record of a point's architecture; its series where the site holds no such record, null where it was not measured.
  function target(point, list, records) {
    const row = list.rows[point[3]], campaign = point[4];
    if (!row) return null;
    const isHere = campaign && (records.all || (Object.hasOwn(records, campaign) && records[campaign].includes(row.index)));
    return isHere ? address.link("record", { c: campaign, s: row.key }) : address.link("series", { s: row.key });
  }

  function chart(study, list, records) {
    const points = study.points.slice().sort((a, b) => a[1][0] - b[1][0]);
    const [x, y] = study.objectives, { styles } = hwcost.chart;
    return hwcost.chart.draw({
      label: "Trials of " + study.name + " and their front", height: 360, data: [points.map((p) => p[1][0]), points.map((p) => (p[2] ? null : p[1][1])), points.map((p) => (p[2] ? p[1][1] : null))],
      series: () => [styles.dots("accent-soft", 5), { ...styles.dots("accent", 8) }], labels: { x: x[0], y: y[0], tick: tick(y[1]), xTick: tick(x[1]) },
      say: (index) => [points[index][0] + ": ", tick(x[1])(points[index][1][0]), ", ", tick(y[1])(points[index][1][1])], hint: "Large dots: the front, which no other trial dominates.",
      pick: (index) => { const link = target(points[index], list, records); if (link) location.hash = link; },
    });
  }

  function table(study, list, records) {
    const best = study.points.filter((point) => point[2]).sort((a, b) => a[1][0] - b[1][0]);
    return hwcost.table(best.length + " architectures that no other dominates", [
      { label: "architecture", class: "name", cell: (p) => { const link = target(p, list, records); return link ? el("a", { href: link }, p[0]) : p[0]; } },
      ...study.objectives.map(([name, unit], index) => ({ label: name, class: "nowrap", cell: (p) => tick(unit)(p[1][index]) })),
      { label: "measured", text: true, cell: (p) => { const row = list.rows[p[3]]; return row ? el("a", { href: address.link("series", { s: row.key }) }, format.value(row.value, row.unit)) : "not here"; } },
    ], best.slice(0, 200), { id: "front", cards: true });
  }

  hwcost.pages.front = async function (view) {
    const [studies, list, records] = await Promise.all([hwcost.load("fronts"), hwcost.history.series(), hwcost.load("records")]);
    view.append(el("h1", {}, "Fronts of studies"));
    if (!studies.length) return void view.append(el("p", {}, "No study was given. ", el("code", {}, "hwcost report build --study LOG"), " shows the front of a search that kept its log."));
    for (const study of studies) {
      view.append(el("h2", {}, study.name), el("p", { class: "quiet" }, "Space " + study.space + ", searcher " + study.searcher + ", seed " + study.seed + ", " + study.completed + " of " + study.trials + " trials completed."),
        study.objectives.length > 1 && study.points.length ? chart(study, list, records) : null, table(study, list, records));
    }
  };
})();
