// A list of what was, which may be long: its beginning, and a button for more of it.
import {setChildren, setText} from "./dom.js";
import * as format from "./format.js";

const atFirst = 20;
const step = 100;

// Gives a function that draws `items` into `list` with `makeItem(item, now)`; it draws anew only where
// they are others, or would read otherwise (another language, another day). `more` is the button,
// `moreKey` its words with {count}.
export function makeLongList(list, more, moreKey, makeItem) {
  let shown = atFirst;
  let drawn = {items: null, how: ""};

  function draw(items, now) {
    const how = [format.currentLanguage(), format.day(now), shown].join();
    if (drawn.items === items && drawn.how === how) return;
    drawn = {items, how, now};
    setChildren(list, items.slice(0, shown).map((item) => makeItem(item, now)));
    more.hidden = items.length <= shown;
    setText(more, format.text(moreKey, {count: format.count(Math.min(step, items.length - shown))}));
  }

  more.addEventListener("click", () => {
    shown += step;
    draw(drawn.items, drawn.now);
  });
  return draw;
}
