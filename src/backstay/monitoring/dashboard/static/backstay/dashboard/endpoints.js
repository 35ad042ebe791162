// The table of endpoints: sorted by any column, filtered by words.

import { $, element, list, text } from "./dom.js";
import { bytes, count, decimal, milliseconds, percent } from "./format.js";

const section = $("#endpoints");
const SHOWN = 25;

// Name, heading, what is written, and whether it is a number.
const COLUMNS = [
  ["route", "Endpoint", null, false],
  ["share", "Time", percent],
  ["requests", "Requests", count],
  ["p50", "p50", milliseconds],
  ["p95", "p95", milliseconds],
  ["p99", "p99", milliseconds],
  ["server_errors", "5xx", count],
  ["client_errors", "4xx", count],
  ["refused", "429", count],
  ["hit_share", "Hits", percent],
  ["sql", "SQL", decimal],
  ["sql_ms", "SQL time", milliseconds],
  ["serialization_ms", "Serializing", milliseconds],
  ["redis_ms", "Redis", milliseconds],
  ["rows", "Rows", decimal],
  ["bytes", "Size", bytes],
];

let rows = [];
let sorted = { by: "share", down: true };
let all = false;

const heads = COLUMNS.map(([name, heading, , number = true]) => {
  const button = element("button", { type: "button", onclick: () => sort(name) }, heading);
  const head = element("th", { scope: "col", class: number ? "number" : "" }, button);
  $("thead tr", section).append(head);
  return head;
});

function sort(by) {
  sorted = { by, down: sorted.by === by ? !sorted.down : by !== "route" };
  draw();
}

$("#filter").addEventListener("input", draw);
$(".more", section).addEventListener("click", () => { all = !all; draw(); });

function chosen() {
  const words = $("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = rows.filter((row) => {
    const name = `${row.method} ${row.version} ${row.route}`.toLowerCase();
    return words.every((word) => name.includes(word));
  });
  const sign = sorted.down ? -1 : 1;
  return matching.sort(({ [sorted.by]: one }, { [sorted.by]: other }) =>
    sign * (typeof one === "string" ? one.localeCompare(other) : (one ?? -1) - (other ?? -1)));
}

function make(row) {
  const name = element("th", { scope: "row" },
    element("span", { class: `method ${row.method}` }, row.method || "–"),
    // A narrow page breaks it after a slash.
    element("span", { class: "route" }, ...row.route.split(/(?<=\/)/).flatMap((part) => [part, element("wbr")])),
    row.version ? element("span", { class: "chip" }, row.version) : null);
  const share = element("td", { class: "number share" }, element("meter", { max: 1, "aria-hidden": "true" }), element("span"));
  const others = COLUMNS.slice(2).map(([column]) => element("td", { class: `number ${column}` }));
  return element("tr", {}, name, share, ...others);
}

function update(line, row) {
  const cells = [...line.children].slice(1);
  $("meter", cells[0]).value = row.share;
  text($("span", cells[0]), percent(row.share));
  COLUMNS.slice(2).forEach(([name, , written], place) => {
    const cell = cells[place + 1];
    text(cell, written(row[name]));
    cell.classList.toggle("nothing", !row[name]);
  });
}

function draw() {
  COLUMNS.forEach(([name], place) => {
    const order = sorted.by !== name ? "none" : sorted.down ? "descending" : "ascending";
    heads[place].setAttribute("aria-sort", order);
  });
  const found = chosen();
  const shown = all ? found : found.slice(0, SHOWN);
  const key = (row) => `${row.method} ${row.version} ${row.route}`;
  $(".empty", section).hidden = list($("tbody", section), shown, key, make, update);
  const more = $(".more", section);
  more.hidden = found.length <= SHOWN;
  text(more, all ? `Show the first ${SHOWN}` : `Show all ${found.length}`);
}

export function showEndpoints(report) {
  rows = report.endpoints;
  draw();
}
