"use strict";

/* The browser over rationales: filters, search, and a rationale as the page shows it. */

const shelf = dataOf("browser-data");

const rationaleAt = (() => {
  const { questions, sets, writers, strategies, failures, rules } = shelf;
  return ([question, set, writer, strategy, failure, rule, sample, predicted, text]) => ({
    id: questions[question][0],
    question: questions[question][1],
    gold: questions[question][2],
    set: sets[set],
    writer: writers[writer],
    strategy: strategies[strategy] ?? null,
    failure: failures[failure] ?? null,
    rule: rules[rule] ?? null,
    sample,
    predicted,
    text,
  });
})();

const NO_TAG = "no valid tag";

/* A rationale: its verdict, who wrote it, the text, and what came of it. */
const showRationale = (one, tag, ...above) => {
  const right = one.failure === null;
  const verdict = element("span", { class: `verdict ${right ? "right" : "wrong"}` },
    right ? "✓ right" : `✗ ${one.failure}`);
  const about = element("p", { class: "about" }, verdict,
    element("span", {}, one.writer), element("span", {}, one.strategy ?? NO_TAG));
  const answer = one.predicted === null ? "no answer" : one.predicted;
  const how = one.rule === null ? "" : ` (${one.rule})`;
  const what = one.strategy === "pot" ? "The program gives" : "It answers";
  const result = element("p", { class: "given muted" },
    `${what}: `, element("strong", {}, answer), `${how}. Gold: ${one.gold}.`);
  return element(tag, {}, ...above, about, element("pre", { tabindex: "0",
    "aria-label": `${one.strategy === "pot" ? "Program" : "Rationale"} of ${one.writer}` }, one.text), result);
};

(() => {
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const rows = shelf.rows.map((row) => ({ row, words: null }));
  const fill = pageThrough(document.getElementById("found"), document.getElementById("more"), 10,
    ({ row }) => {
      const one = rationaleAt(row);
      const where = element("p", { class: "muted" },
        `${one.set}, ${one.id}${one.set === "train questions" ? `, sample ${one.sample}` : ""}`);
      return showRationale(one, "article", where, element("p", { class: "asked" }, one.question));
    });

  const options = (name, entries) => {
    const used = entries.filter(([, , test]) => test === undefined || shelf.rows.some(test));
    form.elements[name].replaceChildren(
      ...used.map(([value, label]) => element("option", { value }, label)));
  };
  const places = (names, column) =>
    names.map((name, place) => [String(place), name, (row) => row[column] === place]);
  options("set", [["", "everywhere"], ...places(shelf.sets, 1)]);
  options("writer", [["", "anyone"], ...places(shelf.writers, 2)]);
  options("strategy", [["", "any"], ...places(shelf.strategies, 3), ["-1", NO_TAG, (row) => row[3] === -1]]);
  options("verdict", [["", "any"], ["-1", "right", (row) => row[4] === -1],
    ["failed", "not right", (row) => row[4] !== -1], ...places(shelf.failures, 4)]);

  const wordsOf = (entry) => {
    if (entry.words === null) {
      const [id, question] = shelf.questions[entry.row[0]];
      entry.words = `${id}\n${question}\n${entry.row[8]}`.toLowerCase();
    }
    return entry.words;
  };

  const filter = () => {
    const wanted = ["set", "writer", "strategy"].map((name) => form.elements[name].value);
    const verdict = form.elements.verdict.value;
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((entry) => {
      const { row } = entry;
      return wanted.every((value, place) => value === "" || row[place + 1] === Number(value))
        && (verdict === "" || (verdict === "failed" ? row[4] !== -1 : row[4] === Number(verdict)))
        && (words.length === 0 || words.every((word) => wordsOf(entry).includes(word)));
    });
    count.textContent = found.length
      ? `${plural(found.length, "rationale", "rationales")} of ${rows.length.toLocaleString("en")}`
      : "No rationale fits these filters.";
    fill(found);
  };

  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
})();
