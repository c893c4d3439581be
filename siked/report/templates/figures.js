"use strict";

/* Draws the figures with Vega-Lite, in as many columns as fit, and hands out their data. */

(() => {
  const figures = dataOf("figure-data");
  const PANEL = 300;
  const widths = new Map();

  const fitted = (spec, width) => {
    const copy = structuredClone(spec);
    const columns = Math.max(1, Math.min(spec.columns, Math.floor(width / PANEL)));
    copy.columns = columns;
    if (columns === 1) {
      for (const panel of copy.concat) panel.width = Math.min(420, width - 80);
    }
    copy.background = "transparent";
    copy.padding = { left: 0, right: 8, top: 4, bottom: 4 };
    copy.config = {
      ...copy.config,
      font: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
      padding: undefined,
      legend: {
        ...copy.config.legend,
        orient: "bottom",
        columns: Math.max(1, Math.min(7, Math.floor(width / 130))),
      },
    };
    return copy;
  };

  const draw = async (place) => {
    const width = place.clientWidth;
    if (!width || widths.get(place) === width) return;
    widths.set(place, width);
    const { spec } = figures[place.dataset.figure];
    try {
      // The interpreter instead of compiled code: the page's policy forbids eval.
      await vegaEmbed(place.firstElementChild, fitted(spec, width), {
        mode: "vega-lite",
        ast: true,
        actions: false,
        renderer: "svg",
        tooltip: { disableDefaultStyle: true },
      });
    } catch (error) {
      place.firstElementChild.textContent = "This browser could not draw the picture; the table has its data.";
      console.error(error);
    }
  };

  const drawAll = async () => {
    for (const place of document.querySelectorAll(".picture")) {
      await draw(place);
      await new Promise((resolve) => setTimeout(resolve));
    }
    document.documentElement.dataset.drawn = "yes";
  };

  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  const asCsv = (rows) => {
    const names = [...new Set(rows.flatMap(Object.keys))];
    const lines = rows.map((row) => names.map((name) => cell(row[name])).join(","));
    return [names.map(cell).join(","), ...lines, ""].join("\r\n");
  };

  const download = (name, kind) => {
    const { rows } = figures[name];
    const [text, type] =
      kind === "csv"
        ? [asCsv(rows), "text/csv"]
        : [`${JSON.stringify(rows, null, 2)}\n`, "application/json"];
    const address = URL.createObjectURL(new Blob([text], { type }));
    const link = element("a", { href: address, download: `${name}.${kind}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  };

  for (const button of document.querySelectorAll("button[data-download]")) {
    const { figure, download: kind } = button.dataset;
    button.addEventListener("click", () => download(figure, kind));
  }

  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });
  drawAll();
})();
