// The power flow: the sun, the grid and a battery around the house, each line as thick and as fast as its power.
//
//   wide      sun ─╮            narrow    sun ╮ ╭ grid
//                  house ── grid             house
//         battery ─╯                           │ battery
//
// One unit of the drawing is one pixel of the screen, so type keeps its size. What moves is left to the
// browser; who wants less motion sees the arrow heads alone.

import { draw, mark, say } from "./dom.js";
import { known, number, power } from "./format.js";

// Below this nothing flows that anybody could see; inverters that wait for the morning take a few watts.
const FLOWS_W = 1;
const ASLEEP_W = 5;

// A line is full at the site's own highest power, which is at least this.
const LEAST_PEAK_W = 3000;
const THICKEST = 34;
const BEAD_GAP = 20;

// Lines begin and end below the nodes, so that no end of them is seen.
const BELOW = 16;

const ICONS = {
  solar: "M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM12 1.5v2.5M12 20v2.5M1.5 12H4M20 12h2.5M4.6 4.6l1.7 1.7M17.7 17.7l1.7 1.7M4.6 19.4l1.7-1.7M17.7 6.3l1.7-1.7",
  night: "M20 14.6A8.3 8.3 0 0 1 9.4 4a8.3 8.3 0 1 0 10.6 10.6Z",
  grid: "M8.5 22 11 2h2l2.5 20M6 8.5h12M4 13h16M6 8.5V11M18 8.5V11M4 13v2.5M20 13v2.5M10 10l4.6 5M14 10l-4.6 5M9.2 16.5l5.4 4M14.8 16.5l-5.4 4",
  house: "M3.5 11.5 12 4l8.5 7.5M5.8 9.8V20h12.4V9.8M10 20v-5.5h4V20",
  battery: "M4 8.2A1.7 1.7 0 0 1 5.7 6.5h11.6A1.7 1.7 0 0 1 19 8.2v7.6a1.7 1.7 0 0 1-1.7 1.7H5.7A1.7 1.7 0 0 1 4 15.8ZM21.5 10.5v3",
};
const NAMES = { solar: "Solar", grid: "Grid", house: "House", battery: "Battery" };
const METER = { solar: "production", grid: "net", house: "consumption", battery: "storage" };

export function flow(svg) {
  const lines = draw("g");
  const nodes = draw("g");
  svg.append(lines, nodes);
  const line = Object.fromEntries(["solar", "grid", "battery"].map((of) => [of, newLine(lines, of)]));
  const node = Object.fromEntries(Object.keys(NAMES).map((of) => [of, newNode(nodes, of)]));
  const view = { svg, line, node, peak: LEAST_PEAK_W, places: null, last: null };
  new ResizeObserver(() => view.last && show(view, view.last)).observe(svg);
  return view;
}

function newLine(parent, of) {
  const track = draw("path", { class: "track" });
  const band = draw("path", { class: "band" });
  const beads = draw("path", { class: "beads" });
  const tip = draw("path", { class: "tip", d: "M-5-8 4 0-5 8" });
  const group = draw("g", { class: "line", "data-of": of, "data-flow": "idle" }, track, band, beads, tip);
  parent.append(group);
  return { group, track, band, beads, tip, motion: null, way: 0, length: 0, d: "" };
}

function newNode(parent, of) {
  const halo = draw("circle", { class: "halo" });
  const disc = draw("circle", { class: "disc" });
  const ring = draw("g", { class: "ring" });
  const icon = draw("path", { class: "icon", d: ICONS[of] });
  const level = of === "battery" ? draw("rect", { class: "level", x: 5.6, y: 8.1, height: 7.8, width: 0, rx: 0.8 }) : null;
  const picture = draw("g", {}, level, icon);
  const value = draw("text", { class: "value" });
  const unit = draw("tspan", { class: "unit", dx: 3 });
  const amount = draw("tspan");
  value.append(amount, unit);
  const name = draw("text", { class: "name" });
  name.textContent = NAMES[of];
  const group = draw("g", { class: "node", "data-of": of }, halo, disc, ring, picture, value, name);
  parent.append(group);
  return { group, halo, disc, ring, icon, level, picture, value, amount, unit, name };
}

// Where everything stands in so many pixels; `has` says which nodes there are.
function places(width, has) {
  return width < 460 ? narrow(width, has) : wide(width, has);
}

function wide(width, has) {
  const r = Math.min(62, width * 0.105);
  const big = r * 1.5;
  const height = has.battery ? 2 * r + 2 * r + 92 : 2 * big + 44;
  const middle = height / 2;
  const house = { x: has.grid ? width / 2 : width * 0.66, y: middle, r: big };
  const left = has.grid ? r + 14 : width * 0.3 - r;
  const solar = { x: left, y: has.battery ? r + 20 : middle, r };
  const battery = { x: left, y: height - r - 20, r };
  const grid = { x: width - r - 14, y: middle, r };
  const lift = has.battery ? big * 0.5 : 0;
  const into = (from, dy) => {
    const x = house.x - Math.sqrt(big * big - dy * dy);
    const half = (from.x + r + x) / 2;
    return `M${from.x + r - BELOW} ${from.y}h${BELOW}C${half} ${from.y} ${half} ${house.y + dy} ${x} ${house.y + dy}h${BELOW}`;
  };
  return {
    height,
    nodes: { solar, house, grid, battery },
    paths: {
      solar: into(solar, -lift),
      battery: into(battery, lift),
      grid: `M${grid.x - r + BELOW} ${grid.y}H${house.x + big - BELOW}`,
    },
  };
}

function narrow(width, has) {
  const r = Math.min(46, width * 0.14);
  const big = r * 1.42;
  const house = { x: width / 2, y: 2 * r + big + 34, r: big };
  const solar = { x: has.grid ? r + 10 : width / 2, y: r + 10, r };
  const grid = { x: width - r - 10, y: r + 10, r };
  const battery = { x: width / 2, y: house.y + big + r + 46, r };
  const top = (dx) => house.y - Math.sqrt(Math.max(0, big * big - dx * dx));
  const bend = (from, side, dx) => {
    const x = house.x + dx;
    return `M${from.x + side * (r - BELOW)} ${from.y}h${side * BELOW}C${x} ${from.y} ${x} ${from.y} ${x} ${top(dx)}v${BELOW}`;
  };
  return {
    height: has.battery ? battery.y + r + 12 : house.y + big + 12,
    nodes: { solar, house, grid, battery },
    paths: {
      solar: has.grid ? bend(solar, 1, -16) : `M${solar.x} ${solar.y + r - BELOW}V${house.y - big + BELOW}`,
      grid: bend(grid, -1, 16),
      battery: `M${battery.x} ${battery.y - r + BELOW}V${house.y + big - BELOW}`,
    },
  };
}

export function show(view, reading) {
  view.last = reading;
  const width = view.svg.clientWidth;
  if (width < 200) return; // not laid out yet
  const has = Object.fromEntries(Object.entries(METER).map(([of, meter]) => [of, meter in reading.watts]));
  settle(view, width, has);
  const power = Object.fromEntries(Object.entries(METER).map(([of, meter]) => [of, reading.watts[meter]]));
  for (const value of Object.values(power)) view.peak = Math.max(view.peak, Math.abs(value ?? 0));
  mark(view.svg, "data-fresh", reading.fresh);
  const shown = reading.fresh ? power : {};
  for (const of of Object.keys(view.line)) run(view.line[of], of, shown[of], view.peak);
  for (const of of Object.keys(view.node)) label(view.node[of], of, shown[of]);
  sky(view, shown.solar);
  mix(view.node.house, shown);
  charge(view.node.battery, reading.charge);
}

function settle(view, width, has) {
  const key = `${width} ${Object.entries(has)}`;
  if (view.places === key) return;
  view.places = key;
  const { height, nodes, paths } = places(width, has);
  view.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  view.svg.style.height = `${height}px`;
  for (const [of, part] of Object.entries(view.node)) {
    mark(part.group, "hidden", has[of] ? null : "");
    stand(part, nodes[of], of);
  }
  for (const [of, part] of Object.entries(view.line)) {
    mark(part.group, "hidden", has[of] ? null : "");
    for (const path of [part.track, part.band, part.beads]) path.setAttribute("d", paths[of]);
    part.length = part.track.getTotalLength();
  }
}

function stand(part, { x, y, r }, of) {
  part.group.setAttribute("transform", `translate(${x} ${y})`);
  part.radius = r;
  for (const circle of [part.disc, part.halo]) circle.setAttribute("r", r);
  const size = of === "house" ? r * 0.42 : r * 0.5;
  part.picture.setAttribute("transform", `translate(${-size / 2} ${-r * 0.74}) scale(${size / 24})`);
  part.value.setAttribute("y", r * 0.22);
  part.name.setAttribute("y", r * (of === "house" ? 0.48 : 0.56));
  part.value.style.fontSize = `${r * (of === "house" ? 0.38 : 0.4)}px`;
  part.name.style.fontSize = `${Math.max(11.5, r * (of === "house" ? 0.17 : 0.22))}px`;
}

// Every line is drawn towards the house: + comes in, − goes out.
function run(part, of, watts, peak) {
  const least = of === "solar" ? ASLEEP_W : FLOWS_W;
  const way = !known(watts) || Math.abs(watts) < least ? 0 : Math.sign(watts);
  mark(part.group, "data-flow", ["out", "idle", "in"][way + 1]);
  if (!way) return;
  const share = Math.min(1, Math.abs(watts) / peak);
  part.band.style.strokeWidth = `${4 + (THICKEST - 4) * share}px`;
  part.beads.style.strokeWidth = `${4 + 3 * share}px`;
  point(part, way);
  move(part, way, 0.35 + 2.4 * share);
}

function point(part, way) {
  const at = way > 0 ? part.length - BELOW - 13 : BELOW + 11;
  const here = part.track.getPointAtLength(at);
  const there = part.track.getPointAtLength(at + 2 * way);
  const turn = (Math.atan2(there.y - here.y, there.x - here.x) * 180) / Math.PI;
  mark(part.tip, "transform", `translate(${here.x.toFixed(1)} ${here.y.toFixed(1)}) rotate(${turn.toFixed(1)})`);
}

function move(part, way, rate) {
  if (part.way !== way) {
    part.way = way;
    part.motion?.cancel();
    const steps = [{ strokeDashoffset: `${way * BEAD_GAP}px` }, { strokeDashoffset: "0px" }];
    part.motion = part.beads.animate(steps, { duration: 1000, iterations: Infinity });
  }
  part.motion.updatePlaybackRate(rate);
}

function label(part, of, watts) {
  // Direction is the arrow's; the sun's little hunger at night is told as it is.
  const shown = known(watts) && (of === "grid" || of === "battery") ? Math.abs(watts) : watts;
  const { value, unit } = power(shown);
  say(part.amount, value);
  say(part.unit, unit);
  mark(part.group, "data-watts", known(watts) ? Math.round(watts) : "");
}

function sky(view, watts) {
  const part = view.node.solar;
  const asleep = known(watts) && watts < ASLEEP_W;
  mark(part.group, "data-asleep", asleep ? "" : null);
  part.icon.setAttribute("d", asleep ? ICONS.night : ICONS.solar);
  const shine = known(watts) ? Math.max(0, watts) / view.peak : 0;
  part.halo.setAttribute("r", part.radius + 14 * Math.sqrt(shine));
}

// The ring around the house: where its power comes from, as parts of the circle.
function mix(part, { solar, grid, battery }) {
  const into = { solar: 0, battery: Math.max(0, battery ?? 0), grid: Math.max(0, grid ?? 0) };
  const away = Math.max(0, -(grid ?? 0)) + Math.max(0, -(battery ?? 0));
  into.solar = Math.max(0, (solar ?? 0) - away);
  const whole = into.solar + into.battery + into.grid;
  const r = part.radius;
  const round = 2 * Math.PI * r;
  let begun = 0;
  const arcs = Object.entries(into).filter(([, watts]) => whole > 0 && watts / whole > 0.012);
  part.ring.replaceChildren(
    ...arcs.map(([of, watts]) => {
      const length = (watts / whole) * round;
      const gap = arcs.length > 1 ? 4 : 0;
      const dash = `${Math.max(1, length - gap)} ${round}`;
      const arc = draw("circle", { r, "data-of": of, "stroke-dasharray": dash, "stroke-dashoffset": -begun });
      begun += length;
      return arc;
    }),
  );
}

function charge(part, percent) {
  part.level.setAttribute("width", known(percent) ? (11.8 * Math.min(100, Math.max(0, percent))) / 100 : 0);
  const full = `${number(percent)}\u00a0%`;
  say(part.name, !known(percent) ? NAMES.battery : part.radius < 56 ? full : `${NAMES.battery} ${full}`);
}
