// How things are: the pill on top, what is wrong in plain words, and the line of health at the bottom.

import { at, make, mark, put, say } from "./dom.js";
import { date, duration, known, number, since, word } from "./format.js";
import { ALL, fresh, problems, serials } from "./site.js";
import { fact } from "./tariff.js";

export function pill(link, reading, age_s) {
  const [state, text] = standing(link, reading, age_s);
  mark(at("pulse"), "data-state", state);
  say(at("pulse-text"), text);
}

function standing(link, reading, age_s) {
  if (link === "opening") return ["wait", "Connecting"];
  if (link === "lost") return ["bad", "No bridge"];
  if (!reading.any) return ["wait", "No readings yet"];
  if (!reading.fresh) return ["bad", "Not fresh"];
  if (reading.missing.length) return ["warn", `${reading.missing.length} silent`];
  return ["good", age_s < 4 ? "Live" : `${duration(Math.round(age_s))} ago`];
}

export function showProblems(site, serial) {
  const told = problems(site, serial);
  at("problems").hidden = !told.length;
  put(at("problems"), told, () => told.map(problem));
}

export function problem({ code, text, remedy, since: began, serial }) {
  const meta = [serial, `since ${since(began)}`].filter(Boolean).join(" · ");
  return make("article", { class: "problem", "data-code": code },
    make("h2", {}, text), make("p", {}, remedy), make("p", { class: "note" }, meta));
}

export function show(site, serial, doctor) {
  const health = site.health;
  if (!health) return;
  const chosen = (serial === ALL ? serials(site) : [serial]).filter((each) => health.gateways[each]);
  const facts = [...chosen.flatMap((each) => ofGateway(site, each, chosen.length > 1, doctor)), ofBroker(health), ofBridge(health)];
  put(at("health-body"), facts, () => facts.map((each) => fact(...each)));
}

function ofGateway(site, serial, several, doctor) {
  const table = site.health.gateways[serial];
  const about = site.gateways[serial]?.gateway ?? {};
  const name = several ? `…${serial.slice(-5)}` : "";
  const found = [["readings", named("Readings", name), freshness(site, serial, table, doctor), pace(table)]];
  if (several) return found;
  return [...found, ["source", "Source", word(table.source ?? "none yet"), table.source_reason ?? ""],
    ["token", "Token", token(table), tokenNote(table, about)],
    ["gateway", "Gateway", about.firmware ?? "unknown", [serial, about.address].filter(Boolean).join(" · ")]];
}

const named = (what, name) => (name ? `${what} ${name}` : what);

function freshness(site, serial, table, doctor) {
  if (table.fresh && fresh(site, serial)) {
    const began = doctor?.availability_since?.[serial];
    return began ? `Fresh since ${since(began)}` : "Fresh";
  }
  const began = site.health.problems.find((each) => each.serial === serial)?.since;
  return began ? `None since ${since(began)}` : "None";
}

function pace({ fresh: good, rate_hz, age_s, stalls, bursts }) {
  if (!good) return known(age_s) ? `newest ${duration(Math.round(age_s))} old` : "";
  const told = [rate_hz >= 0.5 && `${number(rate_hz, 1)} a second`, `newest ${age_s < 1 ? "less than 1 s" : duration(Math.round(age_s))} old`];
  if (bursts) told.push(`${number(bursts)} bursts`);
  if (stalls) told.push(`${number(stalls)} stalls`);
  return told.filter(Boolean).join(", ");
}

function token({ token_days_left: left, token_role }) {
  if (!known(left)) return token_role ? "Has no end" : "None";
  if (left < 0) return "Ended";
  return left < 2 ? `Ends in ${number(left * 24)} h` : `Ends in ${number(Math.floor(left))} days`;
}

function tokenNote({ token_role }, { token_expires }) {
  return [token_expires ? date(token_expires) : "", token_role && `${token_role}’s token`].filter(Boolean).join(", ");
}

function ofBroker({ broker }) {
  const { p50 } = broker.latency_ms;
  const told = [`${number(broker.messages)} messages`];
  if (known(p50)) told.push(`${number(p50, 1)} ms to deliver`);
  if (known(broker.journal_depth)) told.push(`${number(broker.journal_depth)} in the journal`);
  const protocol = broker.protocol ? `, MQTT ${broker.protocol}` : "";
  return ["broker", "Broker", broker.connected ? `Connected${protocol}` : "Not connected", told.join(", ")];
}

function ofBridge({ version, uptime_s, memory_mib }) {
  return ["bridge", "Bridge", `Up for ${uptime_s < 90 ? "a minute" : duration(Math.floor(uptime_s / 60) * 60)}`, `version ${version}, ${number(memory_mib)} MiB`];
}
