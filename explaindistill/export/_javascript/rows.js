// One value in the model's own numbers: NaN is missing, a category is its place in the list, -1 is unseen.
function encode(feature, row) {
  var value = Object.prototype.hasOwnProperty.call(row, feature.name) ? row[feature.name] : null;
  if (value === null || value === undefined || value !== value) { return NaN; }
  if (feature.categories) { return feature.categories.indexOf(value); }
  if (feature.kind === "datetime" && typeof value !== "number") { return new Date(value).getTime() / 1000; }
  if (value === "") { return NaN; }
  var number = Number(value);
  if (number !== number || number === Infinity || number === -Infinity) {
    throw new RangeError(feature.name + " must be a finite number or missing");
  }
  return number;
}

function columns(row) {
  return model.features.map(function (feature) { return encode(feature, row); });
}

function argmax(p) {
  var best = 0;
  for (var k = 1; k < p.length; k += 1) { if (p[k] > p[best]) { best = k; } }
  return best;
}
