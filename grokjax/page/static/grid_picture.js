// A picture of the runs that a sweep would have: a dot for each cell of its first two axes.

import { element, shape } from "./dom.js";

const MOST = 40; // dots along an axis
const MARGIN = { left: 90, bottom: 40 };

export function gridPicture(plan) {
  if (!plan.axes.length) return element("p", {}, "No axes: all runs have the same settings and differ in their seeds.");
  const [across, upwards = null, ...others] = plan.axes;
  const columns = across.values.slice(0, MOST), rows = upwards ? upwards.values.slice(0, MOST) : [{ word: "" }];
  const step = Math.max(10, Math.min(34, 330 / columns.length)), rise = Math.max(10, Math.min(26, 240 / rows.length));
  const bottom = 8 + rows.length * rise, width = MARGIN.left + columns.length * step + 20;
  const every = Math.ceil(52 / step), skip = Math.ceil(13 / rise);
  const dots = rows.flatMap((_, y) => columns.map((_, x) => shape("circle", { cx: MARGIN.left + (x + 0.5) * step, cy: bottom - (y + 0.5) * rise, r: 3.4, class: "dot" })));
  const words = [
    ...columns.map((value, x) => x % every ? null : shape("text", { x: MARGIN.left + (x + 0.5) * step, y: bottom + 14, "text-anchor": "middle" }, short(value.word))),
    ...rows.map((value, y) => y % skip ? null : shape("text", { x: MARGIN.left - 6, y: bottom - (y + 0.5) * rise + 4, "text-anchor": "end" }, short(value.word))),
  ].filter(Boolean);
  const paths = `${upwards ? `${upwards.path} (upwards), ` : ""}${across.path}`;
  const name = shape("text", { x: 4, y: bottom + 32, class: "axis" }, paths);
  const times = [...others.map((axis) => `${axis.count} values of ${axis.path}`), `${plan.seeds} seed${plan.seeds === 1 ? "" : "s"}`];
  const cut = [across, upwards].filter((axis) => axis && axis.count > MOST).map((axis) => ` Of ${axis.path} the first ${MOST} of ${axis.count} values are drawn.`);
  return element("figure", {},
    shape("svg", { viewBox: `0 0 ${Math.max(width, 330, 6.3 * paths.length)} ${bottom + MARGIN.bottom}`, class: "grid", role: "img", "aria-label": `${plan.cells} cells over ${plan.axes.map((axis) => axis.path).join(", ")}` }, ...dots, ...words, name),
    element("figcaption", { class: "small" }, `Each dot stands for ${times.join(" x ")}.${cut.join("")}`));
}

const short = (word) => (word.length > 11 ? `${word.slice(0, 10)}…` : word);
