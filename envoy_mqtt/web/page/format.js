// Numbers, money and time as people read them. `null` is what nobody knows: a dash.

export const UNKNOWN = "–";
const LOCALE = navigator.language || "en";
const formats = new Map();

function digits(value, decimals) {
  if (!formats.has(decimals)) {
    const both = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(decimals, new Intl.NumberFormat(LOCALE, both));
  }
  // No "−0.0", and a minus as long as a plus.
  const rounded = Number(value.toFixed(decimals)) || 0;
  return formats.get(decimals).format(rounded).replace("-", "−");
}

export const known = (value) => typeof value === "number" && Number.isFinite(value);

export function number(value, decimals = 0) {
  return known(value) ? digits(value, decimals) : UNKNOWN;
}

// Three digits that count: 840 W, 2.34 kW, 12.4 kW, 124 kW.
export function power(watts) {
  if (!known(watts)) return { value: UNKNOWN, unit: "" };
  const size = Math.abs(watts);
  if (size < 999.5) return { value: digits(watts, 0), unit: "W" };
  return { value: digits(watts / 1000, size < 9995 ? 2 : size < 99950 ? 1 : 0), unit: "kW" };
}

// A no-break space keeps number and unit on one line.
export function watts(value) {
  const { value: text, unit } = power(value);
  return unit ? `${text}\u00a0${unit}` : text;
}

export function energy(kwh) {
  if (!known(kwh)) return UNKNOWN;
  const size = Math.abs(kwh);
  return digits(kwh, size < 9.995 ? 2 : size < 999.95 ? 1 : 0);
}

export function money(amount, currency, decimals = 2) {
  if (!known(amount)) return UNKNOWN;
  const rounded = Number(amount.toFixed(decimals)) || 0;
  const style = { style: "currency", currency, currencyDisplay: "narrowSymbol" };
  const both = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  try {
    return new Intl.NumberFormat(LOCALE, { ...style, ...both }).format(rounded).replace("-", "−");
  } catch {
    return `${digits(amount, decimals)}\u00a0${currency}`;
  }
}

// A price per kWh with as many digits as it needs: 0.25, 0.2485.
export function price(amount, currency) {
  if (!known(amount)) return UNKNOWN;
  const decimals = [2, 3].find((n) => Math.abs(amount - Number(amount.toFixed(n))) < 5e-6) || 4;
  return money(amount, currency, decimals);
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const clocks = {
  minutes: new Intl.DateTimeFormat(LOCALE, CLOCK),
  seconds: new Intl.DateTimeFormat(LOCALE, { ...CLOCK, second: "2-digit" }),
  day: new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" }),
  date: new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" }),
};

export const clock = (unix, seconds = false) =>
  clocks[seconds ? "seconds" : "minutes"].format(unix * 1000);

export const date = (iso) => clocks.date.format(new Date(iso));

export const day = (iso) => clocks.day.format(new Date(iso));

// "14:02" today, "20 Nov 14:02" on other days.
export function since(iso) {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return UNKNOWN;
  const today = then.toDateString() === new Date().toDateString();
  return `${today ? "" : `${clocks.day.format(then)} `}${clocks.minutes.format(then)}`;
}

export function duration(seconds) {
  if (!known(seconds)) return UNKNOWN;
  if (seconds < 120) return `${digits(seconds, 0)} s`;
  if (seconds < 7200) return `${digits(seconds / 60, 0)} min`;
  if (seconds < 172800) return `${digits(seconds / 3600, 0)} h`;
  return `${digits(seconds / 86400, 0)} days`;
}

// A configured name as a word: "peak_winter" is "Peak winter".
export function word(name) {
  const text = String(name ?? UNKNOWN).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
