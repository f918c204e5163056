/* What all plots have in common: axes in plant time, edges that line up, and a drag that only reports. */
(() => {
  "use strict";

  const T = window.twinTrend;
  const AXIS_LEFT = 64,
    AXIS_BELOW = 22,
    TOP = 8,
    BELOW = 8,
    RIGHT = 12;
  const STEPS = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
  ];
  const C = T.COLOURS;
  const AXIS_FONT = `12px ${T.FONT}`;

  /** The x axis in plant time; only the lowest plot of a chart carries the labels. */
  function timeAxis(clock, labelled) {
    return {
      scale: "x",
      incrs: STEPS,
      space: 96,
      font: AXIS_FONT,
      stroke: C.text,
      size: labelled ? AXIS_BELOW : 0,
      gap: 3,
      grid: { stroke: C.grid, width: 1 },
      ticks: { show: labelled, stroke: C.quiet, size: 4, width: 1 },
      splits: (u, index, min, max, step) => clock.ticks(min, max, step),
      values: (u, splits, index, space, step) =>
        splits.map((seconds) => (labelled ? clock.label(seconds, step) : null)),
    };
  }

  function valueAxis(splits, values) {
    return {
      scale: "y",
      font: AXIS_FONT,
      stroke: C.text,
      size: AXIS_LEFT,
      gap: 5,
      splits,
      values,
      grid: { stroke: C.grid, width: 1 },
      ticks: { stroke: C.quiet, size: 4, width: 1 },
    };
  }

  /** What both plots of a chart have in common: no legend, no animation, a drag that only reports. */
  function plotOptions(width, height, top, labelled, clock, axis, extra) {
    return {
      width,
      height: height + top + (labelled ? AXIS_BELOW : BELOW),
      padding: [top, RIGHT, labelled ? 0 : BELOW, 0],
      legend: { show: false },
      pxAlign: 1,
      cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 6 } },
      scales: {
        x: { time: false, auto: false, range: (u, min, max) => [min, max] },
        y: { auto: false, range: (u, min, max) => [min, max] },
      },
      axes: [timeAxis(clock, labelled), axis],
      ...extra,
    };
  }

  const line = (stroke, width, more = {}) => ({ stroke, width, auto: false, points: { show: false }, ...more });
  const UNSEEN = { show: false, auto: false };

  Object.assign(T, { line, UNSEEN, valueAxis, plotOptions, EDGES: { left: AXIS_LEFT, right: RIGHT, top: TOP } });
})();
