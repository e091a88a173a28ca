// Curves of some runs, each in the colour of its phase.

import { ask } from "./api.js";
import { element } from "./dom.js";
import { phases } from "./colours.js";

const ON_WHITE = "#8a8a8a"; // for phases whose own colour is too light for a line

export async function drawCurves(host, query, measures, isLog, isOld) {
  const shown = await Promise.all(measures.filter(Boolean).map((measure) => ask("curves", { ...query, measure })));
  if (isOld()) return 0;
  host.replaceChildren(...shown.map((data) => plot(data, widthOf(host, shown.length), isLog)));
  return shown.length ? shown[0].left_out : 0;
}

// Side by side where there is room.
const widthOf = (host, count) => (host.clientWidth > 700 ? host.clientWidth / count - 12 : Math.max(250, host.clientWidth));

function plot(data, width, isLog) {
  const box = element("figure", {}, element("figcaption", {}, data.measure));
  const from = isLog ? data.steps.findIndex((step) => step > 0) : 0;
  if (from < 0 || !data.steps.length) {
    box.append(element("p", {}, "No values of this measure."));
    return box;
  }
  const columns = [data.steps.slice(from), ...data.series.map((run) => run.values.slice(from))];
  const series = [{ label: "step" }, ...data.series.map((run) => ({
    label: run.run_id, stroke: lineColour(run.phase), width: 1.3, spanGaps: true, points: { show: columns[0].length < 2 },
  }))];
  new uPlot({
    width: Math.floor(width), height: 200, series, legend: { show: false }, cursor: { focus: { prox: 16 } }, focus: { alpha: 0.25 },
    scales: { x: { time: false, distr: isLog ? 3 : 1 } }, axes: [{ label: "step" }, { size: 62 }],
  }, columns, box);
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `${data.measure} of ${data.series.length} runs against the step`);
  return box;
}

function lineColour(phase) {
  const colour = (phases[phase] || { colour: ON_WHITE }).colour;
  return ["#ffffff", "#cccccc"].includes(colour) ? ON_WHITE : colour;
}
