/* Fetches what a board shows as a file, and hands files to the browser. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const PATIENCE = 120_000;

  /** Returns in words why the server refused something. */
  async function refusal(reply) {
    const text = await reply.text().catch(() => "");
    try {
      const answer = JSON.parse(text);
      const said = answer.error ?? answer.detail;
      if (typeof said === "string") return said;
    } catch {
      // what guards the server answers in plain text
    }
    return text.slice(0, 300) || `${reply.status} ${reply.statusText}`;
  }

  /** Hands a file to the browser as a download; what a file name can't hold is replaced. */
  function hand(blob, name) {
    const address = URL.createObjectURL(blob);
    T.element("a", { href: address, download: name.replace(/[^\p{L}\p{N}._-]+/gu, "_") }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  /** Fetches a range as a file of a kind; returns nothing, or in words why it can't be had. */
  async function file(base, kind, query, failed) {
    try {
      const reply = await fetch(`${base}/export.${kind}?${query}`, {
        cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
      });
      if (!reply.ok) return await refusal(reply);
      const said = /filename="([^"]+)"/.exec(reply.headers.get("Content-Disposition") ?? "");
      hand(await reply.blob(), said?.[1] ?? `trend.${kind}`);
      return "";
    } catch {
      return failed;
    }
  }

  Object.assign(T, { refusal, hand, file });
})();
