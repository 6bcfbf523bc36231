"use strict";
(function () {
  var SHOWN_TERMS = 12;
  // What if: the student in the page is asked, and shows its path or its sum.
  var make = function (tag, text, attributes) {
    var element = document.createElement(tag);
    if (text !== undefined && text !== null) { element.textContent = text; }
    Object.keys(attributes || {}).forEach(function (k) { element.setAttribute(k, attributes[k]); });
    return element;
  };

  var numberControl = function (feature, id, changed) {
    var box = make("div", null, { class: "pair" });
    var limits = { min: feature.minimum, max: feature.maximum, step: feature.step };
    var slide = make("input", null, Object.assign({ type: "range", "aria-label": feature.label + ", slider" }, limits));
    var exact = make("input", null, { type: "number", id: id, step: "any" });
    slide.value = exact.value = feature.value;
    slide.addEventListener("input", function () { exact.value = slide.value; changed(); });
    exact.addEventListener("input", function () { slide.value = exact.value; changed(); });
    box.append(slide, exact);
    return { element: box, read: function () { return exact.value === "" ? null : Number(exact.value); } };
  };

  var dateControl = function (feature, id, changed) {
    var input = make("input", null, { type: "date", id: id });
    input.value = new Date(feature.value * 1000).toISOString().slice(0, 10);
    input.addEventListener("input", changed);
    return { element: input, read: function () { return input.value ? Date.parse(input.value) / 1000 : null; } };
  };

  var choiceControl = function (feature, id, changed) {
    var select = make("select", null, { id: id });
    feature.choices.forEach(function (choice, i) { select.append(make("option", choice.label, { value: i })); });
    select.append(make("option", "missing", { value: "missing" }));
    select.value = feature.value || 0;
    select.addEventListener("change", changed);
    return {
      element: select,
      read: function () { return select.value === "missing" ? null : feature.choices[Number(select.value)].value; }
    };
  };

  var control = function (feature, id, changed) {
    var build = feature.choices ? choiceControl : feature.kind === "datetime" ? dateControl : numberControl;
    var made = build(feature, id, changed);
    var cell = make("div");
    cell.append(make("label", feature.label + (feature.unit ? ", " + feature.unit : ""), { class: "name", for: id }), made.element);
    if (feature.choices || !feature.nullable) { return { element: cell, read: made.read }; }
    var gone = make("label", null, { class: "gone" });
    var tick = make("input", null, { type: "checkbox" });
    tick.addEventListener("change", changed);
    gone.append(tick, "missing");
    cell.append(gone);
    return { element: cell, read: function () { return tick.checked ? null : made.read(); } };
  };

  var short = function (x) { return (Math.abs(x) >= 1000 ? x.toFixed(0) : x.toPrecision(3)).replace("-", "\u2212"); };

  var line = function (box, label, from, to, of, words, look) {  // a bar from one place to another, in per cent
    var track = make("span", null, { class: "track" }), bar = make("i", null, look ? { class: look } : {});
    bar.style.left = 100 * (Math.min(from, to) - of[0]) / (of[1] - of[0]) + "%";
    bar.style.width = 100 * Math.abs(to - from) / (of[1] - of[0]) + "%";
    track.append(bar);
    box.append(make("span", label), track, make("span", words));
  };

  var bars = function (rows) {
    var box = make("div", null, { class: "bars" });
    rows.forEach(function (row) { line(box, row[0], 0, row[1], [0, 1], row[2]); });
    return box;
  };

  // A waterfall: each term begins where the one above it ended, from an average row at 0 to this row.
  var waterfall = function (rows) {
    var box = make("div", null, { class: "bars waterfall" }), at = 0, places = [0];
    rows.forEach(function (row) { at += row[1]; places.push(at); });
    var low = Math.min.apply(null, places), high = Math.max.apply(null, places);
    var of = high > low ? [low, high] : [low, low + 1];
    rows.forEach(function (row, i) { line(box, row[0], places[i], places[i + 1], of, row[2], row[1] > 0 ? "up" : ""); });
    line(box, "together", 0, at, of, short(at), "sum");
    return box;
  };

  var light = function (outline, steps) {
    outline.querySelectorAll(".lit").forEach(function (line) { line.classList.remove("lit"); });
    steps.forEach(function (step) {
      var line = outline.querySelector("[data-node='" + step + "']");
      if (!line) { return; }
      line.classList.add("lit");
      var fold = line.querySelector(":scope > details");
      if (fold) { fold.open = true; }
    });
  };

  // Answers on the way spell the names of the lines: "w", "w1", "w10" …; a tree names its nodes itself.
  var places = function (steps) {
    if (steps.length && typeof steps[0] !== "boolean") { return steps; }
    var way = "w";
    return [way].concat(steps.map(function (yes) { way += yes ? "1" : "0"; return way; }));
  };

  // Contributions of columns that belong together (the levels of a category) are added up.
  var merged = function (terms, added) {
    var sums = new Map();
    terms.forEach(function (name, i) { sums.set(name, (sums.get(name) || 0) + added[i]); });
    var rows = Array.from(sums, function (pair) { return [pair[0], pair[1], short(pair[1])]; });
    rows.sort(function (a, b) { return Math.abs(b[1]) - Math.abs(a[1]); });
    var rest = rows.slice(SHOWN_TERMS);
    if (rest.length) {
      var sum = rest.reduce(function (total, row) { return total + row[1]; }, 0);
      rows = rows.slice(0, SHOWN_TERMS).concat([[rest.length + " other terms", sum, short(sum)]]);
    }
    return rows;
  };

  // The class that the audit's rule decides: the favourable one from its bound on, else the best of the others.
  // A sum of curves may differ in the last digits from the one that drew the bound: 1e-12 makes up for them.
  var decided = function (told, p) {
    var rule = told.decision;
    if (!rule) { return p.indexOf(Math.max.apply(null, p)); }
    if (rule.from !== null && p[rule.class] >= rule.from - 1e-12) { return rule.class; }
    var others = p.map(function (q, k) { return k === rule.class ? -1 : q; });
    return others.indexOf(Math.max.apply(null, others));
  };

  // What the teacher answered on the mean on the audited rows of the same cell.
  var beside = function (told, row) {
    var finder = (self.explaindistill || {})[told.id + "-cells"];
    var whole = Object.create(null);  // the cells may ask for columns that the student does not read
    ((finder || {}).features || []).forEach(function (f) { whole[f.name] = f.name in row ? row[f.name] : null; });
    var cell = finder && told.cells[finder.path(whole).pop()];
    if (!cell) { return []; }
    var text = "The teacher, on the " + cell.n.toLocaleString("en") + " audited rows nearest to this, on the mean:";
    var where = make("p", "Nearest: " + cell.where + ".", { class: "where" });
    if (!told.classes) { return [make("p", text + " " + short(cell.means[0][0])), where]; }
    return [make("p", text), bars(cell.means.map(function (m, k) {
      return [told.classes[k], m[0], (100 * m[0]).toFixed(1) + " % [" + (100 * m[1]).toFixed(1) + ", " + (100 * m[2]).toFixed(1) + "]"];
    })), where];
  };

  document.querySelectorAll(".whatif").forEach(function (panel) {
    var told = JSON.parse(panel.querySelector("script").textContent);
    var student = (self.explaindistill || {})[told.id];
    if (!student) { return; }
    var ask = make("div", null, { class: "ask" });
    var answer = make("div", null, { class: "answer", role: "status", "aria-live": "polite" });
    var controls = [];
    var changed = function () {
      var row = Object.create(null);
      controls.forEach(function (c, i) { row[told.features[i].name] = c.read(); });
      var words = "The student says: ";
      var parts = [];
      if (told.classes) {
        var p = student.predict_proba(row);
        words += told.classes[decided(told, p)];
        parts.push(bars(p.map(function (q, k) { return [told.classes[k], q, (100 * q).toFixed(1) + " %"]; })));
      } else {
        words += [].concat(student.predict(row)).map(short).join(", ");
      }
      if (student.path && told.outline) {
        light(document.getElementById(told.outline), places(student.path(row)));
        words += " (" + told.marked + ")";
      }
      parts = parts.concat(beside(told, row));
      if (student.contributions) {
        var added = student.contributions(row).map(function (c, i) {
          return c[told.output] - (told.means ? told.means[i] : 0);
        });
        parts.push(make("p", "What each term adds" + (told.means ? " to an average row" : "") + " (" + told.unit + ")"), waterfall(merged(told.terms, added)));
      }
      answer.replaceChildren(make("p", words));
      if (told.decision) { answer.append(make("p", told.decision.words, { class: "where" })); }
      answer.append.apply(answer, parts);
    };
    told.features.forEach(function (feature, i) {
      controls.push(control(feature, told.id + "-ask-" + i, changed));
      ask.append(controls[i].element);
    });
    panel.append(ask, answer);
    panel.hidden = false;
    changed();
  });
})();
