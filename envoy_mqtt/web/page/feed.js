// The bridge's event stream, and whether the bridge still speaks.
//
// It says something every two seconds (`health`), so silence is a loss; a closed connection is one at once.
// The browser's own reconnection gives up on an error page, such as a proxy's: this one never does.

const SILENCE_MS = 4000;
const GIVEN_UP_MS = 12000; // a connection this silent is dropped and made anew
const WAITS_MS = [500, 1000, 2000, 4000];

export const EVENTS = ["live", "state", "energy", "tariff", "availability", "health"];

export function follow(hear, change) {
  let source = null;
  let heardAt = performance.now();
  let lost = null; // not known yet
  let attempts = 0;
  let timer = 0;

  const tell = (now) => {
    if (now !== lost) change((lost = now));
  };

  function heard(name, data) {
    heardAt = performance.now();
    attempts = 0;
    tell(false);
    hear(name, data);
  }

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource("events");
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => heard(name, JSON.parse(event.data)));
    }
    source.onerror = again;
  }

  function again() {
    source?.close();
    source = null;
    tell(true);
    clearTimeout(timer);
    const wait = WAITS_MS[Math.min(attempts++, WAITS_MS.length - 1)];
    timer = setTimeout(open, wait * (1 + 0.3 * Math.random()));
  }

  function look() {
    const silent = performance.now() - heardAt;
    if (silent > SILENCE_MS) tell(true);
    if (silent > GIVEN_UP_MS && source) {
      heardAt = performance.now() - SILENCE_MS;
      again();
    }
  }

  // A tab that wakes up, or a tablet back in the house, does not wait for its turn.
  const wake = () => {
    if (lost && document.visibilityState === "visible") open();
  };
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  setInterval(look, 500);
  open();
}

// JSON at a relative address; `null` where there is none, whatever the reason.
export async function fetched(address) {
  try {
    const answer = await fetch(address, { cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
