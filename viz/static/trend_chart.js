/* One column of the asset: its header, its plot, and the strip of its residual. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const PLOT = 120,
    STRIP = 38;
  const C = T.COLOURS;
  const { line, UNSEEN, valueAxis, plotOptions } = T;

  /** The unit that the operator chose last; a browser without storage just forgets it. */
  function remembered(key, value) {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch {
      return null;
    }
    return value;
  }

  class Chart {
    constructor(meta, context) {
      this.meta = meta;
      this.context = context;
      this.measured = meta.kind !== "hidden";
      this.believed = meta.kind !== "reading"; // of an archive there is nothing but readings
      this.conversions = T.conversions(context.units, meta.unit);
      const chosen = remembered(this.key());
      this.unit = this.conversions.has(chosen) ? chosen : meta.unit;
      this.plan = { t: [], bad: [], past: 0 }; // uPlot draws once before there are rows
      this.scale = { min: 0, max: 1, step: 0.5 };
      this.element = this.frame();
      this.grow();
    }

    /** Whether this chart can go on for a column as the server now describes it; limits may change, these not. */
    fits(meta) {
      return ["name", "title", "unit", "kind"].every((field) => meta[field] === this.meta[field]);
    }

    key() {
      return `twin.unit.${this.meta.asset ?? this.context.asset}.${this.meta.name}`;
    }

    /** The chart's elements; every text from outside goes in as text. */
    frame() {
      const { words } = this.context;
      const { element } = T;
      const { name, title } = this.meta;
      this.select = element("select", { class: "twin-unit", "aria-label": `${words.unit}, ${name}` });
      for (const unit of this.conversions.keys()) this.select.append(element("option", { value: unit, text: unit }));
      this.select.value = this.unit;
      this.select.disabled = this.conversions.size < 2;
      this.select.addEventListener("change", () => this.setUnit(this.select.value));
      this.texts = Object.fromEntries(
        ["when", "actual", "twin", "residual"].map((part) => [
          part,
          element("span", { class: `twin-value twin-${part}` }),
        ]),
      );
      this.values = element("div", { class: "twin-values" }, ...Object.values(this.texts));
      this.main = element("div", { class: "twin-main" });
      this.strip = element("div", { class: "twin-strip" });
      this.cursorLine = element("div", { class: "twin-cursor", hidden: "" });
      this.plots = element(
        "div",
        {
          class: "twin-plots",
          tabindex: "0",
          role: "application",
          "aria-label": `${name} ${title}`,
          "aria-keyshortcuts": "+ - ArrowLeft ArrowRight Shift+ArrowLeft Shift+ArrowRight Escape",
        },
        this.main,
        this.strip,
        this.cursorLine,
      );
      this.listen();
      const heading = element(
        "h3",
        { class: "twin-title" },
        element("span", { class: "twin-name", text: name }),
        element("span", { class: "twin-what", text: title }),
      );
      return element(
        "section",
        { class: "twin-chart", "aria-label": `${name} ${title}` },
        element("div", { class: "twin-head" }, heading, this.select, this.values),
        this.plots,
      );
    }

    listen() {
      const { point, key, range, zoom } = this.context;
      T.touch(this.plots, () => this.u.over.getBoundingClientRect(), range, zoom);
      this.plots.addEventListener("mousemove", ({ clientX }) => {
        const left = clientX - this.u.over.getBoundingClientRect().left;
        const inside = left >= 0 && left <= this.u.over.clientWidth;
        point(inside ? this.u.posToVal(left, "x") : null);
      });
      this.plots.addEventListener("mouseleave", () => point(null));
      this.plots.addEventListener("keydown", (event) => key(event));
    }

    /** Makes the two plots; the strip exists only where there is a reading to compare. */
    grow() {
      const { clock, words, now } = this.context;
      const width = this.context.width();
      const low = { get: () => this.shown(this.meta.low), text: words.limit_low };
      const high = { get: () => this.shown(this.meta.high), text: words.limit_high };
      const marks = () => [low, high].map(({ get, text }) => ({ value: get(), text }));
      const dash = [6, 4];
      this.u = new uPlot(
        plotOptions(width, PLOT, T.EDGES.top, !(this.measured && this.believed), clock, this.axis(), {
          series: [
            {},
            line("transparent", 0),
            line("transparent", 0),
            line("transparent", 0),
            line("transparent", 0),
            UNSEEN,
            line(C.doubt, 1.25, { paths: T.envelope(5, 6) }),
            UNSEEN,
            line(C.range, 1.25, { paths: T.envelope(7, 8) }),
            line(C.ahead, 1.5, { dash }),
            line(C.twin, 1.75, { dash }),
            line(C.actual, 1.25, { paths: T.envelope(11, 11) }),
          ],
          bands: [
            { series: [1, 2], fill: C.band },
            { series: [3, 4], fill: C.aheadBand },
          ],
          hooks: {
            drawClear: [(u) => T.field(u, C.normal, this.healthy())],
            draw: [
              (u) => {
                T.limits(u, marks());
                T.nowLine(u, now(), words.now);
                T.badMarks(u, this.plan);
              },
            ],
            setSelect: [(u) => this.selected(u)],
          },
        }),
        [[], ...Array(11).fill([])],
        this.main,
      );
      if (this.measured && this.believed) this.residual = this.growStrip(width);
    }

    growStrip(width) {
      const { clock, now } = this.context;
      const ticks = [-T.SIGMA_LIMIT, T.SIGMA_LIMIT];
      const axis = valueAxis(
        () => ticks,
        () => ticks.map((value) => `${T.number(value, 0, true)} σ`),
      );
      return new uPlot(
        plotOptions(width, STRIP, 1, true, clock, axis, {
          series: [{}, line(C.actual, 1, { paths: T.envelope(1, 1) })],
          hooks: {
            drawClear: [(u) => T.field(u, C.normal, [-T.SIGMA_LIMIT, T.SIGMA_LIMIT])],
            draw: [
              (u) => {
                T.nowLine(u, now(), "");
                T.abnormal(u, this.plan);
              },
            ],
            setSelect: [(u) => this.selected(u)],
          },
        }),
        [[], []],
        this.strip,
      );
    }

    axis() {
      const splits = () => {
        const { min, max, step } = this.scale;
        const count = Math.floor((max - min) / step + 2);
        return Array.from({ length: count }, (_, i) => (Math.ceil(min / step - 1e-6) + i) * step).filter(
          (value) => value <= max + step * 1e-6,
        );
      };
      return valueAxis(splits, (u, values) => values.map((value) => T.number(value, T.digits(this.scale.step))));
    }

    conversion() {
      return this.conversions.get(this.unit);
    }

    shown(value) {
      const [factor, offset] = this.conversion();
      return value == null ? null : value * factor + offset;
    }

    /** What has to be in view beside this chart's own: the other's extremes where two are compared. */
    must() {
      return (this.context.extents?.[this.meta.name] ?? []).map((value) => this.shown(value));
    }

    healthy() {
      return this.meta.healthy?.map((value) => this.shown(value)) ?? null;
    }

    /** A drag ends as a request for that range; the board decides, so all charts move together. */
    selected(u) {
      const { left, width } = u.select;
      if (width < 1) return;
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.context.zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
    }

    setUnit(unit) {
      this.unit = unit;
      this.select.value = unit;
      remembered(this.key(), unit);
      this.context.changed(this);
    }

    /** Lays the rows out and draws both plots once, each in one batch. */
    draw(rows, timeline, view) {
      this.plan = T.layout(rows, this.meta.name, timeline, this.conversion());
      this.redraw(view);
    }

    redraw(view) {
      const p = this.plan;
      this.scale = T.fit(p, view, [this.shown(this.meta.low), this.shown(this.meta.high)], this.must());
      const put = (u, data, y) =>
        u.batch(() => {
          u.setData(data, false);
          u.setScale("x", { min: view.from, max: view.until });
          u.setScale("y", y);
        });
      const blank = new Array(p.t.length).fill(null);
      put(
        this.u,
        [p.t, p.upper, p.lower, p.aheadUpper, p.aheadLower, p.doubtLo, p.doubtHi, p.ranged ? p.lo : blank, p.ranged ? p.hi : blank, p.aheadTwin, p.twin, p.mean],
        this.scale,
      );
      const clip = (values) =>
        values.map((value) => (value == null ? value : Math.max(-T.SIGMA_DRAWN, Math.min(T.SIGMA_DRAWN, value))));
      if (this.residual)
        put(this.residual, [p.t, clip(p.residual)], { min: -T.SIGMA_SCALE, max: T.SIGMA_SCALE });
    }

    /** The values of one row as text; which row it is stands before them. */
    tell(index, when) {
      const { words } = this.context;
      const { texts, plan, unit } = this;
      const twin = index < 0 ? null : (plan.twin[index] ?? plan.aheadTwin[index] ?? null);
      const spread = twin === null ? null : plan.spread[index];
      // As many digits as the axis has, and at least one that the band is told by.
      const digits = Math.max(T.digits(this.scale.step / 10), spread ? T.digits(1.96 * spread) : 0);
      const low = index < 0 ? null : (plan.lo[index] ?? plan.doubtLo[index] ?? null);
      const high = index < 0 ? null : (plan.hi[index] ?? plan.doubtHi[index] ?? null);
      const ahead = index >= plan.past;
      T.setText(texts.when, when);
      const reading =
        low === null
          ? plan.bad[index]
            ? words.bad
            : words.no_data
          : `${T.number(low, digits)}${low === high ? "" : ` … ${T.number(high, digits)}`} ${unit}`;
      T.setText(texts.actual, this.measured && !ahead ? `${words.actual} ${reading}` : "");
      const band = spread === null ? "" : ` ± ${T.number(1.96 * spread, digits)}`;
      const expected = twin === null ? words.no_data : `${T.number(twin, digits)}${band} ${unit}`;
      T.setText(texts.twin, this.believed ? `${ahead ? words.ahead : words.twin} ${expected}` : "");
      const sigma = index < 0 || !this.measured ? null : (plan.residual[index] ?? null);
      const out = sigma !== null && Math.abs(sigma) > T.SIGMA_LIMIT;
      const mark = !out ? "" : sigma > 0 ? "▲ " : "▼ ";
      T.setText(texts.residual, sigma === null ? "" : `${mark}${words.residual} ${T.number(sigma, 1, true)} σ`);
      texts.residual.classList.toggle("twin-out", out);
    }

    /** The shared cursor's line, over plot and strip alike. */
    point(time) {
      const left = time === null ? -1 : this.u.valToPos(time, "x");
      const seen = left >= 0 && left <= this.u.over.clientWidth;
      this.cursorLine.hidden = !seen;
      if (seen) this.cursorLine.style.transform = `translateX(${Math.round(left + this.u.over.offsetLeft)}px)`;
    }

    resize(width) {
      this.u.setSize({ width, height: this.u.height });
      this.residual?.setSize({ width, height: this.residual.height });
    }

    destroy() {
      this.u.destroy();
      this.residual?.destroy();
      this.element.remove();
    }
  }

  Object.assign(T, { Chart });
})();
