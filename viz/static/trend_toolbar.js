/* The board's one toolbar: time range, live or paused, the way back, the line's state, the picture, the legend. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const { element } = T;

  /** A radio group by the book: one tab stop, arrows move and choose, Home and End jump. */
  function ranges(spans, words, choose) {
    const group = element("div", { class: "twin-ranges", role: "radiogroup", "aria-label": words.range });
    const buttons = spans.map((span) => {
      const button = element("button", {
        type: "button",
        role: "radio",
        "aria-checked": "false",
        "data-span": span,
        text: words.spans[span] ?? T.duration(span),
      });
      button.addEventListener("click", () => choose(span));
      return button;
    });
    group.append(...buttons);
    group.addEventListener("keydown", (event) => {
      const here = buttons.indexOf(document.activeElement);
      const to = {
        ArrowRight: here + 1,
        ArrowDown: here + 1,
        ArrowLeft: here - 1,
        ArrowUp: here - 1,
        Home: 0,
        End: buttons.length - 1,
      }[event.key];
      if (to === undefined || here < 0) return;
      event.preventDefault();
      const next = (to + buttons.length) % buttons.length;
      buttons[next].focus();
      choose(spans[next]);
    });
    group.hidden = !spans.length;
    const show = (span) => {
      const chosen = spans.indexOf(span);
      buttons.forEach((button, i) => {
        button.setAttribute("aria-checked", String(i === chosen));
        button.tabIndex = i === Math.max(chosen, 0) ? 0 : -1;
      });
    };
    return { group, show };
  }

  /** What each stroke and mark means. */
  function meanings(words) {
    return [
      { kind: "actual", text: words.actual },
      { kind: "doubt", text: words.uncertain },
      { kind: "twin", text: words.twin },
      { kind: "band", text: words.band },
      { kind: "ahead", text: words.ahead },
      { kind: "healthy", text: words.healthy },
      { kind: "bad", text: words.bad },
      { kind: "out", text: words.outside },
    ];
  }

  /** A sample of a stroke, 24 px wide, for the page's legend and the picture's. */
  function sample(ctx, kind, x, y) {
    const colour =
      { twin: "twin", ahead: "ahead", band: "band", healthy: "normal", doubt: "doubt", out: "abnormal" }[kind] ??
      "actual";
    ctx.fillStyle = ctx.strokeStyle = T.COLOURS[colour];
    ctx.lineWidth = kind === "bad" ? 1 : 2;
    ctx.setLineDash(kind === "twin" || kind === "ahead" ? [6, 3] : []);
    ctx.beginPath();
    if (kind === "band" || kind === "healthy") ctx.rect(x + 0.5, y - 5.5, 23, 11);
    else if (kind === "bad") ctx.rect(x + 13.5, y - 3.5, 7, 7);
    else if (kind === "out")
      [
        [17, -4],
        [12, 5],
        [22, 5],
      ].forEach(([dx, dy]) => ctx.lineTo(x + dx, y + dy));
    else [0, 24].forEach((dx) => ctx.lineTo(x + dx, y));
    if (["band", "healthy", "out"].includes(kind)) ctx.fill();
    if (["band", "healthy"].includes(kind)) [ctx.strokeStyle, ctx.lineWidth] = [T.COLOURS.rule, 1];
    if (kind !== "out") ctx.stroke();
    ctx.setLineDash([]);
  }

  function legend(entries) {
    const dpr = window.devicePixelRatio || 1;
    return element(
      "ul",
      { class: "twin-legend" },
      ...entries.map(({ kind, text }) => {
        const canvas = element("canvas", {
          class: "twin-key",
          width: 24 * dpr,
          height: 14 * dpr,
          "aria-hidden": "true",
        });
        const ctx = canvas.getContext("2d");
        ctx.scale(dpr, dpr);
        sample(ctx, kind, 0, 7);
        return element("li", {}, canvas, element("span", { text }));
      }),
    );
  }

  /** Makes the toolbar; `show(state)` brings it up to date and touches only what differs. */
  function toolbar(spans, words, { choose, back, picture, file }) {
    const entries = meanings(words);
    const radio = ranges(spans, words, choose);
    const sign = element("span", { class: "twin-sign", "aria-hidden": "true" });
    const mode = element("span", { class: "twin-mode-text" });
    const state = element("div", { class: "twin-mode", role: "status" }, sign, mode);
    const backButton = element("button", { type: "button", class: "twin-back", text: words.back_to_live });
    const line = element("div", { class: "twin-line" });
    const note = element("span", { class: "twin-note", role: "status" });
    const png = element("button", { type: "button", text: words.png });
    const files = ["csv", "parquet"].map((kind) => {
      const button = element("button", { type: "button", "data-kind": kind, text: words[`file_${kind}`] });
      button.addEventListener("click", () => file(kind));
      return button;
    });
    const exports = element(
      "div",
      { class: "twin-files", role: "group", "aria-label": words.export },
      element("span", { class: "twin-what", text: words.export, "aria-hidden": "true" }),
      ...files,
      png,
    );
    const span = element("span", { class: "twin-span" });
    backButton.addEventListener("click", back);
    png.addEventListener("click", picture);

    /** aria-disabled, not disabled: the focus must not fall off the button that was just pressed. */
    function show({ live, twin, still, zoomed, extent, link }) {
      radio.show(zoomed ? null : extent);
      T.setText(span, zoomed ? T.duration(extent) : "");
      state.classList.toggle("twin-paused", !live);
      state.classList.toggle("twin-still", live && twin !== "live");
      T.setText(mode, live ? words[`state_${twin}`] : words.paused);
      backButton.setAttribute("aria-disabled", String(live));
      backButton.hidden = Boolean(still);
      state.hidden = Boolean(still) || (live && Boolean(link));
      T.setText(line, link);
      line.hidden = !link;
    }

    /** What became of an export; one at a time. */
    function say(text, wrong = false, busy = false) {
      T.setText(note, text);
      note.classList.toggle("twin-out", wrong);
      files.forEach((button) => button.setAttribute("aria-disabled", String(busy)));
    }

    const bar = element("div", { class: "twin-bar" }, radio.group, state, span, backButton, line, exports, note);
    return { bar, entries, legend: legend(entries), show, say };
  }

  Object.assign(T, { toolbar, sample });
})();
