// Waiting for a condition, never for a time.

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls `condition` until it gives something truthy, which is returned. What it throws counts as "not
// yet", and is told when `timeout` (ms) is over.
export async function eventually(what, condition, { timeout = 30000, every = 100, signal } = {}) {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    if (signal?.aborted) throw signal.reason;
    try {
      const value = await condition();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`not within ${timeout / 1000} s: ${what}${last ? ` (${last.message})` : ''}`);
    }
    await pause(every);
  }
}

// Sees that `condition` stays truthy for `duration` ms.
export async function stays(what, condition, duration) {
  const end = Date.now() + duration;
  while (Date.now() < end) {
    if (!(await condition())) throw new Error(`it did not stay so: ${what}`);
    await pause(100);
  }
}
