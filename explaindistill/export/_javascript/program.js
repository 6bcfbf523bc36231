// Conditions: ["<=", column, bound], ["missing", column], ["unseen", column], ["in", column, values],
// ["any", [conditions]], ["not", condition]. Categories are places in their lists.
function holds(c, x) {
  switch (c[0]) {
    case "<=": return x[c[1]] <= c[2];
    case "missing": return x[c[1]] !== x[c[1]];
    case "unseen": return x[c[1]] === -1;
    case "in": return c[2].indexOf(x[c[1]]) >= 0;
    case "any": return c[1].some(function (part) { return holds(part, x); });
    default: return !holds(c[1], x);
  }
}

// A factor is a condition, or {column, unit, fill, low, high, centre}: a number within limits.
function factorValue(factor, x) {
  if (Array.isArray(factor)) { return holds(factor, x) ? 1 : 0; }
  var v = x[factor.column];
  v = v !== v ? factor.fill : v / factor.unit;
  if (factor.low !== null) { v = Math.min(Math.max(v, factor.low), factor.high); }
  return v - factor.centre;
}

// Answers to the questions on a row's way, true or false, from the first one on.
function path(row) {
  var x = columns(row);
  var at = model.tree;
  var steps = [];
  while (at.condition) {
    steps.push(holds(at.condition, x));
    at = steps[steps.length - 1] ? at.yes : at.no;
  }
  return steps;
}

// Numbers before the last step.
function score(row) {
  var x = columns(row);
  var at = model.tree;
  while (at.condition) { at = holds(at.condition, x) ? at.yes : at.no; }
  var out = at.values.slice();
  at.terms.forEach(function (term) {
    var value = factorValue(term.factor, x);
    for (var k = 0; k < out.length; k += 1) { out[k] += value * term.coefficients[k]; }
  });
  return out;
}

function output(row) { return linked(score(row)); }
