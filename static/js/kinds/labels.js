// What questions with labels share: the row of buttons, the arrow keys in it, and a field that finds one among many.

export function titleOf(question, name) {
  return question.labels.find((label) => label.name === name)?.title ?? name ?? "";
}

export function chip(question, name) {
  const made = document.createElement("span");
  made.className = "chip";
  made.dataset.color = question.labels.find((label) => label.name === name)?.color ?? 0;
  made.textContent = titleOf(question, name);
  return made;
}

// For comparing as people type: small letters, full-width signs as plain ones.
function folded(words) {
  return words.normalize("NFKC").toLowerCase();
}

// `pressed(name, by)` is called for a chosen label: by "pointer", "key", "find" or "arrow" (only where `follows`).
export class Row {
  constructor(root, question, strings, { pressed, follows = false, state = "aria-checked" }) {
    this.state = state;
    this.buttons = [...root.querySelectorAll("[data-value]")];
    this.field = root.querySelector(".find input");
    this.found = root.querySelector(".found");
    this.strings = strings;
    // What a label is found by: its own words and those of the labels above it, which stand before it.
    const names = new Map();
    this.words = question.labels.map((label) => {
      names.set(label.name, folded(`${names.get(label.parent) ?? ""} ${label.name} ${label.title ?? ""}`));
      return `${names.get(label.name)} ${folded(label.definition ?? "")}`;
    });
    this.list = root.querySelector(".labels");
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-value]");
      if (button) pressed(button.dataset.value, "pointer");
    });
    root.querySelector(".labels").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      const shown = this.buttons.filter((button) => !button.hidden);
      const place = shown.indexOf(document.activeElement);
      if (!step || place < 0) return;
      event.preventDefault();
      const next = shown[(place + step + shown.length) % shown.length];
      this.stop(next);
      next.focus();
      if (follows) pressed(next.dataset.value, "arrow");
    });
    if (this.field) this.listen(pressed);
  }

  listen(pressed) {
    this.field.addEventListener("input", () => this.filter(this.field.value));
    this.field.addEventListener("keydown", (event) => {
      const first = this.buttons.find((button) => !button.hidden);
      if (event.key === "Escape") { this.clear(); this.stop(first ?? this.buttons[0]); (first ?? this.buttons[0]).focus(); }
      else if (event.key === "Enter" && first && this.field.value.trim()) { pressed(first.dataset.value, "find"); this.field.select(); }
      else if (event.key === "ArrowDown" && first) { this.stop(first); first.focus(); }
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  // Labels that hold all the words; those whose name begins with them come first for Enter by standing first anyway.
  filter(words) {
    const parts = folded(words).split(/\s+/).filter(Boolean);
    let count = 0;
    this.list.classList.toggle("filtered", parts.length > 0);
    this.buttons.forEach((button, place) => {
      button.hidden = !parts.every((part) => this.words[place].includes(part));
      count += !button.hidden;
    });
    this.found.hidden = count > 0;
    this.found.textContent = count ? "" : this.strings.no_label;
  }

  clear() {
    if (!this.field || !this.field.value) return;
    this.field.value = "";
    this.filter("");
  }

  // True where the key belongs to the row: "/" to find, or a label's own key.
  key(key, pressed) {
    if (key === "/" && this.field) { this.field.focus(); this.field.select(); return true; }
    const button = this.buttons.find((one) => one.dataset.key === key);
    if (button) pressed(button.dataset.value, "key");
    return Boolean(button);
  }

  // The one button that Tab stops at.
  stop(button) {
    for (const one of this.buttons) one.tabIndex = one === button ? 0 : -1;
  }

  show(isChosen) {
    let first = null;
    for (const button of this.buttons) {
      const on = isChosen(button.dataset.value);
      button.setAttribute(this.state, String(on));
      if (on) first ??= button;
    }
    if (!this.buttons.includes(document.activeElement)) this.stop(first ?? this.buttons[0]);
  }
}
