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
    const focused = document.activeElement;
    this.drawer.show();
    this.near(focused);
    return this.drawer.focus();
  }

  close() {
    this.drawer.close();
    this.leave();
  }

  // Marks and shows the rule of the label or criterion that has the focus, or is in hand or chosen.
  near(focused) {
    for (const old of this.drawer.querySelectorAll(".near")) old.classList.remove("near");
    const { question, entry } = this.subject(focused) ?? {};
    if (!entry) return;
    const title = entry.title.toLowerCase();
    const rule = [...this.drawer.querySelectorAll(".prose :is(h1, h2, h3, h4)")].find((one) => one.textContent.toLowerCase().includes(title))
      ?? [...this.drawer.querySelectorAll("[data-label]")].find((one) => one.dataset.label === `${question.name}/${entry.name}`);
    rule?.classList.add("near");
    rule?.scrollIntoView({ block: "center" });
  }

  // {question, entry} of it: the question in the focus comes first, then those that are answered.
  subject(focused) {
    const answer = this.chosen();
    const here = (field) => field.root.contains(focused);
    for (const field of [...this.fields].sort((one, other) => here(other) - here(one))) {
      const { question } = field;
      const value = answer[question.name];
      const names = [];
      if (here(field)) names.push(focused.closest("[data-criterion]")?.dataset.criterion, focused.closest("[data-value]")?.dataset.value);
      if (value != null) names.push(field.definition?.(value)?.name, ...field.labels(value));
      for (const name of names) {
        const entry = [...(question.labels ?? []), ...(question.rows ?? [])].find((one) => one.name === name);
        if (entry) return { question, entry };
      }
    }
    return null;
  }
}
