// Keeps the newest overview: by server-sent events, by polling where the server has no stream left.
// Tells its listener {overview, connected, polling} whenever that changes; what is older than
// `patience` without a sign of life counts as not connected.

const patience = 10000; // ms; heartbeats come every 5 s
const pollEvery = 5000;
const streamAgainAfter = 30000;

export function watch(listener) {
  const state = {overview: null, connected: false, polling: false, skew: 0};
  let lastSign = performance.now();
  let source = null;

  const tell = () => listener({...state});

  function alive(nowMs) {
    lastSign = performance.now();
    if (nowMs) state.skew = nowMs - Date.now();
    state.connected = true;
  }

  function take(overview) {
    state.overview = overview;
    alive(overview.now_ms);
    tell();
  }

  async function poll() {
    try {
      const response = await fetch("/api/v1/overview", {signal: AbortSignal.timeout(4000)});
      if (response.ok) take(await response.json());
    } catch {
      // The watchdog tells the reader.
    }
  }

  function open() {
    source = new EventSource("/api/v1/stream");
    source.addEventListener("open", () => {
      state.polling = false;
    });
    source.addEventListener("overview", (event) => take(JSON.parse(event.data)));
    source.addEventListener("heartbeat", (event) => {
      alive(JSON.parse(event.data).now_ms);
      tell();
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      state.polling = true;
      poll();
      setTimeout(open, streamAgainAfter);
    });
  }

  setInterval(() => {
    if (state.polling) poll();
  }, pollEvery);
  setInterval(() => {
    if (state.connected && performance.now() - lastSign > patience) state.connected = false;
    tell(); // ages on the page go on
  }, 1000);
  // A laptop that was asleep asks at once instead of showing what it knew before.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && performance.now() - lastSign > patience) poll();
  });

  open();
  return {serverNow: () => Date.now() + state.skew};
}
