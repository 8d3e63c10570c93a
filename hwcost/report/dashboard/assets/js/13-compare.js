"use strict";
// Compare: two nights, the nights around a change of environment, or two devices, backends, precisions or batch sizes, over the
// series that both have; and what else differs between the two sides.
(function () {
  const { el, format, address } = hwcost;
  const AXES = [["night", "night"], ["environment", "environment"], ["device", "device"], ["backend", "backend"], ["precision", "precision"], ["batch_size", "batch size"]];
  const SAME = ["name", "device", "backend", "precision", "batch_size", "seq_len", "threads", "quantity"];
  const LISTED = 300, LONGEST = 400; // rows, and characters of a command

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

  // Changes of environment: of which device, from which night to which, and what changed. Only the latest night before it and
  // the first one with it tell it from what else changed.
  function environments(devices, runs) {
    const seconds = (run) => Math.floor(Date.parse(run.at) / 1000);
    return devices.flatMap((device) => device.changes.map(([at, facts]) => {
      const until = runs.filter((run) => seconds(run) <= at), after = until[until.length - 1];
      const before = after && until.filter((run) => run !== after && run.suite === after.suite).pop();
      return before ? { id: device.label + " " + at, at, place: device.label, facts, a: before.file, b: after.file } : null;
    })).filter((one) => one !== null).sort((x, y) => y.at - x.at);
  }

  const IN_RUN = ["suite", "commit", "branch", "dirty", "version", "argv"];
  const shown = (value) => (Array.isArray(value) ? value.join(" ") : value === undefined || value === null ? "" : String(value));

  // What differs between two nights: of the code and the command, and of the devices where their environment changed between.
  function betweenNights(a, b, devices) {
    const code = IN_RUN.map((name) => [name, shown(a[name]), shown(b[name])]).filter(([, x, y]) => x !== y);
    const span = [a, b].map((run) => Date.parse((run.ended || run.at)) / 1000), isForth = span[0] <= span[1];
    const changed = devices.flatMap((device) => device.changes.filter(([at]) => at > Math.min(...span) && at <= Math.max(...span))
      .flatMap(([, facts]) => facts.map(([name, old, now]) => [device.label + ": " + name, isForth ? old : now, isForth ? now : old])));
    return [...code, ...changed];
  }

  // What differs between the latest environments of two devices or backends; several of one name count together.
  function betweenPlaces(axis, a, b, devices) {
    const facts = (value) => {
      const own = devices.filter((device) => device[axis] === value);
      const names = [...new Set(own.flatMap((device) => Object.keys(device.facts)))];
      return new Map(names.map((name) => [name, [...new Set(own.map((device) => device.facts[name]).filter((one) => one !== undefined))].join(" or ")]));
    };
    const [one, other] = [facts(a), facts(b)];
    return [...one].filter(([name, value]) => other.has(name) && other.get(name) !== value).map(([name, value]) => [name, value, other.get(name)]);
  }

  // What else differs between the two sides.
  function otherwise(axis, chosen, runs, devices) {
    if (axis === "device" || axis === "backend") return differing(betweenPlaces(axis, chosen.a, chosen.b, devices));
    if (axis !== "night" && axis !== "environment") return "";
    const [a, b] = [chosen.a, chosen.b].map((file) => runs.find((run) => run.file === file));
    return differing(betweenNights(a, b, chosen.change ? devices.filter((device) => device.label === chosen.change.place) : devices));
  }

  function differing(rows) {
    if (!rows.length) return el("p", { class: "quiet" }, "Nothing else is known to differ.");
    const value = (name, text) => (name === "argv" && text.length < LONGEST ? el("code", {}, hwcost.command(text)) : hwcost.clamped(text || format.NONE));
    return hwcost.table("What else differs", [{ label: "field", class: "name", cell: ([name]) => hwcost.clamped(name) }, { label: "A", text: true, cell: (row) => value(row[0], row[1]) },
      { label: "B", text: true, cell: (row) => value(row[0], row[2]) }], rows.slice(0, LISTED), { cards: true, id: "differing" });
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

  function picker(axis, runs, list, given, changes) {
    const { choice } = hwcost, families = [["", "all"], ...list.lists.family.map((one) => [one, one])];
    const ofFamily = choice("family", given.family, families, (family) => address.change({ family })), along = choice("along", axis, AXES, (value) => address.change({ along: value, a: "", b: "" }));
    if (axis === "environment") {
      const one = changes.find((change) => change.id === given.a) || changes[0];
      const named = (change) => new Date(change.at * 1000).toISOString().slice(0, 10) + " " + change.place + ": " + change.facts.map(([name]) => name).join(", ");
      const node = el("div", { class: "filters" }, along, changes.length ? choice("change", one.id, changes.map((change) => [change.id, named(change)]), (a) => address.change({ a, b: "" })) : null, ofFamily);
      return { a: one ? one.a : "", b: one ? one.b : "", change: one, node };
    }
    const values = axis === "night" ? runs.slice().reverse().map((run) => [run.file, nightName(run)])
      : [...new Set(list.rows.map((row) => row[axis]))].filter((one) => one !== null).sort().map((one) => [one, String(one)]);
    const options = [["", "choose"], ...values];
    const a = given.a || (values[1] || values[0] || [""])[0], b = given.b || (values[0] || [""])[0];
    return { a: String(a), b: String(b), node: el("div", { class: "filters" },
      along, choice("A, before", a, options, (value) => address.change({ a: value, b: String(b) })),
      choice("B, after", b, options, (value) => address.change({ a: String(a), b: value })), ofFamily) };
  }

  const clears = (one) => (one.width === null ? "" : Math.abs(one.log) > one.width ? (one.log > 0 ? "B is slower" : "B is faster") : "within noise");

  function markdown(found) {
    const lines = found.slice(0, LISTED).map((one) => "| " + [one.row.name.replace(/[|\\`<]/g, "\\$&"), format.value(one.a.v, one.row.unit), format.value(one.b.v, one.row.unit), format.change(Math.exp(one.log)), clears(one)].join(" | ") + " |");
    return ["| workload | A | B | B against A | |", "|---|---|---|---|---|", ...lines].join("\n");
  }

  hwcost.pages.compare = async function (view, given) {
    const [list, runs, devices] = await Promise.all([hwcost.history.series(), hwcost.load("nights"), hwcost.load("devices")]);
    const axis = AXES.some(([name]) => name === given.along) ? given.along : "night";
    const isOfNights = axis === "night" || axis === "environment";
    const chosen = picker(axis, runs, list, given, environments(devices, runs));
    view.append(el("h1", {}, "Compare"), chosen.node);
    const files = new Set(runs.map((run) => run.file));
    if (axis === "environment" && !chosen.change) return void view.append(el("p", { class: "quiet" }, "No change of driver, software or settings is known."));
    if (isOfNights && !(files.has(chosen.a) && files.has(chosen.b))) return void view.append(el("p", { class: "quiet" }, "Choose two nights."));
    const [one, other] = isOfNights ? await nights(list, runs, chosen.a, chosen.b) : others(list, axis, chosen.a, chosen.b);
    const isMeant = ([, { row }]) => (!given.family || row.family === given.family) && (!chosen.change || row.place === chosen.change.place);
    const a = new Map([...one].filter(isMeant)), b = new Map([...other].filter(isMeant));
    const found = pairs(a, b), all = new Set([...a.keys(), ...b.keys()]).size;
    view.append(el("p", {}, el("strong", { id: "compared" }, found.length), " of " + all + " compared; " + (all - found.length) + " without a value on one side."));
    if (chosen.a === chosen.b) view.append(el("p", { class: "quiet" }, "A and B are the same."));
    const rest = otherwise(axis, chosen, runs, devices);
    if (!found.length) return void view.append(rest);
    const mean = Math.exp(found.reduce((sum, x) => sum + x.log, 0) / found.length);
    view.append(el("p", {}, "All together, B is ", el("strong", { id: "mean" }, format.change(mean, 2)), " against A (geometric mean)."),
      isOfNights ? null : el("p", { class: "quiet" }, "Latest values, of series that differ in " + axis + " alone."),
      el("div", { class: "figure" }, hwcost.chart.histogram(found.map((x) => x.log), "Distribution of the changes from A to B", (log) => format.change(Math.exp(log))),
        el("p", { class: "quiet" }, "Number of workloads by change from A to B.")),
      hwcost.table("Changes, the largest first" + (found.length > LISTED ? ", " + LISTED + " shown" : ""), [
        { label: "workload", class: "name", cell: (x) => el("a", { class: "clamp", title: x.row.name, href: address.link("series", { s: x.row.key }) }, x.row.name) },
        { label: "device", text: true, cell: (x) => hwcost.clamped(axis === "device" || axis === "backend" ? x.a.row.place + " → " + x.b.row.place : x.row.place) },
        { label: "A", class: "nowrap", cell: (x) => format.value(x.a.v, x.row.unit) }, { label: "B", class: "nowrap", cell: (x) => format.value(x.b.v, x.row.unit) },
        { label: "change", class: "nowrap", cell: (x) => format.change(Math.exp(x.log), 2) },
        { label: "± 95 %", class: "nowrap", cell: (x) => format.halfWidth(x.width) },
        { label: "says", text: true, cell: clears },
      ], found.slice(0, LISTED), { cards: true, id: "pairs" }),
      el("details", {}, el("summary", {}, "As markdown"), el("textarea", { readonly: true, rows: 8, "aria-label": "The table as markdown" }, markdown(found))), rest);
  };
})();
