// A place on a grid is a blend of two neighbours; outside the knots the straight line through the last two goes on.
function place(grid, x) {
  var knots = grid.knots;
  if (x !== x) { return grid.missing ? [grid.size - 1, grid.size - 1, 0] : null; }
  if (knots.length === 0) {
    var at = x >= 0 && x < grid.position.length ? grid.position[x] : grid.unseen;
    return at < 0 ? null : [at, at, 0];
  }
  if (knots.length === 1) { return [0, 0, 0]; }
  var lo = 0;
  var hi = knots.length - 1;
  while (hi - lo > 1) {
    var middle = (lo + hi) >> 1;
    if (x < knots[middle]) { hi = middle; } else { lo = middle; }
  }
  return [lo, lo + 1, (x - knots[lo]) / (knots[lo + 1] - knots[lo])];
}

// Exact where both ends are equal, however far out the share is.
function blend(low, high, share) { return low + share * (high - low); }

function shapeValue(term, k, places) {
  var values = term.values[k];
  var a = places[0];
  if (places.length === 1) { return blend(values[a[0]], values[a[1]], a[2]); }
  var b = places[1];
  var near = blend(values[a[0]][b[0]], values[a[0]][b[1]], b[2]);
  var far = blend(values[a[1]][b[0]], values[a[1]][b[1]], b[2]);
  return blend(near, far, a[2]);
}

function columnValue(column, x) {
  if (column.operation === "missing") { return x !== x ? 1 : 0; }
  if (column.operation === "level") { return x === column.code ? 1 : 0; }
  if (column.operation === "at_most") { return x <= column.threshold ? 1 : 0; }
  if (column.operation === "above") { return x > column.threshold ? 1 : 0; }
  return (x !== x ? column.fill : x / column.unit) - column.centre;
}

// What each term adds to each output: [[...], ...] in the order of model.terms.
function contributions(row) {
  var x = columns(row);
  return model.terms.map(function (term) {
    if (term.column) {
      var value = columnValue(term.column, x[term.features[0]]);
      return term.coefficients.map(function (c) { return value * c; });
    }
    var places = term.grids.map(function (grid, i) { return place(grid, x[term.features[i]]); });
    var known = places.indexOf(null) < 0;
    return term.values.map(function (_, k) { return known ? shapeValue(term, k, places) : 0; });
  });
}

function score(row) {
  var eta = model.intercept.slice();
  contributions(row).forEach(function (part) {
    for (var k = 0; k < eta.length; k += 1) { eta[k] += part[k]; }
  });
  return eta;
}

function output(row) { return linked(score(row)); }
