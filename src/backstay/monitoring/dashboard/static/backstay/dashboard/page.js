// The page asks for one document every two seconds, as long as somebody looks at it.

import { $, text } from "./dom.js";
import { showEndpoints } from "./endpoints.js";
import { count, decimal, milliseconds, percent } from "./format.js";
import { Plot } from "./plot.js";
import { say, showChanges, showFindings, showJobs, showLimits, showVersions } from "./sections.js";

// A day changes slowly, and is long to add up.
const PAUSE_MS = { "24h": 10_000 };
const USUAL_PAUSE_MS = 2_000;
const paths = document.body.dataset;
const asked = new URLSearchParams(location.search).get("window");

let shown = asked ?? "15m";
let paused = false;
let etag = null;
let timer = null;

const minute = (perSecond) => decimal(perSecond * 60);

const plots = [
  new Plot({
    title: "Throughput",
    unit: "a second",
    series: [{ name: "requests", label: "requests a second", kind: "area" }],
    scale: decimal,
    headline: (totals) => ({ value: `${decimal(totals.per_second)} /s`, aside: `${count(totals.requests)} in ${shown}` }),
  }),
  new Plot({
    title: "Latency",
    unit: "",
    powers: true,
    floor: 10,
    series: ["p99", "p95", "p50"].map((name) => ({ name, label: name, kind: "line" })),
    scale: milliseconds,
    headline: ({ p50, p95, p99 }) => ({ value: milliseconds(p95), aside: `p95, p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}` }),
  }),
  new Plot({
    title: "Errors",
    unit: "a minute",
    series: [{ name: "server_errors", label: "5xx", kind: "bar" }, { name: "client_errors", label: "4xx", kind: "bar" }],
    scale: minute,
    floor: 1 / 60,
    headline: (totals) => ({
      value: percent(totals.requests ? totals.server_errors / totals.requests : 0),
      aside: `${count(totals.server_errors)} of 5xx, ${count(totals.client_errors)} of 4xx`,
    }),
  }),
  new Plot({
    title: "Refused by limits",
    unit: "a minute",
    series: [{ name: "refused", label: "429", kind: "bar" }],
    scale: minute,
    floor: 1 / 60,
    headline: (totals) => ({
      value: percent(totals.requests ? totals.refused / totals.requests : 0),
      aside: `${count(totals.refused)} of 429`,
    }),
  }),
  new Plot({
    title: "Cache hits",
    unit: "",
    series: [{ name: "hit_share", label: "hits", kind: "area" }],
    scale: percent,
    most: 1,
    headline: (totals) => ({ value: percent(totals.hit_share), aside: "of what may be kept" }),
  }),
];
$(".plots").append(...plots.map((plot) => plot.element));

function show(report) {
  for (const plot of plots) plot.show(report.points, report.totals);
  for (const part of [showEndpoints, showFindings, showLimits, showJobs, showVersions, showChanges]) part(report);
  const notice = $("#notice");
  notice.hidden = report.complete;
  text(notice, "Redis does not answer: these are the requests of one process only.");
}

function state(name, words) {
  $("#state").dataset.state = name;
  text($("#state .words"), words);
}

async function ask() {
  const headers = etag ? { "If-None-Match": etag } : {};
  const answer = await fetch(`${paths.data}?window=${encodeURIComponent(shown)}`, { headers, cache: "no-store" });
  if (answer.status === 401 || answer.status === 403) return leave();
  if (answer.status !== 304) {
    if (!answer.ok) throw new Error(`The service answered ${answer.status}`);
    etag = answer.headers.get("ETag");
    show(await answer.json());
  }
  state("live", "Live");
}

// The session has ended: the way back is to log in.
function leave() {
  paused = true;
  state("failed", "Logged out; reload to log in");
}

let round = 0;

// Ask now and again later; a round that was overtaken by a newer one ends.
async function poll() {
  clearTimeout(timer);
  if (document.hidden || paused) return;
  round += 1;
  const own = round;
  try {
    await ask();
  } catch (error) {
    state("failed", "No answer, trying again");
  }
  if (own === round && !paused) timer = setTimeout(poll, PAUSE_MS[shown] ?? USUAL_PAUSE_MS);
}

// Change something, and see it at once; what went wrong is said.
export async function send(what, body) {
  const answer = await fetch(paths[what], {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) say(told.detail ?? `The service answered ${answer.status}`, true);
  poll();
  return answer.ok ? told : null;
}

function choose(name) {
  shown = name;
  etag = null;
  for (const button of document.querySelectorAll("[data-window]")) {
    button.setAttribute("aria-pressed", button.dataset.window === name);
  }
  history.replaceState(null, "", `?window=${encodeURIComponent(name)}${location.hash}`);
  poll();
}

for (const button of document.querySelectorAll("[data-window]")) {
  button.addEventListener("click", () => choose(button.dataset.window));
}

$("#pause").addEventListener("click", () => {
  paused = !paused;
  $("#pause").setAttribute("aria-pressed", paused);
  if (paused) state("paused", "Paused");
  else poll();
});

document.addEventListener("visibilitychange", poll);
choose($(`[data-window="${CSS.escape(shown)}"]`) ? shown : "15m");
