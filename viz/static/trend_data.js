/* Holds the rows of a window, takes in what the stream brings, and lays them out for drawing. */
(() => {
  "use strict";

  const ROWS_KEPT = 6000;
  const GOOD = 0,
    UNCERTAIN = 1,
    BAD = 2;
  const FIELDS = ["lo", "hi", "mean", "twin", "deviation", "quality"];
  const EMPTY = Object.freeze({ t: [], columns: {} });

  const micro = (seconds) => Math.round(seconds * 1e6);
  const own = (columns, name) => (columns && Object.hasOwn(columns, name) ? columns[name] : {});

  /** A stream's row has one actual where a bucket has two: the same fields from here on. */
  function fields(column) {
    return {
      lo: column.lo ?? column.actual,
      hi: column.hi ?? column.actual,
      mean: column.mean ?? column.actual ?? column.lo,
      twin: column.twin,
      deviation: column.deviation,
      quality: column.quality,
    };
  }

  /** The settled rows of one window, the provisional head after them, and the forecast. */
  class Rows {
    constructor(reply, only = null, head = null) {
      this.charts = reply.charts.filter(({ name }) => !only || only.includes(name));
      this.from = reply.from;
      this.until = reply.until;
      this.seq = reply.seq;
      this.gap = reply.gap;
      this.ahead = reply.ahead ?? null;
      this.head = head;
      this.t = [];
      this.columns = new Map(
        this.charts.map(({ name }) => [name, Object.fromEntries(FIELDS.map((field) => [field, []]))]),
      );
      this.push(reply, (time, index) => !index || time > reply.t[index - 1]);
      this.fetched = this.t.length;
    }

    /** Appends the rows that `wanted` admits, and says how many. */
    push(source, wanted) {
      const picked = source.t.map((_, index) => index).filter((index) => wanted(source.t[index], index));
      for (const index of picked) this.t.push(source.t[index]);
      for (const [name, kept] of this.columns) {
        const given = fields(own(source.columns, name));
        for (const field of FIELDS) for (const index of picked) kept[field].push(given[field]?.[index] ?? null);
      }
      this.trim(-Infinity);
      return picked.length;
    }

    /** Takes an event; rows we already hold are told by their time, in a bucket too (hence the cursor). */
    take(event) {
      let newest = this.t.length ? Math.max(this.seq, micro(this.t.at(-1))) : this.seq;
      const added = this.push(event, (time) => {
        const fresh = micro(time) > newest;
        if (fresh) newest = micro(time);
        return fresh;
      });
      this.seq = Math.max(this.seq, event.seq);
      if (event.head !== undefined) this.head = event.head;
      if (event.ahead !== undefined) this.ahead = event.ahead;
      return { added, dups: event.t.length - added };
    }

    /** Drops rows before `from`, and the oldest beyond what memory may hold. */
    trim(from) {
      let cut = Math.max(0, this.t.length - ROWS_KEPT);
      while (cut < this.t.length && this.t[cut] < from) cut += 1;
      if (!cut) return;
      this.t.splice(0, cut);
      for (const kept of this.columns.values()) for (const field of FIELDS) kept[field].splice(0, cut);
    }

    /** Head rows that no settled row has passed yet. */
    freshHead() {
      const last = this.t.at(-1) ?? -Infinity;
      const source = this.head ?? EMPTY;
      const start = source.t.findIndex((time) => time > last);
      return { ...source, start: start < 0 ? source.t.length : start };
    }

    /** The plant's now: the time of the newest row, never the browser's clock. */
    newest() {
      const head = this.freshHead();
      return head.start < head.t.length ? head.t.at(-1) : (this.t.at(-1) ?? null);
    }
  }

  /** One time axis for all charts: settled, head and forecast rows, and an empty row in every hole. */
  function timeline(rows, ahead, now) {
    const t = [],
      at = [];
    const head = rows.freshHead();
    const heads = rows.t.length,
      aheads = heads + head.t.length;
    const add = (time, index) => {
      if (t.length && time - t.at(-1) > rows.gap) {
        t.push((t.at(-1) + time) / 2);
        at.push(-1);
      }
      t.push(time);
      at.push(index);
    };
    rows.t.forEach(add);
    for (let i = head.start; i < head.t.length; i += 1) add(head.t[i], heads + i);
    const past = t.length;
    (ahead?.t ?? []).forEach((time, i) => {
      if (time <= now || time <= (t.at(-1) ?? -Infinity)) return;
      t.push(time);
      at.push(aheads + i);
    });
    return { t, at, past, heads, aheads, head, ahead: ahead ?? EMPTY, gap: rows.gap };
  }

  /** Nulls between neighbours closer than the gap are joined (uPlot: undefined), all others break the line. */
  function mend(values, t, gap, breaks = () => false) {
    let last = -1,
      blocked = false;
    for (let i = 0; i < values.length; i += 1) {
      if (values[i] === null) {
        blocked ||= breaks(i);
        continue;
      }
      if (last >= 0 && !blocked && t[i] - t[last] <= gap) values.fill(undefined, last + 1, i);
      last = i;
      blocked = false;
    }
    return values;
  }

  /** Joins the forecast to the last expectation, unless so much time lies between that this would invent a course. */
  function tie(future, past, line) {
    const { t, past: count, gap } = line;
    if (!count || count >= t.length) return;
    const step = t.length - count > 1 ? t[count + 1] - t[count] : 0;
    if (t[count] - t[count - 1] <= Math.max(gap, 2 * step)) future[count - 1] = past[count - 1];
  }

  /** The readings of a column, split by quality; an uncertain stretch takes its good neighbours along to stay joined. */
  function readings(line, pick) {
    const quality = pick("quality"),
      lows = pick("lo"),
      highs = pick("hi"),
      means = pick("mean");
    const has = lows.map((value, i) => value !== null && highs[i] !== null && (quality[i] ?? GOOD) < BAD);
    const sure = has.map((there, i) => there && (quality[i] ?? GOOD) === GOOD);
    const doubtful = has.map((there, i) => there && quality[i] === UNCERTAIN);
    const beside = has.map((there, i) => doubtful[i] || (there && (doubtful[i - 1] || doubtful[i + 1]) === true));
    const only = (values, mask, others) =>
      mend(
        values.map((value, i) => (mask[i] ? value : null)),
        line.t,
        line.gap,
        (i) => quality[i] === BAD || others[i],
      );
    return {
      lo: only(lows, sure, doubtful),
      hi: only(highs, sure, doubtful),
      doubtLo: only(lows, beside, sure),
      doubtHi: only(highs, beside, sure),
      mean: only(means, sure, doubtful),
      any: mend(
        means.map((value, i) => (has[i] ? value : null)),
        line.t,
        line.gap,
        (i) => quality[i] === BAD,
      ),
      bad: quality.map((value) => value === BAD),
    };
  }

  /** Everything one chart draws, in the unit it is shown in; the rows themselves stay as they came. */
  function layout(rows, name, line, [factor, offset]) {
    const kept = rows.columns.get(name);
    const head = fields(own(line.head.columns, name));
    const ahead = fields(own(line.ahead.columns, name));
    const pick = (field) =>
      line.at.map((i) => {
        if (i < 0) return null;
        if (i < line.heads) return kept[field][i];
        return (i < line.aheads ? head[field]?.[i - line.heads] : ahead[field]?.[i - line.aheads]) ?? null;
      });
    const map = (values, fn) => values.map((value, i) => (value == null ? value : fn(value, i)));
    const shown = (values) => map(values, (value) => value * factor + offset);

    const twin = pick("twin"),
      deviation = pick("deviation");
    const read = readings(line, pick);
    const lows = pick("lo"),
      highs = pick("hi");
    const sigma = (values) =>
      values.map((value, i) => {
        if (value == null) return value;
        return twin[i] === null || !(deviation[i] > 0) ? null : (value - twin[i]) / deviation[i];
      });
    const edge = (sign) =>
      twin.map((value, i) => (value === null || deviation[i] === null ? null : value + sign * 1.96 * deviation[i]));
    const part = (values, ahead_) => values.map((value, i) => (i >= line.past === ahead_ ? value : null));
    const split = (values) => {
      const past = mend(part(values, false), line.t, line.gap);
      const future = part(values, true);
      tie(future, past, line);
      return [shown(past), shown(future)];
    };
    const [middle, middleAhead] = split(twin);
    const edges = [split(edge(1)), split(edge(-1))];
    const [upper, lower] = factor < 0 ? edges.reverse() : edges;
    const swap = (low, high) => (factor < 0 ? [shown(high), shown(low)] : [shown(low), shown(high)]);
    const [lo, hi] = swap(read.lo, read.hi);
    const [doubtLo, doubtHi] = swap(read.doubtLo, read.doubtHi);
    return {
      t: line.t,
      past: line.past,
      lo,
      hi,
      mean: shown(read.mean),
      ranged: lows.some((low, i) => low !== null && low !== highs[i]), // instants have no range beside their value
      doubtLo,
      doubtHi,
      twin: middle,
      upper: upper[0],
      lower: lower[0],
      aheadTwin: middleAhead,
      aheadUpper: upper[1],
      aheadLower: lower[1],
      residual: sigma(read.any), // of an interval that of its mean: one reading in 400 is beyond 3 sigma by chance
      bad: read.bad,
      spread: deviation.map((value) => (value === null ? null : value * Math.abs(factor))),
    };
  }

  /** The row nearest to a time, or -1; neither a hole's empty row answers nor an end too far away. */
  function nearest(line, time) {
    const { t, at, past, gap } = line;
    let low = 0,
      high = t.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (t[middle] < time) low = middle + 1;
      else high = middle;
    }
    const best = low > 0 && (low === t.length || time - t[low - 1] <= t[low] - time) ? low - 1 : low;
    const beyond = !t.length || time < t[0] - gap || (best < past && time > t[best] + gap);
    return beyond || at[best] < 0 ? -1 : best;
  }

  Object.assign(window.twinTrend, { Rows, timeline, layout, nearest });
})();
