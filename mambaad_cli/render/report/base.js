"use strict";
// Shared by the pages: reading their data, plotly charts in the colours of the page, light and dark.

const $ = (id) => document.getElementById(id);
const read = (id) => JSON.parse($(id).textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A figure comes from plotly in Python; the page adds its own colours.
function draw(box, figure, label) {
  const layout = structuredClone(figure.layout);
  Object.assign(layout, {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    colorway: [1, 2, 3, 4].map((n) => colour(`--line-${n}`)),
    font: { family: "system-ui, sans-serif", size: 13, color: colour("--ink") },
    hoverlabel: { font: { family: "system-ui, sans-serif" } },
  });
  for (const name of Object.keys(layout)) {
    if (!/^[xy]axis/.test(name)) continue;
    Object.assign(layout[name], { gridcolor: colour("--rule"), linecolor: colour("--rule"), zeroline: false });
  }
  if (label) box.setAttribute("aria-label", label);
  Plotly.react(box, figure.data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
  Plotly.Plots.resize(box); // the box may have got another width since it was drawn before
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

// Follows the system until the button is pressed; `redraw` paints the charts again.
function setUpTheme(redraw) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => setTheme(dark.matches ? "dark" : "light");
  follow();
  dark.addEventListener("change", () => { follow(); redraw(); });
  $("theme").addEventListener("click", () => {
    setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    redraw();
  });
}
