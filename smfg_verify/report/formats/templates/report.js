"use strict";
// Headings become buttons that sort; without this script the tables are as they were written.
const byNumber = (cell) => (cell.dataset.value === "" ? NaN : Number(cell.dataset.value));
const isNumeric = (cells) => cells.some((cell) => cell.dataset.value !== undefined);

function compare(one, other, numeric) {
  if (!numeric) {
    return one.textContent.localeCompare(other.textContent, "en", { numeric: true });
  }
  return byNumber(one) - byNumber(other);
}

function sortTable(table, heading) {
  const place = heading.cellIndex;
  const descending = heading.getAttribute("aria-sort") === "ascending";
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const numeric = isNumeric(rows.map((row) => row.cells[place]));
  // Rows without a number stand last, whichever way the others go.
  const missing = (row) => numeric && Number.isNaN(byNumber(row.cells[place]));
  const sorted = rows.filter((row) => !missing(row));
  sorted.sort((a, b) => (descending ? -1 : 1) * compare(a.cells[place], b.cells[place], numeric));
  body.append(...sorted, ...rows.filter(missing));
  for (const other of table.tHead.rows[0].cells) {
    other.removeAttribute("aria-sort");
  }
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table.sortable")) {
  if (table.tBodies[0].rows.length < 2) continue;
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortTable(table, heading));
    heading.append(button);
  }
}
