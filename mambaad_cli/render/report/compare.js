"use strict";
// What the page of several runs does. Needs base.js.
(() => {
  const charts = read("charts");
  const drawAll = () => { if (charts.training) draw($("chart-training"), charts.training); };
  setUpTheme(drawAll);
  drawAll();
})();
