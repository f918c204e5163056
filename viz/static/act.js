/* Sends what a person does to the server, and says what became of it: done once, however often it is asked. */
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

  /** Asks for something, and says in a place how it went; returns what the server answered, or nothing. */
  async function send(address, asked, place) {
    if (!place || place.dataset.busy) return null;
    place.dataset.busy = "yes";
    say(place, place.dataset.wait, null);
    try {
      const reply = await fetch(address, {
        method: "POST", body: JSON.stringify({ ...asked, id: named(asked) }),
        headers: { "Content-Type": "application/json" }, signal: AbortSignal.timeout(PATIENCE),
      });
      const answer = reply.ok ? await reply.json() : { said: await window.twinTrend.refusal(reply), done: false };
      unanswered = { what: "", id: "" };
      say(place, answer.said, answer.done);
      return answer;
    } catch {
      say(place, place.dataset.failed, false);
      return null;
    } finally {
      delete place.dataset.busy;
    }
  }

  async function act(button) {
    const minutes = document.getElementById("shelve-minutes");
    const text = document.getElementById("action-text");
    const asked = {
      kind: button.dataset.does, target: button.dataset.target, text: text?.value ?? "",
      minutes: minutes?.value ? Number(minutes.value) : null, lang: document.documentElement.lang,
    };
    const answer = await send(ADDRESS, asked, document.getElementById("action-said"));
    if (answer?.done && asked.text && asked.kind !== "acknowledge") window.dash_clientside.set_props("action-text", { value: "" });
  }

  function say(place, text, done) {
    place.textContent = text;
    place.classList.toggle("wrong", done === false);
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button[data-does]");
    if (button) act(button);
  });
  window.twinAct = { send };
})();
