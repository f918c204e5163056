/* Sends what is asked of what-if runs to the view's server, says what became of it, and shows the run. */
(() => {
  "use strict";

  const ADDRESS = "/api/v1/what-if/act";
  const PAGE = "/what-if";

  /** What the form says; a number that is none is left to the scenario. */
  function asked({ whatIf, run, scenario }) {
    const said = { kind: whatIf, run: run ?? "", scenario: scenario ?? "", lang: document.documentElement.lang };
    if (whatIf === "name") return { ...said, name: value("what-if-name") };
    if (whatIf !== "start") return said;
    const settings = {};
    for (const place of document.querySelectorAll("[data-setting]")) {
      const typed = place.querySelector("input").value;
      if (typed !== place.dataset.written) settings[place.dataset.setting] = typed;
    }
    return {
      ...said, settings, replications: whole("what-if-replications"), precision: value("what-if-precision"),
      seed: whole("what-if-seed"), start: document.querySelector("[data-start][aria-pressed=true]")?.dataset.start ?? "",
    };
  }

  function value(id) {
    return document.getElementById(id)?.value ?? "";
  }

  function whole(id) {
    const found = value(id);
    return found === "" ? null : Number(found);
  }

  async function act(button) {
    const place = document.getElementById("what-if-said");
    const what = asked(button.dataset);
    const said = await window.twinAct.send(ADDRESS, what, place);
    if (!said?.done) return;
    if (said.run) location.assign(`${PAGE}?${new URLSearchParams({ run: said.run })}`);
    else if (what.kind === "delete") location.assign(PAGE);
    else window.dash_clientside.set_props("beat", { data: performance.now() });
  }

  /** Of the places to start from one is chosen. */
  function choose(chosen) {
    for (const button of document.querySelectorAll("button[data-start]")) {
      button.setAttribute("aria-pressed", String(button === chosen));
    }
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button");
    if (button?.dataset.whatIf) act(button);
    if (button?.dataset.start) choose(button);
  });
})();
