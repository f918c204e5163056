/* Joins the pages to the boards: mounts them, draws the plant's lines, keeps clock and connection, exports, switches language. */
(() => {
  "use strict";

  const BASE = "/api/v1";
  const BEAT = 1000; // tiles and tables follow at a pace that can be read
  const SLOW = 5; // beats after which what stands is told again: what changes about it is told at once
  const AGAIN = 1000;
  const SHAPES = { liquid: "3", shaft: "5", power: "2", heat: "2", signal: "1" };
  const DASHES = { power: "7 5", heat: "2 4" };
  const boards = new Map();
  let stream = null;
  let last = { now: 0, at: 0, advisories: -1, begun: null, state: "live" };
  let kept = null;
  let beats = 0;

  /** Mounts a board in every place that has none, and lets go of those whose place is gone. */
  function mount() {
    for (const [place, board] of boards) {
      if (place.isConnected && place.offsetParent) continue;
      board.destroy();
      boards.delete(place);
    }
    for (const place of document.querySelectorAll(".board[data-board]")) {
      if (!place.offsetParent) continue; // not on a screen of this size
      if (!boards.has(place)) boards.set(place, window.twinBoard.mount(place, JSON.parse(place.dataset.board)));
    }
    draw();
  }

  /** Draws the lines between tiles behind them. */
  function draw() {
    for (const flow of document.querySelectorAll(".flow[data-links]")) {
      const text = flow.dataset.links + flow.scrollWidth + flow.scrollHeight;
      if (flow.querySelector("svg") && flow.dataset.drawn === text) continue;
      flow.dataset.drawn = text;
      flow.querySelector("svg")?.remove();
      flow.prepend(lines(flow, JSON.parse(flow.dataset.links)));
    }
  }

  function lines(flow, links) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("width", flow.scrollWidth);
    svg.setAttribute("height", flow.scrollHeight);
    svg.setAttribute("aria-hidden", "true");
    const origin = flow.getBoundingClientRect();
    const box = (name) => {
      const tile = document.getElementById(`tile-${name}`);
      if (!tile) return null;
      const { left, right, top, bottom } = tile.getBoundingClientRect();
      const shift = flow.scrollLeft - origin.left;
      return { left: left + shift, right: right + shift, middle: (top + bottom) / 2 - origin.top, center: (left + right) / 2 + shift };
    };
    for (const [first, second, kind] of links) {
      const [a, b] = [box(first), box(second)].sort((one, other) => (one?.left ?? 0) - (other?.left ?? 0));
      if (!a || !b) continue;
      const path = document.createElementNS(ns, "path");
      const turn = (a.right + b.left) / 2;
      const same = Math.abs(a.left - b.left) < 2;
      path.setAttribute("d", same ? `M${a.center} ${a.middle}V${b.middle}` : `M${a.right} ${a.middle}H${turn}V${b.middle}H${b.left}`);
      path.setAttribute("fill", "none");
      path.setAttribute("stroke", kind === "signal" ? "#a3a9b0" : "#767d85");
      path.setAttribute("stroke-width", SHAPES[kind] ?? "1");
      if (DASHES[kind]) path.setAttribute("stroke-dasharray", DASHES[kind]);
      svg.append(path);
      if (kind !== "shaft") continue;
      const inner = path.cloneNode(); // a shaft is two lines
      inner.setAttribute("stroke", "#e3e4e6");
      inner.setAttribute("stroke-width", "2");
      svg.append(inner);
    }
    return svg;
  }

  /** Follows what comes while no board does; a page holds one connection at most. */
  function listen() {
    const wanted = boards.size === 0;
    if (wanted && !stream) {
      stream = new EventSource(`${BASE}/stream?names=`);
      stream.onmessage = ({ data }) => heard(JSON.parse(data));
      stream.onerror = () => { // an answer that is no stream would end it for good
        stream?.close();
        stream = null;
        linked(false);
        setTimeout(listen, 2 * AGAIN);
      };
    } else if (!wanted && stream) {
      stream.close();
      stream = null;
    }
  }

  /** Whether an event is of another history than the page: one that was begun anew. */
  function another(event) {
    return Boolean(last.begun && event.begun && event.begun !== last.begun);
  }

  /** Notes an event, and lets the pages that show it follow: at once what was told, at a pace the rest. */
  function heard(event) {
    const waiting = document.querySelector("#frame > div")?.dataset.waiting;
    if ((waiting && !event.trouble) || another(event)) location.reload();
    const told = last.advisories >= 0 && event.advisories !== last.advisories;
    const otherwise = event.state !== undefined && event.state !== last.state;
    last = { now: event.now ?? last.now, at: performance.now(), advisories: event.advisories ?? last.advisories, begun: event.begun ?? last.begun, state: event.state ?? last.state };
    linked(true);
    if (told) set("pulse", last.advisories);
    if (told || otherwise) set("slow", performance.now());
  }

  /** Lets tiles and tables follow, whether anything comes or not: that nothing comes is news too. */
  function beat() {
    if (document.hidden) return;
    beats += 1;
    set("beat", performance.now());
    if (beats % SLOW === 0) set("slow", performance.now());
  }

  function set(id, data) {
    if (document.getElementById("frame")?.firstChild) window.dash_clientside?.set_props(id, { data });
  }

  function linked(up) {
    if (!up) admitted();
    const frame = document.querySelector("#frame > div");
    const dot = document.getElementById("link");
    const said = document.getElementById("link-said");
    if (!frame || !dot || !said) return;
    const live = up && last.state === "live";
    frame.classList.toggle("down", !live);
    dot.textContent = live ? "●" : "✕";
    said.textContent = up ? frame.dataset[last.state] : frame.dataset.offline;
  }

  /** Finds out whether the session is over where the server answers no more, and leads to the login then. */
  async function admitted() {
    try {
      const reply = await fetch(`${BASE}/delta?names=`, { cache: "no-store" });
      if (reply.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      if (reply.ok && another(await reply.json())) location.reload();
    } catch {
      // no connection: the board says so
    }
  }

  /** Shows the plant's time: that of the newest data. */
  function tick() {
    const clock = document.getElementById("clock");
    const zone = document.querySelector("#frame > div")?.dataset.zone;
    if (clock && zone && last.now) {
      clock.textContent = new Intl.DateTimeFormat("sv-SE", {
        timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
      }).format(new Date(last.now * 1000));
    }
  }

  document.addEventListener("twin:event", ({ detail }) => heard(detail));
  document.addEventListener("twin:link", ({ detail }) => linked(detail.up));
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button");
    if (button?.dataset.to) {
      const url = new URL(location.href);
      url.searchParams.delete("lang");
      history.replaceState(null, "", url);
      window.dash_clientside.set_props("language", { data: button.dataset.to });
    }
  });
  document.addEventListener("visibilitychange", () => { beats = -1; beat(); });
  window.addEventListener("resize", () => { mount(); listen(); });

  /** A language that the address asks for stays when the next page is opened. */
  function keepLanguage() {
    const wanted = new URLSearchParams(location.search).get("lang");
    if (!wanted || wanted === kept || !document.getElementById("frame")?.firstChild) return;
    kept = wanted;
    window.dash_clientside.set_props("language", { data: wanted });
  }

  /** Looks at the page once for however many changes a frame brings. */
  let looking = 0;
  function look() {
    looking = 0;
    keepLanguage();
    document.documentElement.lang = document.querySelector("#frame > div")?.lang || "en";
    mount();
    listen();
  }
  new MutationObserver(() => { looking ||= requestAnimationFrame(look); }).observe(document.documentElement, { childList: true, subtree: true });
  setInterval(tick, AGAIN);
  setInterval(beat, BEAT);
  window.twinView = { boards, get last() { return last; } };
})();
