"use strict";
// About: what the numbers mean, and what this site is made of.
(function () {
  const { el, format } = hwcost;
  hwcost.pages.about = async function (view) {
    const index = hwcost.get("index");
    view.append(el("h1", {}, "About this site"),
      hwcost.facts([["hwcost", index.version], ["series", index.series], ["estimates", index.estimates], ["nights", index.nights], ["data until", format.when(index.until)]]),
      el("h2", {}, "Verdicts"), hwcost.verdict.legend(),
      el("p", {}, "A verdict is about the latest night of a suite. Changes are looked for in the history of a series, with a least size that matters; what the whole device shares is attributed to the device. An alarm is confirmed by measuring the code of before and of after again, interleaved, in one campaign."),
      el("h2", {}, "Values"), el("p", {}, "A value is the estimate of one campaign: rounds in processes of their own, in random order, with the drift of the machine taken out. ± is half of its 95 % interval. Instants are UTC; local time shows when the pointer rests on them. What was not measured is missing and is never counted as zero."),
      el("h2", {}, "As data"), el("ul", {}, el("li", {}, el("a", { href: "regressions.json" }, "regressions.json"), ": verdicts that need a look"), el("li", {}, el("a", { href: "feed.xml" }, "feed.xml"), ": the same as an Atom feed"), el("li", {}, el("a", { href: "metrics.txt" }, "metrics.txt"), ": the latest values as OpenMetrics")),
      el("h2", {}, "Made of"), el("p", {}, "Charts are drawn by uPlot (MIT, ", el("a", { href: "assets/vendor/uPlot.LICENSE.txt" }, "licence"), "). The site loads nothing from elsewhere."));
  };
})();
