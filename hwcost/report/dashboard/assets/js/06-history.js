"use strict";
// The list of all series, and the points of one over all months.
(function () {
  // Rows of the list of series, with the texts put in.
  async function series() {
    const list = await hwcost.load("series");
    if (!list.rows) {
      const text = (name, index) => (list[name] && list[name][index] >= 0 ? list.lists[name][list[name][index]] : null);
      list.rows = list.key.map((key, index) => {
        const row = { index, key };
        for (const name of Object.keys(list.lists)) row[name] = text(name, index);
        for (const name of ["batch_size", "seq_len", "threads", "ratio", "value", "half_width", "at", "n", "unconfirmed"]) row[name] = list[name] ? list[name][index] : null;
        return row;
      });
      list.byKey = new Map(list.rows.map((row) => [row.key, row]));
    }
    return list;
  }

  async function points(key) {
    const months = hwcost.get("index").months;
    const bucket = key.slice(0, 2);
    const parts = await Promise.all(months.map(async (month) => {
      const lists = await hwcost.load("months/" + month);
      return [lists.buckets.includes(bucket) ? await hwcost.load("points/" + month + "/" + bucket) : null, lists];
    }));
    const found = [], changes = [];
    for (const [chunk, lists] of parts) {
      const own = chunk && Object.hasOwn(chunk, key) ? chunk[key] : null;
      if (!own) continue;
      const at = (name, index) => (own[name] ? own[name][index] : name === "h" ? null : 0);
      own.t.forEach((t, index) => found.push({
        t, v: own.v[index], h: at("h", index), level: at("l", index), status: at("s", index),
        run: lists.runs[at("r", index)] || null, campaign: lists.campaigns[at("c", index)] || null,
        flags: lists.flags[at("f", index)] || [], reason: lists.reasons[at("e", index)] || "",
      }));
      changes.push(...(own.changes || []));
    }
    found.sort((a, b) => a.t - b.t);
    return { points: found, changes: changes.sort((a, b) => a[0] - b[0]) };
  }

  hwcost.history = { series, points };
})();
