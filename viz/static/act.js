/* Sends what a person does to the twin's service, and says what became of it. */
(() => {
  "use strict";

  const ADDRESS = "/api/v1/act";
  const PATIENCE = 20_000; // longer than the server waits for the twin's word

  let unanswered = { what: "", id: "" };

  /** An id of what is asked: asked again after no answer, it is the same, and done once. */
  function named(what) {
    const text = JSON.stringify(what);
    if (unanswered.what === text) return unanswered.id;
    const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is there for https alone
    unanswered = { what: text, id: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
    return unanswered.id;
  }

  async function act(button) {
    const place = document.getElementById("action-said");
    const minutes = document.getElementById("shelve-minutes");
    const text = document.getElementById("action-text");
    if (!place || place.dataset.busy) return;
    place.dataset.busy = "yes";
    say(place, place.dataset.wait, null);
    const asked = {
      kind: button.dataset.does, target: button.dataset.target, text: text?.value ?? "",
      minutes: minutes?.value ? Number(minutes.value) : null, lang: document.documentElement.lang,
    };
    try {
      const reply = await fetch(ADDRESS, {
        method: "POST", body: JSON.stringify({ ...asked, id: named(asked) }),
        headers: { "Content-Type": "application/json" }, signal: AbortSignal.timeout(PATIENCE),
      });
      const { said, done } = reply.ok ? await reply.json() : { said: await window.twinTrend.refusal(reply), done: false };
      unanswered = { what: "", id: "" };
      say(place, said, done);
      if (done && asked.text && asked.kind !== "acknowledge") window.dash_clientside.set_props("action-text", { value: "" });
    } catch {
      say(place, place.dataset.failed, false);
    } finally {
      delete place.dataset.busy;
    }
  }

  function say(place, text, done) {
    place.textContent = text;
    place.classList.toggle("wrong", done === false);
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button[data-does]");
    if (button) act(button);
  });
})();
