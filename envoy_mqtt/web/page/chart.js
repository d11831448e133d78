// Power over time: follows now, or holds still where somebody has zoomed or moved it.
//
// uPlot draws; what is shown is a length and an end, and everything (buttons, drag, wheel, fingers, keys)
// changes those two.

import { at, make, mark, say } from "./dom.js";
import { clock, known, number, price, watts } from "./format.js";

const SPANS = [
  [900, "15 min", "The last 15 minutes"],
  [3600, "1 h", "The last hour"],
  [21600, "6 h", "The last 6 hours"],
  [86400, "24 h", "The last 24 hours"],
];
const LEAST_S = 20;
const YOUNG_S = 120;
const MOST_S = 86400;
const NAMES = { production: "Production", consumption: "Consumption", net: "Net", storage: "Battery" };
// Drawn in this order: the areas first.
const DRAWN = ["net", "production", "storage", "consumption"];

const root = getComputedStyle(document.documentElement);
const colour = (name) => root.getPropertyValue(`--${name}`).trim();

// `rows(meters, from)` gives the data, `want(seconds)` is told how far back somebody looks.
export function chart(rows, want) {
  const view = {
    rows, want, meters: [], plot: null, prices: null, off: new Set(), at: 0, watts: {},
    span: 3600, chosen: 3600, end: null, now: Date.now() / 1000,
  };
  at("spans").replaceChildren(...SPANS.map(([seconds, name]) => button(view, seconds, name)));
  at("follow").addEventListener("click", () => home(view));
  keys(view, at("plot"));
  new ResizeObserver(() => resize(view)).observe(at("plot"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => build(view));
  return view;
}

function button(view, seconds, name) {
  const node = make("button", { type: "button", "data-seconds": seconds, "aria-pressed": "false" }, name);
  node.addEventListener("click", () => {
    view.chosen = view.span = seconds;
    home(view);
  });
  return node;
}

function home(view) {
  view.end = null;
  view.span = view.chosen;
  look(view);
}

// One gateway's curves, or another's: `meters` are those the layout has.
export function curves(view, meters) {
  const wanted = DRAWN.filter((meter) => meters.includes(meter));
  if (wanted.join() === view.meters.join() && view.plot) return;
  view.meters = wanted;
  build(view);
}

// A reading came: its powers are what the legend says while nobody hovers.
export function advance(view, now, watts) {
  Object.assign(view, { now, watts });
  const every = Math.max(1, view.span / 3600);
  if (view.end === null && now - view.at >= every - 0.3) redraw(view);
  else if (view.plot) readings(view, view.plot);
}

export function priced(view, prices) {
  view.prices = prices;
  view.plot?.redraw(false);
}

// What follows now and is younger than its length begins where the readings do.
function range(view) {
  const end = view.end ?? view.now;
  const began = view.end === null ? Math.min(view.plot?.data[0][0] ?? 0, end - YOUNG_S) : 0;
  return [Math.max(end - view.span, began), end];
}

function build(view) {
  view.plot?.destroy();
  const box = at("plot");
  const size = { width: box.clientWidth || 600, height: box.clientHeight || 260 };
  view.plot = new uPlot(options(view, size), [[], ...view.meters.map(() => [])], box);
  touch(view, view.plot.over);
  legend(view);
  redraw(view);
}

function options(view, size) {
  const font = '500 12px Figtree, system-ui, sans-serif';
  const axis = { font, stroke: colour("muted"), ticks: { show: false }, border: { show: false } };
  const grid = { stroke: colour("line"), width: 1 };
  return {
    ...size,
    padding: [26, 22, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false, dist: 6 },
      points: { size: 9, width: 2, fill: colour("surface") },
      y: false,
    },
    scales: {
      x: { range: () => range(view) },
      y: { range: (_, low, high) => room(low, high) },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 84, size: 30, gap: 8, values: (_, splits) => times(view, splits) },
      { ...axis, grid, space: 44, size: 62, gap: 10, values: (_, splits) => splits.map(tick) },
    ],
    series: [{}, ...view.meters.map((meter) => series(view, meter))],
    hooks: {
      drawClear: [(plot) => paintPrices(view, plot)],
      setCursor: [(plot) => readings(view, plot)],
      setSelect: [(plot) => selected(view, plot)],
    },
  };
}

// The axis says no more digits than it needs: 2.5 kW, 5 kW.
const tick = (value) => (Math.abs(value) < 1000 ? watts(value) : `${number(value / 1000, value % 1000 ? (value % 100 ? 2 : 1) : 0)}\u00a0kW`);

function times(view, splits) {
  const [from, to] = range(view);
  return splits.map((each) => clock(each, to - from < 400));
}

// Zero is always in it, with some air above and below.
function room(low, high) {
  const [bottom, top] = [Math.min(0, low ?? 0), Math.max(100, high ?? 0)];
  const air = (top - bottom) * 0.06;
  return [bottom < 0 ? bottom - air : 0, top + air];
}

function series(view, meter) {
  const base = { show: !view.off.has(meter), points: { show: false }, width: 2, stroke: colour(meter) };
  if (meter === "production") return { ...base, fill: `${colour(meter)}2e` };
  if (meter === "net") return { ...base, width: 1.5, stroke: net(""), fill: net("38"), fillTo: 0 };
  return meter === "storage" ? { ...base, width: 1.5 } : base;
}

// What goes to the grid has another colour than what comes from it.
function net(alpha) {
  return (plot) => {
    const { top, height } = plot.bbox;
    const zero = Math.min(1, Math.max(0, (plot.valToPos(0, "y", true) - top) / height));
    if (!Number.isFinite(zero)) return colour("import");
    const shade = plot.ctx.createLinearGradient(0, top, 0, top + height);
    shade.addColorStop(0, colour("import") + alpha);
    shade.addColorStop(zero, colour("import") + alpha);
    shade.addColorStop(zero, colour("export") + alpha);
    shade.addColorStop(1, colour("export") + alpha);
    return shade;
  };
}

// What an hour costs stands above and behind the curves, the dearer the darker.
function paintPrices(view, plot) {
  if (!view.prices?.time?.length) return;
  const { ctx, bbox } = plot;
  const pixel = devicePixelRatio;
  const [from, to] = range(view);
  const { time, import: prices, currency } = view.prices;
  const amounts = prices.filter(known);
  const [least, most] = [Math.min(...amounts), Math.max(...amounts)];
  ctx.save();
  ctx.font = `600 ${11 * pixel}px Figtree, system-ui, sans-serif`;
  ctx.textAlign = "left";
  time.forEach((begins, n) => {
    const ends = time[n + 1] ?? Infinity;
    if (ends <= from || begins >= to || !known(prices[n])) return;
    const left = plot.valToPos(Math.max(begins, from), "x", true);
    const width = plot.valToPos(Math.min(ends, to), "x", true) - left;
    ctx.fillStyle = colour("price");
    const dear = most > least ? (prices[n] - least) / (most - least) : 0;
    ctx.globalAlpha = 0.06 * dear;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    ctx.globalAlpha = 0.2 + 0.6 * dear;
    ctx.fillRect(left, bbox.top - 4 * pixel, width, 4 * pixel);
    ctx.globalAlpha = 1;
    const text = `${price(prices[n], currency)} / kWh`;
    if (ctx.measureText(text).width + 8 * pixel < width) ctx.fillText(text, left + 4 * pixel, bbox.top - 9 * pixel);
  });
  ctx.restore();
}

function legend(view) {
  const nodes = Object.keys(NAMES).filter((meter) => view.meters.includes(meter)).map((meter) => {
    const value = make("span", { class: "value" });
    const node = make("button", { type: "button", class: "curve", "data-of": meter }, make("i"), NAMES[meter], value);
    mark(node, "aria-pressed", !view.off.has(meter));
    node.addEventListener("click", () => toggle(view, meter, node));
    return node;
  });
  at("legend").replaceChildren(...nodes, make("span", { class: "when" }));
}

function toggle(view, meter, node) {
  const show = view.off.delete(meter) || !view.off.add(meter);
  mark(node, "aria-pressed", show);
  view.plot.setSeries(view.meters.indexOf(meter) + 1, { show });
}

// The legend says what is under the cursor, and what was last where there is none.
function readings(view, plot) {
  const time = plot.data[0];
  const hovered = plot.cursor.idx;
  view.meters.forEach((meter, n) => {
    const node = at("legend").querySelector(`[data-of=${meter}] .value`);
    if (node) say(node, watts(known(hovered) ? plot.data[n + 1][hovered] : view.watts[meter]));
  });
  const when = at("legend").querySelector(".when");
  if (when) say(when, known(hovered) ? clock(time[hovered], view.span <= 21600) : "");
}

function selected(view, plot) {
  const { left, width } = plot.select;
  if (width < 6) return;
  const [from, to] = [left, left + width].map((x) => plot.posToVal(x, "x"));
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  frame(view, from, to);
}

// Show from … to, within what there is.
function frame(view, from, to) {
  view.span = Math.min(MOST_S, Math.max(LEAST_S, to - from));
  view.end = Math.max(view.now - MOST_S + view.span, Math.min((from + to + view.span) / 2, view.now));
  if (view.end >= view.now - view.span * 0.01) view.end = null;
  look(view);
}

function move(view, seconds) {
  const [from, to] = range(view);
  frame(view, from + seconds, to + seconds);
}

function zoom(view, factor, centre = 0.5) {
  const [from, to] = range(view);
  const about = from + centre * (to - from);
  const span = Math.min(MOST_S, Math.max(LEAST_S, (to - from) * factor));
  frame(view, about - centre * span, about + (1 - centre) * span);
}

function keys(view, box) {
  const does = {
    ArrowLeft: () => move(view, -view.span / 6),
    ArrowRight: () => move(view, view.span / 6),
    "+": () => zoom(view, 0.6),
    "-": () => zoom(view, 1 / 0.6),
    Home: () => home(view),
    Escape: () => home(view),
  };
  box.addEventListener("keydown", (event) => {
    const deed = event.ctrlKey || event.metaKey || event.altKey ? null : does[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  });
}

// Shift-drag, a sideways wheel and one finger move; ctrl-wheel and two fingers zoom.
function touch(view, over) {
  const fingers = new Map();
  const perPixel = () => view.span / over.clientWidth;
  over.addEventListener("dblclick", () => home(view));
  over.addEventListener("mousedown", (event) => event.shiftKey && event.stopImmediatePropagation(), true);
  over.addEventListener("wheel", (event) => {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (!event.ctrlKey && !event.metaKey && !sideways) return;
    event.preventDefault();
    if (sideways) move(view, (event.deltaX || event.deltaY) * perPixel());
    else zoom(view, 1.0035 ** event.deltaY, event.offsetX / over.clientWidth);
  }, { passive: false });
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && !event.shiftKey) return;
    fingers.set(event.pointerId, event.clientX);
    over.setPointerCapture(event.pointerId);
  });
  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = [...fingers.values()];
    fingers.set(event.pointerId, event.clientX);
    const after = [...fingers.values()];
    if (fingers.size === 1) return move(view, (before[0] - after[0]) * perPixel());
    const [was, is] = [before, after].map(([a, b]) => Math.max(24, Math.abs(a - b)));
    const { left, width } = over.getBoundingClientRect();
    zoom(view, was / is, ((after[0] + after[1]) / 2 - left) / width);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    over.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
}

function look(view) {
  view.want(view.now - (view.end ?? view.now) + view.span + 5);
  redraw(view);
}

export function redraw(view) {
  if (!view.plot) return;
  view.at = view.now;
  const data = view.rows(view.meters, (view.end ?? view.now) - view.span);
  view.plot.setData(data, true);
  titles(view);
  if (!known(view.plot.cursor.idx)) readings(view, view.plot);
  mark(at("plot"), "data-points", data[0].length);
  mark(at("plot"), "data-first", data[0][0] ?? "");
  mark(at("plot"), "data-last", data[0].at(-1) ?? "");
  mark(at("plot"), "data-span", Math.round(view.span));
  mark(at("plot"), "data-end", range(view)[1]);
  mark(at("plot"), "aria-label", spoken(view, data));
}

function titles(view) {
  const named = view.end === null && SPANS.find(([seconds]) => seconds === view.span);
  const [from, to] = range(view);
  const young = named && to - from < view.span - 5;
  const first = Math.max(from, view.plot.data[0][0] ?? from);
  say(at("chart-title"), young ? `Since ${clock(first)}` : named ? named[2] : `${clock(from, view.span < 300)} – ${clock(to, view.span < 300)}`);
  at("follow").hidden = Boolean(named);
  for (const each of at("spans").children) {
    mark(each, "aria-pressed", Boolean(named) && Number(each.dataset.seconds) === view.span);
  }
}

function spoken(view, data) {
  const told = view.meters.map((meter, n) => {
    const values = data[n + 1].filter(known);
    if (!values.length) return `${NAMES[meter]} unknown`;
    return `${NAMES[meter]} from ${watts(Math.min(...values))} to ${watts(Math.max(...values))}`;
  });
  return told.join("; ");
}

function resize(view) {
  const { clientWidth: width, clientHeight: height } = at("plot");
  if (view.plot && width && height) view.plot.setSize({ width, height });
}
