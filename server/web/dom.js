// Making and changing what stands on the page.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// Changes the text only where it differs, so that nothing flickers or is read out twice.
export function setText(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

// Puts `items` in place of what `list` has, only where they differ from it.
export function setChildren(list, items) {
  const same = list.childElementCount === items.length &&
    items.every((item, i) => item.isEqualNode(list.children[i]));
  if (!same) list.replaceChildren(...items);
}

const svgName = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(svgName, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// Drawn in a square of 16 by 16.
const icons = {
  online: "M3 8.5 6.5 12 13 4.5",
  stopped: "M8 2v6M4.8 4.2a5 5 0 1 0 6.4 0",
  suspended: "M13 9.6A5.5 5.5 0 1 1 6.4 3a4.4 4.4 0 0 0 6.6 6.6Z",
  vanished: "m4 4 8 8m0-8-8 8",
  silent: "M8 3.5v5.2M8 11.8v.4",
  unknown: "M4 8h8",
  slow: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 4.8V8l2.2 1.6",
  failed: "M8 2.2 14.2 13H1.8ZM8 6.4v3.2m0 1.6v.3",
  fold: "M6 3.5 10.5 8 6 12.5",
  calm: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM5.2 8.3 7.2 10.2 10.8 6",
};

export function icon(name) {
  return svg("svg", {class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true"}, svg("path", {d: icons[name]}));
}
