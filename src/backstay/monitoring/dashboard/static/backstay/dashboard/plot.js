// Plots in SVG: lines, areas and stacked bars over time, with one cursor for all of them.

import { drawn, element, text } from "./dom.js";
import { clock } from "./format.js";

const HEIGHT = 132;
const INSET = { top: 8, right: 2, bottom: 20, left: 40 };
const plots = [];
let cursor = null; // The step that all plots point at.

// The next of 1, 2, 2.5, 5, 10 … above *value*.
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

export class Plot {
  // `series` are {name, label, kind: "line" | "area" | "bar"}; `unit` is what is plotted and
  // `scale` writes it; the axis begins at 0, or goes by powers of ten (`powers`), and ends at
  // `most` where that is known; `headline` gives the large number and what stands beside it.
  constructor({ title, unit, series, scale, most = null, floor = 1, powers = false, headline }) {
    Object.assign(this, { title, series, scale, most, floor, powers, headline });
    this.value = element("output", { class: "value" });
    this.aside = element("span", { class: "quiet" });
    this.svg = drawn("svg", { height: HEIGHT, role: "img", tabindex: 0 });
    this.tip = element("div", { class: "tip", hidden: "" });
    const legend = series.length > 1
      ? element("ul", { class: "legend" }, ...series.map((one) => element("li", { class: one.name }, one.label)))
      : null;
    this.element = element("figure", { class: "card plot" },
      element("figcaption", {}, element("h2", {}, title, " ", element("span", {}, unit)), legend,
        element("p", {}, this.value, " ", this.aside)),
      element("div", { class: "canvas" }, this.svg, this.tip));
    this.listen();
    plots.push(this);
  }

  listen() {
    this.svg.addEventListener("pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      this.point(Math.floor((event.clientX - box.left - INSET.left) / this.pitch));
    });
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("blur", () => this.point(null));
    this.svg.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      this.point((cursor ?? this.length) + by);
      text(document.getElementById("said"), `${this.title}: ${this.told()}`);
    });
    // At once when it gets a width, and at each new one.
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  // Move the cursor of all plots to a step.
  point(step) {
    cursor = step === null ? null : Math.max(0, Math.min(this.length - 1, step));
    for (const plot of plots) plot.mark(plot === this);
  }

  show(points, totals) {
    this.points = points;
    this.length = points[this.series[0].name].length;
    const { value, aside } = this.headline(totals);
    text(this.value, value);
    text(this.aside, aside);
    this.svg.setAttribute("aria-label",
      `${this.title}: ${value} ${aside}. The arrow keys read the values.`);
    this.draw();
  }

  get width() { return this.svg.clientWidth; }
  get pitch() { return (this.width - INSET.left - INSET.right) / this.length; }
  x(step) { return INSET.left + step * this.pitch; }

  // Where a value is: its share of the way from the bottom to the top.
  y(value) {
    const share = this.powers
      ? Math.log(Math.max(value, this.bottom) / this.bottom) / Math.log(this.top / this.bottom)
      : value / this.top;
    return INSET.top + (HEIGHT - INSET.top - INSET.bottom) * (1 - share);
  }

  draw() {
    if (!this.points || !this.width) return;
    const stacked = this.series[0].kind === "bar";
    const columns = this.series.map(({ name }) => this.points[name]);
    const tops = stacked
      ? columns[0].map((_, step) => columns.reduce((sum, values) => sum + values[step], 0))
      : columns.flat().filter((value) => value !== null);
    this.top = this.most ?? ceiling(Math.max(this.floor, ...tops));
    if (this.powers) {
      this.bottom = 10 ** Math.floor(Math.log10(Math.min(this.floor, ...tops)));
      this.top = 10 ** Math.ceil(Math.log10(Math.max(10 * this.bottom, ...tops)) - 1e-9);
    }
    this.cursorLine = drawn("line", { class: "cursor", y1: INSET.top, y2: HEIGHT - INSET.bottom });
    this.svg.replaceChildren(
      ...this.axes(), ...(stacked ? this.bars(columns) : this.lines(columns)), this.cursorLine);
    this.mark(this.svg.matches(":hover, :focus"));
  }

  axes() {
    const rules = this.marks().flatMap((value, place) => {
      const at = Math.round(this.y(value)) + 0.5;
      // Without the zeros that only align the numbers of a table.
      const words = this.scale(value).replace(/\.0+(?!\d)/, "");
      return [
        drawn("line", { class: place ? "grid" : "base", x1: INSET.left, x2: this.width, y1: at, y2: at }),
        drawn("text", { x: INSET.left - 6, y: at + 3.5, "text-anchor": "end" }, words),
      ];
    });
    const { at, step } = this.points;
    const times = [[0, "start"], [0.5, "middle"], [1, "end"]].map(([share, anchor]) => drawn("text", {
      x: this.x(share * this.length), y: HEIGHT - 5, "text-anchor": anchor,
    }, share === 1 ? "now" : clock(at + share * this.length * step)));
    return [...rules, ...times];
  }

  // The values at which a line crosses the plot, the lowest first.
  marks() {
    if (!this.powers) return [0, this.top / 2, this.top];
    const count = Math.round(Math.log10(this.top / this.bottom));
    return Array.from({ length: count + 1 }, (_, place) => this.bottom * 10 ** place);
  }

  bars(columns) {
    const base = new Array(this.length).fill(0);
    const gap = this.pitch > 3 ? 1 : 0;
    return columns.map((values, place) => {
      let path = "";
      values.forEach((value, step) => {
        if (!value) return;
        const foot = this.y(base[step]);
        base[step] += value;
        const height = Math.max(1.5, foot - this.y(base[step]));
        path += `M${this.x(step).toFixed(1)} ${foot.toFixed(1)}v${-height.toFixed(1)}h${(this.pitch - gap).toFixed(1)}v${height.toFixed(1)}z`;
      });
      return drawn("path", { class: `bar ${this.series[place].name}`, d: path });
    });
  }

  lines(columns) {
    return columns.flatMap((values, place) => {
      const { name, kind } = this.series[place];
      const runs = [];
      values.forEach((value, step) => {
        if (value === null) runs.push([]);
        else (runs.at(-1) ?? runs[runs.push([]) - 1]).push([this.x(step + 0.5), this.y(value)]);
      });
      const drawnRuns = runs.filter((run) => run.length);
      const line = (run) => `M${run.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}${run.length === 1 ? "h.1" : ""}`;
      const foot = this.y(0).toFixed(1);
      const area = (run) => `${line(run)}L${run.at(-1)[0].toFixed(1)} ${foot}L${run[0][0].toFixed(1)} ${foot}z`;
      return [
        ...(kind === "area" ? [drawn("path", { class: `area ${name}`, d: drawnRuns.map(area).join("") })] : []),
        drawn("path", { class: `line ${name}`, d: drawnRuns.map(line).join("") }),
        // A moment between silent ones: as thin as a line it would not be seen.
        drawn("path", { class: `line alone ${name}`, d: drawnRuns.filter((run) => run.length === 1).map(line).join("") }),
      ];
    });
  }

  told() {
    const values = this.series.map(({ name, label }) => {
      const value = this.points[name][cursor];
      return `${label} ${value === null ? "–" : this.scale(value)}`;
    });
    return `${clock(this.points.at + cursor * this.points.step, true)}  ${values.join("  ")}`;
  }

  mark(own) {
    if (!this.cursorLine) return;
    const shown = cursor !== null && cursor < this.length;
    this.cursorLine.classList.toggle("shown", shown);
    this.tip.hidden = !shown || !own;
    if (!shown) return;
    const x = this.x(cursor + 0.5);
    this.cursorLine.setAttribute("x1", x);
    this.cursorLine.setAttribute("x2", x);
    text(this.tip, this.told());
    this.tip.style.left = `${Math.max(0, Math.min(this.width - this.tip.offsetWidth, x - this.tip.offsetWidth / 2))}px`;
  }
}
