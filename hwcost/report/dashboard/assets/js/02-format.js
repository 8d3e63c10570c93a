"use strict";
// Numbers and instants as people read them; the same rules as hwcost.units.
(function () {
  const PREFIXES = [["P", 1e15], ["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1], ["m", 1e-3], ["µ", 1e-6], ["n", 1e-9]];
  const NONE = "-";
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

  function si(value, unit, digits) {
    const n = digits || 3;
    if (!isNumber(value)) return NONE;
    if (value === 0) return "0 " + unit;
    const size = Number(Math.abs(value).toExponential(n - 1));
    const [prefix, factor] = PREFIXES.find(([, one]) => one <= size) || PREFIXES[PREFIXES.length - 1];
    const decimals = Math.max(0, n - 1 - Math.max(0, Math.floor(Math.log10(Math.abs(size / factor)) + 1e-12)));
    return (value / factor).toFixed(decimals) + " " + prefix + unit;
  }

  function value(number, unit, digits) {
    if (!isNumber(number)) return NONE;
    return unit && unit !== "1" ? si(number, unit, digits) : String(Number(number.toPrecision(5)));
  }

  // A share such as a half-width, in percent.
  const percent = (fraction, digits) => (isNumber(fraction) ? (100 * fraction).toFixed(digits === undefined ? 1 : digits) + " %" : NONE);

  // The half-width of an interval of a logarithm: 1.2 %, and a wide one by both ends, -69 % to +225 %.
  const UNEVEN = 0.2, VAST = Math.log(10);
  function halfWidth(log, digits, sign) {
    if (!isNumber(log)) return NONE;
    if (log < UNEVEN) return (sign || "") + percent(Math.expm1(log), digits);
    return log > VAST ? "a factor of " + Number(Math.exp(log).toPrecision(2)) : change(Math.exp(-log), 0) + " to " + change(Math.exp(log), 0);
  }

  function change(ratio, digits) {
    if (!isNumber(ratio)) return NONE;
    const text = (100 * (ratio - 1)).toFixed(digits === undefined ? 1 : digits);
    return (Number(text) > 0 ? "+" : "") + text + " %";
  }

  const interval = (low, high) => (isNumber(low) && isNumber(high) ? change(low) + " to " + change(high) : "");

  // Seconds since 1970, or ISO 8601, as UTC; local time stands in the title.
  function when(instant, isDay) {
    const date = new Date(typeof instant === "number" ? instant * 1000 : instant);
    if (instant === null || instant === undefined || Number.isNaN(date.getTime())) return NONE;
    const iso = date.toISOString();
    const text = iso.slice(0, 10) + (isDay ? "" : " " + iso.slice(11, 16) + " UTC");
    return hwcost.el("time", { datetime: iso, title: date.toLocaleString() }, text);
  }

  const commit = (text) => (text ? String(text).slice(0, 10) : "");

  function duration(seconds) {
    if (!isNumber(seconds)) return NONE;
    const days = seconds / 86400;
    return days >= 2 ? days.toFixed(0) + " days" : (seconds / 3600).toFixed(1) + " h";
  }

  hwcost.format = { si, value, percent, halfWidth, change, interval, when, commit, duration, isNumber, NONE };
})();
