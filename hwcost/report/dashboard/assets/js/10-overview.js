"use strict";
// Overview: what last night found, in a sentence, in counts, in a list of what needs a look, and as a map.
(function () {
  const { el } = hwcost;
  const plural = (n, one, more) => n + " " + (n === 1 ? one : more);

  function suites(index) {
    return index.suites.map((run) => el("p", { class: "quiet" }, "Suite ", el("strong", {}, run.suite), ", night of ", hwcost.format.when(run.at),
      run.commit ? [", commit ", el("code", {}, hwcost.format.commit(run.commit)), run.branch ? " on " + run.branch : "", run.dirty ? " (with local changes)" : ""] : "",
      run.status === "done" ? "." : [": ", el("strong", {}, run.status), "."]));
  }

  function tiles(index) {
    const one = (verdict) => {
      const n = index.counts[verdict];
      return el("li", { class: verdict + (n ? " some" : " none") },
        el("a", { href: hwcost.address.link(verdict === "ok" || verdict === "insufficient" ? "series" : "regressions", { verdict }) },
          el("strong", { id: "count-" + verdict }, n), el("span", { class: "sign", "aria-hidden": "true" }, hwcost.verdict.sign(verdict)), " ", verdict));
    };
    return el("ul", { class: "tiles", "aria-label": "Series by verdict" }, ["regressed", "missing", "ambiguous", "improved", "insufficient", "ok"].map(one));
  }

  function cell(index, row, column, found) {
    if (!found) return el("td", {}, el("span", { class: "quiet" }, "none"));
    const [, , counts, change, curve] = found;
    const total = Object.values(counts).reduce((a, b) => a + b, 0);
    const worst = index.verdicts.find((verdict) => counts[verdict]);
    const ratio = change === null ? null : Math.exp(change);
    const label = counts[worst] + " of " + total + " " + worst;
    return el("td", { class: worst },
      el("a", { href: hwcost.address.link("series", { family: index.map.rows[row], place: index.map.columns[column], verdict: worst === "ok" ? "" : worst }), title: label },
        el("span", { class: "sign", "aria-hidden": "true" }, hwcost.verdict.sign(worst)), " ",
        worst === "ok" ? String(total) : counts[worst] + " of " + total,
        el("span", { class: "change" }, ratio !== null ? hwcost.format.change(ratio) : worst === "insufficient" ? "too few nights" : "no value"), hwcost.chart.spark(curve, worst, true)));
  }

  function map(index) {
    const { rows, columns, cells } = index.map;
    const at = new Map(cells.map((one) => [one[0] + " " + one[1], one]));
    const body = rows.map((name, row) => el("tr", {}, el("th", { scope: "row" }, hwcost.clamped(name)), columns.map((_, column) => cell(index, row, column, at.get(row + " " + column)))));
    return [el("p", { class: "quiet" }, "Each cell shows the worst verdict of its series, how many have it, by how much these changed, and a curve of their latest 40 nights. Where nothing regressed or improved, change and curve are those of all its series, against the 14 nights before."),
      el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Families of workloads by device" }, el("table", { class: "map", id: "map" },
      el("thead", {}, el("tr", {}, el("td", {}), columns.map((name) => el("th", { scope: "col" }, hwcost.clamped(name), moved(index, name))))), el("tbody", {}, body)))];
  }

  // The verdict on a device as a whole, at the head of its column.
  const moved = (index, place) => index.devices.filter((one) => one.place === place).map((one) => el("span", { class: "under " + one.verdict }, hwcost.verdict.sign(one.verdict) + " all " + hwcost.format.change(one.ratio)));
  hwcost.devices = () => hwcost.get("index").devices.map((one) => el("p", { class: "note" }, hwcost.verdict.tag(one.verdict), " Device ", el("strong", {}, one.place), " as a whole. " + one.reason));
  const stale = (index) => index.models.filter((one) => !one.holds).map((one) => el("p", { class: "note regressed" }, "The cost model ",
    el("a", { href: hwcost.address.link("models", { model: one.model, device: one.device }) }, one.model), " no longer holds on " + one.device + ". " + one.reason));

  hwcost.pages.overview = async function (view) {
    const index = hwcost.get("index");
    view.append(el("h1", {}, index.headline), ...suites(index));
    if (!index.series) {
      view.append(el("p", {}, "Measure a first night: ", el("code", {}, "hwcost run nightly"), ", then build this page again."));
      return;
    }
    view.append(el("p", { class: "quiet" }, "A series is one workload on one device and backend, night after night; its verdict compares the latest night with those before."), tiles(index), ...hwcost.devices(), ...stale(index));
    if (index.alarms.length) {
      const all = index.counts.regressed + index.counts.missing + index.counts.ambiguous + index.counts.improved;
      view.append(el("h2", {}, "What needs a look"), hwcost.alarms.table(index.alarms, "The most important of " + plural(all, "verdict", "verdicts"), true));
      if (all > index.alarms.length) view.append(el("p", {}, el("a", { href: "#/regressions" }, "All " + all)));
    }
    view.append(el("h2", {}, "Workloads by device"), map(index), el("h2", {}, "What the signs mean"), hwcost.verdict.legend());
  };
})();
