// What the page shows, and when it asks anew: every second where things stand, the rest only when that has changed.

import { ask, askAgain, clock } from "./api.js";
import { startBuilder } from "./builder.js";
import { makeCard } from "./card.js";
import { loadPhases, phaseLegend, scaleLegend } from "./colours.js";
import { drawCurves } from "./curves.js";
import { cellWords } from "./diagram.js";
import { byId, element, redraw, setOptions } from "./dom.js";
import { showRun } from "./run.js";
import { restartTable, rowsOf, showTable } from "./table.js";

const POLL = 1000;
const cards = new Map(), drawn = new Map(), offered = new Map();
const view = { x: "", y: "", colour: "", rule: "", where: "" };
let sweeps = [], active = "", cell = null, listed = [];

const controls = byId("controls"), measures = byId("curves").querySelectorAll("select"), isLog = byId("curves").querySelector("[name=log]");
const told = (error) => { byId("problem").textContent = error.message; };

async function poll() {
  try {
    const state = await askAgain("state");
    if (state) sweeps = state.sweeps;
    for (const [key, card] of cards) if (!sweeps.some((sweep) => sweep.key === key)) card.node.remove();
    for (const sweep of sweeps) cardOf(sweep.key).stand(sweep, Date.now() / 1000 + clock.ahead);
    byId("connection").textContent = "live";
    byId("nothing").hidden = sweeps.length > 0;
    byId("overview").hidden = byId("table").hidden = !sweeps.length;
    if (state) await update();
  } catch (error) {
    byId("connection").textContent = error instanceof TypeError ? "The page has lost grokjax; start `grokjax page` again." : error.message;
  }
  setTimeout(poll, POLL);
}

function cardOf(key) {
  if (!cards.has(key)) {
    cards.set(key, makeCard(key, choose, openCell));
    byId("cards").append(cards.get(key).node);
  }
  return cards.get(key);
}

// Diagrams that are out of date, then what belongs to the chosen sweep.
async function update() {
  if (!active && sweeps.some((sweep) => sweep.version)) active = sweeps.find((sweep) => sweep.version).key;
  let isOld = false;
  for (const { key, version } of sweeps) {
    const wanted = version + JSON.stringify(view);
    if (!version || drawn.get(key) === wanted) continue;
    drawn.set(key, wanted);
    isOld ||= key === active;
    try {
      const data = await ask("diagram", { sweep: key, ...view });
      if (drawn.get(key) !== wanted) continue; // something else has been chosen meanwhile
      offered.set(key, data);
      cardOf(key).draw(data);
    } catch (error) { cardOf(key).refuse(error.message); }
  }
  for (const [key, card] of cards) card.choose(key === active);
  if (!isOld) return;
  offer();
  await follow();
}

function offer() {
  const all = [...offered.values()], union = (name) => [...new Set(all.flatMap((data) => data[name] || []))];
  setOptions(controls.x, [["", "first axis"], ...union("axes").map((name) => [name, name])], view.x);
  setOptions(controls.y, [["", "next axis"], ...union("axes").map((name) => [name, name])], view.y);
  setOptions(controls.colour, [["", "phase"], ...union("colours").map((name) => [name, name])], view.colour);
  setOptions(controls.rule, [["", "the sweep's rule"], ...union("rules").map((name) => [name, name])], view.rule);
  const known = (offered.get(active) || {}).measures || [];
  measures.forEach((select, i) => setOptions(select, known.map((name) => [name, name]), select.value || ["test/accuracy", "train/accuracy"][i]));
  const seen = [...new Set(all.flatMap((data) => Object.keys(data.phases)))];
  byId("legend").replaceChildren(...(view.colour ? scaleLegend(view.colour) : phaseLegend(seen)));
}

// Table and curves of the chosen sweep.
let turn = 0;
async function follow() {
  const mine = (turn += 1), isOld = () => mine !== turn; // a later choice has been made meanwhile
  const sweep = sweeps.find(({ key }) => key === active);
  if (!sweep || !sweep.version) return;
  try {
    listed = await showTable(active, view, sweep.name, openRun, () => follow(), isOld);
    if (isOld()) return;
    let of = `The runs of the table below, of ${sweep.name}.`, runs = listed;
    if (!cell) byId("seeds").replaceChildren();
    else {
      const data = await ask("table", { sweep: active, where: view.where, rule: view.rule, cell: JSON.stringify(cell.pairs) });
      if (isOld()) return;
      runs = data.rows.map((row) => row[data.columns.indexOf("run_id")]);
      of = `${sweep.name}, ${cell.words}.`;
      redraw(byId("seeds"), element("div", { class: "scroll" }, rowsOf(data, openRun, null)));
    }
    byId("all-runs").hidden = !cell;
    const leftOut = await drawCurves(byId("plots"), { sweep: active, rule: view.rule, runs: runs.join(",") }, [...measures].map((select) => select.value), isLog.checked, isOld);
    if (!isOld()) byId("curves-of").textContent = of + (leftOut ? ` The first ${runs.length - leftOut} are drawn.` : "");
    byId("problem").textContent = "";
  } catch (error) { told(error); }
}

function choose(key) {
  [active, cell] = [key, null];
  restartTable();
  for (const [other, card] of cards) card.choose(other === key);
  offer();
  follow();
}

function openCell(key, at, data) {
  const pairs = [[data.x.name, data.x.values[at.x]]];
  if (data.y) pairs.push([data.y.name, data.y.values[at.y]]);
  [active, cell] = [key, { pairs, words: cellWords(at, data) }];
  for (const [other, card] of cards) card.choose(other === key);
  offer();
  follow().then(() => byId("curves").scrollIntoView({ behavior: "smooth", block: "start" }));
}

const openRun = (runId) => showRun({ sweep: active, rule: view.rule, run: runId }).then(() => byId("run").scrollIntoView({ behavior: "smooth" })).catch(told);

let typing = 0;
controls.addEventListener("submit", (event) => event.preventDefault());
controls.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    for (const name of Object.keys(view)) view[name] = controls[name].value;
    cell = null;
    restartTable();
    update();
  }, 250);
});
byId("curves").addEventListener("change", () => follow());
let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(follow, 300);
});
byId("all-runs").addEventListener("click", () => { cell = null; follow(); });

const tabs = [...document.querySelectorAll("[role=tab]")];
function show(tab) {
  for (const other of tabs) {
    other.setAttribute("aria-selected", String(other === tab));
    other.tabIndex = other === tab ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = other !== tab;
  }
  if (tab.id === "tab-builder") startBuilder(byId("builder")).catch(told);
}
tabs.forEach((tab, i) => {
  tab.addEventListener("click", () => show(tab));
  tab.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    tabs[1 - i].focus();
    show(tabs[1 - i]);
  });
});

loadPhases().then(poll, (error) => { byId("connection").textContent = error.message; });
