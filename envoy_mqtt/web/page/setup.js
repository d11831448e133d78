// The first visit: what is there already, what is missing, and what to do about it, in the order in which
// one sets a bridge up. Each step is what the bridge itself says of it (`bridge/health`, `doctor`).

import { at, make, put, say } from "./dom.js";
import { word } from "./format.js";
import { ALL, problems, serials } from "./site.js";

const BROKER = `[mqtt]
host = "192.168.1.10"
username = "envoy"
password = "…"`;
const GATEWAY = `[gateway]
host = "192.168.1.20"   # its address on your network`;
const TOKEN = `[gateway.account]       # the bridge fetches and renews its own tokens
username = "you@example.org"
password = "…"

# or, in place of the account:
[gateway]
token_file = "/path/to/token"`;

// In Home Assistant's app there is a form and no file: what its fields are called in English.
const FIELDS = {
  broker: "A broker of your own is “Broker address” in this app’s configuration.",
  gateway: "It is “Gateway address” in this app’s configuration.",
  token: "It is “Enphase account” and “Enphase password” in this app’s configuration, or “Token”.",
};

const STEPS = [
  { of: "bridge", name: "The bridge runs", codes: ["configuration", "disk", "clock", "web_port"] },
  { of: "broker", name: "The broker takes its messages", codes: ["broker_"], example: BROKER },
  {
    of: "gateway",
    name: "The gateway is found",
    codes: ["gateway_unreachable", "gateway_other_serial", "certificate_changed"],
    example: GATEWAY,
    help: ["envoy-mqtt discover", "lists the gateways on this network, with what to write into the configuration."],
  },
  {
    of: "token",
    name: "The gateway lets the bridge in",
    codes: ["token_", "account_", "gateway_refused", "cloud_unavailable", "login_limit"],
    example: TOKEN,
  },
  { of: "readings", name: "Readings arrive", codes: ["gateway_silent", "gateway_frozen", "gateway_bad_data", "meter_layout"] },
];

export function show(site, serial, doctor) {
  const told = problems(site, serial);
  const found = serial === ALL ? serials(site) : [serial];
  const steps = standing(told, site.health);
  const bad = steps.filter((step) => step.state === "bad");
  say(at("setup-title"), bad.length ? "Let’s get your readings" : "Almost there");
  say(at("setup-lead"), lead(bad));
  at("setup-more").hidden = Boolean(doctor?.configured?.app);
  const facts = {
    version: site.health?.version,
    protocol: site.health?.broker.protocol,
    gateways: found.map((each) => about(each, doctor)),
    configured: doctor?.configured ?? {},
  };
  put(at("steps"), [steps, facts], () => steps.map((step) => item(step, facts)));
}

function lead(bad) {
  if (!bad.length) return "Everything is set up. The first reading comes within seconds.";
  const first = `Step ${bad[0].number} needs you.`;
  return `${first} The bridge keeps trying, and this page goes on by itself as soon as it works.`;
}

const fits = (code, codes) => codes.some((each) => code === each || (each.endsWith("_") && code.startsWith(each)));

// A step with a problem is bad; behind a gateway that is not found, or not entered, nobody knows more.
function standing(told, health) {
  let blocked = false;
  return STEPS.map((step, n) => {
    const found = told.filter(({ code }) => fits(code, step.codes));
    const waits = step.of === "readings" && !found.length;
    const state = found.length ? "bad" : blocked || waits || !health ? "wait" : "good";
    if (found.length && ["gateway", "token"].includes(step.of)) blocked = true;
    const silent = found.every(({ code }) => code === "gateway_silent");
    return { ...step, number: n + 1, found, state: state === "bad" && silent ? "wait" : state };
  });
}

function about(serial, doctor) {
  const table = doctor?.gateways?.[serial];
  const { address, firmware } = table?.gateway ?? {};
  return { serial, address, firmware, role: table?.health?.token_role };
}

const SAID = {
  bridge: ({ version, configured: { file, app } }) =>
    [version && `Version ${version}.`, file && `Its configuration is ${file}.`, file === null && !app && NO_FILE]
      .filter(Boolean)
      .join(" "),
  broker: ({ protocol, configured: { broker } }) =>
    `Connected${broker ? ` to ${broker.host}, port ${broker.port}` : ""}${protocol ? `, MQTT ${protocol}` : ""}.`,
  gateway: ({ gateways }) => gateways.filter((each) => each.serial).map(whose).join(" "),
  token: ({ gateways }) => gateways.filter((each) => each.role).map((each) => `${word(each.role)}’s token.`).join(" "),
  readings: () => "The first one has not come yet.",
};

const NO_FILE = "There is no configuration file yet; it is looked for as config.toml.";

// What the configuration says of a step that does not work.
const GIVEN = {
  broker: ({ broker }) => (broker ? `It is looked for at ${broker.host}, port ${broker.port}.` : ""),
  gateway: ({ gateways }) =>
    gateways?.length ? `It is looked for at ${gateways.map(({ host }) => host).join(", ")}.` : "",
  token: ({ gateways }) => {
    const used = new Set(gateways?.map(({ access }) => access).filter(Boolean));
    return used.size ? `It is given ${[...used].map((key) => `gateway.${key}`).join(", ")}.` : "";
  },
};

const whose = ({ serial, address, firmware }) =>
  `${[serial, address && `at ${address}`, firmware && `firmware ${firmware}`].filter(Boolean).join(", ")}.`;

// A problem says what, then after a colon why. Why there is no token is what its remedy says.
function trouble(code, text, remedy) {
  const [what, ...why] = text.replace(/\.$/, "").split(": ");
  const cause = why.length && code !== "token_missing" ? make("p", { class: "note" }, `${why.join(": ")}.`) : null;
  return make("div", { class: "trouble", "data-code": code }, make("p", {}, make("strong", {}, `${what}.`)), cause, make("p", {}, remedy));
}

function item(step, facts) {
  const { found, state } = step;
  const parts = found.map(({ code, text, remedy }) =>
    trouble(code, text, remedy),
  );
  if (!found.length && state !== "wait") parts.push(make("p", {}, SAID[step.of](facts)));
  if (!found.length && state === "wait") parts.push(make("p", {}, step.of === "readings" ? SAID.readings() : "Once the step before it works."));
  const given = found.length ? GIVEN[step.of]?.(facts.configured) : "";
  if (given) parts.push(make("p", {}, given));
  if (state === "bad" && facts.configured.app) return row(step, [...parts, ...fields(step)]);
  if (state === "bad" && step.help) parts.push(make("p", {}, make("code", {}, step.help[0]), ` ${step.help[1]}`));
  if (state === "bad" && step.example) parts.push(make("pre", { tabindex: 0, "aria-label": "Example" }, make("code", {}, step.example)));
  return row(step, parts);
}

const fields = (step) => (FIELDS[step.of] ? [make("p", {}, FIELDS[step.of])] : []);

function row({ of, name, state }, parts) {
  const states = { good: "Done", bad: "To do", wait: "Waiting" };
  const sign = make("span", { class: "sign" }, make("span", { class: "unseen" }, `${states[state]}: `));
  return make("li", { "data-state": state, "data-of": of }, sign, make("h2", {}, name), ...parts);
}
