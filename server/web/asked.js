// An answer of the API that is asked for again and again as long as the page is looked at.
const patience = 10e3; // ms

// What is `known` of it:
//   answer     what came last; null before anything came
//   asOf       when that came, by the server's clock, ms
//   reason     why the last question was not answered; "" where it was
//   old()      whether the answer is more than `every` and `patience` old, or there is none
export function makeAsked(path, every) {
  let asked = -Infinity;
  let cameAt = -Infinity;
  let busy = false;
  const known = {answer: null, asOf: 0, reason: "", old: () => performance.now() - cameAt > every + patience};

  async function ask(serverNow, came) {
    busy = true;
    asked = performance.now();
    try {
      const response = await fetch(path, {signal: AbortSignal.timeout(patience)});
      const body = await response.json();
      if (!response.ok) throw new Error(body.error?.message ?? String(response.status));
      known.answer = body;
      known.asOf = serverNow;
      known.reason = "";
      cameAt = performance.now();
    } catch (error) {
      known.reason = error.message; // asked again in its turn
    }
    busy = false;
    came();
  }

  return {
    known,
    // What is known; asks where it is time to, and calls `came` when the answer is there.
    wanted(serverNow, came) {
      if (performance.now() - asked >= every && !busy && !document.hidden) ask(serverNow, came);
      return known;
    },
    // The next `wanted` asks at once.
    forget() {
      asked = -Infinity;
    },
  };
}
