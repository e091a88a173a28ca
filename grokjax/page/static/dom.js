// Elements made of data. Texts become text nodes and nothing else, so no name of a sweep can be markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
export const shape = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);
export const byId = (id) => document.getElementById(id);

// The options of a select, with the value kept that was chosen.
export function setOptions(select, options, chosen = select.value) {
  const known = [...select.options].map((option) => option.value + "\n" + option.text).join("\t");
  if (known !== options.map(([value, text]) => value + "\n" + text).join("\t"))
    select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

// Replaces what is shown and keeps the focus on what bears the same name, since the page is drawn anew while one walks in it.
export function redraw(host, ...children) {
  const nameOf = (node) => node.getAttribute("data-name") || node.textContent;
  const focused = host.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  host.replaceChildren(...children);
  if (focused === null) return;
  const same = [...host.querySelectorAll("button, [tabindex]")].find((node) => nameOf(node) === focused);
  if (same) same.focus({ preventScroll: true });
}

export function number(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toLocaleString("en");
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e7 ? value.toLocaleString("en", { maximumSignificantDigits: 4 }) : String(Number(value.toPrecision(4)));
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} days`;
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 1000 && unit < 4; unit += 1) count /= 1000;
  return `${Number(count.toPrecision(3))} ${units[unit]}`;
}

export function copyButton(text) {
  const button = element("button", { type: "button", class: "copy", click: async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } }, "copy");
  return button;
}
