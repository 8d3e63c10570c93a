"use strict";
// Regressions: whatever is neither ok nor insufficient, with the commits within which it began, and filters that stand in the address.
(function () {
  const { el, format } = hwcost;

  function side(one, name) {
    const [value, width] = one[name] || [];
    return el("span", { class: "nowrap" }, format.value(value, one.unit), format.isNumber(width) ? el("span", { class: "under" }, format.halfWidth(width, 1, "±")) : null);
  }

  const why = (one) => (one.reason || "") + (one.owner ? " Owner: " + one.owner + "." : "") + (one.accepted ? " Its history begins where " + one.accepted[0] + " accepted a change: " + one.accepted[1] : "");

  function change(one, isShort) {
    const range = format.interval(one.low, one.high);
    return el("span", { title: range ? "95 %: " + range : null }, format.change(one.ratio), isShort || !range ? null : el("span", { class: "under" }, range));
  }

  function commits(one) {
    const nights = one.first_bad;
    if (!nights) return "";
    const text = (night) => (night.commit ? format.commit(night.commit).slice(0, 8) + (night.dirty ? "*" : "") : String(night.at || night.run).slice(0, 10));
    return el("code", { title: nights.map((night) => night.commit || night.run).join(" .. ") }, text(nights[0]) + "..", el("wbr"), text(nights[1]));
  }

  function confirmed(one) {
    if (one.confirmed) return one.confirmed[0] + " (" + one.confirmed[1] + ")";
    return one.verdict === "regressed" || one.verdict === "improved" ? "not yet" : "";
  }

  // Columns; of the short list, those that a narrow window leaves to the page of regressions.
  function columns(isShort) {
    const extra = isShort ? "extra" : "";
    return [
      { label: "workload", class: "name", cell: (one) => [el("a", { class: "clamp", title: one.name, href: hwcost.address.link("series", { s: one.key }) }, one.name), isShort && one.verdict !== "missing" ? null : el("span", { class: "why" }, why(one))] },
      { label: "device", text: true, cell: (one) => hwcost.clamped(one.device + " / " + one.backend) },
      { label: "verdict", text: true, cell: (one) => hwcost.verdict.tag(one.verdict) },
      { label: "before", class: extra, cell: (one) => side(one, "before") },
      { label: "after", class: extra, cell: (one) => side(one, "after") },
      { label: "change", class: "nowrap", cell: (one) => change(one, isShort) },
      { label: "since", text: true, class: extra, cell: commits },
      { label: "confirmed", text: true, class: extra, cell: (one) => { const text = confirmed(one); return text && hwcost.clamped(text); } },
      { label: "history", text: true, cell: (one) => hwcost.chart.spark(one.spark, one.verdict) || "" },
    ];
  }

  // Where all that is shown is missing, there is nothing to say of before and after.
  const NUMBERS = ["before", "after", "change", "since", "confirmed"];

  function table(rows, caption, isShort) {
    const hasNumbers = rows.some((one) => one.verdict !== "missing" || one.before);
    return hwcost.table(caption, columns(isShort).filter((column) => hasNumbers || !NUMBERS.includes(column.label)), rows, { cards: true, id: "alarms" });
  }

  hwcost.alarms = { table };

  const FILTERS = [["verdict", "verdict"], ["device", "device"], ["family", "family"]];

  function kept(alarms, given) {
    const text = (given.q || "").toLowerCase();
    return alarms.filter((one) => FILTERS.every(([name]) => !given[name] || String(one[name]) === given[name])
      && (!text || (one.name + " " + one.device + " " + one.backend).toLowerCase().includes(text))
      && (!given.since || !one.first_bad || String(one.first_bad[1].at || "") >= given.since));
  }

  function filters(alarms, given) {
    const { choice, address } = hwcost;
    const options = (name) => [["", "all"], ...[...new Set(alarms.map((one) => one[name]))].sort().map((one) => [one, one])];
    const since = el("input", { type: "date", change: (event) => address.change({ since: event.target.value }) });
    since.value = given.since || "";
    return el("div", { class: "filters" },
      FILTERS.map(([name, label]) => choice(label, given[name], options(name), (value) => address.change({ [name]: value }))),
      el("label", {}, "changed since", since), hwcost.search("name holds", given.q, (q) => address.change({ q })));
  }

  hwcost.pages.regressions = async function (view, given) {
    const alarms = await hwcost.load("alarms");
    const rows = kept(alarms, given);
    view.append(el("h1", {}, "Regressions and what else needs a look"), filters(alarms, given),
      el("p", {}, el("strong", { id: "shown" }, rows.length), " of " + alarms.length + " shown. On a terminal: ", el("code", {}, "hwcost check"),
        ". As data: ", el("a", { href: "regressions.json" }, "regressions.json"), ", ", el("a", { href: "feed.xml" }, "Atom feed"), "."));
    view.append(...hwcost.devices());
    view.append(rows.length ? hwcost.alarms.table(rows, "Verdicts on last night, the most important first", false) : el("p", { class: "quiet" }, alarms.length ? "No verdict passes these filters." : hwcost.get("index").devices.length ? "No series changed beside what its device did." : "Nothing needs a look."));
  };
})();
