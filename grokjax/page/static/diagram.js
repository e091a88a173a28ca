// One diagram: a field for each cell of two axes, or a point where the values fill no lattice.

import { copyButton, element, number, redraw, shape } from "./dom.js";
import { phases, scaleOf } from "./colours.js";

const HEIGHT = { least: 20, most: 44 };
const NEVER = "#f3d9d9"; // no colour of the scale is near it

export function drawDiagram(host, data, open) {
  if (data.note) {
    const command = data.command && element("p", { class: "command" }, element("code", {}, data.command), copyButton(data.command));
    host.replaceChildren(element("p", {}, data.note), data.text ? element("pre", { tabindex: "0", "aria-label": "Comparison of arms" }, data.text) : "", command || "");
    return;
  }
  const width = Math.max(260, host.clientWidth || 460);
  const scale = data.colour ? scaleOf(data.cells.map((cell) => cell.median)) : null;
  const drawn = data.is_scattered ? points(data, width, scale, open) : lattice(data, width, scale, open);
  const span = scale && scale.known ? `: ${number(scale.low)} to ${number(scale.high)}${scale.isLog ? ", logarithmic" : ""}` : "";
  const range = `${data.colour}${span}; median of the runs of a cell, with · where some have no value. Pale red: half of them never got there. White: no value.`;
  redraw(host, drawn, ...(scale ? [element("p", { class: "small" }, range)] : []));
}

function lattice(data, width, scale, open) {
  const rows = data.y ? data.y.values.length : 1, columns = data.x.values.length;
  const words = data.y ? data.y.words : [""];
  const left = Math.min(130, 24 + 7 * Math.max(...words.map((word) => Math.min(word.length, 15))));
  const cell = { w: (width - left - 6) / columns, h: Math.max(HEIGHT.least, Math.min(HEIGHT.most, 320 / rows)) };
  const bottom = rows * cell.h, height = bottom + 42;
  const svg = frame(width, height, data);
  const place = (at) => [left + at.x * cell.w, bottom - (at.y + 1) * cell.h];
  const fields = data.cells.map((at) => {
    const [x, y] = place(at), look = lookOf(at, scale);
    const parts = [shape("rect", { x, y, width: cell.w, height: cell.h, fill: look.colour, stroke: "#ffffff" })];
    if (cell.w > 13) parts.push(shape("text", { x: x + cell.w / 2, y: y + cell.h / 2 + 4, "text-anchor": "middle", fill: look.ink }, cell.w > 34 || !scale ? look.mark : ""));
    if (!scale) parts.push(...shares(at, x, y + cell.h - 4, cell.w));
    return field(at, data, parts, open);
  });
  const every = Math.ceil((7 * Math.max(...data.x.words.map((word) => Math.min(word.length, 12))) + 6) / cell.w);
  const ticks = data.x.words.map((word, i) => i % every ? null : shape("text", { x: left + (i + 0.5) * cell.w, y: bottom + 15, "text-anchor": "middle" }, cut(word, 12)));
  const skip = Math.ceil(14 / cell.h);
  const marks = words.map((word, i) => i % skip ? null : shape("text", { x: left - 5, y: bottom - (i + 0.5) * cell.h + 4, "text-anchor": "end" }, cut(word, 15)));
  svg.append(shape("rect", { x: left, y: 0, width: columns * cell.w, height: bottom, class: "empty" }), ...fields, ...[...ticks, ...marks].filter(Boolean), ...names(data, width, height));
  walkable(svg, fields, data.cells);
  return svg;
}

function points(data, width, scale, open) {
  const height = 340, box = { left: 20, top: 10, width: width - 40, height: 280 };
  const svg = frame(width, height, data);
  const fields = data.cells.map((at) => {
    const cx = box.left + data.x.shares[at.x] * box.width, cy = box.top + (1 - data.y.shares[at.y]) * box.height;
    const look = lookOf(at, scale), letter = scale ? "" : look.mark[0];
    return field(at, data, [shape("circle", { cx, cy, r: 8, fill: look.colour, stroke: "#555555" }), shape("text", { x: cx, y: cy + 4, "text-anchor": "middle", fill: look.ink }, letter)], open);
  });
  const ends = (axis) => [axis.words[0], axis.words[axis.words.length - 1]];
  const [low, high] = ends(data.x), [under, over] = ends(data.y);
  svg.append(shape("rect", { x: box.left, y: box.top, width: box.width, height: box.height, class: "empty" }), ...fields,
    shape("text", { x: box.left, y: box.top + box.height + 15 }, low), shape("text", { x: box.left + box.width, y: box.top + box.height + 15, "text-anchor": "end" }, high),
    shape("text", { x: 2, y: box.top + box.height - 2 }, under), shape("text", { x: 2, y: box.top + 10 }, over), ...names(data, width, height));
  walkable(svg, fields, data.cells);
  return svg;
}

const frame = (width, height, data) => shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", class: "diagram",
  "aria-label": `Diagram over ${data.x.name}${data.y ? ` and ${data.y.name}` : ""}; arrow keys walk, Enter opens a cell` });
const cut = (word, most) => (word.length > most ? `${word.slice(0, most - 1)}…` : word);

function names(data, width, height) {
  const upwards = data.y ? `${data.y.name} (upwards), ` : "";
  return [shape("text", { x: width / 2, y: height - 8, "text-anchor": "middle", class: "axis" }, `${upwards}${data.x.name}`)];
}

function lookOf(cell, scale) {
  if (scale) {
    const { median } = cell, mark = number(median) + (median !== null && cell.known < cell.n ? "·" : "");
    if (typeof median === "number") return { colour: scale.colour(median), ink: scale.ink(median), mark };
    return { colour: median === null ? "#ffffff" : NEVER, ink: "#000000", mark };
  }
  const style = phases[cell.phase], isWhole = cell.counts[cell.phase] === cell.n;
  return { ...style, mark: isWhole ? style.letter : style.letter.toLowerCase() + (cell.tied ? "=" : "·") };
}

// How the runs of a mixed cell divide, as a line below its letter.
function shares(cell, x, y, width) {
  if (cell.counts[cell.phase] === cell.n) return [];
  let reached = 0;
  return Object.entries(cell.counts).map(([name, count]) => {
    const part = shape("rect", { x: x + (width * reached) / cell.n, y, width: (width * count) / cell.n, height: 4, fill: phases[name].colour, stroke: "#ffffff", "stroke-width": 0.5 });
    reached += count;
    return part;
  });
}

export function cellWords(cell, data) {
  const at = `${data.x.name} ${data.x.words[cell.x]}${data.y ? `, ${data.y.name} ${data.y.words[cell.y]}` : ""}`;
  const counts = Object.entries(cell.counts).map(([name, count]) => `${name.replaceAll("_", " ")} ${count}`).join(", ");
  const sure = cell.low === null ? "" : `; ${cell.phase.replaceAll("_", " ")} in ${(cell.counts[cell.phase] / cell.n).toFixed(2)} [${cell.low.toFixed(2)}, ${cell.high.toFixed(2)}] of runs`;
  return `${at}: ${counts}${sure}${cell.median === null ? "" : `; median of ${data.colour} ${number(cell.median)} over ${cell.known} of ${cell.n} runs`}`;
}

function field(cell, data, parts, open) {
  const group = shape("g", { role: "button", tabindex: "-1", class: "cell", "data-name": `${data.x.words[cell.x]}\n${data.y ? data.y.words[cell.y] : ""}`, "aria-label": cellWords(cell, data), click: () => open(cell, data) }, ...parts);
  group.append(shape("title", {}, cellWords(cell, data)));
  return group;
}

// One cell is in the tab order; arrows move to the nearest one in their direction.
function walkable(svg, fields, cells) {
  if (!fields.length) return;
  fields[0].setAttribute("tabindex", "0");
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  svg.addEventListener("keydown", (event) => {
    const now = fields.indexOf(document.activeElement);
    if (now < 0) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); fields[now].dispatchEvent(new MouseEvent("click")); return; }
    if (!(event.key in steps)) return;
    event.preventDefault();
    const [dx, dy] = steps[event.key], from = cells[now];
    const ahead = (cell) => (cell.x - from.x) * dx + (cell.y - from.y) * dy;
    const aside = (cell) => Math.abs((cell.x - from.x) * dy) + Math.abs((cell.y - from.y) * dx);
    const next = cells.map((cell, index) => [ahead(cell) + 3 * aside(cell), index]).filter(([, index]) => ahead(cells[index]) > 0).sort((a, b) => a[0] - b[0])[0];
    if (!next) return;
    fields[now].setAttribute("tabindex", "-1");
    fields[next[1]].setAttribute("tabindex", "0");
    fields[next[1]].focus();
  });
}
