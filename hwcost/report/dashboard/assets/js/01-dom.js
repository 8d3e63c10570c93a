"use strict";
// Elements. Text only ever becomes text: there is no way from here to markup.
(function () {
  const SVG = "http://www.w3.org/2000/svg";

  function filled(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (typeof value === "function") element.addEventListener(name, value);
      else element.setAttribute(name, value === true ? "" : String(value));
    }
    element.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
    return element;
  }

  hwcost.el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
  hwcost.svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

  // columns: [{label, text?, cell(row) -> text or node, head?}]; the first one names the row.
  hwcost.table = function (caption, columns, rows, options) {
    const el = hwcost.el;
    const given = options || {};
    const cell = (row, column, index) => {
      const about = { class: [column.text ? "text" : "", column.class || ""].join(" ").trim() || null, "data-label": column.label, role: "cell" };
      return index === 0
        ? el("th", { ...about, scope: "row", role: "rowheader" }, column.cell(row))
        : el("td", about, column.cell(row));
    };
    const head = columns.map((column) => el("th", { scope: "col", role: "columnheader", class: column.text ? "text" : null }, column.label));
    const body = rows.map((row) => el("tr", { role: "row" }, columns.map((column, index) => cell(row, column, index))));
    const table = el("table", { class: given.cards ? "cards" : null, id: given.id, role: "table" },
      el("caption", {}, caption),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
      el("tbody", { role: "rowgroup" }, body));
    return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption }, table);
  };

  // Text of which three lines are shown; all of it stands in the title.
  hwcost.clamped = (text) => hwcost.el("span", { class: "clamp", title: text }, text);

  // A command, which is wrapped between its options: each stands with its value.
  hwcost.command = (text) => text.split(/(\s+)(?=--?\w)/).map((part, index) => (index % 2 ? part : hwcost.el("span", { class: "option" }, part)));

  hwcost.facts = function (pairs) {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
    return hwcost.el("dl", { class: "facts" }, known.map(([name, value]) => [hwcost.el("dt", {}, name), hwcost.el("dd", {}, value)]));
  };

  // A list of options to choose one from; the change goes into the address.
  hwcost.choice = function (label, value, options, change) {
    const el = hwcost.el;
    const list = options.map(([key, text]) => {
      const option = el("option", { value: key }, text);
      option.selected = String(key) === String(value === undefined || value === null ? "" : value);
      return option;
    });
    return el("label", {}, label, el("select", { change: (event) => change(event.target.value) }, list));
  };

  hwcost.search = function (label, value, change) {
    const input = hwcost.el("input", { type: "search", change: (event) => change(event.target.value) });
    input.value = value || "";
    return hwcost.el("label", {}, label, input);
  };
})();
