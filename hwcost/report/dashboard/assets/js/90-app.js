"use strict";
// The frame: navigation, search, and which page is shown.
(function () {
  const { el, address, format } = hwcost;
  const PAGES = [["overview", "Overview"], ["regressions", "Regressions"], ["series", "Series"], ["compare", "Compare"], ["devices", "Devices"], ["models", "Models"], ["front", "Front"], ["audit", "Audit"], ["about", "About"]];
  let turn = 0;

  function header() {
    const links = PAGES.map(([name, text]) => el("li", {}, el("a", { href: "#/" + name, "data-page": name }, text)));
    const input = el("input", { type: "search", placeholder: "Find a workload", "aria-label": "Find a workload" });
    const form = el("form", { role: "search", submit: (event) => { event.preventDefault(); location.hash = address.link("series", { q: input.value.trim() }); } }, input, el("button", { type: "submit" }, "Find"));
    document.getElementById("header").append(el("nav", { "aria-label": "Pages" }, el("ul", {}, links)), form);
    const index = hwcost.get("index");
    document.getElementById("footer").append("Data until ", format.when(index.until), ", ", String(index.estimates), " estimates of " + index.series + " series in " + index.nights + (index.nights === 1 ? " night" : " nights") + ". hwcost " + index.version + ".");
  }

  // A fragment that pages append to; what is absent is left out.
  function frame() {
    const view = document.createDocumentFragment();
    const append = view.append.bind(view);
    view.append = (...children) => append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
    return view;
  }

  async function show(isFirst) {
    const own = ++turn;
    const { page, given } = address.read();
    const view = frame();
    const known = Object.hasOwn(hwcost.pages, page);
    try {
      if (known) await hwcost.pages[page](view, given);
      else view.append(el("h1", {}, "No such page"), el("p", {}, el("a", { href: "#/overview" }, "Overview")));
    } catch (error) {
      view.replaceChildren(el("h1", {}, "This page could not be shown"), el("p", {}, String(error && error.message), ". The site may be half written: build it again."));
    }
    if (own !== turn) return;
    const main = document.getElementById("main");
    main.replaceChildren(view);
    main.dataset.page = page;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.dataset.page === page || (page === "record" && link.dataset.page === "series")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const heading = main.querySelector("h1");
    document.title = (heading ? heading.textContent + " · " : "") + "hwcost";
    hwcost.chart.redraw();
    if (!isFirst) { window.scrollTo(0, 0); main.focus({ preventScroll: true }); }
    main.dataset.shown = String(own);
  }

  hwcost.start = function () {
    header();
    window.addEventListener("hashchange", () => show(false));
    window.addEventListener("resize", () => hwcost.chart.resize());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => hwcost.chart.redraw());
    show(true);
  };
})();
