// What a kilowatt-hour costs now, and what the day and the bill come to.

import { at, make, put } from "./dom.js";
import { day, known, money, price, word } from "./format.js";

export function show(tariff) {
  at("tariff").hidden = !tariff;
  if (!tariff) return;
  const { time, timestamp, cost_per_hour, ...lasting } = tariff;
  put(at("tariff-body"), lasting, () => facts(tariff).map(([of, name, value, note]) => fact(of, name, value, note)));
}

export function fact(of, name, value, note) {
  return make("div", { class: "fact", "data-of": of }, make("h3", {}, name), make("p", { class: "value" }, value),
    note ? make("p", { class: "note" }, note) : null);
}

function facts(tariff) {
  const { currency } = tariff;
  const sum = (amount) => money(amount, currency);
  const sells = "export_price" in tariff;
  const found = [["price", word(tariff.import_period), `${price(tariff.import_price, currency)} / kWh`, next(tariff)]];
  if (sells) {
    found.push(["feed-in", "Fed in", `${price(tariff.export_price, currency)} / kWh`, word(tariff.export_period)]);
  }
  found.push(["today", "Today", due(balance(tariff, "today"), sum, "spent", "earned"), parts(tariff, "today", sells, sum)]);
  if (known(tariff.saved_today)) found.push(["saved", "Saved today", sum(tariff.saved_today), "by energy of one’s own"]);
  found.push(["bill", "Bill so far", due(balance(tariff, "bill"), sum, "to pay", "to get"), billed(tariff, sells, sum)]);
  return found.filter(([of]) => of === "price" || of === "feed-in" || "import_cost_today" in tariff);
}

// Cost less revenue; unknown where the cost is.
function balance(tariff, when) {
  const cost = tariff[`import_cost_${when}`];
  return known(cost) ? cost - (tariff[`export_revenue_${when}`] ?? 0) : null;
}

// Which way money goes is said in a word, not by a sign.
function due(amount, sum, out, back) {
  return known(amount) ? `${sum(Math.abs(amount))} ${amount < -0.005 ? back : out}` : sum(amount);
}

function parts(tariff, when, sells, sum) {
  const cost = `${sum(tariff[`import_cost_${when}`])} ${when === "bill" ? "charged" : "bought"}`;
  return sells ? `${cost}, ${sum(tariff[`export_revenue_${when}`])} earned` : cost;
}

function billed(tariff, sells, sum) {
  const begun = tariff.bill_started ? `since ${day(`${tariff.bill_started.slice(0, 10)}T12:00:00`)}` : "";
  return [parts(tariff, "bill", sells, sum), begun].filter(Boolean).join(", ");
}

// The time is the site's own: as the bridge wrote it, not as this screen's zone has it.
function next({ next_change: when, next_import_period: period }) {
  const time = /T(\d\d:\d\d)/.exec(when ?? "")?.[1];
  return time ? `until ${time}, then ${word(period).toLowerCase()}` : "";
}

