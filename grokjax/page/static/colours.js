// Phases as the figures and the terminal have them; measures from dark blue to yellow, which stay apart for every eye.

import { ask } from "./api.js";
import { element } from "./dom.js";

export let phases = {};
export async function loadPhases() { phases = await ask("phases"); }

const STOPS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

export function scaleOf(values) {
  const known = values.filter((value) => typeof value === "number"); // others are words, such as never
  const low = Math.min(...known), high = Math.max(...known);
  const isLog = low > 0 && high / low > 20;
  const at = (value) => (isLog ? Math.log10(value) : value);
  const share = (value) => (high > low ? (at(value) - at(low)) / (at(high) - at(low)) : 0.5);
  const colour = (value) => STOPS[Math.min(STOPS.length - 1, Math.floor(share(value) * STOPS.length))];
  const ink = (value) => (share(value) > 0.45 ? "#000000" : "#ffffff");
  return { low, high, isLog, colour, ink, known: known.length };
}

export function phaseLegend(names) {
  return names.map((name) => element("span", { class: "key" }, swatch(name), ` ${name.replaceAll("_", " ")}`));
}

export function swatch(name) {
  const style = phases[name] || { letter: "?", colour: "#ffffff", ink: "#000000" };
  const box = element("span", { class: "swatch", "aria-hidden": "true" }, style.letter);
  box.style.background = style.colour;
  box.style.color = style.ink;
  return box;
}

export function scaleLegend(text) {
  const bar = STOPS.map((colour) => {
    const box = element("span", { class: "stop" });
    box.style.background = colour;
    return box;
  });
  return [element("span", { class: "key" }, `${text}: `, "low ", ...bar, " high")];
}
