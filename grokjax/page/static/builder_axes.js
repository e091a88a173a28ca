// The axes of the grid: which setting, and its values as a list, in even steps, or in even ratios.

import { element, setOptions } from "./dom.js";
import { labelled } from "./builder_parts.js";

const FORMS = [["list", "a list"], ["linear", "even steps"], ["log", "even ratios"]];

export function axisList(pathsNow, changed) {
  const rows = [], host = element("div", {});
  const add = () => {
    const row = axisRow(pathsNow, changed, () => {
      rows.splice(rows.indexOf(row), 1);
      row.node.remove();
      changed();
    });
    rows.push(row);
    host.append(row.node);
    changed();
  };
  const node = element("fieldset", {}, element("legend", {}, "Axes: what differs between the runs"), host, element("button", { type: "button", click: add }, "add an axis"));
  return { node, add, refresh: () => rows.forEach((row) => row.refresh()), value: () => rows.map((row) => row.value()) };
}

function axisRow(pathsNow, changed, remove) {
  const path = element("select", {}), form = element("select", {}, ...FORMS.map(([value, text]) => element("option", { value }, text)));
  const list = element("input", { placeholder: "0.1, 1, 10", autocomplete: "off" });
  const ends = ["lowest", "highest", "how many"].map((words) => element("input", { placeholder: words, "aria-label": words, inputmode: "decimal", autocomplete: "off" }));
  const values = element("div", { class: "row" }), pathField = labelled("axes", "setting", path);
  const show = () => { values.replaceChildren(...(form.value === "list" ? [list] : ends)); };
  list.setAttribute("aria-label", "values, with commas between them");
  form.addEventListener("change", show);
  path.addEventListener("change", () => mark());
  const mark = () => { path.dataset.key = `axes.${path.value}`; };
  const refresh = () => {
    const known = pathsNow(), lost = path.value && !known.includes(path.value) ? [[path.value, `${path.value} (gone)`]] : [];
    setOptions(path, [["", "choose"], ...known.map((name) => [name, name]), ...lost]);
    mark();
  };
  refresh();
  show();
  return {
    node: element("div", { class: "axis-row" }, pathField, labelled("", "values as", form), values, element("button", { type: "button", click: remove }, "remove")),
    refresh,
    value: () => ({ path: path.value, form: form.value, values: form.value === "list" ? list.value : ends.map((input) => input.value).filter(Boolean).join(", ") }),
  };
}
