"use strict";
// Compare: two nights, or two devices, backends, precisions or batch sizes, over the series that both have.
(function () {
  const { el, format, address } = hwcost;
  const AXES = [["night", "night"], ["device", "device"], ["backend", "backend"], ["precision", "precision"], ["batch_size", "batch size"]];
  const SAME = ["name", "device", "backend", "precision", "batch_size", "seq_len", "threads", "quantity"];
  const LISTED = 300;

  const nightName = (run) => String(run.at).slice(0, 10) + " " + run.suite + (run.commit ? ", " + format.commit(run.commit) : "");

  // Both sides as maps from what is compared to its row, value and half-width.
  async function nights(list, runs, a, b) {
    const short = new Map(list.rows.map((row) => [row.key.slice(0, 12), row]));
    const side = async (file) => {
      const night = file ? await hwcost.load("nights/" + file) : { k: [] };
      return new Map(night.k.map((key, index) => [key, { row: short.get(key), v: night.s[index] === 0 ? night.v[index] : null, h: night.h[index] }]).filter(([, one]) => one.row));
    };
    return [await side(a), await side(b)];
  }

  function others(list, axis, a, b) {
    const identity = (row) => JSON.stringify(SAME.filter((name) => name !== axis).map((name) => row[name]));
    const side = (value) => new Map(list.rows.filter((row) => String(row[axis]) === value).map((row) => [identity(row), { row, v: row.value, h: row.half_width }]));
    return [side(a), side(b)];
  }

  function pairs(one, other) {
    const found = [];
    for (const [key, a] of one) {
      const b = other.get(key);
      if (!b || a.v === null || b.v === null || !(a.v > 0) || !(b.v > 0)) continue;
      const width = Math.hypot(a.h || 0, b.h || 0), log = Math.log(b.v / a.v);
      found.push({ row: b.row, a, b, log, width: a.h === null || b.h === null ? null : width });
    }
    return found.sort((x, y) => Math.abs(y.log) - Math.abs(x.log) || x.row.index - y.row.index);
  }

  function picker(axis, runs, list, given) {
    const { choice } = hwcost;
    const values = axis === "night" ? runs.slice().reverse().map((run) => [run.file, nightName(run)])
      : [...new Set(list.rows.map((row) => row[axis]))].filter((one) => one !== null).sort().map((one) => [one, String(one)]);
    const options = [["", "choose"], ...values];
    const a = given.a || (values[1] || values[0] || [""])[0], b = given.b || (values[0] || [""])[0];
    const families = [["", "all"], ...list.lists.family.map((one) => [one, one])];
    return { a: String(a), b: String(b), node: el("div", { class: "filters" },
      choice("along", axis, AXES, (value) => address.change({ along: value, a: "", b: "" })), choice("A, before", a, options, (value) => address.change({ a: value, b: String(b) })),
      choice("B, after", b, options, (value) => address.change({ a: String(a), b: value })), choice("family", given.family, families, (family) => address.change({ family }))) };
  }

  const clears = (one) => (one.width === null ? "" : Math.abs(one.log) > one.width ? (one.log > 0 ? "B is slower" : "B is faster") : "within noise");

  function markdown(found) {
    const lines = found.slice(0, LISTED).map((one) => "| " + [one.row.name.replace(/[|\\`<]/g, "\\$&"), format.value(one.a.v, one.row.unit), format.value(one.b.v, one.row.unit), format.change(Math.exp(one.log)), clears(one)].join(" | ") + " |");
    return ["| workload | A | B | B against A | |", "|---|---|---|---|---|", ...lines].join("\n");
  }

  hwcost.pages.compare = async function (view, given) {
    const [list, runs] = await Promise.all([hwcost.history.series(), hwcost.load("nights")]);
    const axis = AXES.some(([name]) => name === given.along) ? given.along : "night";
    const chosen = picker(axis, runs, list, given);
    view.append(el("h1", {}, "Compare"), chosen.node);
    const files = new Set(runs.map((run) => run.file));
    if (axis === "night" && !(files.has(chosen.a) && files.has(chosen.b))) return void view.append(el("p", { class: "quiet" }, "Choose two nights."));
    const [one, other] = axis === "night" ? await nights(list, runs, chosen.a, chosen.b) : others(list, axis, chosen.a, chosen.b);
    const inFamily = (entry) => !given.family || entry[1].row.family === given.family;
    const a = new Map([...one].filter(inFamily)), b = new Map([...other].filter(inFamily));
    const found = pairs(a, b), all = new Set([...a.keys(), ...b.keys()]).size;
    view.append(el("p", {}, el("strong", { id: "compared" }, found.length), " of " + all + " compared; " + (all - found.length) + " without a value on one side."));
    if (chosen.a === chosen.b) view.append(el("p", { class: "quiet" }, "A and B are the same."));
    if (!found.length) return;
    const mean = Math.exp(found.reduce((sum, x) => sum + x.log, 0) / found.length);
    view.append(el("p", {}, "All together, B is ", el("strong", { id: "mean" }, format.change(mean, 2)), " against A (geometric mean)."),
      axis === "night" ? null : el("p", { class: "quiet" }, "Latest values, of series that differ in " + axis + " alone."),
      el("div", { class: "figure" }, hwcost.chart.histogram(found.map((x) => x.log), "Distribution of the changes from A to B", (log) => format.change(Math.exp(log)))),
      hwcost.table("Changes, the largest first" + (found.length > LISTED ? ", " + LISTED + " shown" : ""), [
        { label: "workload", class: "name", cell: (x) => el("a", { class: "clamp", title: x.row.name, href: address.link("series", { s: x.row.key }) }, x.row.name) },
        { label: "device", text: true, cell: (x) => (axis === "device" || axis === "backend" ? x.a.row.place + " → " + x.b.row.place : x.row.place) },
        { label: "A", class: "nowrap", cell: (x) => format.value(x.a.v, x.row.unit) }, { label: "B", class: "nowrap", cell: (x) => format.value(x.b.v, x.row.unit) },
        { label: "change", class: "nowrap", cell: (x) => format.change(Math.exp(x.log), 2) },
        { label: "± 95 %", class: "nowrap", cell: (x) => format.percent(x.width === null ? null : Math.expm1(x.width)) },
        { label: "says", text: true, cell: clears },
      ], found.slice(0, LISTED), { cards: true, id: "pairs" }),
      el("details", {}, el("summary", {}, "As markdown"), el("textarea", { readonly: true, rows: 8, "aria-label": "The table as markdown" }, markdown(found))));
  };
})();
