"use strict";
(function () {
  var root = document.documentElement;
  var all = function (what, inside) { return Array.from((inside || document).querySelectorAll(what)); };
  var folds = function () { return all("main details"); };
  root.classList.add("js");
  document.querySelector(".tools").hidden = false;

  document.getElementById("theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Tabs: plain headings without this script; with it one chapter is shown, and a link to anything opens its way there.
  var links = all("nav a");
  var tabs = all("main .tab");
  document.querySelector("nav ol").setAttribute("role", "tablist");
  links.forEach(function (link, i) {
    link.parentElement.setAttribute("role", "presentation");
    link.setAttribute("role", "tab");
    link.setAttribute("aria-controls", tabs[i].id);
    tabs[i].setAttribute("role", "tabpanel");
    link.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowLeft: -1, Home: -i, End: links.length - 1 - i }[event.key];
      if (step === undefined) { return; }
      event.preventDefault();
      var next = (i + step + links.length) % links.length;
      show(next);
      links[next].focus();
    });
    link.addEventListener("click", function (event) {
      event.preventDefault();
      history.replaceState(null, "", link.hash);
      show(i);
    });
  });
  var show = function (shown) {
    links.forEach(function (link, i) {
      link.setAttribute("aria-selected", i === shown ? "true" : "false");
      link.tabIndex = i === shown ? 0 : -1;
      tabs[i].classList.toggle("on", i === shown);
    });
    dispatchEvent(new Event("resize"));
  };
  var follow = function () {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var tab = target && target.closest(".tab");
    if (!tab) { return; }
    show(tabs.indexOf(tab));
    for (var fold = target; fold && fold !== tab; fold = fold.parentElement) {
      if (fold.tagName === "DETAILS") { fold.open = true; }
    }
    if (target !== tab) { target.scrollIntoView(); }
  };
  show(0);
  follow();
  addEventListener("hashchange", follow);
  document.addEventListener("click", function (event) {  // the same link a second time changes no hash
    var link = event.target.closest && event.target.closest("main a[href^='#']");
    if (link && link.hash === location.hash) { follow(); }
  });

  var unfold = document.getElementById("unfold");
  unfold.addEventListener("click", function () {
    var open = unfold.dataset.open !== "yes";
    folds().forEach(function (fold) { fold.open = open; });
    unfold.dataset.open = open ? "yes" : "no";
    unfold.textContent = open ? "Fold all" : "Unfold all";
  });

  var narrow = matchMedia("(max-width:40rem)");
  // On a telephone the buttons stand at the end: the answers come first.
  var head = document.querySelector("header"), foot = document.querySelector("footer");
  var moveTools = function () { (narrow.matches ? foot : head).append(document.querySelector(".tools")); };

  // On a telephone each answer of the opening is short, with the rest behind a button.
  narrow.addEventListener("change", moveTools);
  moveTools();
  all(".topic .rest").forEach(function (rest) {
    var button = Object.assign(document.createElement("button"), { type: "button", className: "more", textContent: "more" });
    button.setAttribute("aria-label", "More of this answer");
    rest.after(button);
    var shorten = function () { rest.hidden = narrow.matches; button.hidden = !narrow.matches; };
    button.addEventListener("click", function () { rest.hidden = false; button.hidden = true; });
    narrow.addEventListener("change", shorten);
    addEventListener("beforeprint", function () { rest.hidden = false; });
    addEventListener("afterprint", shorten);
    shorten();
  });

  var unpacked = function (frame) {
    var columns = [];
    frame.packed.forEach(function (entry) {
      if (entry.runs) {
        entry.at = [];
        for (var i = 0; i < entry.runs.length; i += 2) { for (var k = 0; k < entry.runs[i + 1]; k++) { entry.at.push(entry.runs[i]); } }
      }
      var at = function (row) { return "one" in entry ? entry.one : entry.at ? entry.words[entry.at[row]] : entry.values[row]; };
      columns.push("like" in entry ? columns[entry.like] : Array.from({ length: frame.n_rows }, function (_, row) { return at(row); }));
    });
    var rows = Array.from({ length: frame.n_rows }, function (_, row) { return columns.map(function (c) { return c[row]; }); });
    return { columns: frame.columns, rows: rows };
  };

  document.getElementById("keep").addEventListener("click", function () {
    var results = JSON.parse(document.getElementById("explaindistill-results").textContent);
    Object.keys(results.frames).forEach(function (name) { results.frames[name] = unpacked(results.frames[name]); });
    var text = JSON.stringify(results);
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "audit.json";
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  });

  // In print what is folded stands behind the chapters, as an appendix, and each fold says where.
  var moved = [];
  var appendix = null;
  addEventListener("beforeprint", function () {
    appendix = document.createElement("section");
    appendix.className = "tab";
    appendix.id = "appendix";
    appendix.append(Object.assign(document.createElement("h2"), { textContent: "Appendix: what is folded on the screen" }));
    folds().filter(function (fold) {
      return !fold.open && !fold.parentElement.closest("details:not([open])") && !fold.closest(".outline");
    }).forEach(function (fold, i) {
      var summary = fold.querySelector("summary");
      var content = fold.querySelector(":scope > .inside, :scope > ul");
      var mark = document.createComment("");
      var title = Object.assign(document.createElement("h3"), { textContent: "A" + (i + 1) + ". " + summary.textContent });
      summary.dataset.appendix = "A" + (i + 1);
      content.replaceWith(mark);
      appendix.append(title, content);
      moved.push({ content: content, mark: mark, summary: summary });
    });
    all("details", appendix).concat(all(".outline details")).forEach(function (fold) {
      if (!fold.open) { fold.open = true; moved.push({ fold: fold }); }
    });
    if (appendix.children.length > 1) { document.getElementById("main").append(appendix); }
  });
  addEventListener("afterprint", function () {
    moved.forEach(function (one) {
      if (one.fold) { one.fold.open = false; return; }
      delete one.summary.dataset.appendix;
      one.mark.replaceWith(one.content);
    });
    moved = [];
    if (appendix) { appendix.remove(); }
  });

  var key = function (row, column) {
    var text = row.cells[column].textContent.trim();
    var number = parseFloat(text.replace(/,/g, "").replace(/\u2212/g, "-"));
    return isNaN(number) ? text : number;
  };
  var compare = function (a, b) {
    if (typeof a === "number" && typeof b === "number") { return a - b; }
    if (typeof a === "number") { return -1; }
    if (typeof b === "number") { return 1; }
    return a.localeCompare(b);
  };
  all("main .scroll table:not(.matrix)").forEach(function (table) {
    if (table.tBodies[0].rows.length > 3) {
      Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
        var button = document.createElement("button");
        button.type = "button";
        button.append.apply(button, Array.from(head.childNodes));
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

  // A table that is wider than the page says so.
  var measure = function () {
    all("main .tab.on .scroll").forEach(function (box) {
      box.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1);
    });
  };
  addEventListener("resize", measure);
  document.addEventListener("toggle", measure, true);
  measure();
})();
