// A form that writes a sweep file. Every change is checked by the code that the command line uses.

import { ask, send } from "./api.js";
import { axisList } from "./builder_axes.js";
import { labelled, partPicker } from "./builder_parts.js";
import { resultView } from "./builder_result.js";
import { element } from "./dom.js";

const WAIT = 300;
const SLOTS = [["task", "Task", "tasks", "modular_arithmetic"], ["model", "Network", "models", "mlp"], ["optimizer", "Optimizer", "optimizers", "adamw"], ["loss", "Loss", "losses", "cross_entropy"]];
let isStarted = false;

export async function startBuilder(host) {
  if (isStarted) return;
  isStarted = true;
  host.replaceChildren(element("p", { role: "status" }, "Reading the catalogue; this takes some seconds."));
  try { build(host, await ask("catalogue")); } catch (error) {
    isStarted = false;
    host.replaceChildren(element("p", { role: "alert" }, error.message));
  }
}

function build(host, catalogue) {
  const text = (value, placeholder) => element("input", { value, placeholder, autocomplete: "off", spellcheck: "false" });
  const name = text("my-sweep"), steps = text("2000"), minibatch = text("", "full"), seeds = text("3");
  const pickers = Object.fromEntries(SLOTS.map(([slot, title, folder, chosen]) => [slot, partPicker(slot, title, catalogue[folder], { chosen })]));
  const regularizers = [], regularizerHost = element("div", {});
  const paths = () => [...SLOTS.map(([slot]) => [slot, pickers[slot].part()]), ...regularizers.map((picker, i) => [`regularizers.${i}`, picker.part()])]
    .flatMap(([slot, part]) => (part ? part.settings.map((setting) => `${slot}.${setting.name}`) : []));
  const axes = axisList(paths, () => soon());
  const looks = catalogue.measures.map((part) => {
    const box = element("input", { type: "checkbox", value: part.kind, checked: part.kind === "fit" });
    return element("label", { class: "check", title: part.about }, box, ` ${part.kind} `, element("span", { class: "small" }, part.about));
  });
  const addRegularizer = () => {
    const picker = partPicker(`regularizers.${regularizers.length}`, "Regularizer", catalogue.regularizers, { chosen: catalogue.regularizers[0].kind, removed: () => {
      regularizers.splice(regularizers.indexOf(picker), 1);
      picker.node.remove();
      regularizers.forEach((other, i) => other.move(`regularizers.${i}`));
      soon();
    } });
    regularizers.push(picker);
    regularizerHost.append(picker.node);
    soon();
  };
  const measures = element("fieldset", {}, element("legend", {}, "Measures"), ...looks);
  const form = element("form", { "aria-label": "A new sweep" },
    element("fieldset", {}, element("legend", {}, "Sweep"),
      labelled("name", "name", name, "of the folder of results"), labelled("train.steps", "steps", steps, "updates of every run"),
      labelled("train.minibatch", "minibatch", minibatch, "full, or the largest number of examples of an update"),
      labelled("seeds", "seeds", seeds, "runs of every cell; 6 are the fewest that decide a claim")),
    ...SLOTS.map(([slot]) => pickers[slot].node), regularizerHost,
    element("p", {}, element("button", { type: "button", click: addRegularizer }, "add a regularizer")), axes.node, measures);
  const content = () => ({
    name: name.value, steps: steps.value, minibatch: minibatch.value, seeds: seeds.value,
    ...Object.fromEntries(SLOTS.map(([slot]) => [slot, pickers[slot].value()])),
    regularizers: regularizers.map((picker) => picker.value()), axes: axes.value(),
    measures: [...measures.querySelectorAll("input:checked")].map((box) => box.value),
  });
  const result = resultView({ edited: (yaml) => soon({ yaml }), restore: () => soon(), timed: (yaml, isByHand) => soon({ yaml, time: true }, isByHand) });
  let waiting = 0, latest = new AbortController();
  const soon = (other = null, isByHand = Boolean(other)) => {
    clearTimeout(waiting);
    latest.abort();
    latest = new AbortController();
    const { signal } = latest;
    axes.refresh();
    result.wait();
    waiting = setTimeout(async () => {
      try {
        const answer = await send("check", other || { form: content() }, signal);
        if (signal.aborted) return;
        result.show(answer, isByHand);
        mark(form, isByHand ? [] : answer.problems);
      } catch (error) { if (!signal.aborted) result.refuse(error.message); }
    }, WAIT);
  };
  form.addEventListener("input", () => soon());
  form.addEventListener("submit", (event) => event.preventDefault());
  host.replaceChildren(form, result.node);
  axes.add();
}

// Problems beside the fields that they are about; all of them stand in the list too.
function mark(form, problems) {
  for (const input of form.querySelectorAll("[data-key]")) {
    const { key } = input.dataset;
    const own = problems.filter((problem) => problem.key === key || (key && problem.key.startsWith(`${key}.`) && key.includes(".")) || problem.key === `${key}.kind`);
    input.setAttribute("aria-invalid", String(own.length > 0));
    const place = input.closest(".field").querySelector(".error");
    place.textContent = own.map((problem) => ` ${problem.text.replace(`${problem.key}: `, "")}`).join("");
  }
}
