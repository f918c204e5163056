/* Turns values into text: numbers, units and the plant's time. */
(() => {
  "use strict";

  /** Decimals that tell neighbouring steps apart, and no more: false precision is noise to read. */
  function digits(step) {
    return step > 0 ? Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))) : 0;
  }

  /** A true minus sign, and an exponent only where plain digits would overflow their column. */
  function number(value, decimals, signed = false) {
    if (value == null || !Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    const plain = size === 0 || (size < 1e7 && size >= 0.5 * 10 ** -decimals);
    const text = plain ? size.toFixed(decimals) : size < 1e7 ? (0).toFixed(decimals) : size.toExponential(2);
    const zero = Number(text) === 0;
    return (zero ? "" : value < 0 ? "−" : signed ? "+" : "") + text;
  }

  /** Seconds as an operator says them. */
  function age(seconds) {
    if (seconds < 100) return `${Math.round(seconds)} s`;
    return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
  }

  /** A span that has no word of its own, as after a zoom. */
  function duration(seconds) {
    const [unit, size] = [
      ["d", 86400],
      ["h", 3600],
      ["min", 60],
      ["s", 1],
    ].find(([, s]) => seconds >= s) ?? ["s", 1];
    return `${Number((seconds / size).toFixed(1))} ${unit}`;
  }

  /** The clock of the plant; the browser's own zone never enters, not even through Date's local fields. */
  function clock(zone) {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    const offsets = new Map();

    /** Zones change on quarter hours only, so one look-up serves a quarter. */
    function offset(seconds) {
      const quarter = Math.floor(seconds / 900);
      if (!offsets.has(quarter)) {
        if (offsets.size > 4000) offsets.clear();
        const field = {};
        for (const { type, value } of format.formatToParts(quarter * 900_000)) field[type] = Number(value);
        const local = Date.UTC(field.year, field.month - 1, field.day, field.hour, field.minute, field.second);
        offsets.set(quarter, local / 1000 - quarter * 900);
      }
      return offsets.get(quarter);
    }

    const iso = (seconds) => new Date((seconds + offset(seconds)) * 1000 + 0.5).toISOString();
    const stamp = (seconds) => `${iso(seconds).slice(5, 10)} ${iso(seconds).slice(11, 19)}`;
    const compact = (seconds) =>
      `${iso(seconds).slice(0, 10).replaceAll("-", "")}-${iso(seconds).slice(11, 19).replaceAll(":", "")}`;

    /** Round times of the plant's day; each is set back by the offset that holds then, for days of 23 or 25 hours. */
    function ticks(from, until, step) {
      const out = [];
      const last = until + offset(until);
      for (let local = Math.ceil((from + offset(from)) / step) * step; local <= last; local += step) {
        const seconds = local - offset(local - offset(from));
        if (seconds >= from && seconds <= until && seconds !== out.at(-1)) out.push(seconds);
      }
      return out;
    }

    /** Midnight carries the date, so the day is readable without a second line. */
    function label(seconds, step) {
      const text = iso(seconds);
      if (step >= 86400 || text.slice(11, 19) === "00:00:00") return text.slice(5, 10);
      return step < 60 ? text.slice(11, 19) : text.slice(11, 16);
    }

    return { stamp, compact, ticks, label };
  }

  /** Units a chart can be shown in, its own first; shown = value * factor + offset. */
  function conversions(units, unit) {
    const own = Object.hasOwn(units ?? {}, unit) ? Object.entries(units[unit]) : [];
    return new Map([[unit, [1, 0]], ...own.filter(([other]) => other !== unit)]);
  }

  /** An element whose text is text: names and units come from outside and are never markup. */
  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") node.textContent = value;
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  /** Writes only what differs: an unchanged text must cost no layout. */
  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  window.twinTrend = { digits, number, age, duration, clock, conversions, element, setText };
})();
