// What the sweep of the form amounts to: problems, or runs, picture, forecast, the file and the command.

import { bytes, copyButton, element, number } from "./dom.js";
import { gridPicture } from "./grid_picture.js";
import { canStart, start } from "./started.js";

export function resultView({ edited, restore, timed }) {
  const heading = element("h2", {}, "The sweep"), summary = element("div", { role: "status" });
  const yaml = element("textarea", { rows: 14, spellcheck: "false", "aria-label": "The sweep file", input: () => edited(yaml.value) });
  const byHand = element("p", { hidden: true }, "The text was changed by hand, so the form no longer writes it. ", element("button", { type: "button", click: () => restore() }, "use the form again"));
  const refusal = element("span", { class: "problem", role: "alert" });
  const begin = element("button", { type: "button", hidden: true, click: async () => {
    begin.disabled = true;
    refusal.textContent = "";
    try { await start(yaml.value); } catch (error) { refusal.textContent = error.message; }
    begin.disabled = false;
  } }, "start it on this machine");
  const save = element("a", { class: "button", download: "sweep.yaml", href: "#" }, "download"), commands = element("div", {});
  const node = element("section", { class: "result", "aria-label": "Result" }, heading, summary, byHand, yaml, element("p", { class: "row" }, save, begin, refusal), commands);
  let url = "";
  const say = (text, style) => { // what was said of an earlier text goes
    summary.replaceChildren(element("p", { class: style }, text));
    commands.replaceChildren();
    save.hidden = begin.hidden = true;
    refusal.textContent = "";
  };
  return {
    node,
    wait() { say("Being checked …", null); },
    refuse(text) { say(text, "problem"); },
    show(answer, isByHand) {
      byHand.hidden = !isByHand;
      if (!isByHand && answer.yaml !== null) yaml.value = answer.yaml;
      summary.replaceChildren(...(answer.plan ? planView(answer.plan, () => timed(yaml.value, isByHand)) : problemView(answer.problems)));
      const isGood = Boolean(answer.plan), file = `${isGood ? answer.plan.name : "sweep"}.yaml`;
      URL.revokeObjectURL(url);
      url = URL.createObjectURL(new Blob([yaml.value], { type: "text/yaml" }));
      save.href = url;
      save.download = file;
      save.hidden = !isGood;
      begin.hidden = !(isGood && canStart());
      const lines = isGood ? [[`grokjax run ${file}`, "in the folder of the file"], [`grokjax page results/${answer.plan.name}`, "there, once it trains"]] : [];
      commands.replaceChildren(...lines.map(([line, where]) => element("p", { class: "command" }, element("code", {}, line), copyButton(line), ` ${where}`)));
    },
  };
}

function problemView(problems) {
  const line = (problem) => (problem.line ? `line ${problem.line}: ` : "");
  return [element("p", {}, problems.length === 1 ? "One thing is wrong:" : `${problems.length} things are wrong:`),
    element("ul", { class: "problems" }, ...problems.map((problem) => element("li", {}, line(problem) + problem.text)))];
}

function planView(plan, timeIt) {
  if (!plan.cells) return [element("p", {}, `${number(plan.runs)} runs: too many to plan while you type; \`grokjax plan\` does.`)];
  const facts = [
    ["runs", `${number(plan.runs)} = ${counted(plan.cells, "cell")} x ${counted(plan.seeds, "seed")}${plan.later_runs ? `, then ${number(plan.later_runs)} more` : ""}`],
    ["updates", `${number(plan.run_steps)} in all, ${number(plan.steps)} a run`],
    ["programs", `${number(plan.num_cohorts)} to compile: ${why(plan)}`],
    ["memory", `${bytes(plan.memory_bytes_per_run)} a run`],
    ["disk", `at most ${bytes(plan.disk_bytes)}`],
    ["time", plan.time || element("span", {}, element("button", { type: "button", click: timeIt }, "time it"), " by compiling it, up to half a minute; without training")],
  ];
  const rows = facts.map(([name, words]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, words)));
  return [element("table", {}, element("tbody", {}, ...rows)), gridPicture(plan)];
}

const counted = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

function why(plan) {
  if (plan.num_cohorts === 1) return "all runs share it";
  const paths = [...new Set(plan.cohorts.flatMap((cohort) => Object.keys(cohort.static)))];
  return `another ${paths.join(" or ")} is another program`;
}
