/* A run of a data set: channels over one time axis with their labels over them; fetched as finely as the screen shows. */
(() => {
  "use strict";

  const T = window.twinTrend,
    R = window.twinRun;
  const SETTLE = 120,
    AGAIN = 2000,
    ROWS_LEAST = 8,
    MOST_CHARTS = 40;
  const boards = new Map();

  /** The channels that were chosen last of a data set; a browser without storage just forgets them. */
  function remembered(set, chosen) {
    const key = `twin.channels.${set}`;
    try {
      if (chosen) sessionStorage.setItem(key, JSON.stringify(chosen));
      const found = JSON.parse(sessionStorage.getItem(key));
      return Array.isArray(found) ? found : null;
    } catch {
      return null;
    }
  }

  /** Draws a run into `root` until `destroy`. */
  function mount(root, options) {
    const { words, run, channels, every, length, address } = options;
    const shortest = ROWS_LEAST * every;
    let view = { from: 0, until: length };
    let chosen = remembered(options.set)?.filter((index) => index < channels.length) ?? options.chosen;
    let plots = [];
    let data = null;
    let cursor = null;
    let timer = 0,
      asking = null,
      destroyed = false;

    const whole = T.element("button", { type: "button", text: words.whole });
    const range = T.element("span", { class: "run-range" });
    const when = T.element("span", { class: "run-when" });
    const status = T.element("p", { class: "run-status", role: "status" });
    const spoken = T.element("div", { class: "hidden", role: "status" }); // the row that keys have led to
    const picked = T.element("summary", {});
    const boxes = T.element("div", { class: "run-boxes", role: "group", "aria-label": words.channels }, ...channels.map(box));
    const choice = T.element("details", { class: "run-choice" }, picked, boxes);
    const stack = T.element("div", { class: "twin-stack" });
    const bar = T.element("div", { class: "twin-bar" }, whole, range, when, choice);
    root.classList.add("twin-board", "run-board");
    root.replaceChildren(bar, R.legend(words), status, spoken, stack);
    whole.addEventListener("click", () => show(0, length));
    document.addEventListener("keydown", closed);
    document.addEventListener("click", outside);
    const resizing = new ResizeObserver(() => plots.forEach((plot) => plot.resize(width())));
    resizing.observe(stack);

    function width() {
      return Math.max(300, stack.clientWidth);
    }

    function box(channel, index) {
      const input = T.element("input", { type: "checkbox" });
      input.checked = chosen.includes(index);
      input.addEventListener("change", () => {
        const wanted = channels.map((_, i) => i).filter((i) => (i === index ? input.checked : chosen.includes(i)));
        if (wanted.length > MOST_CHARTS) input.checked = false;
        else choose(wanted);
      });
      return T.element("label", {}, input, T.element("span", { class: "twin-name", text: channel.name }), T.element("span", { text: channel.doc }));
    }

    /** The list of channels lies over the charts: Escape and a click beside it close it. */
    function closed(event) {
      if (event.key !== "Escape" || !choice.open) return;
      choice.open = false;
      picked.focus();
      event.preventDefault();
    }

    function outside({ target }) {
      if (choice.open && !choice.contains(target)) choice.open = false;
    }

    function choose(wanted) {
      chosen = wanted;
      remembered(options.set, wanted);
      build();
      ask(0);
    }

    /** Makes a plot for the labels, one for severity, one for what life remains where it is known, one a channel. */
    function build() {
      plots.forEach((plot) => plot.destroy());
      const context = { words, run, every, width, range: () => view, show, key, point };
      plots = [new R.Lanes(context), new R.Severity(context)];
      if (run.life) plots.push(new R.Life(context));
      plots.push(...chosen.map((index) => new R.Channel(context, channels[index], index)));
      stack.replaceChildren(...plots.map(({ element }) => element));
      T.setText(picked, `${words.channels} (${chosen.length}/${channels.length})`);
    }

    function show(from, until) {
      const wide = Math.min(length, Math.max(shortest, until - from));
      const start = Math.min(Math.max(0, (from + until - wide) / 2), length - wide);
      view = { from: start, until: start + wide };
      draw();
      ask(SETTLE);
    }

    function key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const wide = view.until - view.from,
        middle = (view.from + view.until) / 2;
      const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const scale = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
      if (event.key === "Escape") show(0, length);
      else if (scale) show(middle - (wide * scale) / 2, middle + (wide * scale) / 2);
      else if (side && event.shiftKey) step(side);
      else if (side) show(view.from + (side * wide) / 10, view.until + (side * wide) / 10);
      else return;
      event.preventDefault();
    }

    function step(side) {
      if (!data) return;
      const here = cursor ?? (side > 0 ? view.from - 1 : view.until + 1);
      const inView = data.t.filter((time) => time >= view.from && time <= view.until);
      point((side > 0 ? inView.find((time) => time > here) : inView.findLast((time) => time < here)) ?? here);
      const focused = plots.find(({ element }) => element.contains(document.activeElement));
      if (focused) T.setText(spoken, `${when.textContent}: ${focused.values.textContent}`);
    }

    function point(time) {
      cursor = time;
      read();
    }

    /** The row under the cursor; without one the last in view. */
    function read() {
      if (!data) return;
      const wanted = cursor ?? view.until;
      let index = -1;
      data.t.forEach((time, i) => {
        if (time < view.from - every || time > view.until + every) return;
        if (index < 0 || Math.abs(time - wanted) < Math.abs(data.t[index] - wanted)) index = i;
      });
      T.setText(when, index < 0 ? "" : `${words.at} ${R.elapsed(data.t[index], every)}`);
      plots.forEach((plot) => {
        plot.tell(index);
        plot.point(cursor);
      });
    }

    function draw() {
      plots.forEach((plot) => plot.draw(data, view));
      T.setText(range, `${R.elapsed(view.from, every)} – ${R.elapsed(view.until, every)}`);
      whole.setAttribute("aria-disabled", String(view.from <= 0 && view.until >= length));
      read();
    }

    function ask(rest) {
      clearTimeout(timer);
      timer = setTimeout(fetched, rest);
    }

    async function fetched() {
      asking?.abort();
      const controller = (asking = new AbortController());
      const points = Math.max(200, width() - T.EDGES.left - T.EDGES.right);
      const query = new URLSearchParams({
        channels: chosen.join(","), begin: String(view.from), until: String(view.until), points: String(Math.min(points, 2000)),
      });
      try {
        const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)]);
        const reply = await fetch(`${address}&${query}`, { cache: "no-store", signal });
        if (!reply.ok) {
          say(await T.refusal(reply), true);
          return;
        }
        data = await reply.json();
        say(data.each > 1 ? words.reduced.replace("{0}", data.each.toLocaleString("en")) : words.every_row, false);
        root.dataset.shown = String(data.rows);
        draw();
      } catch {
        if (controller.signal.aborted || destroyed) return;
        say(words.offline, true);
        ask(AGAIN);
      }
    }

    function say(text, wrong) {
      T.setText(status, text);
      status.classList.toggle("twin-out", wrong);
    }

    function destroy() {
      destroyed = true;
      clearTimeout(timer);
      asking?.abort();
      resizing.disconnect();
      document.removeEventListener("keydown", closed);
      document.removeEventListener("click", outside);
      plots.forEach((plot) => plot.destroy());
    }

    build();
    draw();
    ask(0);
    return { destroy, show, state: () => ({ view, chosen, data, plots }) };
  }

  /** Mounts a board in every place that has none of what it asks for, and lets go of those whose place is gone. */
  let looking = 0;
  function look() {
    looking = 0;
    for (const [place, { board, asked }] of boards) {
      if (place.isConnected && place.dataset.runBoard === asked) continue; // the page of the next run is the same place
      board.destroy();
      boards.delete(place);
    }
    for (const place of document.querySelectorAll("[data-run-board]")) {
      const asked = place.dataset.runBoard;
      if (!boards.has(place)) boards.set(place, { board: mount(place, JSON.parse(asked)), asked });
    }
  }
  new MutationObserver(() => { looking ||= requestAnimationFrame(look); }).observe(document.documentElement, {
    childList: true, subtree: true, attributeFilter: ["data-run-board"],
  });
  window.twinRunBoards = boards;
})();
