/* The plots of a run of a data set: its labels as lanes, those that are numbers, and its channels. */
(() => {
  "use strict";

  const T = window.twinTrend,
    R = window.twinRun;
  const C = T.COLOURS;
  const PLOT = 130,
    LEVEL = 60,
    LONG = 7200;
  const blank = { twin: [], aheadTwin: [], upper: [], lower: [], aheadUpper: [], aheadLower: [] };

  /** What all plots of a run have in common: a head with values, the cursor, keys and fingers. */
  class Plot {
    constructor(context, { name, title, unit }) {
      this.context = context;
      this.values = T.element("div", { class: "run-values" });
      this.main = T.element("div", { class: "twin-main" });
      this.cursorLine = T.element("div", { class: "twin-cursor", hidden: "" });
      this.plots = T.element(
        "div",
        {
          class: "twin-plots", tabindex: "0", role: "application", "aria-label": `${name} ${title}`.trim(),
          "aria-keyshortcuts": "+ - ArrowLeft ArrowRight Shift+ArrowLeft Shift+ArrowRight Escape",
        },
        this.main,
        this.cursorLine,
      );
      const heading = T.element(
        "h3", { class: "twin-title" },
        T.element("span", { class: "twin-name", text: name }),
        T.element("span", { class: "twin-what", text: unit && unit !== "1" ? `${title} [${unit}]` : title }),
      );
      this.element = T.element(
        "section", { class: "twin-chart", "aria-label": `${name} ${title}`.trim() },
        T.element("div", { class: "twin-head" }, heading, this.values), this.plots,
      );
      this.scale = { min: 0, max: 1, step: 0.5 };
      T.touch(this.plots, () => this.u.over.getBoundingClientRect(), context.range, context.show);
      this.plots.addEventListener("keydown", context.key);
      this.plots.addEventListener("mouseleave", () => context.point(null));
      this.plots.addEventListener("mousemove", ({ clientX }) => {
        const left = clientX - this.u.over.getBoundingClientRect().left;
        context.point(left >= 0 && left <= this.u.over.clientWidth ? this.u.posToVal(left, "x") : null);
      });
    }

    plot(height, axis, extra) {
      const options = T.plotOptions(this.context.width(), height, T.EDGES.top, true, R.clock, axis, {
        ...extra,
        hooks: { ...extra.hooks, setSelect: [(u) => this.selected(u)] },
      });
      options.axes[0].incrs = R.STEPS;
      if (extra.bare) options.axes[0].grid = { show: false };
      this.u = new uPlot(options, extra.series.map(() => []), this.main);
    }

    axis() {
      const { ticks } = R.clock;
      return T.valueAxis(
        () => ticks(this.scale.min, this.scale.max, this.scale.step),
        (u, values) => values.map((value) => T.number(value, T.digits(this.scale.step))),
      );
    }

    selected(u) {
      const { left, width } = u.select;
      if (width < 1) return;
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.context.show(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
    }

    put(columns, view) {
      this.u.batch(() => {
        this.u.setData(columns, false);
        this.u.setScale("x", { min: view.from, max: view.until });
        this.u.setScale("y", this.scale);
      });
    }

    point(time) {
      const left = time === null ? -1 : this.u.valToPos(time, "x");
      const seen = left >= 0 && left <= this.u.over.clientWidth;
      this.cursorLine.hidden = !seen;
      if (seen) this.cursorLine.style.transform = `translateX(${Math.round(left + this.u.over.offsetLeft)}px)`;
    }

    resize(width) {
      this.u.setSize({ width, height: this.u.height });
    }

    destroy() {
      this.u.destroy();
      this.element.remove();
    }
  }

  /** The labels as lanes: what is wrong with the equipment, in which mode it is, what is wrong with instruments. */
  class Lanes extends Plot {
    constructor(context) {
      const { words, run } = context;
      super(context, { name: words.labels, title: words.labels_doc, unit: "" });
      const spans = (all) => all.map(([from, until, text]) => ({ from, until, text }));
      this.rows = [{ look: "fault", name: words.lane_fault, spans: run.wrong.map(([from, until]) => ({ from, until, text: run.kind })) }];
      if (run.modes.length) this.rows.push({ look: "mode", name: words.lane_mode, spans: spans(run.modes) });
      if (run.sensors.length)
        this.rows.push({ look: "sensor", name: words.lane_sensor, spans: run.sensors.map(([name, from, until, kind]) => ({ from, until, text: `${name} ${kind}` })) });
      const count = this.rows.length;
      const axis = T.valueAxis(() => this.rows.map((_, i) => count - i - 0.5), () => this.rows.map(({ name }) => name));
      axis.grid = axis.ticks = { show: false };
      this.scale = { min: 0, max: count, step: 1 };
      this.plot(count * R.LANE, axis, {
        bare: true,
        series: [{}, T.UNSEEN],
        hooks: { drawClear: [(u) => R.lanes(u, this.rows)] },
      });
    }

    draw(data, view) {
      this.times = data?.t ?? [];
      this.put([[0, 1], [null, null]], view);
    }

    /** What stands at a row's time, lane by lane. */
    tell(index) {
      const time = this.times[index];
      const here = this.rows.map(({ spans }) => spans.find(({ from, until }) => time >= from && time < until)?.text);
      T.setText(this.values, here.filter(Boolean).join(" · "));
    }
  }

  /** A label that is a number of its own. */
  class Level extends Plot {
    constructor(context, name, title, unit, factor) {
      super(context, { name: title, title: "", unit });
      Object.assign(this, { name, unit, factor, shown: [] });
      const { run } = context;
      this.plot(LEVEL, this.axis(), {
        series: [{}, T.line(C.actual, 1.5)],
        hooks: {
          drawClear: [(u) => R.behind(u, run, null)],
          draw: [(u) => run.onset !== null && T.nowLine(u, run.onset, "")],
        },
      });
    }

    draw(data, view) {
      const times = data?.t ?? [];
      const values = data?.[this.name] ?? times.map(() => null);
      this.shown = values.map((value) => (value === null ? null : value * this.factor));
      this.scale = this.fitted(times, view);
      this.put([times, this.shown], view);
    }

    tell(index) {
      const value = this.shown[index] ?? null;
      T.setText(this.values, value === null ? "–" : `${T.number(value, T.digits(this.scale.step / 10))} ${this.unit}`);
    }
  }

  /** How bad the fault is, as a share of the worst. */
  class Severity extends Level {
    constructor(context) {
      super(context, "severity", context.words.severity, "%", 100);
    }

    fitted() {
      return { min: 0, max: 105, step: 50 };
    }
  }

  /** What life remains. */
  class Life extends Level {
    constructor(context) {
      const [unit, factor] = context.run.life[0] > LONG ? ["h", 1 / 3600] : ["s", 1];
      super(context, "rul", context.words.rul, unit, factor);
    }

    fitted(times, view) {
      return T.fit({ ...blank, t: times, lo: this.shown, hi: this.shown, doubtLo: [], doubtHi: [] }, view, [], [0]);
    }
  }

  /** A channel: what was measured, what was true, and the labels over them. */
  class Channel extends Plot {
    constructor(context, channel, index) {
      super(context, { name: channel.name, title: channel.doc, unit: channel.unit });
      Object.assign(this, { channel, index, plan: { t: [], bad: [] }, chart: null });
      const { run, words } = context;
      this.plot(PLOT, this.axis(), {
        series: [
          {}, T.UNSEEN, T.line(C.doubt, 1.25, { paths: T.envelope(1, 2) }),
          T.UNSEEN, T.line(C.twin, 2, { paths: T.envelope(3, 4), dash: [6, 4] }),
        ],
        hooks: {
          drawClear: [(u) => R.behind(u, run, channel)],
          draw: [(u) => R.before(u, run, this.plan, `${words.onset}: ${run.kind}`)],
        },
      });
    }

    draw(data, view) {
      const chart = (this.chart = data?.charts.find(({ channel }) => channel === this.index) ?? null);
      const t = chart ? data.t : [];
      const none = t.map(() => null);
      const lines = { lo: chart?.low ?? none, hi: chart?.high ?? none };
      const truth = { doubtLo: chart?.true_low ?? none, doubtHi: chart?.true_high ?? none };
      this.plan = { ...blank, t, ...lines, ...truth, bad: (chart?.missing ?? none).map((share) => share > 0) };
      this.scale = T.fit(this.plan, view, [], []);
      this.put([t, lines.lo, lines.hi, truth.doubtLo, truth.doubtHi], view);
    }

    tell(index) {
      const { words } = this.context;
      const { plan, channel } = this;
      const digits = T.digits(this.scale.step / 10);
      const unit = channel.unit === "1" ? "" : ` ${channel.unit}`;
      const value = (low, high) =>
        low == null ? words.missing : `${T.number(low, digits)}${low === high ? "" : ` … ${T.number(high, digits)}`}${unit}`;
      const truth = this.chart?.true_low ? `${words.true} ${value(plan.doubtLo[index], plan.doubtHi[index])}` : "";
      T.setText(this.values, index < 0 ? "" : [`${words.measured} ${value(plan.lo[index], plan.hi[index])}`, truth].filter(Boolean).join("   "));
    }
  }

  Object.assign(R, { Lanes, Severity, Life, Channel });
})();
