// From the numbers before the last step to the answer.
function linked(eta) {
  if (model.link === "log") {
    return eta.map(function (e) { return Math.exp(Math.min(Math.max(e, -model.limit), model.limit)); });
  }
  if (model.link === "risk") {
    var risk = model.risk[Math.round(eta[0]) - model.lowest];
    return [1 - risk, risk];
  }
  if (model.link !== "logit") { return eta; }
  if (eta.length === 1) { return [1 / (1 + Math.exp(eta[0])), 1 / (1 + Math.exp(-eta[0]))]; }
  var top = Math.max.apply(null, eta);
  var raised = eta.map(function (e) { return Math.exp(e - top); });
  var total = raised.reduce(function (a, b) { return a + b; }, 0);
  return raised.map(function (e) { return e / total; });
}
