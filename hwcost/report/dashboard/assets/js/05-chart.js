"use strict";
// Charts by uPlot: its own legend and title stay off, since they take markup; what is under the cursor is said in words.
(function () {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const shown = [];

  // The label of an axis: as much of a long one as the smallest chart has room for.
  const short = (text) => (text && text.length > 32 ? text.slice(0, 31) + "…" : text || null);

  function axes(labels, isTime) {
    const grid = { stroke: colour("line"), width: 1 };
    const axis = { stroke: colour("quiet"), grid, ticks: grid, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 18 };
    const nice = (text) => (chart, values) => distinct(values, text || ((one, digits) => String(Number(one.toPrecision(digits)))));
    return [
      { ...axis, label: short(labels.x), space: 72, ...(isTime ? { size: 46, values: days } : { size: 32, values: nice(labels.xTick) }) },
      { ...axis, label: short(labels.y), size: wide, values: nice(labels.tick) },
    ];
  }

  // Width of the axis: that of its longest label.
  const wide = (chart, values) => Math.max(74, 24 + 7 * Math.max(0, ...(values || []).map((one) => one.length)));

  // Labels with as few digits as tell them apart.
  function distinct(values, text) {
    const known = values.filter((one) => one !== null);
    const digits = [3, 4, 5, 6, 7].find((n) => new Set(known.map((one) => text(one, n))).size === known.length) || 7;
    return values.map((one) => (one === null ? "" : text(one, digits)));
  }

  // Days as 02-21, the year below where it begins; times of day where days are further apart.
  function days(chart, values, axis, space, step) {
    let before = null;
    return values.map((one) => {
      const iso = new Date(one * 1000).toISOString(), isDay = step >= 86400, group = isDay ? iso.slice(0, 4) : iso.slice(0, 10);
      const text = (isDay ? iso.slice(5, 10) : iso.slice(11, step < 60 ? 19 : 16)) + (group === before ? "" : "\n" + group);
      before = group;
      return text;
    });
  }

  // Vertical lines: [{t, dashed, colour}]
  function marks(lines) {
    return {
      hooks: {
        draw: (chart) => {
          const { ctx, bbox } = chart;
          ctx.save();
          for (const one of lines) {
            const x = Math.round(chart.valToPos(one.t, "x", true));
            if (x < bbox.left || x > bbox.left + bbox.width) continue;
            ctx.strokeStyle = colour(one.colour);
            ctx.lineWidth = (one.dashed ? 1 : 1.6) * devicePixelRatio;
            ctx.setLineDash(one.dashed ? [4 * devicePixelRatio, 4 * devicePixelRatio] : []);
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
          }
          ctx.restore();
        },
      },
    };
  }

  const points = (size, name) => ({ show: true, size, stroke: colour(name), fill: colour(name), width: 0 });
  const styles = {
    dots: (name, size) => ({ stroke: colour(name), paths: () => null, points: points(size || 5, name) }),
    line: (name, width) => ({ stroke: colour(name), width: width || 1.6, points: { show: false } }),
    joined: (name) => ({ stroke: colour(name), width: 1.6, spanGaps: true, points: points(6, name) }),
    edge: () => ({ stroke: "transparent", width: 0, points: { show: false } }),
    steps: (name) => ({ stroke: colour(name), width: 1.6, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }),
  };

  // The range of a time that is one instant: a day on either side, where uPlot takes the next thousand.
  const DAY = 86400;
  const around = (instants) => (instants.length && instants[0] === instants[instants.length - 1] ? { range: [instants[0] - DAY, instants[0] + DAY] } : {});

  // about: {label, data, series: () => [...], bands?, marks?, labels, isTime, height, say?(index), pick?(index), ranges?}
  function draw(about) {
    const el = hwcost.el;
    const readout = el("p", { class: "readout", "aria-live": "off" }, about.hint || "");
    const host = el("div", { class: "chart", role: "img", "aria-label": about.label });
    const make = () => {
      host.replaceChildren();
      const chart = new uPlot({
        width: Math.max(280, host.clientWidth), height: about.height || 300, legend: { show: false },
        cursor: { points: { show: !!about.say }, drag: { x: true, y: false } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        scales: { x: { time: !!about.isTime, ...(about.isTime ? around(about.data[0]) : {}), ...((about.ranges || {}).x || {}) }, y: (about.ranges || {}).y || {} },
        axes: axes(about.labels || {}, about.isTime), bands: about.bands ? about.bands() : [],
        series: [{}, ...about.series()], plugins: [marks(about.marks || [])],
        hooks: { setCursor: [(one) => {
          if (!about.say) return;
          const at = one.cursor.idx;
          readout.replaceChildren(...(at === null || at === undefined ? [about.hint || ""] : [about.say(at)].flat()));
        }] },
      }, about.data, host);
      chart.over.addEventListener("click", () => about.pick && chart.cursor.idx !== null && about.pick(chart.cursor.idx));
      host.hwcostChart = chart;
    };
    shown.push({ host, make });
    return el("div", {}, host, about.say || about.hint ? readout : null);
  }

  function redraw() {
    for (const one of shown) if (one.host.isConnected) one.make();
  }

  function resize() {
    for (const { host } of shown) {
      const chart = host.isConnected && host.hwcostChart;
      if (chart && chart.width !== host.clientWidth) chart.setSize({ width: Math.max(280, host.clientWidth), height: chart.height });
    }
  }

  const LEAST_SPAN = 0.05;

  // A small curve beside a verdict, without axes; its height is 5 % of the values at least, so that noise looks small.
  function spark(values, verdict, isDecoration) {
    const y = (values || []).filter(hwcost.format.isNumber);
    if (y.length < 2) return null;
    const low = Math.min(...y), high = Math.max(...y), span = Math.max(high - low, LEAST_SPAN * high) || 1;
    const at = (value, index) => [2 + (index * 96) / (y.length - 1), 12 - (20 * (value - (low + high) / 2)) / span];
    const about = isDecoration ? { "aria-hidden": "true" } : { role: "img", "aria-label": "curve of the latest " + y.length + " values" };
    const path = y.map((value, index) => (index ? "L" : "M") + at(value, index).map((one) => one.toFixed(1)).join(" ")).join("");
    const [x, last] = at(y[y.length - 1], y.length - 1);
    return hwcost.svg("svg", { class: "spark " + verdict, width: 102, height: 24, viewBox: "0 0 102 24", ...about },
      hwcost.svg("path", { d: path }), hwcost.svg("circle", { cx: x, cy: last, r: 2.2 }));
  }

  // How often values fall into equal bins.
  function histogram(values, label, text) {
    const y = values.filter(hwcost.format.isNumber);
    if (!y.length) return null;
    const low = Math.min(...y), high = Math.max(...y), n = Math.max(1, Math.min(40, Math.ceil(2 * Math.cbrt(y.length) * 1.5)));
    const counts = new Array(n).fill(0);
    for (const one of y) counts[Math.min(n - 1, Math.floor(((one - low) / (high - low || 1)) * n))] += 1;
    const most = Math.max(...counts), width = 480, height = 120;
    const bars = counts.map((count, index) => hwcost.svg("rect", {
      x: (index * width) / n + 0.5, width: width / n - 1, y: height - (count / most) * (height - 8), height: (count / most) * (height - 8),
    }));
    return hwcost.svg("svg", { class: "hist", viewBox: "0 0 480 146", width: "100%", role: "img", "aria-label": label },
      bars, hwcost.svg("line", { class: "axis", x1: 0, x2: width, y1: height, y2: height }),
      hwcost.svg("text", { x: 0, y: height + 21 }, text(low)), hwcost.svg("text", { x: width, y: height + 21, "text-anchor": "end" }, text(high)));
  }

  function bar(share) {
    return hwcost.svg("svg", { class: "bar", width: 104, height: 12, "aria-hidden": "true" }, hwcost.svg("rect", { width: Math.max(1, 100 * share), height: 12, rx: 2 }));
  }

  hwcost.chart = { draw, redraw, resize, styles, colour, spark, histogram, bar, band: () => ({ series: [2, 3], fill: colour("band") }) };
})();
