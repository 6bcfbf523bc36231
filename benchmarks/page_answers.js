// What page_answers.py does in the open page: types rows into a what-if panel, moves the slider, reads what is shown.
self.typed = (id, rows) => {
  const panel = document.querySelector(`.whatif[data-student="${id}"]`);
  const told = JSON.parse(panel.querySelector("script").textContent);
  const controls = told.features.map((feature, i) => {
    const control = document.getElementById(`${id}-ask-${i}`);
    return { feature, control, gone: control.closest(".ask > div").querySelector(".gone input") };
  });
  const set = ({ feature, control, gone }, value) => {
    if (gone) { gone.checked = value === null; }
    if (feature.choices) {
      const place = feature.choices.findIndex((c) => c.value === value);
      control.value = value === null ? "missing" : String(place);
    } else if (value !== null) {
      control.value = feature.kind === "datetime" ? new Date(value * 1000).toISOString().slice(0, 10) : String(value);
    }
  };
  return rows.map((row) => {
    controls.forEach((one) => set(one, row[one.feature.name]));
    const last = controls[controls.length - 1].control;
    last.dispatchEvent(new Event(last.tagName === "SELECT" ? "change" : "input"));
    const cells = Array.from(panel.querySelector(".answer .bars").children).map((e) => e.textContent);
    return [panel.querySelector(".answer p").textContent, cells.filter((_, i) => i % 3 === 2)];
  });
};
self.moved = (model, attribute) => {
  const choose = (id, value) => {
    const select = document.getElementById(id);
    select.value = value;
    select.dispatchEvent(new Event("change"));
  };
  choose("threshold-model", model);
  choose("threshold-attribute", attribute);
  const slide = document.getElementById("threshold-slider");
  const shown = [];
  for (let i = Number(slide.min); i <= Number(slide.max); i++) {
    slide.value = i;
    slide.dispatchEvent(new Event("input"));
    const lines = Array.from(document.querySelectorAll(".threshold tbody tr"));
    shown.push(lines.map((line) => line.querySelector("th small").textContent));
  }
  return shown;
};
0;
