"use strict";
// Faults of the layout that a reader would see: texts upon each other or cut, in the page and on its canvases. Tests run this
// before the page's own scripts, so that what is written on canvases is remembered until they are cleared.
(function () {
  const written = new WeakMap();
  const canvas = CanvasRenderingContext2D.prototype;
  const { clearRect, fillText } = canvas;

  canvas.clearRect = function (...given) {
    written.set(this.canvas, []);
    return clearRect.apply(this, given);
  };

  canvas.fillText = function (text, x, y, ...rest) {
    if (written.has(this.canvas) && String(text).trim()) written.get(this.canvas).push({ text: String(text), ...boxOf(this, text, x, y) });
    return fillText.call(this, text, x, y, ...rest);
  };

  // The box of a text on a canvas, in pixels of the canvas.
  function boxOf(context, text, x, y) {
    const size = context.measureText(text), at = context.getTransform();
    const left = x - size.actualBoundingBoxLeft, right = x + size.actualBoundingBoxRight;
    const top = y - size.actualBoundingBoxAscent, bottom = y + size.actualBoundingBoxDescent;
    const corners = [[left, top], [right, top], [left, bottom], [right, bottom]].map((one) => new DOMPoint(...one).matrixTransform(at));
    const across = corners.map((one) => one.x), down = corners.map((one) => one.y);
    return { left: Math.min(...across), right: Math.max(...across), top: Math.min(...down), bottom: Math.max(...down) };
  }

  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 50);
  const box = ({ left, right, top, bottom }) => ({ left, right, top, bottom });
  const LONG = 24; // characters: of longer labels it is enough to see three lines
  const hides = (value) => value === "hidden" || value === "clip";

  function isUnseen(element) {
    if (!element.checkVisibility({ visibilityProperty: true }) || element.closest(".skip, script, option")) return true;
    const head = element.closest("thead");
    return head !== null && getComputedStyle(head).clipPath !== "none"; // for screen readers only
  }

  // What its ancestors let be seen of a part; what they cut off for good is a fault, unless it is long and stands in a title.
  function add(parts, faults, part) {
    for (let up = part.element; up && up !== document.documentElement; up = up.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(up);
      if (overflowX === "visible" && overflowY === "visible") continue;
      const edge = up.getBoundingClientRect();
      const isOut = part.left < edge.left - 1 || part.right > edge.right + 1 || part.top < edge.top - 2 || part.bottom > edge.bottom + 2;
      if (isOut && (hides(overflowX) || hides(overflowY)) && !(up.title.length > LONG)) faults.push("cut: " + part.text);
      part.left = Math.max(part.left, edge.left);
      part.right = Math.min(part.right, edge.right);
      part.top = Math.max(part.top, edge.top);
      part.bottom = Math.min(part.bottom, edge.bottom);
    }
    if (part.right - part.left > 1 && part.bottom - part.top > 1) parts.push(part);
  }

  function ofPage(parts, faults) {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || isUnseen(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const one of range.getClientRects()) add(parts, faults, { ...box(one), element, node, text: short(node.data) });
    }
    for (const element of document.querySelectorAll("svg.spark, svg.bar, input, select, button, textarea")) {
      if (!isUnseen(element)) add(parts, faults, { ...box(element.getBoundingClientRect()), element, node: element, text: element.tagName });
    }
  }

  function ofCanvases(parts, faults) {
    for (const one of document.querySelectorAll("canvas")) {
      const at = one.getBoundingClientRect(), scale = at.width / one.width;
      for (const text of written.get(one) || []) {
        if (text.left < -1 || text.top < -1 || text.right > one.width + 1 || text.bottom > one.height + 1) faults.push("cut on a chart: " + short(text.text));
        const across = [text.left, text.right].map((x) => at.left + x * scale), down = [text.top, text.bottom].map((y) => at.top + y * scale);
        parts.push({ left: across[0], right: across[1], top: down[0], bottom: down[1], node: text, text: short(text.text) });
      }
    }
  }

  const common = (low, high, one, other) => Math.min(one[high], other[high]) - Math.max(one[low], other[low]);
  const holds = (one, other) => one.node === one.element && other.element && one.element.contains(other.element);

  function overlaps(parts, faults) {
    parts.sort((one, other) => one.top - other.top);
    parts.forEach((one, index) => {
      for (let next = index + 1; next < parts.length && parts[next].top < one.bottom; next += 1) {
        const other = parts[next];
        const isUpon = one.node !== other.node && common("left", "right", one, other) > 1.5 && common("top", "bottom", one, other) > 3;
        if (isUpon && !holds(one, other) && !holds(other, one)) faults.push("overlap: " + one.text + " / " + other.text);
      }
    });
  }

  window.layoutFaults = function () {
    const parts = [], faults = [], page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) faults.push("wider than the window by " + (page.scrollWidth - page.clientWidth) + " px");
    for (const one of document.querySelectorAll(".wide:has(.cards)")) {
      if (one.scrollWidth > one.clientWidth + 1) faults.push("a table wider than its place by " + (one.scrollWidth - one.clientWidth) + " px: " + one.getAttribute("aria-label"));
    }
    ofPage(parts, faults);
    ofCanvases(parts, faults);
    overlaps(parts, faults);
    return [...new Set(faults)];
  };
})();
