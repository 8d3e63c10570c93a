"use strict";
// Devices: last seen, noise, reliability, and what changed on them.
(function () {
  const { el, format, address } = hwcost;

  const share = (one) => 1 - (one.shares.ok || 0);
  const history = (one) => el("ul", {}, one.changes.slice().reverse().map(([at, facts]) => el("li", {}, format.when(at, true), ": ", facts.map(([name, old, now]) => name + ": " + old + " → " + now).join("; "))));

  hwcost.pages.devices = async function (view) {
    const devices = await hwcost.load("devices");
    view.append(el("h1", {}, "Devices"));
    if (!devices.length) return void view.append(el("p", { class: "quiet" }, "No device has measured anything yet."));
    view.append(hwcost.table("Over the latest 30 nights of each device", [
      { label: "device", class: "name", cell: (one) => el("a", { class: "clamp", title: one.label, href: address.link("series", { place: one.label }) }, one.label) },
      { label: "last seen", class: "nowrap", cell: (one) => format.when(one.at) },
      { label: "series", cell: (one) => String(one.series) }, { label: "nights", cell: (one) => String(one.nights) },
      { label: "median ± 95 %", class: "nowrap", cell: (one) => format.halfWidth(one.noise, 2) },
      { label: "unconfirmed", class: "nowrap", cell: (one) => format.percent(one.shares.unconfirmed) }, { label: "invalid", class: "nowrap", cell: (one) => format.percent(one.shares.invalid) },
      { label: "failed", class: "nowrap", cell: (one) => format.percent(one.shares.failed) }, { label: "not usable", text: true, cell: (one) => el("span", { class: "nowrap" }, format.percent(share(one)), share(one) < 0.005 ? null : [" ", hwcost.chart.bar(share(one))]) },
    ], devices, { id: "devices", cards: true }));
    const changed = devices.filter((one) => one.changes.length);
    view.append(el("h2", {}, "What changed on them"));
    if (!changed.length) view.append(el("p", { class: "quiet" }, "No change of driver, software or settings is known."));
    for (const one of changed) view.append(el("h3", {}, one.label), history(one));
  };
})();
