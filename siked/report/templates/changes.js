"use strict";

/* Questions that one student wins or loses against another, with both rationales side by side. */

(() => {
  const { verdicts, chain, selected } = shelf;
  const form = document.getElementById("pair");
  const changed = document.getElementById("changed");
  const places = new Map();
  for (const row of shelf.rows) {
    const [question, set, writer] = row;
    const key = `${shelf.sets[set]} ${shelf.writers[writer]} ${shelf.questions[question][0]}`;
    if (shelf.sets[set] in verdicts) places.set(key, row);
  }

  const fill = pageThrough(document.getElementById("questions"),
    document.getElementById("more-questions"), 10, ([id, benchmark, students]) => {
      const sides = students.map((student) => places.get(`${benchmark} ${student} ${id}`));
      const title = element("p", { class: "muted" }, id);
      if (!sides.every(Boolean)) {
        return element("article", {}, title,
          element("p", {}, "Its text is not in the sample that this page holds."));
      }
      const both = sides.map(rationaleAt);
      return element("article", {}, title, element("p", { class: "asked" }, both[0].question),
        element("div", { class: "sides" }, ...both.map((one) => showRationale(one, "div"))));
    });

  const choices = (name, values, chosen) => {
    form.elements[name].replaceChildren(...values.map((value) => {
      const option = element("option", { value }, value);
      option.defaultSelected = value === chosen;
      return option;
    }));
    form.elements[name].value = chosen;
  };
  const benchmarks = Object.keys(verdicts);
  const students = Object.keys(verdicts[benchmarks[0]].right);
  const after = selected === chain[0] ? chain[chain.length - 1] : selected;
  choices("benchmark", benchmarks, benchmarks[1] ?? benchmarks[0]);
  choices("before", students, chain[0]);
  choices("after", students, after);

  const show = () => {
    const value = (name) => form.elements[name].value;
    const { ids, right } = verdicts[value("benchmark")];
    const [before, later] = [right[value("before")], right[value("after")]];
    const which = (was, is) => ids.filter((_, place) => before[place] === was && later[place] === is);
    const found = { won: which("0", "1"), lost: which("1", "0") };
    const same = ids.length - found.won.length - found.lost.length;
    changed.textContent = `Of ${ids.length.toLocaleString("en")} questions, ${value("after")} wins `
      + `${found.won.length} and loses ${found.lost.length} against ${value("before")}; `
      + `${same} are the same.`;
    const both = [value("before"), value("after")];
    fill(found[value("which")].map((id) => [id, value("benchmark"), both]));
  };
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
