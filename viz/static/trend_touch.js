/* Lets fingers move and zoom a board: one moves along time, two zoom; the page scrolls up and down as ever. */
(() => {
  "use strict";

  const LEAST = 8; // px that a finger moves before it is no tap

  /** Follows the fingers on an element; `place` tells where the plot is, `range` what it shows, `zoom` shows another. */
  function touch(element, place, range, zoom) {
    const fingers = new Map();
    let grip = null; // the plot's place, and the time under each finger as it came down

    function take() {
      const { left, width } = place();
      const { from, until } = range();
      const xs = [...fingers.values()];
      grip = xs.length && width ? { left, width, xs, times: xs.map((x) => from + ((x - left) / width) * (until - from)), extent: until - from } : null;
    }

    function move() {
      const { left, width, xs: begun, times, extent } = grip;
      const xs = [...fingers.values()];
      if (xs.every((x, i) => Math.abs(x - begun[i]) < LEAST) && !grip.moving) return;
      grip.moving = true;
      const apart = xs.length > 1 ? xs[1] - xs[0] : 0;
      if (xs.length > 1 && Math.abs(apart) < LEAST) return;
      const wide = xs.length > 1 ? Math.abs(((times[1] - times[0]) * width) / apart) : extent;
      const from = times[0] - ((xs[0] - left) / width) * wide;
      if (Number.isFinite(from) && wide > 0) zoom(from, from + wide);
    }

    element.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "touch" || fingers.size > 1) return;
      fingers.set(event.pointerId, event.clientX);
      take();
    });
    element.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId) || !grip) return;
      fingers.set(event.pointerId, event.clientX);
      move();
    });
    for (const end of ["pointerup", "pointercancel"])
      element.addEventListener(end, (event) => {
        if (fingers.delete(event.pointerId)) take(); // the finger that stays begins anew
      });
  }

  Object.assign(window.twinTrend, { touch });
})();
