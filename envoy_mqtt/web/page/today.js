// Today in two bars of one scale: where the sun's energy went, and where the house's came from.

import { at, make, put } from "./dom.js";
import { energy, known, number } from "./format.js";

export function show(day) {
  const key = Object.fromEntries(Object.entries(day).map(([name, value]) => [name, known(value) ? value.toFixed(3) : value]));
  put(at("today-body"), key, () => (day.any ? parts(day) : [make("p", { class: "calm" }, "The first sums are on their way.")]));
}

function parts(day) {
  const most = Math.max(day.production ?? 0, day.consumption ?? 0, 0.001);
  return [
    sufficiency(day.sufficiency),
    bar("Produced", day.production, most, [
      ["used", "Used or stored", rest(day.production, day.exported)],
      ["export", "To the grid", day.exported],
    ]),
    bar("Consumed", day.consumption, most, [
      ["used", "Own energy", rest(day.consumption, day.imported)],
      ["import", "From the grid", day.imported],
    ]),
    figures([
      ["imported", "Imported", day.imported],
      ["exported", "Exported", day.exported],
      ["charged", "Charged", day.charged],
      ["discharged", "Discharged", day.discharged],
    ]),
  ].filter(Boolean);
}

const rest = (whole, part) => (known(whole) && known(part) ? Math.max(0, whole - part) : null);

function sufficiency(percent) {
  if (!known(percent)) return null;
  const figure = make("span", { class: "figure" }, number(percent), make("small", {}, "\u00a0%"));
  return make("p", { class: "sufficiency", "data-of": "sufficiency" }, figure, make("span", {}, "self-sufficient"));
}

function bar(name, whole, most, pieces) {
  if (whole === undefined) return null;
  const known_ones = pieces.filter(([, , kwh]) => known(kwh) && kwh > 0);
  const strip = make("div", { class: "strip", "aria-hidden": "true" });
  for (const [of, , kwh] of known_ones.length ? known_ones : [["used", "", whole ?? 0]]) {
    const piece = make("i", { "data-of": of });
    piece.style.width = `${Math.min(100, (100 * kwh) / most)}%`;
    strip.append(piece);
  }
  const head = make("p", { class: "row", "data-of": name.toLowerCase() }, make("span", {}, name), kwh(whole));
  return make("div", { class: "bar-of" }, head, strip);
}

const kwh = (value) => make("b", {}, energy(value), make("small", {}, "\u00a0kWh"));

function figures(rows) {
  const there = rows.filter(([, , value]) => value !== undefined);
  const items = there.map(([of, name, value]) =>
    make("div", { "data-of": of }, make("dt", {}, make("i", { "aria-hidden": "true" }), name), make("dd", {}, kwh(value))),
  );
  return make("dl", { class: "figures" }, ...items);
}
