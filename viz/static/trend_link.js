/* Keeps the line to the server: the event stream, its reopening, and polling while the stream won't come up. */
(() => {
  "use strict";

  const RETRY_FIRST = 500,
    RETRY_LAST = 5000,
    RETRY_POLLING = 15_000;
  const FAILURES_BEFORE_POLLING = 3;
  const SILENCE = 10_000;

  /** Opens the line; `seq()` is the client's own cursor, `take` gets every event, `beat(up, age)` comes every second. */
  function openLink({ base, question, span, seq, take, beat, stats }) {
    let source = null,
      retry = null,
      failures = 0,
      asking = false,
      closed = false;
    let up = true,
      lastSign = performance.now();
    const abort = new AbortController();
    const ticker = setInterval(tick, 1000);
    open();

    function url(what) {
      const query = new URLSearchParams({ ...question, since: String(seq()) });
      if (what === "stream") query.set("span", String(span()));
      return `${base}/${what}?${query}`;
    }

    /** The browser's own reconnecting would send a cursor of its own; so an errored stream is always closed. */
    function open() {
      clearTimeout(retry);
      source?.close();
      source = new EventSource(url("stream"));
      source.onopen = sign;
      source.onmessage = ({ data }) => {
        failures = 0;
        stats.polling = false;
        receive(JSON.parse(data));
      };
      source.onerror = failed;
    }

    /** Failures end with the first message, not with the opening: a proxy may open every time and deliver nothing. */
    function failed() {
      source?.close();
      source = null;
      failures += 1;
      if (failures >= FAILURES_BEFORE_POLLING) stats.polling = true;
      if (!stats.polling) setUp(false);
      const wait = stats.polling ? RETRY_POLLING : Math.min(RETRY_LAST, RETRY_FIRST * 2 ** (failures - 1));
      clearTimeout(retry);
      retry = setTimeout(() => {
        stats.reconnects += 1;
        open();
      }, wait);
      if (stats.polling) poll();
    }

    function receive(event) {
      sign();
      if (closed) return;
      document.dispatchEvent(new CustomEvent("twin:event", { detail: event }));
      take(event);
    }

    function sign() {
      lastSign = performance.now();
      setUp(true);
    }

    function setUp(now) {
      if (up === now) return;
      up = now;
      report();
    }

    function report() {
      if (!closed) beat(up, (performance.now() - lastSign) / 1000);
    }

    /** A stream can hang without an error, so silence is also answered by asking. */
    function tick() {
      if (stats.polling || (source && performance.now() - lastSign > SILENCE)) poll();
      report();
    }

    async function poll() {
      if (asking || closed) return;
      asking = true;
      try {
        const reply = await fetch(url("delta"), {
          cache: "no-store",
          signal: AbortSignal.any([abort.signal, AbortSignal.timeout(5000)]),
        });
        if (!reply.ok) throw new Error(`delta: ${reply.status}`);
        receive(await reply.json());
      } catch {
        setUp(false);
        if (!stats.polling && !closed) failed();
      } finally {
        asking = false;
      }
    }

    function close() {
      closed = true;
      abort.abort();
      source?.close();
      clearTimeout(retry);
      clearInterval(ticker);
    }

    return { close };
  }

  Object.assign(window.twinTrend, { openLink });
})();
