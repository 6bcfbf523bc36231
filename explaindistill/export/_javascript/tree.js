// A node holds [feature, rule, missing goes left, unseen goes left, left, right]; a rule is a threshold, null for
// "any number", or the list of categories that go left. A leaf has feature -1.
function goesLeft(node, x) {
  if (x !== x) { return node[2]; }
  if (!Array.isArray(node[1])) { return node[1] === null ? true : x <= node[1]; }
  if (x < 0) { return node[3]; }
  return node[1].indexOf(x) >= 0;
}

function path(row) {
  var x = columns(row);
  var at = 0;
  var steps = [0];
  while (model.nodes[at][0] >= 0) {
    at = goesLeft(model.nodes[at], x[model.nodes[at][0]]) ? model.nodes[at][4] : model.nodes[at][5];
    steps.push(at);
  }
  return steps;
}

function output(row) {
  var steps = path(row);
  return model.values[steps[steps.length - 1]].slice();
}
