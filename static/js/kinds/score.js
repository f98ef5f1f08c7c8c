// A number between two ends: a row of buttons for few points, else a slider beside a field. Nothing is chosen beforehand.
const FEW = 11;

function digitsOf(number) {
  const [, digits = "", power = "0"] = /^-?\d+(?:\.(\d+))?(?:e([-+]?\d+))?$/i.exec(String(number)) ?? [];
  return Math.max(0, digits.length - Number(power));
}

export function mount(root, question, page) {
  const { name, title, min, max, step } = question;
  const S = page.strings;
  const digits = Math.max(digitsOf(min), digitsOf(step));
  const count = Math.round((max - min) / step) + 1;
  const few = count <= FEW;
  const row = root.querySelector(".points");
  const slide = root.querySelector(".slide");
  const slider = root.querySelector(".slider");
  const field = root.querySelector(".number");
  const clear = root.querySelector(".clear");
  let value = null;

  // The point at that place, without the dust of adding up tenths.
  const at = (place) => Number((min + place * step).toFixed(digits));
  const placeOf = (number) => Math.round((number - min) / step);
  const held = (number) => at(Math.min(count - 1, Math.max(0, placeOf(number))));

  const buttons = few ? Array.from({ length: count }, (_, place) => point(place)) : [];
  row.append(...buttons);
  row.hidden = !few;
  slide.hidden = few;
  Object.assign(slider, { min: 0, max: count - 1, step: 1 });

  function keyOf(place) {
    const whole = Number.isInteger(step) && Number.isInteger(min) && min >= 0 && max <= 10;
    if (whole) return at(place) === 10 ? "-" : String(at(place));
    return "1234567890-"[place] ?? "";
  }

  function point(place) {
    const button = document.createElement("button");
    const key = document.createElement("kbd");
    button.type = "button";
    button.className = "point";
    button.setAttribute("role", "radio");
    button.dataset.value = at(place);
    button.dataset.key = keyOf(place);
    key.textContent = keyOf(place);
    const words = place === 0 ? question.low : place === count - 1 ? question.high : "";
    button.setAttribute("aria-label", words ? `${at(place)}: ${words}` : String(at(place)));
    button.append(String(at(place)));
    if (key.textContent !== String(at(place))) button.append(key);
    return button;
  }

  function show({ typed = false } = {}) {
    root.classList.toggle("unset", value == null);
    clear.hidden = question.required || value == null;
    slider.value = value == null ? Math.floor((count - 1) / 2) : placeOf(value);
    slider.setAttribute("aria-valuetext", value == null ? S.no_answer : String(value));
    if (!typed) field.value = value ?? "";
    field.setAttribute("aria-invalid", "false");
    const stop = buttons.find((button) => Number(button.dataset.value) === value) ?? buttons[0];
    for (const button of buttons) {
      button.setAttribute("aria-checked", String(value != null && button === stop));
      button.tabIndex = button === stop ? 0 : -1;
    }
    // Where the page brings the focus when it comes to this question.
    if (!few) slider.tabIndex = 0;
  }

  function choose(number, { final = false, part = "", typed = false } = {}) {
    value = number;
    show({ typed });
    page.changed(name, value, { final, part });
  }

  // From where the handle or the focus stands; on a slider the first step takes the middle itself.
  function move(steps) {
    const from = value ?? (few ? Number(document.activeElement.dataset.value ?? min) : at(Math.floor((count - 1) / 2)));
    choose(value == null && !few ? from : held(from + steps * step), { part: "move" });
    if (few) buttons.find((button) => button.tabIndex === 0).focus();
  }

  // What stands in the field as a point of the scale, or NaN.
  function typed() {
    const words = field.value.normalize("NFKC").trim().replace("−", "-").replace(",", ".");
    const number = /^[-+]?(\d+\.?\d*|\.\d+)$/.test(words) ? Number(words) : NaN;
    const near = at(placeOf(number));
    return number >= min && number <= max && Math.abs(near - number) < step * 1e-6 ? near : NaN;
  }

  row.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value]");
    if (button) choose(Number(button.dataset.value), { final: true });
  });
  slider.addEventListener("input", () => choose(at(Number(slider.value)), { part: "slide" }));
  // A press on the place where the unset handle stands changes nothing in the slider, and is an answer all the same.
  for (const press of ["click", "pointerup", "touchend"]) {
    slider.addEventListener(press, () => value == null && choose(at(Number(slider.value))));
  }
  field.addEventListener("input", () => {
    const number = typed();
    const empty = !field.value.trim();
    if (!Number.isNaN(number)) choose(number, { part: "type", typed: true });
    else if (value != null) choose(null, { part: "type", typed: true });
    field.setAttribute("aria-invalid", String(!empty && Number.isNaN(number)));
  });
  field.addEventListener("blur", () => {
    if (field.value.trim() && Number.isNaN(typed())) page.say(wrong());
  });
  clear.addEventListener("click", () => { choose(null); (few ? buttons[0] : slider).focus(); });
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const sign = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
    const inField = event.target === field;
    if (sign && !(inField && ["ArrowLeft", "ArrowRight"].includes(event.key))) move(sign * (event.shiftKey ? 10 : 1));
    else if (event.key === "Enter" && (inField || event.target === slider)) {
      if (inField && field.value.trim() && Number.isNaN(typed())) page.say(wrong());
      else page.done();
    } else if (event.key === "Escape" && inField) { field.blur(); slider.focus(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function wrong() {
    return S.score_range.replace("{question}", title).replace("{low}", min).replace("{high}", max).replace("{step}", step);
  }

  return {
    root,
    question,
    set(given) {
      value = given ?? null;
      show();
    },
    // A digit is a point of a short scale; on a long one it begins a number.
    key(key) {
      const button = buttons.find((one) => one.dataset.key === key);
      if (button) { choose(Number(button.dataset.value), { final: true }); return true; }
      if (few || !/^[0-9]$/.test(key) && !(key === "-" && min < 0)) return false;
      field.focus();
      field.value = key;
      field.dispatchEvent(new Event("input"));
      return true;
    },
    labels: () => [],
    title: (given) => (given == null ? "" : String(given)),
    mark: (given) => (given == null ? "" : String(given)),
    definition: () => undefined,
    // What is in the field and is no number of the scale must not be lost in silence.
    unfinished: () => (field.value.trim() && Number.isNaN(typed()) && !few ? wrong() : ""),
  };
}
