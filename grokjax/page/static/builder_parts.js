// Fields for one part: which kind, and its settings with default, unit, range and meaning.

import { element } from "./dom.js";

let fields = 0;

// A labelled field; `key` is that of the sweep file, under which problems are told.
export function labelled(key, words, input, about = "") {
  const id = `field-${(fields += 1)}`;
  input.id = id;
  input.dataset.key = key;
  input.setAttribute("aria-describedby", `${id}-about`);
  return element("div", { class: "field" }, element("label", { for: id }, words), input,
    element("span", { class: "small", id: `${id}-about` }, about, element("span", { class: "error" })));
}

export function partPicker(slot, title, parts, { chosen = "", removed = null } = {}) {
  const select = element("select", {}, ...parts.map(({ kind }) => element("option", { value: kind, selected: kind === chosen }, kind)));
  const about = element("p", { class: "small" }), settings = element("div", { class: "settings" });
  const more = element("details", {}, element("summary", {}, "settings"), settings);
  const part = () => parts.find(({ kind }) => kind === select.value);
  const show = () => {
    const now = part();
    about.textContent = now ? `${now.about}${now.paper ? ` (${now.paper})` : ""}` : "";
    settings.replaceChildren(...(now ? fieldsOf(slot, now) : []));
    more.hidden = !now || !settings.children.length;
    more.open = Boolean(now && now.settings.some((setting) => setting.default === "required"));
  };
  select.addEventListener("change", show);
  const node = element("fieldset", {}, element("legend", {}, title), labelled(slot, "kind", select), about, more,
    removed ? element("button", { type: "button", click: () => removed() }, "remove") : null);
  show();
  return {
    node, part,
    move(to) { // its fields get the keys of another slot
      for (const input of node.querySelectorAll("[data-key]")) input.dataset.key = to + input.dataset.key.slice(slot.length);
      slot = to;
    },
    value: () => ({ kind: select.value, settings: Object.fromEntries([...settings.querySelectorAll("[data-name]")].map((input) => [input.dataset.name, input.value])) }),
  };
}

function fieldsOf(slot, part) {
  const preset = part.presets.length ? [choice(slot, "preset", part.presets, "the settings of a publication")] : [];
  return [...preset, ...part.settings.map((setting) => {
    const unit = setting.unit ? `, in ${setting.unit}` : "", range = setting.bounds ? ` ${setting.bounds}` : "";
    if (setting.choices.length) return choice(slot, setting.name, setting.choices, setting.about, setting.default);
    const input = element("input", { placeholder: setting.default, autocomplete: "off", spellcheck: "false" });
    input.dataset.name = setting.name;
    return labelled(`${slot}.${setting.name}`, `${setting.name}${unit}`, input, `${setting.about}${setting.about ? ";" : ""}${range}`);
  })];
}

function choice(slot, name, choices, about, usual = "none") {
  const select = element("select", {}, element("option", { value: "" }, usual), ...choices.filter((text) => text !== usual).map((text) => element("option", { value: text }, text)));
  select.dataset.name = name;
  return labelled(`${slot}.${name}`, name, select, about);
}
