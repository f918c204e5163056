/* What a chart paints by itself on uPlot's canvas: fields, envelopes, limits, the now line and the marks. */
(() => {
  "use strict";

  const COLOURS = Object.freeze({
    plot: "#eceded",
    page: "#e3e4e6",
    text: "#2b2f33",
    quiet: "#4a4f55",
    grid: "#d3d5d8",
    rule: "#8d9299",
    normal: "#dcdee1",
    actual: "#2b2f33",
    range: "#a4aab0",
    doubt: "#7d838a",
    twin: "#3f6f9f",
    band: "#cbd8e5",
    ahead: "#7f9fbf",
    aheadBand: "#dbe3eb",
    abnormal: "#b3121d",
  });
  const FONT = '"Noto Sans KR","Noto Sans CJK KR","Malgun Gothic","Apple SD Gothic Neo",system-ui,sans-serif';
  const SIGMA_LIMIT = 3,
    SIGMA_FAR = 5,
    SIGMA_DRAWN = 5.5,
    SIGMA_SCALE = 8; // lines end at DRAWN; beyond is the triangles' lane
  const MARK_SPACE = 12;

  const ratio = () => window.devicePixelRatio || 1;

  /** Calls `paint` with the plot's box in canvas pixels, clipped to it, and leaves the context as it was. */
  function inPlot(u, paint) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.setLineDash([]); // uPlot leaves its last series' dash
    paint(ctx, bbox, ratio());
    ctx.restore();
  }

  /** The plot's field, and in it the range in which values are normal. */
  function field(u, colour, normal) {
    inPlot(u, (ctx, box) => {
      ctx.fillStyle = COLOURS.plot;
      ctx.fillRect(box.left, box.top, box.width, box.height);
      if (!normal) return;
      const [low, high] = normal.map((value) => u.valToPos(value, "y", true));
      ctx.fillStyle = colour;
      ctx.fillRect(box.left, Math.min(low, high), box.width, Math.abs(low - high));
    });
  }

  /** Draws rows of minimum and maximum as one line that touches both, so a bucket hides no extreme; rows that share a
   * column of pixels are one stroke from the least to the most of them. */
  function envelope(lowIndex, highIndex) {
    return (u, _, first, last) => {
      const path = new Path2D();
      const times = u.data[0],
        lows = u.data[lowIndex],
        highs = u.data[highIndex];
      let pen = false,
        y = 0,
        column = null; // { x, top, bottom }: the column that is being gathered
      const flush = () => {
        if (!column) return;
        const { x, top, bottom } = column;
        const near = !pen || Math.abs(top - y) <= Math.abs(bottom - y) ? top : bottom;
        if (!pen) path.moveTo(x - ratio(), near); // a stub, so that a lone reading shows
        path.lineTo(x, near);
        y = near === top ? bottom : top;
        if (top !== bottom) path.lineTo(x, y);
        pen = true;
        column = null;
      };
      for (let i = first; i <= last; i += 1) {
        if (lows[i] === undefined || highs[i] === undefined) continue;
        if (lows[i] === null || highs[i] === null) {
          flush();
          pen = false;
          continue;
        }
        const x = Math.round(u.valToPos(times[i], "x", true));
        const bottom = u.valToPos(lows[i], "y", true),
          top = u.valToPos(highs[i], "y", true);
        if (column?.x !== x) {
          flush();
          column = { x, top, bottom };
        } else {
          column.top = Math.min(column.top, top);
          column.bottom = Math.max(column.bottom, bottom);
        }
      }
      flush();
      return { stroke: path, fill: null, clip: null, band: null, gaps: null, flags: 1 };
    };
  }

  /** The indices within the view, one beyond at either side so that lines run to the edge. */
  function inView(times, { from, until }) {
    let first = 0,
      last = times.length - 1;
    while (first < times.length && times[first] < from) first += 1;
    while (last >= 0 && times[last] > until) last -= 1;
    return [Math.max(0, first - 1), Math.min(times.length - 1, last + 1)];
  }

  function quantile(values, share) {
    if (!values.length) return [];
    const sorted = Float64Array.from(values).sort();
    return [sorted[Math.round(share * (sorted.length - 1))]];
  }

  /** A step of 1, 2 or 5 times a power of ten, at least as large as asked. */
  function round(step) {
    const power = 10 ** Math.floor(Math.log10(step));
    return [1, 2, 5, 10].find((lead) => lead * power >= step * (1 - 1e-9)) * power;
  }

  /** The y range of what is in view; the band counts with its 5-95 % quantiles only, and edges sit on round steps
   * so that the axis stands still from row to row. Values that `must` be there make two boards alike. */
  function fit(plan, view, limits, must) {
    const [first, last] = inView(plan.t, view);
    const cut = (name) => plan[name].slice(first, last + 1).filter((value) => value != null);
    const lines = ["lo", "hi", "doubtLo", "doubtHi", "twin", "aheadTwin"].flatMap(cut);
    const tops = [...cut("upper"), ...cut("aheadUpper")],
      bottoms = [...cut("lower"), ...cut("aheadLower")];
    const all = [...lines, ...quantile(tops, 0.95), ...quantile(bottoms, 0.05), ...must];
    if (!all.length) return { min: 0, max: 1, step: 0.5 };
    let min = Infinity,
      max = -Infinity;
    for (const value of all) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const tall = max - min || Math.abs(max) * 0.01 || 1;
    for (const limit of limits) {
      if (limit === null || limit < min - 0.3 * tall || limit > max + 0.3 * tall) continue;
      min = Math.min(min, limit);
      max = Math.max(max, limit);
    }
    const pad = 0.06 * Math.max(max - min, tall);
    const grain = round((max - min + 2 * pad) / 10);
    min = Math.floor((min - pad) / grain) * grain;
    max = Math.ceil((max + pad) / grain) * grain;
    return { min, max, step: round((max - min) / 4.5) };
  }

  /** A word on the plot's field with a ground of its own, so that no line runs through it. */
  function word(ctx, text, x, y, align, dpr) {
    ctx.font = `${12 * dpr}px ${FONT}`;
    ctx.textAlign = align;
    ctx.textBaseline = "middle";
    const wide = ctx.measureText(text).width;
    const left = align === "right" ? x - wide : x;
    ctx.fillStyle = COLOURS.plot;
    ctx.fillRect(left - 3 * dpr, y - 8 * dpr, wide + 6 * dpr, 16 * dpr);
    ctx.fillStyle = COLOURS.text;
    ctx.fillText(text, x, y);
  }

  /** Limits in view, each a thin dashed line with its word at the left, away from the newest values. */
  function limits(u, marks) {
    inPlot(u, (ctx, box, dpr) => {
      for (const { value, text } of marks) {
        if (value === null || value < u.scales.y.min || value > u.scales.y.max) continue;
        const y = Math.round(u.valToPos(value, "y", true)) + 0.5;
        ctx.strokeStyle = COLOURS.text;
        ctx.lineWidth = dpr;
        ctx.setLineDash([2 * dpr, 3 * dpr]);
        ctx.beginPath();
        ctx.moveTo(box.left, y);
        ctx.lineTo(box.left + box.width, y);
        ctx.stroke();
        const inside = Math.min(Math.max(y, box.top + 9 * dpr), box.top + box.height - 9 * dpr);
        word(ctx, text, box.left + 8 * dpr, inside, "left", dpr);
      }
    });
  }

  /** The line between what was and what is expected; at the right edge there is nothing to part. */
  function nowLine(u, now, text) {
    if (now === null || now <= u.scales.x.min || now >= u.scales.x.max) return;
    inPlot(u, (ctx, box, dpr) => {
      const x = Math.round(u.valToPos(now, "x", true)) + 0.5;
      ctx.strokeStyle = COLOURS.quiet;
      ctx.lineWidth = dpr;
      ctx.beginPath();
      ctx.moveTo(x, box.top);
      ctx.lineTo(x, box.top + box.height);
      ctx.stroke();
      if (!text) return;
      ctx.font = `${12 * dpr}px ${FONT}`;
      const room = x + 12 * dpr + ctx.measureText(text).width < box.left + box.width;
      word(ctx, text, x + (room ? 6 : -6) * dpr, box.top + 9 * dpr, room ? "left" : "right", dpr);
    });
  }

  /** Bad readings: hollow squares at the bottom, thinned so that each stays a shape. */
  function badMarks(u, plan) {
    inPlot(u, (ctx, box, dpr) => {
      ctx.strokeStyle = COLOURS.text;
      ctx.lineWidth = dpr;
      let last = -Infinity;
      plan.bad.forEach((bad, i) => {
        if (!bad) return;
        const x = u.valToPos(plan.t[i], "x", true);
        if (x - last < MARK_SPACE * dpr) return;
        ctx.strokeRect(Math.round(x - 3 * dpr) + 0.5, box.top + box.height - 9.5 * dpr, 6 * dpr, 6 * dpr);
        last = x;
      });
    });
  }

  /** Residuals beyond three sigma: a bar in the one saturated colour, and a triangle that says which way. */
  function abnormal(u, plan) {
    inPlot(u, (ctx, box, dpr) => {
      ctx.strokeStyle = ctx.fillStyle = COLOURS.abnormal;
      ctx.lineWidth = 2 * dpr;
      let last = -Infinity;
      plan.t.forEach((time, i) => {
        const value = plan.residual[i] ?? null;
        if (value === null || !told(plan.residual, i)) return;
        const x = u.valToPos(time, "x", true);
        if (x < box.left - MARK_SPACE * dpr || x > box.left + box.width + MARK_SPACE * dpr) return;
        const side = Math.sign(value);
        const tip = Math.min(Math.abs(value), SIGMA_DRAWN);
        ctx.beginPath();
        ctx.moveTo(x, u.valToPos(side * SIGMA_LIMIT, "y", true));
        ctx.lineTo(x, u.valToPos(side * tip, "y", true));
        ctx.stroke();
        if (x - last < MARK_SPACE * dpr) return;
        triangle(ctx, x, side > 0 ? box.top : box.top + box.height, side, dpr);
        last = x;
      });
    });
  }

  /** Whether a residual is worth a colour: far off, or beyond three sigma with a neighbour; one in 370 is by chance. */
  function told(residual, i) {
    const value = residual[i];
    if (Math.abs(value) <= SIGMA_LIMIT) return false;
    return Math.abs(value) > SIGMA_FAR || [i - 1, i + 1].some((beside) => residual[beside] * Math.sign(value) > SIGMA_LIMIT);
  }

  function triangle(ctx, x, edge, side, dpr) {
    ctx.beginPath();
    ctx.moveTo(x, edge);
    ctx.lineTo(x - 4 * dpr, edge + side * 7 * dpr);
    ctx.lineTo(x + 4 * dpr, edge + side * 7 * dpr);
    ctx.fill();
  }

  Object.assign(window.twinTrend, {
    COLOURS,
    FONT,
    SIGMA_LIMIT,
    SIGMA_DRAWN,
    SIGMA_SCALE,
    field,
    envelope,
    fit,
    limits,
    nowLine,
    badMarks,
    abnormal,
  });
})();
