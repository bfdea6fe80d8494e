// A verdict in words: where the cause of what is slow or fails lies, and how sure that is.
import * as format from "./format.js";

const known = (prefix, word) => format.has(`${prefix}.${word}`);
const culpritWords = (culprit) => (known("culprit", culprit) ? format.text(`culprit.${culprit}`) : culprit);
const certaintyWords = (certainty) => (known("certainty", certainty) ? format.text(`certainty.${certainty}`) : certainty);

// "Where: the one-stop system (ps-db1), likely"; where nothing can be told just that.
export function causeText(culprit, certainty, name = "") {
  if (!culprit || culprit === "unknown") return format.text("trouble.causeUnknown");
  const where = name ? format.text("trouble.named", {culprit: culpritWords(culprit), name}) : culpritWords(culprit);
  return format.text("trouble.cause", {culprit: where, certainty: certaintyWords(certainty || "unknown")});
}

// The sentence in the reader's language; in the other where it has none.
export function inLanguage(sentence) {
  const other = {vi: "en", en: "vi"};
  const language = format.currentLanguage();
  return sentence[language] || sentence[other[language]] || "";
}
