// The page: hears the bridge, keeps what it said, and shows one gateway or all of them together.
//
//   feed ──► site, history ──► what is to be seen, at most once a frame
//
// Nothing here changes anything at the bridge, and every address is relative: it works behind any prefix.

import * as charts from "./chart.js";
import { at, make, mark, say } from "./dom.js";
import { fetched, follow } from "./feed.js";
import * as flows from "./flow.js";
import { clock } from "./format.js";
import * as headline from "./headline.js";
import * as health from "./health.js";
import * as history from "./history.js";
import * as phases from "./phases.js";
import * as setup from "./setup.js";
import * as site from "./site.js";
import * as tariffs from "./tariff.js";
import * as todays from "./today.js";

const ABOUT_EVERY_MS = 60000;
const DOCTOR_EVERY_MS = 10000;
const PRICES_EVERY_MS = 300000;

const page = {
  link: "opening", chosen: location.hash.slice(1), said: site.kept(), past: {},
  doctor: null, prices: {}, due: false,
  ahead_s: Date.now() / 1000 - performance.now() / 1000, // the bridge's clock; a tablet's own may be wrong
};

const flow = flows.flow(at("flow"));
const chart = charts.chart(rows, want);

function hear(name, data) {
  const before = page.said.gateways[data.serial]?.availability;
  site.hear(page.said, name, data);
  if (name === "health") page.ahead_s = data.time - performance.now() / 1000;
  if (name === "live") {
    history.add(past(data.serial), data);
  }
  if (name === "tariff" && !(data.serial in page.prices)) ask(data.serial);
  if (name === "availability" && before !== data.availability) {
    learn();
    examine();
  }
  later();
}

function past(serial) {
  return (page.past[serial] ??= history.empty());
}

function linked(lost) {
  page.link = lost ? "lost" : "there";
  mark(document.body, "data-link", page.link);
  at("lost").classList.toggle("shown", lost);
  say(at("lost"), lost ? `The bridge has not been heard since ${clock(Date.now() / 1000, true)}. Trying again …` : "");
  if (!lost) {
    learn();
    examine();
    for (const each of Object.values(page.past)) each.asked_s = 0;
    want(chart.now - (chart.end ?? chart.now) + chart.span + 5);
  }
  later();
}

// What is no event: addresses, firmware and ends of tokens, and the doctor's and the tariff's tables.
async function learn() {
  const state = await fetched("api/state");
  for (const [serial, topics] of Object.entries(state?.gateways ?? {})) {
    const { gateway, ...rest } = topics;
    const known = site.gateway(page.said, serial);
    Object.assign(known, { ...rest, ...known, gateway: gateway ?? known.gateway });
  }
  later();
}

async function examine() {
  if (page.link !== "there") return;
  const told = await fetched("api/doctor");
  if (!told) return;
  page.doctor = told;
  later();
}

async function ask(serial) {
  page.prices[serial] ??= null; // asked for; what is known of before stays on the chart meanwhile
  page.prices[serial] = await fetched(`api/prices?serial=${encodeURIComponent(serial)}`);
  later();
}

// The chart looks so far back: fetch what is not here yet.
async function want(seconds) {
  const chosen = shownSerials();
  const asked = chosen.filter((serial) => past(serial).asked_s < seconds - 5);
  if (!asked.length) return;
  const wide = seconds > 3700 ? 86400 : 3700;
  await Promise.all(asked.map((serial) => history.fill(past(serial), serial, wide)));
  charts.redraw(chart);
}

function shownSerials() {
  return page.chosen === site.ALL ? site.serials(page.said) : [page.chosen].filter(Boolean);
}

function rows(meters, from) {
  const pasts = shownSerials().map(past).filter((each) => each.time.length);
  const one = pasts.length > 1 ? history.total(pasts, from) : pasts[0] ?? history.empty();
  return history.rows(one, meters, from);
}

function later() {
  if (page.due) return;
  page.due = true;
  // A tab nobody looks at has no frames; it is drawn when somebody does.
  requestAnimationFrame(() => {
    page.due = false;
    show();
  });
}

function show() {
  choose();
  const { said, chosen } = page;
  const reading = { ...site.now(said, chosen) };
  reading.fresh &&= page.link !== "lost";
  const view = !said.health ? "opening" : reading.any ? "house" : "setup";
  mark(document.body, "data-view", view);
  at("setup").hidden = view !== "setup";
  at("house").hidden = view === "setup";
  at("health").hidden = view !== "house";
  health.pill(page.link, reading, bridgeNow() - reading.time);
  if (view === "setup") setup.show(said, chosen, page.doctor);
  if (view !== "setup") health.showProblems(said, chosen);
  else at("problems").hidden = true;
  if (view === "house") showHouse(reading);
  if (said.health) health.show(said, chosen, page.doctor);
}

function showHouse(reading) {
  const { said, chosen } = page;
  const tariff = chosen === site.ALL ? null : said.gateways[chosen]?.tariff;
  headline.show(reading);
  headline.showRate(reading.fresh ? tariff : null);
  flows.show(flow, reading);
  charts.curves(chart, Object.keys(reading.watts));
  charts.advance(chart, Math.max(bridgeNow() - 1, reading.time ?? 0), reading.fresh ? reading.watts : {});
  charts.priced(chart, page.prices[chosen]);
  todays.show(site.today(said, chosen));
  tariffs.show(tariff);
  phases.show(chosen === site.ALL ? null : said.gateways[chosen]?.live);
}

const bridgeNow = () => page.ahead_s + performance.now() / 1000;

function choose() {
  const there = site.serials(page.said);
  const tabs = there.length > 1 ? [site.ALL, ...there] : there;
  if (!tabs.includes(page.chosen)) page.chosen = tabs[0] ?? "";
  at("tabs").hidden = there.length < 2;
  if (at("tabs").dataset.of !== tabs.join()) {
    at("tabs").dataset.of = tabs.join();
    at("tabs").replaceChildren(...tabs.map(tab));
    want(chart.span);
  }
  for (const each of at("tabs").children) {
    const mine = each.dataset.serial === page.chosen;
    mark(each, "aria-selected", mine);
    mark(each, "tabindex", mine ? 0 : -1);
    const good = each.dataset.serial === site.ALL || site.fresh(page.said, each.dataset.serial);
    mark(each, "data-fresh", good);
  }
}

function tab(serial) {
  const name = serial === site.ALL ? "All" : `…${serial.slice(-5)}`;
  const node = make("button", { type: "button", role: "tab", "aria-controls": "main", "data-serial": serial, title: serial === site.ALL ? "All gateways" : `Gateway ${serial}` }, name);
  node.addEventListener("click", () => select(serial));
  return node;
}

function select(serial) {
  page.chosen = serial;
  window.history.replaceState(null, "", `#${serial}`);
  show();
  want(chart.span);
  charts.redraw(chart);
}

at("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const all = [...at("tabs").children];
  const next = all.at((all.indexOf(document.activeElement) + step) % all.length);
  next.focus();
  select(next.dataset.serial);
});

mark(document.body, "data-link", "opening");
follow(hear, linked);
setInterval(later, 1000); // the clock goes on while the bridge is silent
setInterval(learn, ABOUT_EVERY_MS);
setInterval(examine, DOCTOR_EVERY_MS);
setInterval(() => Object.keys(page.prices).forEach(ask), PRICES_EVERY_MS);
learn();
