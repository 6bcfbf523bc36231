"use strict";
(function () {
  var root = document.documentElement;
  var folds = function () { return document.querySelectorAll("main details"); };
  document.querySelector(".tools").hidden = false;

  document.getElementById("theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  var unfold = document.getElementById("unfold");
  unfold.addEventListener("click", function () {
    var open = unfold.dataset.open !== "yes";
    folds().forEach(function (fold) { fold.open = open; });
    unfold.dataset.open = open ? "yes" : "no";
    unfold.textContent = open ? "Fold everything" : "Unfold everything";
  });

  document.getElementById("keep").addEventListener("click", function () {
    var text = document.getElementById("explaindistill-results").textContent;
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "audit.json";
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  });

  var closed = [];
  addEventListener("beforeprint", function () {
    closed = Array.from(folds()).filter(function (fold) { return !fold.open; });
    closed.forEach(function (fold) { fold.open = true; });
  });
  addEventListener("afterprint", function () {
    closed.forEach(function (fold) { fold.open = false; });
  });

  var key = function (row, column) {
    var cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
  };
  var compare = function (a, b) {
    if (typeof a === "number" && typeof b === "number") { return a - b; }
    if (typeof a === "number") { return -1; }
    if (typeof b === "number") { return 1; }
    return a.localeCompare(b);
  };
  document.querySelectorAll("main table").forEach(function (table) {
    if (table.tBodies[0].rows.length > 3) {
      Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
        var button = document.createElement("button");
        button.type = "button";
        button.textContent = head.textContent;
        head.replaceChildren(button);
        button.addEventListener("click", function () {
          var up = head.getAttribute("aria-sort") !== "ascending";
          Array.from(table.tHead.rows[0].cells).forEach(function (h) { h.removeAttribute("aria-sort"); });
          head.setAttribute("aria-sort", up ? "ascending" : "descending");
          var rows = Array.from(table.tBodies[0].rows).sort(function (a, b) {
            return (up ? 1 : -1) * compare(key(a, column), key(b, column));
          });
          table.tBodies[0].append.apply(table.tBodies[0], rows);
        });
      });
    }
  });
})();
