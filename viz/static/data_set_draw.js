/* What a run of a data set is drawn by: its labels as lanes, and what stands in time over each channel's plot. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const C = T.COLOURS;
  const LANE = 20,
    HATCH = 7,
    WORD_EDGE = 5;
  const STEPS = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
    14400, 28800, 43200, 86400, 172800, 432000, 864000, 2592000,
  ];
  const ratio = () => window.devicePixelRatio || 1;

  /** Time from a run's first row as h:mm:ss; with as many decimals as rows need. */
  function elapsed(seconds, every = 1) {
    const digits = every >= 1 ? 0 : Math.min(3, Math.ceil(-Math.log10(every) - 1e-9));
    const scale = 10 ** digits;
    const whole = Math.round(Math.abs(seconds) * scale);
    const pad = (value) => String(value).padStart(2, "0");
    const s = Math.floor(whole / scale);
    const tail = digits ? `.${String(whole % scale).padStart(digits, "0")}` : "";
    return `${seconds < 0 && whole ? "−" : ""}${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}${tail}`;
  }

  /** What a plot's time axis needs of a clock, for times that count from a run's first row. */
  const clock = {
    ticks(from, until, step) {
      const out = [];
      for (let k = Math.ceil(from / step - 1e-9); k * step <= until + step * 1e-9; k += 1) out.push(k * step);
      return out;
    },
    label: (seconds, step) => elapsed(seconds, step),
  };

  /** Calls `paint` with a span's place in the plot, if any of it is in view. */
  function spanned(u, [from, until], paint) {
    const { ctx, bbox } = u;
    const left = Math.max(bbox.left, u.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(until, "x", true));
    if (right <= left) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.setLineDash([]);
    paint(ctx, left, right, bbox);
    ctx.restore();
  }

  function fill(u, span, colour) {
    spanned(u, span, (ctx, left, right, box) => {
      ctx.fillStyle = colour;
      ctx.fillRect(left, box.top, right - left, box.height);
    });
  }

  /** Slanted lines: told from a field without colour. */
  function hatch(u, span) {
    spanned(u, span, (ctx, left, right, box) => {
      const dpr = ratio();
      ctx.strokeStyle = C.range;
      ctx.lineWidth = dpr;
      ctx.beginPath();
      const begin = Math.floor((left - box.height) / (HATCH * dpr)) * HATCH * dpr;
      for (let x = begin; x < right; x += HATCH * dpr) {
        ctx.moveTo(x, box.top + box.height);
        ctx.lineTo(x + box.height, box.top);
      }
      ctx.stroke();
    });
  }

  /** What stands behind a channel's lines: the field, when the equipment is faulty, and when this instrument is. */
  function behind(u, run, channel) {
    T.field(u, C.plot, null);
    run.wrong.forEach((span) => fill(u, span, C.normal));
    run.sensors.filter(([name]) => name === channel?.name).forEach(([, ...span]) => hatch(u, span));
  }

  /** What stands before a channel's lines: the onset, where modes change, and readings that are missing. */
  function before(u, run, plan, word) {
    run.modes.slice(1).forEach(([at]) => change(u, at));
    if (run.onset !== null) T.nowLine(u, run.onset, word);
    T.badMarks(u, plan);
  }

  function change(u, at) {
    if (at <= u.scales.x.min || at >= u.scales.x.max) return;
    const { ctx, bbox } = u;
    const x = Math.round(u.valToPos(at, "x", true)) + 0.5;
    ctx.save();
    ctx.strokeStyle = C.quiet;
    ctx.lineWidth = ratio();
    ctx.setLineDash([ratio(), 3 * ratio()]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  /** Lanes of labels, one below the other; every span has its word in it as far as there is room. */
  function lanes(u, rows) {
    T.field(u, C.plot, null);
    const dpr = ratio();
    rows.forEach(({ spans, look }, row) => {
      spans.forEach(({ from, until, text }, index) =>
        spanned(u, [from, until], (ctx, left, right, box) => {
          const top = box.top + row * LANE * dpr + 2 * dpr;
          const high = (LANE - 4) * dpr;
          ctx.beginPath();
          ctx.rect(left, top, right - left, high);
          ctx.clip();
          ctx.fillStyle = look === "fault" ? C.quiet : look === "sensor" ? C.normal : index % 2 ? C.normal : C.grid;
          ctx.fillRect(left, top, right - left, high);
          ctx.strokeStyle = C.rule;
          ctx.lineWidth = dpr;
          ctx.strokeRect(left + 0.5, top + 0.5, right - left - 1, high - 1);
          ctx.font = `${12 * dpr}px ${T.FONT}`;
          ctx.textBaseline = "middle";
          ctx.textAlign = "left";
          ctx.fillStyle = look === "fault" ? "#fff" : C.text;
          if (ctx.measureText(text).width + WORD_EDGE * dpr < right - left)
            ctx.fillText(text, left + WORD_EDGE * dpr, top + high / 2);
        }),
      );
    });
  }

  /** A sample of each stroke and field for the legend. */
  function sample(ctx, kind) {
    ctx.strokeStyle = ctx.fillStyle = { measured: C.doubt, true: C.twin, fault: C.normal, sensor: C.range, mode: C.quiet }[kind] ?? C.actual;
    ctx.lineWidth = kind === "onset" || kind === "mode" || kind === "missing" ? 1 : 2;
    ctx.setLineDash(kind === "true" ? [6, 4] : kind === "mode" ? [1, 3] : []);
    ctx.beginPath();
    if (kind === "measured" || kind === "true") [0, 24].forEach((x) => ctx.lineTo(x, 7));
    else if (kind === "onset" || kind === "mode") [1, 13].forEach((y) => ctx.lineTo(12.5, y));
    else if (kind === "missing") ctx.rect(9.5, 3.5, 7, 7);
    else if (kind === "fault") {
      ctx.fillRect(0, 1, 24, 12);
      ctx.strokeStyle = C.rule;
      ctx.lineWidth = 1;
      ctx.rect(0.5, 1.5, 23, 11);
    } else for (let x = -8; x < 24; x += 6) [ctx.moveTo(x, 13), ctx.lineTo(x + 12, 1)];
    ctx.stroke();
  }

  function legend(words) {
    const dpr = ratio();
    return T.element(
      "ul",
      { class: "twin-legend" },
      ...["measured", "true", "onset", "fault", "sensor", "mode", "missing"].map((kind) => {
        const canvas = T.element("canvas", { class: "twin-key", width: 24 * dpr, height: 14 * dpr, "aria-hidden": "true" });
        const ctx = canvas.getContext("2d");
        ctx.scale(dpr, dpr);
        sample(ctx, kind);
        return T.element("li", {}, canvas, T.element("span", { text: words[`key_${kind}`] }));
      }),
    );
  }

  window.twinRun = { elapsed, clock, STEPS, LANE, behind, before, lanes, legend };
})();
