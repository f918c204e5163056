/* Makes one picture of what the board shows: title, legend, headers, plots and cursor. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const HEAD = 28,
    GAP = 8,
    TITLE = 30,
    LEGEND = 24;

  /** Draws one header as the page has it: name and unit left, the values at the cursor right. */
  function header(ctx, chart, y, width) {
    const middle = y + HEAD / 2;
    ctx.textAlign = "left";
    ctx.fillStyle = T.COLOURS.text;
    ctx.font = `bold 14px ${T.FONT}`;
    ctx.fillText(chart.meta.name, GAP, middle);
    const wide = ctx.measureText(chart.meta.name).width;
    ctx.font = `13px ${T.FONT}`;
    ctx.fillText(`${chart.meta.title}  [${chart.unit}]`, GAP + wide + 10, middle);
    ctx.textAlign = "right";
    let right = width - GAP;
    for (const part of ["residual", "twin", "actual", "when"]) {
      const { textContent, classList } = chart.texts[part];
      if (!textContent) continue;
      ctx.fillStyle = classList.contains("twin-out") ? T.COLOURS.abnormal : T.COLOURS.text;
      ctx.fillText(textContent, right, middle);
      right -= ctx.measureText(textContent).width + 20;
    }
  }

  /** Draws the plots' own canvases, so the picture is the screen and not a second rendering; returns the new y. */
  function plots(ctx, chart, y) {
    const start = y;
    for (const u of [chart.u, chart.residual].filter(Boolean)) {
      ctx.drawImage(u.ctx.canvas, 0, y, u.width, u.height);
      y += u.height;
    }
    if (!chart.cursorLine.hidden) {
      const x = chart.cursorLine.offsetLeft + new DOMMatrix(getComputedStyle(chart.cursorLine).transform).e;
      ctx.fillStyle = T.COLOURS.text;
      ctx.fillRect(Math.round(x), start + 8, 1, chart.cursorLine.offsetHeight);
    }
    return y;
  }

  /** What the strokes mean, below the title, read from the page's legend so that there is one list. */
  function legend(ctx, entries, middle) {
    ctx.font = `12px ${T.FONT}`;
    ctx.textAlign = "left";
    let x = GAP;
    for (const { kind, text } of entries) {
      T.sample(ctx, kind, x, middle);
      ctx.fillStyle = T.COLOURS.text;
      ctx.fillText(text, x + 30, middle);
      x += 30 + ctx.measureText(text).width + 20;
    }
  }

  /** Returns a canvas with all charts under a line that says what and when. */
  function picture(charts, title, entries) {
    const dpr = window.devicePixelRatio || 1;
    const width = Math.max(...charts.map(({ u }) => u.width));
    const tall = ({ u, residual }) => HEAD + u.height + (residual?.height ?? 0) + GAP;
    const height = TITLE + LEGEND + charts.reduce((sum, chart) => sum + tall(chart), 0);
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * dpr);
    canvas.height = Math.round(height * dpr);
    const ctx = canvas.getContext("2d");
    ctx.scale(dpr, dpr);
    ctx.fillStyle = T.COLOURS.page;
    ctx.fillRect(0, 0, width, height);
    ctx.textBaseline = "middle";
    ctx.fillStyle = T.COLOURS.text;
    ctx.font = `bold 15px ${T.FONT}`;
    ctx.fillText(title, GAP, TITLE / 2);
    legend(ctx, entries, TITLE + LEGEND / 2);
    let y = TITLE + LEGEND;
    for (const chart of charts) {
      header(ctx, chart, y, width);
      y = plots(ctx, chart, y + HEAD) + GAP;
    }
    return canvas;
  }

  /** Hands the picture to the browser as a download; what a file name can't hold is replaced. */
  function download(canvas, name) {
    canvas.toBlob((blob) => T.hand(blob, name), "image/png");
  }

  Object.assign(T, { picture, download });
})();
