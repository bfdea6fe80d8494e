// What the API tells of a machine's last days, asked again as long as the page is looked at.
const askAgain = 30e3; // ms
const patience = 10e3;

// `path` answers {[name]: [item]} for the last `span` ms. What is `known` of it:
//   items      what came last; null before anything came
//   asOf       when that was asked, by the server's clock, ms
//   failed     the last question was not answered
export function makeRecent(path, name, span) {
  const recent = {items: null, asOf: 0, failed: false};
  let asked = -Infinity;
  let busy = false;

  async function ask(machine, now, came) {
    busy = true;
    asked = performance.now();
    try {
      const query = new URLSearchParams({machine, from: Math.floor(now - span)});
      const response = await fetch(`${path}?${query}`, {signal: AbortSignal.timeout(patience)});
      if (!response.ok) throw new Error(response.status);
      recent.items = (await response.json())[name];
      recent.asOf = now;
      recent.failed = false;
    } catch {
      recent.failed = true; // asked again in its turn; the page says of when what it shows is
    }
    busy = false;
    came();
  }

  return {
    known: recent,
    // What is known; asks where it is time to, and calls `came` when the answer is there.
    wanted(machine, now, came) {
      const due = performance.now() - asked >= askAgain;
      if (due && !busy && !document.hidden) ask(machine, now, came);
      return recent;
    },
    // The next `wanted` asks at once.
    forget() {
      asked = -Infinity;
    },
  };
}
