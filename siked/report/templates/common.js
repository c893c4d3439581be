"use strict";

/* What the page's other scripts share. Texts of models go in as text nodes alone. */

const dataOf = (id) => JSON.parse(document.getElementById(id).textContent);

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/* Fills a list step by step: `items` are made into elements by `make` as they are asked for. */
const pageThrough = (list, button, step, make) => {
  let items = [];
  let shown = 0;
  const more = () => {
    const next = items.slice(shown, shown + step).map(make);
    list.append(...next);
    shown += next.length;
    button.hidden = shown >= items.length;
    return next[0];
  };
  button.addEventListener("click", () => {
    const first = more();
    if (first) {
      first.tabIndex = -1;
      first.focus();
    }
  });
  return (fresh) => {
    items = fresh;
    shown = 0;
    list.replaceChildren();
    more();
  };
};
