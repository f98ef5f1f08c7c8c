// How sure the person is of the answer, where the project asks: a row of three that nobody has to touch.
//
// A label pressed with Shift waits for it: the row gets the focus and takes the next digit.
export class Sure {
  constructor(before, chosen) {
    this.root = document.getElementById("sure");
    this.buttons = [...this.root.querySelectorAll("[data-sure]")];
    this.before = before; // () -> something changes now
    this.chosen = chosen; // () -> a level was chosen (or taken back)
    this.value = null;
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-sure]");
      if (button) this.press(Number(button.dataset.sure));
    });
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const level = Number(/^(?:Digit|Numpad)([1-3])$/.exec(event.code)?.[1]);
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (level) this.press(level);
    else if (step) {
      const place = this.buttons.indexOf(document.activeElement) + step + this.buttons.length;
      this.buttons[place % this.buttons.length].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  press(level) {
    this.before();
    this.set(level === this.value ? null : level);
    this.chosen();
  }

  set(level) {
    this.value = level ?? null;
    for (const button of this.buttons) {
      const on = Number(button.dataset.sure) === this.value;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on || (this.value === null && button === this.buttons[0]) ? 0 : -1;
    }
  }

  focus() {
    (this.buttons.find((button) => button.tabIndex === 0) ?? this.buttons[0]).focus();
  }

  words(level) {
    return this.buttons.find((button) => Number(button.dataset.sure) === level)?.firstChild.textContent.trim() ?? "";
  }
}
