// Numbers and times for people.

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];

const digits = (value) => value === 0 ? 0 : value < 10 ? 1 : 0;

export function count(value) {
  return value < 100_000 ? whole.format(value) : compact.format(value);
}

export function decimal(value) {
  if (value >= 1_000) return count(value);
  return value.toFixed(value === 0 ? 0 : value < 0.1 ? 2 : value < 100 ? 1 : 0);
}

export function milliseconds(value) {
  if (value === null) return "–";
  if (value >= 1_000) return `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} s`;
  return `${value.toFixed(value > 0 && value < 1 ? 2 : digits(value))} ms`;
}

export function percent(share) {
  if (share === null) return "–";
  const value = share * 100;
  return `${value.toFixed(value > 0 && value < 9.95 ? 1 : 0)} %`;
}

export function bytes(value) {
  if (value < 1_000) return `${value.toFixed(0)} B`;
  return value < 1_000_000 ? `${(value / 1_000).toFixed(1)} kB` : `${(value / 1_000_000).toFixed(1)} MB`;
}

// The two largest units: "2 min 5 s".
export function duration(seconds) {
  let rest = Math.round(seconds);
  const parts = [];
  for (const [unit, size] of UNITS) {
    const number = Math.floor(rest / size);
    rest -= number * size;
    if (number || (unit === "s" && !parts.length)) parts.push(`${number} ${unit}`);
    else if (parts.length) break;
  }
  return parts.slice(0, 2).join(" ");
}

export function rate({ limit, window_seconds, smooth }) {
  const names = { 1: "second", 60: "minute", 3600: "hour", 86400: "day" };
  const period = names[window_seconds] ?? `${window_seconds} s`;
  return `${whole.format(limit)} / ${period}${smooth ? ", smooth" : ""}`;
}

export function clock(epoch, seconds = false) {
  return new Date(epoch * 1_000).toLocaleTimeString("en-GB", {
    hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}),
  });
}

export function moment(epoch) {
  const day = new Date(epoch * 1_000).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return `${day}, ${clock(epoch, true)}`;
}
