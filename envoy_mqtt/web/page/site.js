// What the bridge has said, gateway by gateway, and the power of one of them or of all together.

import { known } from "./format.js";

export const METERS = ["production", "net", "consumption", "storage"];
export const ALL = "all";

export function kept() {
  return { gateways: {}, health: null };
}

export function gateway(site, serial) {
  return (site.gateways[serial] ??= {});
}

// An event's data without the serial it is labelled with.
export function hear(site, name, data) {
  if (name === "health") {
    site.health = data;
    for (const serial of Object.keys(data.gateways)) gateway(site, serial);
    return;
  }
  const { serial, ...payload } = data;
  gateway(site, serial)[name] = name === "availability" ? payload.availability : payload;
}

export const serials = (site) => Object.keys(site.gateways).sort();

export const problems = (site, serial) =>
  (site.health?.problems ?? []).filter(
    (each) => serial === ALL || each.serial === null || each.serial === serial,
  );

export const fresh = (site, serial) =>
  Boolean(site.gateways[serial]?.live) && site.gateways[serial].availability === "online";

function sum(values) {
  const numbers = values.filter(known);
  return numbers.length ? numbers.reduce((a, b) => a + b, 0) : null;
}

// The meters' powers in W: only the keys this layout has, `null` for what is not known.
function powers(live) {
  const found = METERS.filter((meter) => `${meter}_power` in live);
  return Object.fromEntries(found.map((meter) => [meter, live[`${meter}_power`]]));
}

function together(parts) {
  const meters = METERS.filter((meter) => parts.some((part) => meter in part));
  return Object.fromEntries(meters.map((meter) => [meter, sum(parts.map((part) => part[meter]))]));
}

// One reading as the page shows it. `missing` are the gateways that a total has to do without.
export function now(site, serial) {
  const chosen = serial === ALL ? serials(site) : [serial];
  const lively = chosen.filter((each) => site.gateways[each]?.live);
  const good = lively.filter((each) => fresh(site, each));
  const lives = (good.length ? good : lively).map((each) => site.gateways[each].live);
  return {
    watts: together(lives.map(powers)),
    charge: serial === ALL ? null : lives[0]?.storage_state_of_charge ?? null,
    time: lives.length ? Math.max(...lives.map((live) => live.time)) : null,
    fresh: good.length > 0,
    missing: good.length ? chosen.filter((each) => !good.includes(each)) : [],
    any: lively.length > 0,
  };
}

const TODAY = {
  production: "production_energy_today",
  consumption: "consumption_energy_today",
  imported: "grid_import_energy_today",
  exported: "grid_export_energy_today",
  discharged: "storage_discharged_energy_today",
  charged: "storage_charged_energy_today",
};

// Today's sums in kWh; keys that no gateway has are left out.
export function today(site, serial) {
  const chosen = serial === ALL ? serials(site) : [serial];
  const tables = chosen.map((each) => site.gateways[each]?.energy).filter(Boolean);
  const found = Object.entries(TODAY).filter(([, key]) => tables.some((table) => key in table));
  const sums = Object.fromEntries(found.map(([name, key]) => [name, sum(tables.map((table) => table[key]))]));
  const { consumption, imported } = sums;
  const own = tables.length === 1 ? tables[0].self_sufficiency_today : share(consumption, imported);
  return { ...sums, sufficiency: own ?? null, any: tables.length > 0 };
}

function share(consumption, imported) {
  if (!known(consumption) || !known(imported) || consumption < 0.01) return null;
  return Math.min(100, Math.max(0, 100 * (1 - imported / consumption)));
}
