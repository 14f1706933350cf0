// Draws the charts of this page and keeps them true when their figures change.
"use strict";

const HEIGHTS = { people: 200, changes: 150 };
const charts = new WeakMap();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function whole(plot, values) {
  return values.map((value) => (value === null ? "" : Math.abs(value).toLocaleString("en")));
}

function clock(seconds) {
  return new Date(seconds * 1e3).toISOString();
}

function moment(seconds) {
  return clock(seconds).slice(0, 19).replace("T", " ");
}

function moments(plot, splits, axis, space, step) {
  const day = (seconds) => clock(seconds).slice(0, 10);
  return splits.map((at, i) => {
    if (step >= 86400) return day(at);
    const time = clock(at).slice(11, step < 60 ? 19 : 16);
    return i > 0 && day(splits[i - 1]) === day(at) ? time : `${time}\n${day(at)}`;
  });
}

const DIGITS = Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

function axes() {
  const common = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
  };
  return [
    { ...common, values: moments, space: 80 },
    { ...common, values: whole, incrs: DIGITS, size: 72 },
  ];
}

function series(label, name, more) {
  const value = (plot, number) => (number === null ? "–" : Math.abs(number).toLocaleString("en"));
  return { label, stroke: colour(name), value, ...more };
}

function drawn(place, height, lines, data) {
  const options = {
    width: place.clientWidth - parseFloat(getComputedStyle(place).paddingLeft) * 2,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    cursor: { sync: { key: "history" }, drag: { x: false, y: false } },
    scales: { y: { range: (plot, low, high) => [Math.min(low, 0), Math.max(high * 1.1, 1)] } },
    axes: axes(),
    series: [{ label: "From (UTC)", value: (plot, at) => (at === null ? "–" : moment(at)) }, ...lines],
  };
  return new uPlot(options, data, place);
}

function draw(place) {
  const { times, people, added, removed } = JSON.parse(place.dataset.columns);
  const steps = uPlot.paths.stepped({ align: 1 });
  const bars = uPlot.paths.bars({ size: [0.8, 40], align: 1 });
  const fill = (name) => ({ fill: colour(name), paths: bars, width: 0, points: { show: false } });
  charts.get(place)?.plots.forEach((plot) => plot.destroy());
  const plots = [
    drawn(place, HEIGHTS.people, [
      series("People inside", "--accent", { width: 2, paths: steps, points: { show: false } }),
    ], [times, people]),
    drawn(place, HEIGHTS.changes, [
      series("Added", "--good", fill("--good")),
      series("Removed", "--poor", fill("--poor")),
    ], [times, added, removed.map((count) => -count)]),
  ];
  charts.set(place, { plots, from: place.dataset.columns });
}

function drawAll() {
  document.querySelectorAll(".chart").forEach(draw);
}

function drawChanged() {
  for (const place of document.querySelectorAll(".chart")) {
    if (charts.get(place)?.from !== place.dataset.columns) draw(place);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  drawAll();
  const what = { subtree: true, childList: true, attributeFilter: ["data-columns"] };
  new MutationObserver(drawChanged).observe(document.getElementById("content"), what);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(drawAll, 150);
});
