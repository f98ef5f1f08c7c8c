// The guideline in a drawer beside the text, not over it. While it has the focus, what scrolls is its own.
export class Guideline {
  constructor(fields, chosen, leave) {
    this.drawer = document.getElementById("guideline-dialog");
    this.fields = fields;
    this.chosen = chosen; // () -> the answer on the screen
    this.leave = leave; // brings the focus back to the work
  }

  get open() {
    return this.drawer.open;
  }

  get focused() {
    return this.drawer.contains(document.activeElement);
  }

  toggle() {
    if (this.drawer.open) return this.close();
    const label = document.activeElement?.closest?.("[data-value]");
    this.drawer.show();
    this.near(label);
    return this.drawer.focus();
  }

  close() {
    this.drawer.close();
    this.leave();
  }

  // Marks and shows the rule of the label that has the focus or is chosen.
  near(label) {
    for (const old of this.drawer.querySelectorAll(".near")) old.classList.remove("near");
    const answer = this.chosen();
    const chosen = this.fields.map((field) => [field.question.name, answer[field.question.name]]);
    if (label) chosen.unshift([label.closest("[data-question]").dataset.question, label.dataset.value]);
    const [name, value] = chosen.find((pair) => pair[1] != null) ?? [];
    if (value == null) return;
    const title = this.fields.find((field) => field.question.name === name).title(value).toLowerCase();
    const rule = [...this.drawer.querySelectorAll(".prose :is(h1, h2, h3, h4)")].find((one) => one.textContent.toLowerCase().includes(title))
      ?? [...this.drawer.querySelectorAll("[data-label]")].find((one) => one.dataset.label === `${name}/${value}`);
    rule?.classList.add("near");
    rule?.scrollIntoView({ block: "center" });
  }
}
