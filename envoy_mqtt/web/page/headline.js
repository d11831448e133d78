// The one thing to know from across the room: does the house feed the grid or draw from it, and how much.

import { at, mark, say } from "./dom.js";
import { clock, known, money, power, watts, word } from "./format.js";

// Batteries keep the grid's power near zero and never at it; within this nobody would call it either.
const BALANCED_W = 20;

// A direction is told to a screen reader once it has stayed for so long.
const SURE_MS = 8000;

const VERBS = {
  export: "Feeding the grid",
  import: "Drawing from the grid",
  balance: "In balance with the grid",
  production: "The sun gives",
  consumption: "The house uses",
  stale: "No fresh reading",
  unknown: "Power unknown",
};

function state({ watts: now, fresh }) {
  if (!fresh) return ["stale", null];
  if (known(now.net)) {
    const size = Math.abs(now.net);
    return [size < BALANCED_W ? "balance" : now.net < 0 ? "export" : "import", size];
  }
  const other = ["production", "consumption"].find((meter) => known(now[meter]));
  return other ? [other, now[other]] : ["unknown", null];
}

export function show(reading) {
  const [name, size] = state(reading);
  const { value, unit } = power(size);
  mark(document.body, "data-now", name);
  say(at("verb"), VERBS[name]);
  say(at("big"), value);
  say(at("big-unit"), unit && `\u00a0${unit}`);
  const more = [sentence(reading, name), without(reading.missing)].filter(Boolean).join(" ");
  say(at("sentence"), more);
  say(at("flow-title"), `${VERBS[name]}${known(size) ? ` ${watts(size)}` : ""}. ${more}`);
  document.title = known(size) && name !== "balance" ? `${value} ${unit} · ${VERBS[name]}` : `${VERBS[name]} · Envoy`;
  announce(name, size);
}

function sentence(reading, name) {
  const { production, consumption, storage } = reading.watts;
  if (name === "stale") return reading.time ? `The last one came at ${clock(reading.time, true)}.` : "";
  const told = [];
  if (known(production) && name !== "production") told.push(ofSun(production));
  if (known(consumption) && name !== "consumption") told.push(`the house uses ${watts(consumption)}`);
  if (known(storage) && Math.abs(storage) >= BALANCED_W) {
    told.push(`the battery ${storage < 0 ? "takes" : "gives"} ${watts(Math.abs(storage))}`);
  }
  if (!told.length) return "";
  const last = told.pop();
  const text = told.length ? `${told.join(", ")} and ${last}.` : `${last}.`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// A total of fewer gateways looks as good as one of all.
const without = (missing) => (missing.length ? `Without ${missing.map((each) => `…${each.slice(-5)}`).join(", ")}.` : "");

const ofSun = (production) => (production < 5 ? "the sun gives nothing" : `the sun gives ${watts(production)}`);

export function showRate(tariff) {
  at("rate").hidden = !tariff || !known(tariff.cost_per_hour);
  if (at("rate").hidden) return;
  const { cost_per_hour: cost, currency, import_period: period } = tariff;
  const what = cost < 0 ? "Earning" : "Costing";
  const much = Math.abs(cost) < 0.005 ? "Costing nothing" : `${what} ${money(Math.abs(cost), currency)} an hour`;
  say(at("rate"), `${much} · ${word(period)}`);
}

let told = { name: "", since: 0, said: "" };
function announce(name, size) {
  const now = performance.now();
  if (told.name !== name) told = { ...told, name, since: now };
  if (told.said === name || now - told.since < SURE_MS) return;
  told.said = name;
  say(at("said"), known(size) ? `${VERBS[name]}, ${watts(size)}` : VERBS[name]);
}
