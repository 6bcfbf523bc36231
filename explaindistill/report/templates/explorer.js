"use strict";
(function () {
  // The picture of groups: drawn from one island of data, as report/explorer.py and report/dots.py draw the first one.
  var SVG = "http://www.w3.org/2000/svg";
  var LINE = 15, SMALLEST = 8, LARGEST = 13, LOOKS = 6, STEPS = 5;

  var make = function (tag, text, attributes) {
    var element = document.createElement(tag);
    if (text !== undefined && text !== null) { element.textContent = text; }
    Object.keys(attributes || {}).forEach(function (k) { element.setAttribute(k, attributes[k]); });
    return element;
  };
  var draw = function (tag, attributes) {
    var element = document.createElementNS(SVG, tag);
    Object.keys(attributes).forEach(function (k) { element.setAttribute(k, attributes[k]); });
    return element;
  };
  var look = function (series) { return series >= 0 ? String(series % LOOKS) : series === -1 ? "t" : "l"; };
  var ten = function (x) { return parseFloat(x.toPrecision(10)); };

  var axis = function (values) {
    var low = values.length ? Math.min.apply(null, values) : 0, high = values.length ? Math.max.apply(null, values) : 1;
    if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high), 1e-9)) {
      var margin = 0.25 * Math.abs(low) || 0.5;
      low -= margin;
      high += margin;
    }
    var rough = (high - low) / STEPS, power = Math.pow(10, Math.floor(Math.log10(rough)));
    var step = power * [1, 2, 5, 10].find(function (m) { return rough <= m * power * (1 + 1e-9); });
    var ticks = [];
    for (var i = Math.floor(low / step + 1e-9); i <= Math.ceil(high / step - 1e-9); i++) { ticks.push(ten(i * step)); }
    return ticks;
  };
  var tickWords = function (at, unit) {
    var four = function (x) { return String(parseFloat(x.toPrecision(4))); };
    var text = unit ? four(100 * at) + unit : Math.abs(at) >= 1000 ? at.toLocaleString("en", { maximumFractionDigits: 0 }) : four(at);
    return text.replace("-", "\u2212");
  };
  var place = function (at, ends) {
    var share = ends[1] > ends[0] ? (at - ends[0]) / (ends[1] - ends[0]) : 0.5;
    return (100 * Math.min(Math.max(share, 0), 1)).toFixed(2);
  };

  var strip = function (marks, ends, reference, band) {
    var height = LINE * marks.length + 4;
    var svg = draw("svg", { class: "strip", width: "100%", height: height, role: "img" });
    var title = draw("title", {});
    title.textContent = marks.map(function (m) { return m.words; }).join("; ");
    svg.append(title);
    if (band) {
      var start = Number(place(band[0], ends)), end = Number(place(band[1], ends));
      svg.append(draw("rect", { class: "band", x: start.toFixed(2) + "%", width: (end - start).toFixed(2) + "%", y: 0, height: height }));
    }
    if (reference !== null) {
      var x = place(reference, ends) + "%";
      svg.append(draw("line", { class: "reference", x1: x, x2: x, y1: 0, y2: height }));
    }
    marks.forEach(function (m, i) {
      var y = LINE * i + Math.floor(LINE / 2) + 2, colour = look(m.series);
      if (m.low !== null && m.high !== null) {
        svg.append(draw("line", { class: "whisker c" + colour, x1: place(m.low, ends) + "%", x2: place(m.high, ends) + "%", y1: y, y2: y }));
      }
      var side = SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(Math.min(Math.max(m.weight, 0), 1));
      svg.append(draw("use", {
        class: "c" + colour, href: "#mark-" + colour, x: place(m.at, ends) + "%", y: y, width: side.toFixed(1),
        height: side.toFixed(1), transform: "translate(" + (-side / 2).toFixed(1) + " " + (-side / 2).toFixed(1) + ")"
      }));
    });
    return svg;
  };

  var figure = function (shown) {
    var box = make("figure", null, { class: "dots" });
    var caption = make("figcaption");
    caption.append(make("b", shown.title + "."), " " + shown.desc);
    box.append(caption);
    if (shown.series.length > 1) {
      var legend = make("p", null, { class: "legend" });
      shown.series.forEach(function (s) {
        var item = make("span"), svg = draw("svg", { width: 12, height: 12, "aria-hidden": "true" });
        svg.append(draw("use", { class: "c" + look(s[1]), href: "#mark-" + look(s[1]), width: 12, height: 12 }));
        item.append(svg, " " + s[0]);
        legend.append(item, " ");
      });
      box.append(legend);
    }
    var table = make("table"), head = make("tr"), body = make("tbody"), line = make("th", null, { scope: "col", class: "axis" });
    table.append(make("caption", shown.title, { class: "unseen" }));
    shown.ticks.forEach(function (t) { line.append(make("span", tickWords(t, shown.unit), { style: "left:" + place(t, shown.ends) + "%" })); });
    head.append(make("th", shown.head, { scope: "col" }), line);
    var heads = make("thead");
    heads.append(head);
    shown.strips.forEach(function (s) {
      var row = make("tr"), first = make("th", s.title, { scope: "row" }), cell = make("td");
      if (s.detail) { first.append(" ", make("small", s.detail)); }
      if (s.remark) { cell.append(make("small", s.remark)); }
      if (s.marks.length) { cell.append(strip(s.marks, shown.ends, shown.reference, shown.band)); }
      row.append(first, cell);
      body.append(row);
    });
    table.append(heads, body);
    box.append(table);
    if (shown.legend) { box.append(make("p", shown.legend, { class: "table-note" })); }
    return box;
  };

  var chooser = function (label, id, options, changed) {
    var cell = make("div"), select = make("select", null, { id: id });
    options.forEach(function (o, i) { select.append(make("option", o, { value: i })); });
    select.addEventListener("change", changed);
    cell.append(make("label", label, { class: "name", for: id }), select);
    return { element: cell, select: select, read: function () { return Number(select.value); } };
  };

  // A packed line: places of attribute, measure, model and group, n, "estimate low high" as they are read, the gap from
  // the reference in the same way, and the reference where it is another one.
  var read = function (data, r) {
    var measure = data.metrics[r[1]], digits = r[5], gap = r[6] || "", one = { model: r[2], group: r[3], n: r[4], gap: "", values: [] };
    var worded = function (text, unit) {
      var parts = text.split(" ");
      return parts[0] + unit + (parts.length === 3 ? " [" + parts[1] + ", " + parts[2] + "]" : "");
    };
    if (digits.slice(-2) === " !") { one.words = digits.slice(0, -2); return one; }
    var plain = digits.replace(/ \*$/, "");
    one.words = worded(plain, measure[2]) + (plain === digits ? "" : ", small group");
    one.values = plain.split(" ").map(function (text) {
      var x = parseFloat(text.replace("\u2212", "-").replace(/,/g, "").replace("e\u2212", "e-").replace("\u221e", "Infinity"));
      return measure[2] ? x / 100 : x;
    });
    var other = r.length > 7 ? r[7] : data.references[r[0]];
    if (gap) { one.gap = worded(gap, measure[4]) + (other === null ? "" : " against " + data.groups[r[0]][other]); }
    return one;
  };
  var known = function (x) { return typeof x === "number" && isFinite(x); };

  var pictured = function (data, attribute, metric, model) {
    var rows = data.rows.filter(function (r) { return r[0] === attribute && r[1] === metric && (model === null || r[2] === model); });
    rows = rows.map(function (r) { return read(data, r); });
    var described = data.metrics[metric], at = data.references[attribute], values = [];
    rows.forEach(function (r) { values = values.concat(r.values.filter(known)); });
    var ticks = axis(values), bySeries = rows.filter(function (r) { return r.group === at && r.values.length; });
    var chosen = bySeries.find(function (r) { return data.models[r.model][1] === -1; }) || bySeries[0];
    var reference = chosen ? chosen.values[0] : null, banded = described[3] && reference !== null;
    var largest = Math.max.apply(null, rows.map(function (r) { return r.n; }).concat(0)) || 1;
    var strips = [];
    data.groups[attribute].forEach(function (group, g) {
      var mine = rows.filter(function (r) { return r.group === g; });
      if (!mine.length) { return; }
      var one = { title: group, detail: "", remark: "", marks: [] }, remarks = [];
      mine.forEach(function (r) {
        var name = data.models[r.model][0], counted = r.n ? "n\u00a0=\u00a0" + r.n.toLocaleString("en") : "";
        if (!r.values.length) { remarks.push(model === null ? name + ": " + r.words : r.words); return; }
        var joined = function (words) { return words.filter(Boolean).join(", "); };
        if (model !== null) { one.detail = joined([counted, r.words, r.gap]); } else { one.detail = one.detail || counted; }
        one.marks.push({
          series: data.models[r.model][1], at: r.values[0], low: known(r.values[1]) ? r.values[1] : null,
          high: known(r.values[2]) ? r.values[2] : null, weight: r.n / largest, words: name + ": " + joined([r.words, counted, r.gap])
        });
      });
      one.remark = remarks.join("; ");
      strips.push(one);
    });
    var used = [], legend = "Whiskers: 95 % intervals; area of a mark: number of people.";
    rows.forEach(function (r) { if (used.indexOf(r.model) < 0) { used.push(r.model); } });
    if (reference !== null) {
      legend += " Dashed: the rate of " + data.groups[attribute][at] + (banded ? ", in green within four fifths of it." : ".");
    }
    return figure({
      title: described[0] + " by " + data.attributes[attribute], desc: described[1], unit: described[2], ticks: ticks,
      ends: [ticks[0], ticks[ticks.length - 1]], reference: reference, band: banded ? [0.8 * reference, reference / 0.8] : null,
      strips: strips, series: used.map(function (m) { return data.models[m]; }), legend: legend, head: data.attributes[attribute]
    });
  };

  document.querySelectorAll(".explorer").forEach(function (box) {
    var data = JSON.parse(box.querySelector("script").textContent);
    var ask = box.querySelector(".ask"), picture = box.querySelector(".picture");
    var changed = function () {
      var model = models.read();
      picture.replaceChildren(pictured(data, attributes.read(), metrics.read(), model ? model - 1 : null));
    };
    var attributes = chooser("Attribute", "explore-attribute", data.attributes, changed);
    var metrics = chooser("Measure", "explore-measure", data.metrics.map(function (m) { return m[0]; }), changed);
    var names = [data.every].concat(data.models.map(function (m) { return m[0]; }));
    var models = chooser("Model", "explore-model", names, changed);
    ask.append(attributes.element, metrics.element, models.element);
    ask.hidden = false;
    changed();
    addEventListener("hashchange", function () {  // a cell of the summary names its attribute
      var place = /^#bias-by-(\d+)$/.exec(location.hash);
      if (place && Number(place[1]) < data.attributes.length) { attributes.select.value = place[1]; changed(); }
    });
  });

  // The slider: counts of people at or above each threshold, by group; nothing else of anyone is in the page.
  document.querySelectorAll(".threshold").forEach(function (panel) {
    var data = JSON.parse(panel.querySelector("script").textContent);
    var ask = panel.querySelector(".ask"), picture = panel.querySelector(".picture");
    var models = chooser("Model", "threshold-model", data.models.map(function (m) { return m.name; }), function () { start(); });
    var attributes = chooser("Attribute", "threshold-attribute", data.attributes.map(function (a) { return a.name; }), function () { start(); });
    var cell = make("div"), slide = make("input", null, { type: "range", id: "threshold-slider", min: 0, step: 1 });
    var label = make("label", null, { class: "name", for: "threshold-slider" });
    cell.append(label, slide);
    var chosen = function () { return data.models[models.read()].attributes[attributes.read()]; };
    var start = function () {
      slide.max = chosen().thresholds.length - 1;
      slide.value = chosen().start;
      changed();
    };
    var changed = function () {
      var model = data.models[models.read()], attribute = data.attributes[attributes.read()], table = chosen(), at = Number(slide.value);
      var words = parseFloat(table.thresholds[at].toPrecision(3)) + (at === table.start ? " (the audit's)" : "");
      label.textContent = "Threshold " + words;
      slide.setAttribute("aria-valuetext", words);
      var rates = attribute.sizes.map(function (n, g) { return n === null || !table.counts[g] ? null : table.counts[g][at] / n; });
      var largest = Math.max.apply(null, attribute.sizes.map(function (n) { return n || 0; })) || 1;
      var reference = attribute.reference === null ? null : rates[attribute.reference];
      var strips = attribute.groups.map(function (group, g) {
        if (rates[g] === null) { return { title: group, detail: "", remark: "withheld", marks: [] }; }
        var n = attribute.sizes[g], k = table.counts[g][at];
        var words = (100 * rates[g]).toFixed(1) + " %, " + k.toLocaleString("en") + " of " + n.toLocaleString("en");
        if (reference && g !== attribute.reference) { words += ", ratio " + (rates[g] / reference).toFixed(2); }
        return { title: group, detail: words, remark: "", marks: [{ series: model.series, at: rates[g], low: null, high: null, weight: n / largest, words: words }] };
      });
      picture.replaceChildren(figure({
        title: "Selection rate by " + attribute.name, desc: "", unit: "\u00a0%", ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], ends: [0, 1], reference: reference,
        band: reference === null ? null : [0.8 * reference, reference / 0.8], strips: strips, series: [], legend: data.legend, head: attribute.name
      }));
    };
    slide.addEventListener("input", changed);
    ask.append(models.element, attributes.element, cell);
    panel.hidden = false;
    start();
  });
})();
