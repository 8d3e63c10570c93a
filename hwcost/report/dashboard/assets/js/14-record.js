"use strict";
// Record: the samples behind one estimate, the machine meanwhile, its flags, and the command that repeats it.
(function () {
  const { el, format, address } = hwcost;

  function plain(value) {
    if (Array.isArray(value)) return value.map(plain).join(", ");
    if (value !== null && typeof value === "object") return Object.entries(value).map(([name, one]) => name + "=" + plain(one)).join(", ");
    return String(value);
  }

  function samples(visits) {
    const { styles } = hwcost.chart;
    const t = [], owner = [];
    const rows = visits.map(() => []);
    visits.forEach((visit, index) => (visit.samples || []).forEach((value) => {
      t.push(t.length); owner.push(visit);
      rows.forEach((row, other) => row.push(other === index ? value : null));
    }));
    const names = ["accent", "regressed", "improved", "ambiguous", "missing", "quiet"];
    return hwcost.chart.draw({
      label: "Samples of " + visits.length + " visits in the order measured, one colour a round", data: [t, ...rows], height: 260, labels: { x: "sample, in the order measured", tick: (one, digits) => format.si(one, "s", digits) },
      series: () => rows.map((_, index) => styles.dots(names[index % names.length], 4)),
      say: (index) => ["round " + owner[index].round + ": ", format.si(rows.map((row) => row[index]).find((one) => one !== null), "s", 4)], hint: "One colour a round; each round is a process of its own.",
    });
  }

  function clocks(visits) {
    const y = visits.flatMap((visit) => visit.clocks || []);
    if (!y.length) return null;
    return el("div", {}, el("h2", {}, "Clock"), hwcost.chart.draw({ label: "Clock around each sample", data: [y.map((_, index) => index), y], height: 180, labels: { x: "sample", tick: (one, digits) => format.si(one, "Hz", digits) }, series: () => [hwcost.chart.styles.line("accent")] }));
  }

  // The temperature visit by visit, where a sensor told it.
  function temperature(visits) {
    const own = visits.filter((visit) => format.isNumber((visit.traces || {}).temperature_celsius));
    if (!own.length) return null;
    const y = own.map((visit) => visit.traces.temperature_celsius), degrees = (one, digits) => Number(one.toPrecision(digits || 3)) + " °C";
    return el("div", {}, el("h2", {}, "Temperature"), hwcost.chart.draw({
      label: "Temperature of the hottest sensor in " + own.length + " visits: " + y.map((one) => degrees(one)).join(", "), data: [y.map((_, index) => index), y], height: 180,
      labels: { x: "visit", tick: degrees, xTick: (one) => (Number.isInteger(one) ? String(one + 1) : "") }, series: () => [hwcost.chart.styles.joined("accent")],
      say: (index) => "round " + own[index].round + ": " + degrees(y[index], 4), hint: "Of the hottest sensor, visit by visit.",
    }));
  }

  // The name of a trace; values in hertz are shown with their unit.
  const named = (name) => name.replace(/_hz$/, "").replace(/_celsius$/, " (°C)").replace(/_/g, " ");

  function traces(visits) {
    const names = [...new Set(visits.flatMap((visit) => Object.keys(visit.traces || {})))];
    const columns = [{ label: "round", cell: (visit) => String(visit.round) }, { label: "began", class: "nowrap", cell: (visit) => format.when(visit.at || null) }, { label: "status", text: true, cell: (visit) => visit.status },
      { label: "samples", cell: (visit) => String(visit.n) }, ...names.map((name) => ({ label: named(name), cell: (visit) => {
        const value = (visit.traces || {})[name];
        return format.isNumber(value) ? (name.endsWith("_hz") ? format.si(value, "Hz") : String(Number(value.toPrecision(4)))) : "-";
      } }))];
    return hwcost.table("Visits, one a round", columns, visits, { id: "visits", cards: true });
  }

  function flags(visits) {
    const found = visits.flatMap((visit) => (visit.flags || []).map((flag) => [visit.round, ...flag]));
    if (!found.length) return el("p", {}, "No doubts were raised.");
    return el("ul", {}, found.map(([round, code, text, remedy]) => el("li", {}, el("code", {}, code), " in round " + round + ": " + text + " " + (remedy || ""))));
  }

  function environment(groups) {
    return Object.entries(groups).map(([name, facts]) => el("details", {}, el("summary", {}, name), hwcost.facts(Object.entries(facts).map(([key, value]) => [key, plain(value)]))));
  }

  hwcost.pages.record = async function (view, given) {
    const [records, list] = await Promise.all([hwcost.load("records"), hwcost.history.series()]);
    const row = list.byKey.get(given.s);
    const isHere = row && (records.all || (Object.hasOwn(records, given.c || "") && records[given.c].includes(row.index)));
    const one = isHere ? await hwcost.load("records/" + given.c + "/" + given.s).catch(() => null) : null;
    if (!one) {
      view.append(el("h1", {}, "No such record here"), el("p", {}, "A static site holds the records of its latest nights and of what needs a look. ", el("code", {}, "hwcost report serve"), " shows those of every night.",
        row ? [" ", el("a", { href: address.link("series", { s: row.key }) }, "The series")] : ""));
      return;
    }
    const values = one.visits.flatMap((visit) => (visit.status === "ok" || visit.status === "warn" ? visit.samples || [] : []));
    view.append(el("h1", {}, row.name), el("p", {}, "Record on ", row.place, ", campaign ", el("code", {}, one.campaign), ". ", el("a", { href: address.link("series", { s: row.key }) }, "Its series")),
      el("h2", {}, "Repeat it"), one.command ? el("pre", { id: "command" }, hwcost.command(one.command)) : el("p", { class: "quiet" }, "No single command is known that measures this alone."),
      el("h2", {}, "Samples"), el("div", { class: "pair" }, el("div", {}, samples(one.visits)), el("div", {}, hwcost.chart.histogram(values, "Distribution of the samples", (v) => format.si(v, "s", 4)), el("p", { class: "quiet" }, values.length + " samples of usable visits."))),
      clocks(one.visits), temperature(one.visits), el("h2", {}, "Visits and machine"), traces(one.visits), el("h2", {}, "Doubts"), flags(one.visits),
      el("h2", {}, "Workload"), hwcost.facts(Object.entries(one.workload || {}).filter(([, value]) => value !== null).map(([name, value]) => [name, plain(value)])),
      el("h2", {}, "Environment"), environment(one.environment || {}),
      el("details", {}, el("summary", {}, "Conditions of every visit"), one.visits.map((visit) => el("div", {}, el("h3", {}, "round " + visit.round), hwcost.facts(Object.entries(visit.conditions || {}).map(([name, value]) => [name, plain(value)]))))));
  };
})();
