// Children that are kept from one drawing to the next, so that what the reader opened, or stands on with
// the keyboard, stays.
//
// Gives a function that makes `parent` hold one node for each of `items`, in their order:
//   keyOf(item)        what makes an item the same as before; the second of the same key is told apart
//   make(item)         gives {node, …}
//   fill(part, item)   puts into such a part what is known now
export function makeKeyed(parent, keyOf, make, fill) {
  let parts = new Map();
  return (items) => {
    const kept = new Map();
    for (const item of items) {
      let key = keyOf(item);
      while (kept.has(key)) key += "\n";
      kept.set(key, parts.get(key) ?? make(item));
      fill(kept.get(key), item);
    }
    for (const [key, part] of parts) if (!kept.has(key)) part.node.remove();
    parts = kept;
    let at = parent.firstChild;
    for (const {node} of parts.values()) {
      if (node === at) at = at.nextSibling;
      else parent.insertBefore(node, at);
    }
  };
}
