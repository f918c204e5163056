/* Gets the rows: the live window, the finer rows of a held range, and what the stream adds to either. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const GROWTH = 1.3,
    LIVE_KEPT = 1.1,
    MARGIN = 0.05;
  const ASK_AGAIN = 1000,
    ASK_LAST = 15_000;

  /** Opens a feed; `wanted()` says span and held range, `came(rows)` hears of every change, `beat` of the line. */
  function openFeed({ base, question, archive, only, stats, points, wanted, came, beat }) {
    let rows = null; // the live window; in an archive its end
    let held = null; // finer rows, fetched for a held range
    let waiting = null; // events that come while the live window is under way
    let link = null,
      lost = false,
      closed = false;
    let asked = 0,
      arrived = performance.now();
    const asking = { live: null, view: null };
    const timers = { live: 0, view: 0 };
    const since = (moment) => (performance.now() - moment) / 1000;

    /** Asks for a window; null if a later question or the end overtook this one, or if it failed and is asked again. */
    async function ask(kind, seconds, until, share, again) {
      clearTimeout(timers[kind]);
      asking[kind]?.abort();
      const controller = (asking[kind] = new AbortController());
      const query = new URLSearchParams({ ...question, span: String(seconds), points: String(Math.round(points() * share)) });
      if (until !== null) query.set("until", String(until));
      if (archive) query.set("archive", archive);
      try {
        const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(ASK_LAST)]);
        const reply = await fetch(`${base}/trend?${query}`, { cache: "no-store", signal });
        if (!reply.ok) throw new Error(`trend: ${reply.status}`);
        return await reply.json();
      } catch {
        if (controller.signal.aborted || closed) return null;
        timers[kind] = setTimeout(again, ASK_AGAIN);
        if (kind === "live" && rows) release(absorb);
        if (!link) tell(false);
        return null;
      }
    }

    /** Speaks for the line as long as there is none. */
    function tell(up) {
      lost = !up;
      beat(up, since(arrived));
    }

    /** Replaces the live window; events that come meanwhile wait, for the reply may be older than they are. */
    async function askLive() {
      waiting ??= [];
      asked = performance.now();
      const reply = await ask("live", wanted().span, null, 1, askLive);
      if (!reply) return;
      rows = new T.Rows(reply, only, rows?.head ?? null);
      arrived = performance.now();
      stats.last = rows.newest();
      if (lost || archive) tell(true);
      release(take);
      if (!archive)
        link ??= T.openLink({ base, question, span: () => wanted().span, seq: () => rows.seq, take, beat, stats });
      came(rows);
    }

    /** Fetches the held range as finely as the screen can show, with a margin so that lines run to the edges. */
    async function askView() {
      const { view } = wanted();
      if (!view) return;
      const wide = (view.until - view.from) * (1 + 2 * MARGIN);
      const end = view.until + wide * MARGIN;
      const until = Math.min(end, rows?.newest() ?? Infinity);
      if (until <= view.from) {
        held = null;
        return;
      }
      const reply = await ask("view", wide - (end - until), until, 1 + 2 * MARGIN, askView);
      if (!reply || !wanted().view) return;
      held = new T.Rows(reply, only);
      came(rows ?? held);
    }

    /** A held range changes with every key press; the server is asked once it rests. */
    function hold(rest) {
      clearTimeout(timers.view);
      timers.view = setTimeout(askView, rest);
    }

    /** Drops what was fetched for a held range. */
    function letGo() {
      clearTimeout(timers.view);
      asking.view?.abort();
      held = null;
    }

    /** Takes an event of the stream; one that starts after our cursor tells that rows are missing in between. */
    function take(event) {
      if (waiting) {
        waiting.push(event);
        return;
      }
      if (event.since <= rows.seq) {
        absorb(event);
        return;
      }
      stats.gaps += 1;
      waiting = [event];
      clearTimeout(timers.live);
      timers.live = setTimeout(askLive, Math.max(0, asked + ASK_AGAIN - performance.now()));
    }

    /** Lets the events through that waited for a reply. */
    function release(through) {
      const late = waiting ?? [];
      waiting = null;
      late.forEach(through);
    }

    /** Adds an event's rows; to a held range only until it is filled, so that nothing in view is pushed out. */
    function absorb(event) {
      const { view } = wanted();
      if (view && held && event.since <= held.seq && held.newest() < view.until) held.take(event);
      const { added, dups } = rows.take(event);
      stats.rows += added;
      stats.dups += dups;
      stats.last = rows.newest();
      if (added) arrived = performance.now();
      shorten();
      came(rows);
    }

    /** Lets go of what has left the live window; where single rows pile up on buckets, asks for buckets again. */
    function shorten() {
      const { span, view } = wanted();
      const newest = rows.newest();
      if (newest !== null && (!view || held)) rows.trim(newest - LIVE_KEPT * span);
      const room = Math.max(GROWTH * points(), rows.fetched + (GROWTH - 1) * points());
      if (!view && rows.t.length > room) askLive();
    }

    function close() {
      closed = true;
      Object.values(timers).forEach(clearTimeout);
      Object.values(asking).forEach((controller) => controller?.abort());
      link?.close();
    }

    return {
      askLive,
      hold,
      letGo,
      close,
      live: () => rows,
      shown: () => (wanted().view && held ? held : (rows ?? held)),
      now: () => rows?.newest() ?? null,
      quiet: () => since(arrived),
    };
  }

  Object.assign(T, { openFeed });
})();
