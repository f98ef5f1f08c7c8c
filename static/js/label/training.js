// The qualification: after an answer what is right and why, beside the text, until the person goes on.
const $ = (id) => document.getElementById(id);

export class Training {
  constructor(fields, strings) {
    Object.assign(this, { fields, strings, busy: false });
    this.root = $("feedback");
    $("feedback-next").addEventListener("click", () => this.next?.());
  }

  // feedback: as the server tells it; next: shows the next item; passed, failed: where the person goes behind the last.
  show(feedback, next, { passed, failed }) {
    const S = this.strings;
    $("feedback-title").textContent = `${feedback.right ? `✓ ${S.right}` : `✗ ${S.wrong}`} · ${S.of.replace("{done}", feedback.done).replace("{of}", feedback.of)}`;
    this.root.dataset.right = feedback.right;
    this.root.querySelector("dl").replaceChildren(...feedback.questions.flatMap((question) => this.told(question)));
    $("feedback-explanation").textContent = feedback.explanation;
    $("feedback-rule").textContent = feedback.rule;
    $("feedback-rule").hidden = !feedback.rule;
    const ended = feedback.passed !== null;
    $("feedback-end").hidden = !ended;
    $("feedback-end").textContent = ended ? (feedback.passed ? S.passed : S.failed) : "";
    if (ended) $("feedback-go").textContent = feedback.passed ? S.to_labelling : S.to_qualification;
    this.next = () => {
      this.next = null;
      this.root.hidden = true;
      this.busy = false;
      if (ended) location.assign(feedback.passed ? passed : failed);
      else next();
    };
    this.root.hidden = false;
    $("feedback-next").focus();
  }

  told({ name, title, given, gold, right }) {
    const field = this.fields.find((one) => one.question.name === name);
    const term = document.createElement("dt");
    term.textContent = title;
    const words = (value) => (value == null ? "–" : field?.title(value) ?? JSON.stringify(value));
    const line = document.createElement("dd");
    line.textContent = right ? words(gold) : `${this.strings.given}: ${words(given)} · ${this.strings.gold}: ${words(gold)}`;
    return [term, line];
  }
}
