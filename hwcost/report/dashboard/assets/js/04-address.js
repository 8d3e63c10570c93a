"use strict";
// The address: all state stands in the fragment, so that every view is a link.
(function () {
  function read() {
    const text = location.hash.replace(/^#\/?/, "");
    const cut = text.indexOf("?");
    const page = (cut < 0 ? text : text.slice(0, cut)) || "overview";
    return { page, given: Object.fromEntries(new URLSearchParams(cut < 0 ? "" : text.slice(cut + 1))) };
  }

  function link(page, given) {
    const known = Object.entries(given || {}).filter(([, value]) => value !== "" && value !== null && value !== undefined);
    const query = new URLSearchParams(known).toString();
    return "#/" + page + (query ? "?" + query : "");
  }

  // Changes some parameters of the present page; the back button takes it back.
  function change(changes) {
    const now = read();
    location.hash = link(now.page, { ...now.given, ...changes });
  }

  hwcost.address = { read, link, change };
})();
