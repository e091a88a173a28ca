// All that is known of one run, and the commands that are about it.

import { ask } from "./api.js";
import { byId, copyButton, element } from "./dom.js";
import { swatch } from "./colours.js";

export async function showRun(query) {
  const host = byId("run"), data = await ask("run", query);
  const close = element("button", { type: "button", click: () => { host.hidden = true; } }, "close");
  host.replaceChildren(
    element("h2", { id: "run-title", tabindex: "-1" }, `Run ${data.run_id} `, swatch(data.phase), ` ${data.phase.replaceAll("_", " ")} `, close),
    element("h3", {}, "Commands"),
    ...data.commands.map((text) => element("p", { class: "command" }, element("code", {}, text), copyButton(text))),
    element("div", { class: "columns" },
      element("div", {}, element("h3", {}, "Settings"), pairs(data.settings)),
      element("div", {}, element("h3", {}, "Measures"), pairs(data.measures)),
      element("div", {}, element("h3", {}, "Events"), pairs(data.events.map((event) => [clock(event.time), `${event.event} ${event.words}`])))));
  host.hidden = false;
  byId("run-title").focus();
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleString("sv");

function pairs(rows) {
  if (!rows.length) return element("p", {}, "None.");
  return element("table", {}, element("tbody", {}, ...rows.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)))));
}
