"use strict";
(function () {
  const language = document.documentElement.lang;
  function keyOf(cell) {
    const number = cell.querySelector("data");
    if (number) { return Number(number.value); }
    const time = cell.querySelector("time");
    return time ? time.dateTime : cell.textContent.trim();
  }
  function compare(a, b) {
    const bothNumbers = typeof a === "number" && typeof b === "number";
    return bothNumbers ? a - b : String(a).localeCompare(String(b), language, { numeric: true });
  }
  function sortBy(table, place, head) {
    const down = head.getAttribute("aria-sort") === "descending" ? false :
      head.getAttribute("aria-sort") === "ascending" ? true : head.classList.contains("num");
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows).map(function (row) {
      const cell = row.cells[place];
      return { row: row, empty: cell.querySelector(".none") !== null, key: keyOf(cell) };
    });
    rows.sort(function (a, b) {
      if (a.empty !== b.empty) { return a.empty ? 1 : -1; }
      return down ? compare(b.key, a.key) : compare(a.key, b.key);
    });
    rows.forEach(function (entry) { body.appendChild(entry.row); });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    Array.from(table.tHead.rows[0].cells).forEach(function (head, place) {
      const button = head.querySelector("button");
      if (button) { button.addEventListener("click", function () { sortBy(table, place, head); }); }
    });
  });
  const tip = document.getElementById("tip");
  function textOf(target) {
    const mark = target.closest("[data-tip], svg.chart [aria-label]:not(svg)");
    if (!mark || mark.getAttribute("aria-roledescription") === "axis") { return ""; }
    return mark.getAttribute("data-tip") || mark.getAttribute("aria-label") || "";
  }
  document.addEventListener("pointermove", function (event) {
    const text = event.target instanceof Element ? textOf(event.target) : "";
    tip.classList.toggle("on", text !== "");
    if (text === "") { return; }
    tip.textContent = text;
    const room = 14;
    const box = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + room, window.innerWidth - box.width - 6);
    const top = event.clientY + room + box.height > window.innerHeight ? event.clientY - room - box.height : event.clientY + room;
    tip.style.left = Math.max(6, left) + "px";
    tip.style.top = Math.max(6, top) + "px";
  });
  // A narrow screen begins at the days ahead, not at those behind.
  document.querySelectorAll("#path figure .scroll").forEach(function (box) { box.scrollLeft = box.scrollWidth; });
})();
