// In an element of the class "sortable", a click on a column head sorts the table, and a text field filters the rows.
"use strict";

for (const table of document.querySelectorAll(".sortable table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const text = (row, column) => row.cells[column].textContent.trim();
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => text(a, column).localeCompare(text(b, column), "en", { numeric: true }));
      body.append(...(down ? rows.reverse() : rows));
    });
  });

  const label = document.createElement("label");
  const field = document.createElement("input");
  field.type = "search";
  const count = document.createElement("output");
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of body.rows) {
      const content = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => content.includes(word));
    }
    const shown = [...body.rows].filter((row) => !row.hidden).length;
    count.textContent = `${shown} of ${body.rows.length} rows`;
  };
  field.addEventListener("input", show);
  label.className = "filter";
  label.append("Filter rows: ", field, " ", count);
  table.closest(".sortable").prepend(label);
  show();
}
