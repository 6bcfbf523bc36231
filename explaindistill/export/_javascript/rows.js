// Seconds since 1970 of a Date or of ISO text; a moment without a zone is in UTC, whatever the zone of the engine.
function seconds(value) {
  if (typeof value === "string" && /[T ]\d\d:\d\d(:\d\d(\.\d*)?)?$/.test(value)) { value = value.replace(" ", "T") + "Z"; }
  return new Date(value).getTime() / 1000;
}

// One value in the model's own numbers: NaN is missing, a category is its place in the list, -1 is unseen.
function encode(feature, row) {
  if (!Object.prototype.hasOwnProperty.call(row, feature.name)) {
    throw new RangeError("the row has no column " + JSON.stringify(feature.name) + "; say null where its value is missing");
  }
  var value = row[feature.name];
  if (value === null || value === undefined || value !== value) { return NaN; }
  if (feature.categories) { return feature.categories.indexOf(value); }
  var number = feature.kind === "datetime" && typeof value !== "number" ? seconds(value) : value;
  if (typeof number === "boolean") { number = Number(number); }
  if (typeof number !== "number" || number !== number || number === Infinity || number === -Infinity) {
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
