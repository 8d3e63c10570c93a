"use strict";
// Series: the list of all of them; or the history of one as a chart, and the same numbers as a table.
(function () {
  const { el, format, address } = hwcost;
  const LISTED = 200, NIGHTS = 30;
  const FILTERS = ["verdict", "place", "family", "precision", "quantity"];

  hwcost.pages.series = async function (view, given) {
    const list = await hwcost.history.series();
    if (given.s) return one(view, list, given);
    many(view, list, given);
  };

  function many(view, list, given) {
    const text = (given.q || "").toLowerCase();
    const rows = list.rows.filter((row) => FILTERS.every((name) => !given[name] || row[name] === given[name])
      && (!text || (row.name + " " + row.place + " " + row.family).toLowerCase().includes(text)));
    const limit = Number(given.n) || LISTED;
    const choices = FILTERS.filter((name) => list.lists[name].length > 1 || given[name]).map((name) =>
      hwcost.choice(name === "place" ? "device" : name, given[name], [["", "all"], ...list.lists[name].map((one) => [one, one])], (value) => address.change({ [name]: value, n: "" })));
    view.append(el("h1", {}, "Series"),
      el("div", { class: "filters" }, choices, hwcost.search("name holds", given.q, (q) => address.change({ q, n: "" }))),
      el("p", {}, el("strong", { id: "shown" }, rows.length), " of " + list.rows.length + " series" + (rows.length > limit ? ", the first " + limit + " shown." : ".")));
    if (!rows.length) return;
    view.append(hwcost.table("Latest value of each series", [
      { label: "workload", class: "name", cell: (row) => el("a", { class: "clamp", title: row.name, href: address.link("series", { s: row.key }) }, row.name) },
      { label: "device", text: true, cell: (row) => hwcost.clamped(row.place) },
      { label: "family", text: true, cell: (row) => hwcost.clamped(row.family) },
      { label: "verdict", text: true, cell: (row) => hwcost.verdict.tag(row.verdict) },
      { label: "value", class: "nowrap", cell: (row) => format.value(row.value, row.unit) },
      { label: "± 95 %", class: "nowrap", cell: (row) => format.halfWidth(row.half_width) },
      { label: "nights", cell: (row) => String(row.n) },
      { label: "unconfirmed", cell: (row) => String(row.unconfirmed) },
      { label: "latest", class: "nowrap", cell: (row) => format.when(row.at, true) },
    ], rows.slice(0, limit), { cards: true, id: "series" }));
    if (rows.length > limit) view.append(el("p", {}, el("button", { type: "button", click: () => address.change({ n: limit * 5 }) }, "Show more")));
  }

  async function one(view, list, given) {
    const row = list.byKey.get(given.s);
    if (!row) {
      view.append(el("h1", {}, "No such series"), el("p", {}, "This site has no series ", el("code", {}, given.s), ". It may have been measured on another device or with other options since. ", el("a", { href: "#/series" }, "All series")));
      return;
    }
    const [{ points, changes }, devices, records, alarms] = await Promise.all([hwcost.history.points(row.key), hwcost.load("devices"), hwcost.load("records"), hwcost.load("alarms")]);
    const alarm = alarms.find((other) => other.key === row.key);
    const device = devices.find((other) => other.label === row.place) || { changes: [] };
    view.append(el("h1", { class: "name-of" }, row.name), el("p", {}, hwcost.verdict.tag(row.verdict), " on ", el("a", { href: address.link("devices", {}) }, row.place), alarm ? ". " + alarm.reason : ""),
      el("p", { class: "quiet" }, about(row)), el("p", { class: "quiet", id: "unconfirmed" }, confirmed(row)), chart(row, points, changes, device, records, given), changesOf(changes, device), numbers(row, points, records, given));
  }

  function about(row) {
    const known = [[row.family], [row.backend, "backend "], [row.precision], [row.batch_size, "batch size "], [row.seq_len, "sequence length "], [row.threads, "threads "], [row.quantity]];
    return known.filter(([value]) => value !== null && value !== undefined).map(([value, name]) => (name || "") + value).join(" · ");
  }

  function confirmed(row) {
    return row.unconfirmed ? row.unconfirmed + " of " + row.n + " estimates are unconfirmed, and count less where changes are looked for." : "";
  }

  const band = (point, sign) => (point.v === null || point.h === null ? null : point.v * Math.exp(sign * point.h));

  function link(row, point, records) {
    const own = point.campaign && Object.hasOwn(records, point.campaign) ? records[point.campaign] : null;
    return records.all && point.campaign || (own && own.includes(row.index)) ? address.link("record", { c: point.campaign, s: row.key }) : null;
  }

  function say(row, point) {
    const run = point.run;
    return [format.when(point.t), ": ", point.v === null ? "no value (" + statusOf(point) + ")" : format.value(point.v, row.unit, 4) + (point.h === null ? "" : ", " + format.halfWidth(point.h, 1, "±")),
      run && run.commit ? ", commit " + format.commit(run.commit) : "", point.flags.length ? ", " + point.flags.join(", ") : "", point.reason ? ". " + point.reason : ""];
  }

  const statusOf = (point) => hwcost.get("index").statuses[point.status] || "unknown";

  function chart(row, points, changes, device, records, given) {
    if (!points.some((point) => point.v !== null)) return el("p", { class: "quiet" }, "No night has a value.");
    const y = (pick) => points.map(pick);
    const data = [y((p) => p.t), y((p) => (p.status === 0 ? p.v : null)), y((p) => band(p, 1)), y((p) => band(p, -1)), y((p) => (p.status !== 0 ? p.v : null))];
    const { styles } = hwcost.chart;
    return hwcost.chart.draw({
      label: "History of " + row.name + ": " + points.length + " estimates; the same numbers stand in the table below", isTime: true, height: 340, data,
      series: () => [styles.dots("accent", points.length > 3000 ? 3 : 5), styles.edge(), styles.edge(), styles.dots("ambiguous", 6)], bands: () => [hwcost.chart.band()],
      marks: [...changes.map((one) => ({ t: one[0], colour: one[1] > 1 ? "regressed" : "improved" })), ...device.changes.map((one) => ({ t: one[0], dashed: true, colour: "quiet" }))],
      labels: { y: row.quantity, tick: (one, digits) => format.value(one, row.unit, digits) }, ranges: { y: given.zero ? { range: (chart, low, high) => [0, high * 1.05] } : {} },
      say: (index) => say(row, points[index]), hint: hint(changes, device),
      pick: (index) => { const target = link(row, points[index], records); if (target) location.hash = target; },
    });
  }

  // What the chart's signs mean; of lines, those that there may be.
  const hint = (changes, device) => "Shaded: 95 % interval." + (changes.length ? " Solid lines: changes." : "")
    + (device.changes.length ? " Dashed lines: a new driver or environment." : "") + " Drag to zoom, double click to zoom out.";

  // The days within which a change began.
  function days(first, last) {
    const isOne = new Date(first * 1000).toISOString().slice(0, 10) === new Date(last * 1000).toISOString().slice(0, 10);
    return isOne ? "on this day" : ["between ", format.when(first, true), " and ", format.when(last, true)];
  }

  function changesOf(changes, device) {
    const rows = [...changes.map((one) => [one[0], format.change(one[1]) + ", began ", one[2], one[3]]), ...device.changes.map((one) => [one[0], one[1].map(([name, old, now]) => name + ": " + old + " → " + now).join("; ")])];
    if (!rows.length) return null;
    rows.sort((a, b) => a[0] - b[0]);
    return el("div", {}, el("h2", {}, "Changes"), el("ul", {}, rows.map((one) => el("li", {}, format.when(one[0], true), ": ", one[1], one[2] ? days(one[2], one[3]) : ""))));
  }

  function numbers(row, points, records, given) {
    const limit = Number(given.n) || NIGHTS;
    const rows = points.slice().reverse().slice(0, limit);
    const target = (point) => link(row, point, records);
    return el("div", {}, el("h2", {}, "Numbers"), hwcost.table(rows.length + " of " + points.length + " estimates, the latest first", [
      { label: "measured", class: "nowrap", cell: (p) => (target(p) ? el("a", { href: target(p) }, format.when(p.t)) : format.when(p.t)) },
      { label: "value", class: "nowrap", cell: (p) => format.value(p.v, row.unit, 5) },
      { label: "± 95 %", class: "nowrap", cell: (p) => format.halfWidth(p.h, 2) },
      { label: "status", text: true, cell: (p) => statusOf(p) },
      { label: "commit", text: true, cell: (p) => (p.run && p.run.commit ? el("code", { title: p.run.commit }, format.commit(p.run.commit) + (p.run.dirty ? "*" : "")) : "") },
      ...(rows.some((p) => p.flags.length || p.reason) ? [{ label: "remarks", text: true, class: "why", cell: (p) => [p.flags.join(", "), p.reason].filter(Boolean).join(": ") }] : []),
    ], rows, { id: "points", cards: true }), points.length > limit ? el("p", {}, el("button", { type: "button", click: () => address.change({ n: limit * 10 }) }, "Show more")) : null);
  }
})();
