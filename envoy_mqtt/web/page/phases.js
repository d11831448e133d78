// Every meter and phase as it was read, to the last digit that is published.

import { at, make, mark, put, say } from "./dom.js";
import { known, number } from "./format.js";
import { METERS } from "./site.js";

const NAMES = { production: "Solar", net: "Grid", consumption: "House", storage: "Battery" };
const COLUMNS = [
  ["power", "Power", "Power", "W", 0],
  ["voltage", "Voltage", "Volt.", "V", 1],
  ["current", "Current", "Curr.", "A", 2],
  ["power_factor", "Power factor", "PF", "", 2],
  ["frequency", "Frequency", "Freq.", "Hz", 2],
];

export function show(live) {
  at("phases").hidden = !live;
  if (!live) return;
  const meters = METERS.filter((meter) => `${meter}_power` in live);
  const phases = [1, 2, 3].filter((n) => meters.some((meter) => `${meter}_l${n}_power` in live));
  put(at("phases-body"), [meters, phases], () => [table(meters, phases)]);
  for (const cell of at("phases-body").querySelectorAll("td[data-key]")) {
    const value = live[cell.dataset.key];
    say(cell, number(value, Number(cell.dataset.decimals)));
    mark(cell, "data-value", known(value) ? value : "");
  }
}

function table(meters, phases) {
  const heads = COLUMNS.map(([, name, short, unit]) =>
    make("th", { scope: "col", "aria-label": name }, make("span", { class: "long" }, name), make("span", { class: "short" }, short), unit ? make("small", {}, unit) : null),
  );
  const caption = make("caption", { class: "unseen" }, "Each meter, phase by phase");
  const head = make("thead", {}, make("tr", {}, make("td", {}), ...heads));
  return make("div", { class: "scroll" }, make("table", {}, caption, head, ...meters.map((meter) => body(meter, phases))));
}

function body(meter, phases) {
  const whole = row(NAMES[meter], meter, "", "whole", phases.length > 0);
  return make("tbody", { "data-of": meter }, whole, ...phases.map((n) => row(`L${n}`, meter, `l${n}_`, "phase")));
}

function row(name, meter, phase, kind, several) {
  // A sum of voltages is no voltage: where there are phases the whole has none.
  const cells = COLUMNS.map(([key, , , , decimals]) =>
    several && !phase && (key === "voltage" || key === "current")
      ? make("td")
      : make("td", { "data-key": `${meter}_${phase}${key}`, "data-decimals": decimals }),
  );
  return make("tr", { class: kind }, make("th", { scope: "row" }, name), ...cells);
}
