/* The trend board: one time range, one cursor and one toolbar over a chart per column of an asset. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const SPANS = [300, 1800, 3600, 28800, 86400, 604800];
  const AHEAD_MOST = 600,
    AHEAD_SHARE = 0.25,
    SHORTEST = 5;
  const STALE_LEAST = 10,
    STALE_GAPS = 3,
    SETTLE = 150;

  /** Draws a board into `root` and keeps it up to date until `destroy`. */
  function mount(root, options) {
    const {
      base = "/api/v1",
      names = null,
      asset = names?.[0],
      archive = "",
      zone = "Asia/Seoul",
      language = "en",
      units = {},
      only = null,
    } = options;
    const spans = options.spans ?? SPANS;
    const named = names ? { names: names.map(encodeURIComponent).join(",") } : {};
    const question = { ...(options.asset ? { asset: options.asset } : {}), ...named, lang: language };
    const { words } = options;
    const clock = T.clock(zone);
    const stats = { rows: 0, gaps: 0, dups: 0, frames: 0, reconnects: 0, polling: false, last: null };

    let span = options.span ?? SPANS[0];
    let view = options.until == null ? null : { from: options.until - span, until: options.until }; // null while live
    let charts = [],
      cursor = null,
      line = null;
    let frame = 0,
      resized = false,
      destroyed = false;
    let linkText = "",
      told = "",
      filing = false,
      twin = "live";
    const dirty = new Set(),
      visible = new Set();

    const bar = T.toolbar(spans, words, { choose: setRange, back: backToLive, picture, file });
    const empty = T.element("p", { class: "twin-empty", role: "status", text: words.no_data });
    const stack = T.element("div", { class: "twin-stack" });
    const width = () => Math.max(320, stack.clientWidth);
    const points = () => Math.max(200, width() - T.EDGES.left - T.EDGES.right);
    root.classList.add("twin-board");
    root.replaceChildren(bar.bar, bar.legend, empty, stack);
    const feed = T.openFeed({ base, question, archive, only, stats, points, wanted: () => ({ span, view }), came, beat });
    const resizing = new ResizeObserver(resize);
    const seeing = new IntersectionObserver(see, { rootMargin: "0px" });
    resizing.observe(stack);
    document.addEventListener("visibilitychange", request);
    document.addEventListener("keydown", escape);
    document.addEventListener("twin:event", heard);

    /** Rows came: an archive opens on its end, charts are made if the columns changed, and all are to be drawn. */
    function came(rows) {
      if (archive && !view) view = { from: rows.from, until: rows.until };
      adopt(rows.charts);
      redraw();
    }

    /** Makes the charts anew only if the columns changed: focus and choice of unit outlive a refetch. */
    function adopt(metas) {
      const same = metas.length === charts.length && metas.every((meta, i) => charts[i].fits(meta));
      metas.forEach((meta, i) => same && (charts[i].meta = meta));
      if (same) return;
      discard();
      const context = { asset, words, clock, units, width, now: feed.now, point, range, zoom: hold, key, changed, extents: options.extents };
      charts = metas.map((meta) => new T.Chart(meta, context));
      stack.append(...charts.map(({ element }) => element));
      charts.forEach(({ element }) => seeing.observe(element));
    }

    function discard() {
      seeing.disconnect();
      visible.clear();
      dirty.clear();
      charts.forEach((chart) => chart.destroy());
      charts = [];
    }

    // --- range ------------------------------------------------------------------------------------------------

    /** What the x axis shows: a held range stands, a live one moves with the newest row. */
    function range() {
      if (view) return view;
      const rows = feed.live();
      const until = feed.now() ?? rows?.until ?? 0;
      const ahead = rows?.ahead?.t.at(-1) > until ? Math.min(AHEAD_MOST, AHEAD_SHARE * span) : 0;
      return { from: until - span, until: until + ahead };
    }

    /** Pauses on a range, kept within what can be looked at. */
    function hold(from, until) {
      const wide = Math.min(Math.max(...spans, span), Math.max(SHORTEST, until - from));
      const latest = Math.max(range().until, (feed.now() ?? until) + AHEAD_MOST);
      const end = Math.min(latest, (from + until + wide) / 2);
      view = { from: end - wide, until: end };
      feed.hold(SETTLE);
      redraw();
    }

    function setRange(seconds) {
      span = seconds;
      if (view) hold(view.until - span, view.until);
      else feed.askLive();
      redraw();
    }

    function setUntil(until) {
      if (until == null) backToLive();
      else hold(until - span, until);
    }

    /** Returns to now, and fetches what the pause let go stale. */
    function backToLive() {
      if (!view || archive || options.still) return;
      view = null;
      feed.letGo();
      feed.askLive();
      redraw();
    }

    /** Escape returns from wherever the focus is, unless it closes something that lies above the board. */
    function escape(event) {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      point(null);
      backToLive();
    }

    /** A focused chart zooms with + and -, moves with the arrows, and reads rows with Shift and the arrows. */
    function key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const { from, until } = range();
      const wide = until - from,
        middle = (from + until) / 2;
      const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const scale = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
      if (scale) hold(middle - (wide * scale) / 2, middle + (wide * scale) / 2);
      else if (side && event.shiftKey) step(side);
      else if (side) hold(from + (side * wide) / 10, until + (side * wide) / 10);
      else return;
      event.preventDefault();
    }

    /** Moves the cursor to the next row in view, from the newest one when there is no cursor yet. */
    function step(side) {
      if (!line) return;
      const { from, until } = range();
      const here = cursor ?? Math.min(feed.now() ?? until, until);
      const times = line.t.filter((time, i) => line.at[i] >= 0 && time >= from && time <= until);
      point((side > 0 ? times.find((time) => time > here) : times.findLast((time) => time < here)) ?? here);
    }

    // --- drawing ----------------------------------------------------------------------------------------------

    function redraw() {
      charts.forEach((chart) => dirty.add(chart));
      request();
    }

    function changed(chart) {
      dirty.add(chart);
      request();
    }

    function point(time) {
      cursor = time;
      request();
    }

    function resize() {
      resized = true;
      request();
    }

    /** Charts scrolled out of sight wait until they are seen; that halves the work of a long board. */
    function see(entries) {
      for (const { target, isIntersecting } of entries) {
        const chart = charts.find(({ element }) => element === target);
        if (isIntersecting) visible.add(chart);
        else visible.delete(chart);
      }
      request();
    }

    /** At most one drawing a frame, and none that nobody sees. */
    function request() {
      if (!frame && !document.hidden && !destroyed) frame = requestAnimationFrame(() => draw(visible));
    }

    /** Draws those of `among` that changed. */
    function draw(among) {
      cancelAnimationFrame(frame);
      frame = 0;
      if (resized) charts.forEach((chart) => chart.resize(width()));
      resized = false;
      const source = feed.shown();
      const todo = source ? charts.filter((chart) => dirty.has(chart) && among.has(chart)) : [];
      if (todo.length) {
        line = T.timeline(source, feed.live()?.ahead, feed.now() ?? Infinity);
        const seen = range();
        for (const chart of todo) {
          chart.draw(source, line, seen);
          dirty.delete(chart);
        }
        stats.frames += 1;
      }
      read(among);
      show();
    }

    /** The values under the cursor; without one those of the newest row in view. */
    function read(among) {
      if (!line) return;
      const newest = feed.now() ?? line.t.at(-1) ?? 0;
      const time = cursor ?? (view ? Math.min(view.until, newest) : newest);
      const index = T.nearest(line, time);
      const word = cursor !== null ? words.cursor : view ? "" : words.now;
      const when = `${word} ${clock.stamp(index < 0 ? time : line.t[index])}`.trim();
      for (const chart of among) {
        if (!dirty.has(chart)) chart.tell(index, when);
        chart.point(cursor);
      }
    }

    /** Brings the toolbar up to date, and tells the page if the range is another than told before. */
    function show() {
      const { from, until } = range();
      const extent = view ? until - from : span;
      bar.show({
        live: !view,
        twin,
        still: Boolean(archive) || options.still,
        zoomed: view !== null && Math.abs(extent - span) > 1e-6,
        extent,
        link: linkText,
      });
      empty.hidden = charts.length > 0;
      const detail = state();
      const text = JSON.stringify(detail);
      if (text === told || !charts.length) return;
      told = text;
      document.dispatchEvent(new CustomEvent("twin:range", { detail }));
    }

    /** How the twin is comes with every event. */
    function heard({ detail }) {
      if (detail.state && detail.state !== twin) request();
      twin = detail.state ?? twin;
    }

    /** Once a second: whether the line stands, and how old the newest row is. */
    function beat(up, age) {
      document.dispatchEvent(new CustomEvent("twin:link", { detail: { up, age } }));
      const late = !archive && twin === "live" && feed.quiet() > Math.max(STALE_LEAST, STALE_GAPS * (feed.live()?.gap ?? 0));
      const text =
        up && !late ? "" : `${up ? words.stale : words.offline} · ${words.age} ${T.age(up ? feed.quiet() : age)}`;
      if (text !== linkText) request();
      linkText = text;
    }

    /** Draws what is due, the unseen charts too, so that the picture is of one moment. */
    function picture() {
      if (!charts.length) return;
      draw(new Set(charts));
      const { from, until } = range();
      T.download(
        T.picture(charts, `${asset}   ${clock.stamp(from)} – ${clock.stamp(until)}   ${zone}`, bar.entries),
        `${asset}_${clock.compact(from)}_${clock.compact(until)}.png`,
      );
    }

    /** Fetches every row of what is shown, in the units that it is shown in. */
    async function file(kind) {
      if (filing || !charts.length) return;
      filing = true;
      bar.say(words.fetching, false, true);
      const { from, until, live, units } = state();
      const query = new URLSearchParams({ ...question, span: String(Math.max(1, until - from)), units: JSON.stringify(units) });
      if (!live) query.set("until", String(until));
      if (archive) query.set("archive", archive);
      const wrong = await T.file(base, kind, query, words.offline);
      filing = false;
      bar.say(wrong, Boolean(wrong));
    }

    // --- what the page can ask ----------------------------------------------------------------------------------

    /** The range as an export wants it: a live one ends now, not with the forecast. */
    function state() {
      const { from, until } = range();
      return {
        from,
        until: view ? until : (feed.now() ?? until),
        live: !view,
        span: view ? until - from : span,
        names: charts.map(({ meta }) => meta.name),
        units: Object.fromEntries(charts.map(({ meta, unit }) => [meta.name, unit])),
      };
    }

    /** The rows of one column as they came, and what was drawn of them. */
    function data(name) {
      const rows = feed.shown();
      const chart = charts.find(({ meta }) => meta.name === name);
      if (!rows || !chart) return null;
      return {
        t: rows.t,
        ...rows.columns.get(name),
        head: rows.head,
        seq: rows.seq,
        shown: chart.u.data,
        plan: chart.plan,
        y: chart.scale,
      };
    }

    function destroy() {
      destroyed = true;
      cancelAnimationFrame(frame);
      feed.close();
      resizing.disconnect();
      document.removeEventListener("visibilitychange", request);
      document.removeEventListener("keydown", escape);
      document.removeEventListener("twin:event", heard);
      discard();
      root.replaceChildren();
    }

    if (view) feed.hold(0);
    feed.askLive();
    request();
    return { setRange, setUntil, backToLive, destroy, state, data, stats };
  }

  window.twinBoard = { mount };
})();
