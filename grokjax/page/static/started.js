// Sweeps that were started from this page: what they say, and a way to stop them.

import { ask, send } from "./api.js";
import { byId, element, redraw } from "./dom.js";

const POLL = 2000;
let mayStart = false;

export const canStart = () => mayStart;

export async function start(yaml) {
  show(await send("start", { yaml }));
}

function show({ may_start: isAllowed, started }) {
  mayStart = isAllowed;
  const host = byId("started");
  host.hidden = !started.length;
  redraw(host, element("h2", {}, "Started here"), ...started.map(startedView));
}

function startedView({ name, command, status, meaning, lines }) {
  const isRunning = status === null, problem = element("span", { class: "error", role: "alert" });
  const stop = () => send("stop", { name }).then(show, (error) => { problem.textContent = error.message; });
  return element("article", { "data-sweep": name },
    element("p", { class: "row" }, element("strong", {}, name), isRunning ? "running" : `${meaning} (exit status ${status})`,
      isRunning && element("button", { type: "button", "data-name": `stop ${name}`, click: stop }, "stop"), problem),
    element("p", { class: "command" }, element("code", {}, command)),
    element("pre", { "aria-label": `last lines of ${name}` }, lines.join("\n")));
}

async function follow() {
  try { show(await ask("started")); } catch { /* the page says by itself that it has lost grokjax */ }
  if (mayStart) setTimeout(follow, POLL);
}

follow();
