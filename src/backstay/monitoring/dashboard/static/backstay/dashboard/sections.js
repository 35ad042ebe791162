// What stands below the plots: queries, limits, jobs, versions, changes.

import { $, element, list, text } from "./dom.js";
import { count, duration, milliseconds, moment, percent, rate } from "./format.js";
import { send } from "./page.js";

// The hash of an account's name is cut: nobody reads it.
const short = (key) => key.replace(/([0-9a-f]{8})[0-9a-f]{56}$/, "$1…");

const empty = (section, filled) => { $(`#${section} .empty`).hidden = filled; };

// --- queries ------------------------------------------------------------------

const KINDS = { repeated: "N+1", slow: "Slow" };

function makeFinding(finding) {
  return element("li", {},
    element("p", { class: "what" },
      element("span", { class: `kind ${finding.kind}` }, KINDS[finding.kind] ?? finding.kind),
      finding.field ? element("code", { class: "field" }, finding.field) : null,
      element("span", { class: "where" }, finding.where)),
    element("p", { class: "quiet route" },
      `${finding.method} ${finding.route} `,
      finding.version ? element("span", { class: "chip" }, finding.version) : null),
    element("p", { class: "fix" }, finding.fix),
    element("details", {}, element("summary", {}, "Statement"), element("pre", {}, finding.sql)),
    element("dl", { class: "figures" }, ...["Queries each time", "Time each time", "Requests", "Last seen"]
      .map((name) => element("div", {}, element("dt", {}, name), element("dd")))));
}

function updateFinding(line, finding) {
  const each = finding.requests;
  const values = [
    count(Math.round(finding.queries / each)), milliseconds(finding.total_ms / each),
    count(each), moment(finding.last_at),
  ];
  [...line.querySelectorAll("dd")].forEach((node, place) => text(node, values[place]));
}

export function showFindings({ findings }) {
  const key = ({ route, where, field }) => `${route} ${where} ${field}`;
  empty("findings", list($("#findings .findings"), findings, key, makeFinding, updateFinding));
  badge("findings", findings.length);
}

// --- limits -------------------------------------------------------------------

async function lift(key) {
  const answer = await send("clear", { key });
  if (answer) say(answer.cleared ? `Lifted: ${short(key)}` : `Nothing was counted for ${short(key)}`);
}

function makeBlock({ key }) {
  return element("li", {},
    element("span", { class: "main" }, element("code", { title: key }, short(key)), element("span", { class: "quiet" })),
    element("button", { type: "button", "aria-label": `Lift ${key}`, onclick: () => lift(key) }, "Lift"));
}

function updateBlock(line, block) {
  text($(".quiet", line),
    `${rate(block)}, refused ${count(block.refused)} ×, let in again in ${duration(block.retry_after_seconds)}`);
}

function makeRule({ rule }) {
  return element("tr", {}, element("th", { scope: "row" }, rule), element("td"),
    element("td", { class: "number" }), element("td", { class: "number refused" }));
}

function updateRule(line, rule) {
  const [, rates, allowed, refused] = line.children;
  const words = rule.rates.map((one) => `${one.plan ? `${one.plan} ` : ""}${rate(one)}`).join(" · ");
  text(rates, words || "no limit");
  text(allowed, count(rule.allowed));
  const shadow = rule.would_refuse ? ` (${count(rule.would_refuse)} in shadow)` : "";
  text(refused, `${count(rule.refused)}${shadow}`);
  refused.classList.toggle("nothing", !rule.refused && !rule.would_refuse);
}

export function showLimits({ blocks, rules }) {
  const key = (block) => `${block.key} ${block.window_seconds}`;
  empty("limits", list($("#limits .blocks"), blocks, key, makeBlock, updateBlock));
  list($("#limits .rules tbody"), rules, ({ rule }) => rule, makeRule, updateRule);
  badge("blocks", blocks.length);
}

function makeBudget(budget) {
  return element("li", {},
    element("span", { class: "main" }, element("code", { title: budget.key }, short(budget.key)), element("span", { class: "quiet" })),
    element("button", {
      type: "button",
      "aria-label": `Clear ${budget.key}`,
      onclick: async () => { await lift(budget.key); await lookUp(budget.key); },
    }, "Clear"));
}

function updateBudget(line, budget) {
  const wait = budget.reset_after_seconds ? `, as new in ${duration(budget.reset_after_seconds)}` : "";
  text($(".quiet", line), `${count(budget.remaining)} left of ${rate(budget)}${wait}`);
}

async function lookUp(key) {
  const path = `${document.body.dataset.budget}?key=${encodeURIComponent(key)}`;
  const answer = await fetch(path, { cache: "no-store" });
  const body = await answer.json();
  if (!answer.ok) say(body.errors?.[0]?.detail ?? body.detail ?? `The service answered ${answer.status}`, true);
  list($("#limits .budgets"), answer.ok ? body.budgets : [], (one) => `${one.key} ${one.window_seconds}`,
    makeBudget, updateBudget);
}

$("#budget").addEventListener("submit", (event) => {
  event.preventDefault();
  lookUp(new FormData(event.target).get("key").trim());
});

// --- jobs ---------------------------------------------------------------------

async function retry(ids) {
  const answer = await send("retry", { ids });
  if (answer) say(answer.retried === 1 ? "One job is due again" : `${answer.retried} jobs are due again`);
}

let shownJobs = [];
$("#retry-all").addEventListener("click", () => retry(shownJobs.map(({ id }) => id)));

function makeParked(job) {
  const place = [job.error, job.raised_in].filter(Boolean).join(" in ");
  const tries = job.attempts === 1 ? "1 try" : `${job.attempts} tries`;
  return element("li", {},
    element("span", { class: "main" },
      element("strong", {}, job.name),
      element("span", { class: "error" }, place),
      element("span", { class: "quiet" }, `${tries}, parked ${moment(job.parked_at)}, ${job.id}`)),
    element("button", { type: "button", "aria-label": `Retry ${job.name} ${job.id}`, onclick: () => retry([job.id]) },
      "Retry"));
}

export function showJobs({ jobs }) {
  $("#jobs").hidden = jobs === null;
  if (jobs === null) return;
  const oldest = jobs.due ? duration(jobs.oldest_seconds) : "–";
  const figures = [["Due", count(jobs.due)], ["Oldest", oldest], ["Later, running", count(jobs.later)], ["Parked", count(jobs.parked)]];
  list($("#jobs .figures"), figures, ([name]) => name,
    ([name]) => element("div", {}, element("dt", {}, name), element("dd")),
    (line, [, value]) => text($("dd", line), value));
  shownJobs = jobs.shown;
  const filled = list($("#jobs .parked"), shownJobs, ({ id }) => id, makeParked);
  empty("jobs", filled);
  $("#retry-all").hidden = shownJobs.length < 2;
  badge("parked", jobs.parked);
}

// --- versions, changes --------------------------------------------------------

export function showVersions({ versions }) {
  const whole = versions.reduce((sum, { count: number }) => sum + number, 0);
  const names = [...new Set(versions.map(({ version }) => version))].sort().reverse();
  const groups = names.map((version) => {
    const clients = versions.filter((one) => one.version === version);
    return { version, clients, number: clients.reduce((sum, { count: number }) => sum + number, 0) };
  });
  const make = ({ version }) => element("li", {},
    element("p", { class: "what" }, element("span", { class: "chip" }, version),
      element("meter", { max: 1, "aria-hidden": "true" }), element("span", { class: "number" })),
    element("ul", { class: "clients" }));
  empty("versions", list($("#versions .versions"), groups, ({ version }) => version, make, (line, group) => {
    $("meter", line).value = group.number / whole;
    text($(".what .number", line), `${count(group.number)}, ${percent(group.number / whole)}`);
    list($(".clients", line), group.clients.slice(0, 8), ({ client }) => client,
      ({ client }) => element("li", {}, element("span", {}, client || "unnamed"), element("span", { class: "quiet" })),
      (item, one) => text(item.lastChild, `${count(one.count)}, last ${moment(one.last_at)}`));
  }));
}

export function showChanges({ changes }) {
  const make = (change) => element("li", {}, element("span", { class: "main" },
    element("span", {}, element("strong", {}, change.name), ` ${change.action}`),
    element("code", { title: change.target }, short(change.target)),
    element("span", { class: "quiet" }, moment(change.at))));
  empty("changes", list($("#changes .changes"), changes, ({ at, target }) => `${at} ${target}`, make));
}

// --- what all share -----------------------------------------------------------

function badge(name, number) {
  text($(`[data-count=${name}]`), number ? count(number) : "");
}

// Tell what an action did, to whoever looks and to whoever listens.
export function say(words, failed = false) {
  const said = $("#said");
  text(said, words);
  said.className = failed ? "toast failed" : "toast";
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.className = "unseen"; }, 6_000);
}
