// The table of the chosen runs, a page at a time.

import { ask } from "./api.js";
import { byId, element, number, redraw } from "./dom.js";
import { swatch } from "./colours.js";

const order = { sort: "", descending: false, first: 0 };
export const restartTable = () => { order.first = 0; };

export async function showTable(sweep, view, name, openRun, again, isOld) {
  const also = view.colour;
  let data = await ask("table", { sweep, where: view.where, rule: view.rule, also, sort: order.sort, descending: order.descending, first: order.first || "" });
  if (order.first >= data.total && order.first > 0) { order.first = 0; data = await ask("table", { sweep, where: view.where, rule: view.rule, also }); }
  if (isOld()) return [];
  const turn = (by) => element("button", { type: "button", disabled: by < 0 ? order.first === 0 : data.first + data.rows.length >= data.total, click: () => { order.first = Math.max(0, order.first + by); again(); } }, by < 0 ? "earlier" : "later");
  const shown = data.rows.length ? `${number(data.first + 1)} to ${number(data.first + data.rows.length)} of ${number(data.total)} runs` : "no runs";
  redraw(byId("table"),
    element("h2", { id: "table-title" }, `Runs of ${name}`),
    element("p", { class: "row" }, turn(-100), ` ${shown} `, turn(100)),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of runs" }, rowsOf(data, openRun, again)));
  return data.rows.map((row) => row[data.columns.indexOf("run_id")]);
}

export function rowsOf(data, openRun, again) {
  const sortBy = (column) => () => {
    order.descending = order.sort === column && !order.descending;
    [order.sort, order.first] = [column, 0];
    again();
  };
  const sorted = (column) => (order.sort !== column ? "none" : order.descending ? "descending" : "ascending");
  const head = data.columns.map((column) => element("th", { scope: "col", "aria-sort": again ? sorted(column) : false },
    again ? element("button", { type: "button", class: "plain", click: sortBy(column) }, column) : column));
  const body = data.rows.map((row) => element("tr", {}, ...row.map((value, i) => element("td", {}, cellOf(data.columns[i], value, openRun)))));
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
}

function cellOf(column, value, openRun) {
  if (column === "run_id") return element("button", { type: "button", class: "plain", click: () => openRun(value) }, value);
  if (column === "phase") return element("span", {}, swatch(value), ` ${String(value).replaceAll("_", " ")}`);
  return column.startsWith("seeds.") ? value : number(value);
}
