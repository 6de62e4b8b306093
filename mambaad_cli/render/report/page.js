"use strict";
// What the page of one run does: sorting, verdicts, charts, gallery. Needs base.js.
(() => {
  const pictures = read("pictures"), charts = read("charts"), facts = read("facts");
  const PAGE = 60;
  const WORDS = { found: "found", missed: "missed", alarm: "false alarm", passed: "passed" };
  let threshold = facts.threshold;

  const outcome = (p) => p.score >= threshold ? (p.label ? "found" : "alarm") : (p.label ? "missed" : "passed");
  const isWrong = (what) => what === "missed" || what === "alarm";
  const short = (value) => String(Number(value.toPrecision(4)));
  const unique = (values) => [...new Set(values)].sort();

  function fill(select, values, all) {
    const kept = select.value;
    select.replaceChildren(...[["", all], ...values.map((v) => [v, v])].map(([value, text]) => new Option(text, value)));
    if (values.includes(kept)) select.value = kept;
  }

  // Metrics: a heading sorts, a second press turns the order; missing values stay last.
  function sortable(table) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const down = column === 0 ? head.getAttribute("aria-sort") === "ascending" : head.getAttribute("aria-sort") !== "descending";
        for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.value;
        const compare = (a, b) => column === 0 ? key(a).localeCompare(key(b)) : key(a) - key(b);
        body.append(...[...body.rows].sort((a, b) =>
          (key(a) === "") - (key(b) === "") || (key(a) === "" ? 0 : (down ? -1 : 1) * compare(a, b))));
      });
    });
  }

  // Charts
  function drawHistogram() {
    const category = $("chart-category").value;
    const figure = structuredClone(charts.histogram);
    const chosen = pictures.filter((p) => !category || p.category === category);
    const scores = chosen.map((p) => p.score);
    const [low, high] = spread(scores);
    const size = (high - low) / 30 || 1;
    figure.data.forEach((trace, label) => {
      trace.x = chosen.filter((p) => p.label === label).map((p) => p.score);
      trace.xbins = { start: low, end: high + size, size };
    });
    figure.layout.shapes = [{ type: "line", xref: "x", yref: "paper", x0: threshold, x1: threshold, y0: 0, y1: 1, line: { color: colour("--ink"), width: 2, dash: "dot" } }];
    figure.layout.annotations = [{ xref: "x", yref: "paper", x: threshold, y: 1, yanchor: "bottom", text: "threshold", showarrow: false }];
    const counts = figure.data.map((trace) => `${trace.x.length} ${trace.name}`).join(" and ");
    draw($("chart-histogram"), figure, `Histogram of the scores of ${counts} pictures of ${category || "all categories"}, threshold ${short(threshold)}.`);
  }

  // The smallest and largest of many numbers; a call with ten thousand arguments would be too long for some browsers.
  function spread(numbers) {
    return [numbers.reduce((a, b) => Math.min(a, b), Infinity), numbers.reduce((a, b) => Math.max(a, b), -Infinity)];
  }

  function drawCurves() {
    const category = $("chart-category").value;
    const figures = charts.curves[category] || {};
    const boxes = [...document.querySelectorAll(".charts .chart:not(#chart-histogram)")];
    const figureOf = (box) => figures[box.id.slice("chart-".length)];
    for (const box of boxes) box.hidden = !figureOf(box); // all at once, so that each is drawn at its final width
    for (const box of boxes.filter(figureOf)) {
      draw(box, figureOf(box), `${figureOf(box).data[0].name} of ${category}; the table of metrics has its area.`);
    }
    drawHistogram();
  }

  function drawAll() {
    drawCurves();
    if (charts.training) draw($("chart-training"), charts.training);
  }

  // Verdicts
  function judge() {
    const counts = { found: 0, missed: 0, alarm: 0, passed: 0 };
    for (const p of pictures) counts[outcome(p)] += 1;
    for (const [name, count] of Object.entries(counts)) document.querySelector(`[data-count="${name}"]`).textContent = count;
    const { found, missed, alarm } = counts;
    const share = (part, whole) => whole ? `${(100 * part / whole).toFixed(1)} %` : "-";
    $("verdict-line").textContent =
      `From ${short(threshold)} on: precision ${share(found, found + alarm)}, recall ${share(found, found + missed)}, ` +
      `F1 ${share(2 * found, 2 * found + alarm + missed)}, right ${share(pictures.length - alarm - missed, pictures.length)}.`;
  }

  function setThreshold(value) {
    threshold = value;
    $("threshold").value = value;
    $("threshold").setAttribute("aria-valuetext", short(value));
    if (document.activeElement !== $("threshold-number")) $("threshold-number").value = value;
    judge();
    drawHistogram();
    filter();
  }

  function setUpThreshold() {
    const [low, high] = spread([...pictures.map((p) => p.score), threshold]);
    const step = (high - low) / 500 || 1;
    Object.assign($("threshold"), { min: low - step, max: high + 2 * step, step });
    $("threshold").addEventListener("input", (event) => setThreshold(Number(event.target.value)));
    $("threshold-number").addEventListener("input", (event) => {
      const value = event.target.valueAsNumber;
      if (Number.isFinite(value)) setThreshold(value);
    });
    $("threshold-reset").addEventListener("click", () => setThreshold(facts.threshold));
  }

  // Gallery
  let chosen = [];
  let shown = 0;
  const orders = {
    high: (a, b) => b.score - a.score,
    low: (a, b) => a.score - b.score,
    close: (a, b) => Math.abs(a.score - threshold) - Math.abs(b.score - threshold),
    name: (a, b) => a.name.localeCompare(b.name),
  };

  function filter() {
    const category = $("by-category").value, defect = $("by-defect").value, verdict = $("by-verdict").value;
    chosen = pictures.filter((p) => {
      const what = outcome(p);
      return (!category || p.category === category) && (!defect || p.defect === defect) &&
        (!verdict || (verdict === "wrong" ? isWrong(what) : verdict === what));
    }).sort(orders[$("by-order").value]);
    shown = 0;
    $("cards").replaceChildren();
    showMore();
  }

  function showMore() {
    const next = chosen.slice(shown, shown + PAGE);
    $("cards").append(...next.map((p, i) => card(p, shown + i)));
    shown += next.length;
    $("more").hidden = shown >= chosen.length;
    $("count").textContent = `${shown} of ${chosen.length} pictures shown` + (chosen.length < pictures.length ? ` (${pictures.length} in all).` : ".");
  }

  function card(p, place) {
    const item = $("card").content.cloneNode(true);
    const button = item.querySelector("button"), image = item.querySelector("img"), what = outcome(p);
    const face = p[$("by-face").value] || p.picture;
    if (face) { image.src = face; image.alt = p.name; } else { image.replaceWith(`picture not found: ${p.name}`); }
    item.querySelector(".what").textContent = `${p.category} / ${p.defect}`;
    const verdict = item.querySelector(".verdict");
    verdict.textContent = `${isWrong(what) ? "\u2717" : "\u2713"} ${WORDS[what]}, ${short(p.score)}`;
    verdict.classList.add(isWrong(what) ? "wrong" : "right");
    button.dataset.wrong = isWrong(what);
    button.addEventListener("click", () => view(place));
    return item;
  }

  // Large view: a slider between picture and map
  let place = 0;

  function view(number) {
    place = number;
    const p = chosen[place], what = outcome(p);
    $("viewer-title").textContent = p.name;
    $("viewer-facts").textContent =
      `${p.category} / ${p.defect}; score ${short(p.score)} ${p.score >= threshold ? "\u2265" : "<"} ${short(threshold)}: ${WORDS[what]}. ` +
      `Picture ${place + 1} of ${chosen.length}.`;
    for (const name of ["picture", "map", "mask"]) {
      const image = $(`viewer-${name}`);
      image.hidden = !p[name];
      if (p[name]) image.src = p[name]; else image.removeAttribute("src");
    }
    $("viewer-picture").alt = p.picture ? p.name : "";
    $("viewer-map").alt = p.map ? "anomaly map" : "";
    $("viewer-slider").disabled = !p.map;
    $("viewer-outline").disabled = !p.mask;
    $("viewer-previous").disabled = place === 0;
    $("viewer-next").disabled = place === chosen.length - 1;
    if (!p.picture) $("viewer-facts").textContent += " The picture was not found when the report was written.";
    slide();
    if (!$("viewer").open) $("viewer").showModal();
  }

  function slide() {
    const share = Number($("viewer-slider").value);
    $("viewer-map").style.clipPath = `inset(0 0 0 ${100 - share}%)`;
    $("viewer-slider").setAttribute("aria-valuetext", `${share} percent map`);
    $("viewer-mask").style.visibility = $("viewer-outline").checked ? "visible" : "hidden";
  }

  function setUpViewer() {
    $("viewer-slider").addEventListener("input", slide);
    $("viewer-outline").addEventListener("change", slide);
    $("viewer-close").addEventListener("click", () => $("viewer").close());
    $("viewer-previous").addEventListener("click", () => view(place - 1));
    $("viewer-next").addEventListener("click", () => view(place + 1));
    $("viewer").addEventListener("click", (event) => { if (event.target === $("viewer")) $("viewer").close(); });
    $("viewer").addEventListener("keydown", (event) => {
      if (event.target.type === "range") return;
      if (event.key === "ArrowLeft" && place > 0) view(place - 1);
      if (event.key === "ArrowRight" && place < chosen.length - 1) view(place + 1);
    });
  }

  function setUpFilters() {
    const categories = unique(pictures.map((p) => p.category));
    fill($("by-category"), categories, "all");
    fill($("chart-category"), categories, "all (scores only)");
    if (Object.keys(charts.curves).length) $("chart-category").value = Object.keys(charts.curves)[0];
    const defects = () => {
      const category = $("by-category").value;
      fill($("by-defect"), unique(pictures.filter((p) => !category || p.category === category).map((p) => p.defect)), "all");
    };
    defects();
    $("by-category").addEventListener("change", defects);
    for (const name of ["category", "defect", "verdict", "order", "face"]) $(`by-${name}`).addEventListener("change", filter);
    $("chart-category").addEventListener("change", drawCurves);
    $("more").addEventListener("click", () => {
      const first = shown;
      showMore();
      $("cards").children[first].querySelector("button").focus();
    });
  }

  if ($("table")) sortable($("table"));
  setUpTheme(drawAll);
  setUpThreshold();
  setUpFilters();
  setUpViewer();
  drawAll();
  setThreshold(facts.threshold);
})();
