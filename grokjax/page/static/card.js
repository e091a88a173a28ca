// One sweep among others: where it stands, and its diagram.

import { duration, element, number } from "./dom.js";
import { swatch } from "./colours.js";
import { drawDiagram } from "./diagram.js";

export function makeCard(key, choose, open) {
  const title = element("h2"), stands = element("p", { class: "small" }), bar = element("progress", { max: 1, value: 0 });
  const counts = element("p", { class: "small" }), host = element("div", { class: "host" });
  const remarks = element("ul"), problem = element("p", { class: "problem", role: "alert" });
  const chosen = element("button", { type: "button", "aria-pressed": "false", click: () => choose(key) }, "table and curves");
  const folder = element("code"), warning = element("p", { class: "warning" });
  const known = element("details", { hidden: true }, element("summary", {}, "What to know of this diagram"), remarks);
  const node = element("article", { class: "card" }, title, folder, bar, stands, counts, problem, warning, host, known, element("p", {}, chosen));
  let drawn = null;
  const draw = () => drawn && drawDiagram(host, drawn, (cell, data) => open(key, cell, data));
  new ResizeObserver(draw).observe(node);
  return {
    node,
    stand(sweep, now) { stand({ title, stands, bar, problem, folder }, sweep, now); },
    draw(data) {
      drawn = data;
      const counted = Object.entries(data.phases).sort((one, other) => other[1] - one[1]);
      counts.replaceChildren(...counted.map(([name, count]) => element("span", { class: "key" }, swatch(name), ` ${name.replaceAll("_", " ")} ${number(count)}`)));
      problem.textContent = "";
      warning.textContent = data.warning || "";
      draw();
      known.hidden = !(data.remarks || []).length;
      remarks.replaceChildren(...(data.remarks || []).map((text) => element("li", {}, text)));
    },
    refuse(text) { problem.textContent = text; },
    choose(isChosen) { chosen.setAttribute("aria-pressed", String(isChosen)); node.classList.toggle("chosen", isChosen); },
  };
}

function stand(parts, sweep, now) {
  parts.title.textContent = sweep.name;
  parts.folder.textContent = sweep.folder;
  if (!sweep.version) { parts.stands.textContent = sweep.problem || "is being read"; return; }
  const words = [`${number(sweep.done)} of ${number(sweep.total)} runs ended`];
  if (sweep.running) words.push(`${number(sweep.running)} running`);
  if (sweep.queued) words.push(`${number(sweep.queued)} waiting`);
  words.push(sweep.is_quiet ? `nothing heard for ${duration(now - sweep.written)}: it may have stopped` : sweep.stage);
  if (sweep.stage === "training" && sweep.rate) words.push(`${number(Math.round(sweep.rate))} run-steps/s`);
  if (sweep.seconds_left && sweep.stage === "training") words.push(`${duration(sweep.seconds_left)} left at most`);
  parts.stands.textContent = words.join(" · ");
  parts.bar.value = sweep.total ? sweep.done / sweep.total : 0;
  parts.bar.setAttribute("aria-label", `${sweep.done} of ${sweep.total} runs ended`);
  const warned = [sweep.problem, ...(sweep.warned || [])].filter(Boolean).join(" ");
  if (warned) parts.problem.textContent = warned;
}
