// What the chart shows: power over time as columns, 1 s for 15 min and 10 s for 24 h, as the server keeps it.

import { fetched } from "./feed.js";
import { METERS } from "./site.js";

const KEPT_S = 86400;
const FINE_S = 900;
const COARSE_S = 10;
const THIN_EVERY = 300;

// A line breaks after so long without a point, or after three steps of a slow source.
const GAP_S = 35;

function gap(time) {
  const steps = time.slice(-15).map((each, n, all) => each - all[n - 1]).slice(1).sort((a, b) => a - b);
  return Math.max(GAP_S, 3 * (steps[steps.length >> 1] ?? 0));
}

export function empty() {
  return { time: [], production: [], net: [], consumption: [], storage: [], asked_s: 0, added: 0 };
}

// Fetch so many seconds, and keep what has arrived meanwhile.
export async function fill(past, serial, seconds) {
  const before = past.asked_s;
  past.asked_s = Math.max(before, seconds);
  const answer = await fetched(`api/history?serial=${encodeURIComponent(serial)}&seconds=${seconds}`);
  if (!answer) past.asked_s = before; // who looks there again asks again
  if (!answer?.time?.length) return false;
  const last = answer.time.at(-1);
  const keep = past.time.findIndex((time) => time > last);
  const rest = keep < 0 ? past.time.length : keep;
  past.time = [...answer.time, ...past.time.slice(rest)];
  for (const meter of METERS) {
    const column = answer[meter] ?? answer.time.map(() => null);
    past[meter] = [...column, ...past[meter].slice(rest)];
  }
  return true;
}

export function add(past, live) {
  // A machine whose clock was set back begins again from there.
  while (past.time.at(-1) > live.time) for (const name of ["time", ...METERS]) past[name].pop();
  if (past.time.at(-1) === live.time) return;
  past.time.push(live.time);
  for (const meter of METERS) past[meter].push(live[`${meter}_power`] ?? null);
  if (++past.added % THIN_EVERY === 0) thin(past, live.time);
}

function thin(past, now) {
  const slots = new Set();
  const stay = past.time.map((time) => {
    if (time < now - KEPT_S) return false;
    if (time > now - FINE_S) return true;
    const slot = Math.floor(time / COARSE_S);
    return !slots.has(slot) && slots.add(slot);
  });
  for (const name of ["time", ...METERS]) past[name] = past[name].filter((_, n) => stay[n]);
}

// The part from `from` on as the chart wants it: rows of equal length, a `null` in each gap.
export function rows(past, meters, from) {
  let start = past.time.findIndex((time) => time >= from);
  start = start < 0 ? past.time.length : Math.max(0, start - 1);
  const found = [[], ...meters.map(() => [])];
  const most = gap(past.time);
  for (let n = start; n < past.time.length; n += 1) {
    if (n > start && past.time[n] - past.time[n - 1] > most) {
      found[0].push(past.time[n - 1] + 1);
      meters.forEach((_, row) => found[row + 1].push(null));
    }
    found[0].push(past.time[n]);
    meters.forEach((meter, row) => found[row + 1].push(past[meter][n]));
  }
  return found;
}

// Several gateways together: each one's last value on steps of 5 s, none where one of them has none.
export function total(pasts, from) {
  const step = 5;
  const sums = empty();
  const first = Math.min(...pasts.map((past) => past.time[0] ?? Infinity));
  const last = Math.max(...pasts.map((past) => past.time.at(-1) ?? -Infinity));
  const places = pasts.map(() => -1);
  const gaps = pasts.map((past) => gap(past.time));
  for (let time = Math.ceil(Math.max(first, from) / step) * step; time <= last; time += step) {
    pasts.forEach((past, n) => {
      while (past.time[places[n] + 1] <= time) places[n] += 1;
    });
    const there = places.map((place, n) => place >= 0 && time - pasts[n].time[place] <= gaps[n]);
    sums.time.push(time);
    for (const meter of METERS) {
      const values = pasts.map((past, n) => (there[n] ? past[meter][places[n]] : null));
      const having = values.filter((value) => value !== null);
      sums[meter].push(there.every(Boolean) && having.length ? having.reduce((a, b) => a + b, 0) : null);
    }
  }
  return sums;
}
