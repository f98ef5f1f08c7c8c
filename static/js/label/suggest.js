// What a model proposes for the item on the screen: shown beside the questions, taken with a key or the button, never by itself.
export class Suggest {
  constructor(fields, strings) {
    this.root = document.getElementById("suggestion");
    this.list = this.root.querySelector("dl");
    this.fields = fields;
    this.strings = strings;
    this.found = [];
  }

  show(packet) {
    this.found = (packet.suggestions ?? []).filter(({ question }) => this.of(question));
    this.root.hidden = !this.found.length;
    this.list.replaceChildren(...this.found.flatMap((one) => this.rows(one)));
  }

  of(question) {
    return this.fields.find((field) => field.question.name === question);
  }

  rows({ question, value, source, score }) {
    const field = this.of(question);
    const [term, said, by] = ["dt", "dd", "dd"].map((name) => document.createElement(name));
    term.textContent = field.question.title;
    term.hidden = this.fields.length === 1;
    said.append(field.mark(value) || field.title(value));
    const sure = score == null ? "" : ` · ${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 }).format(score)}`;
    by.className = "muted";
    const name = document.createElement("bdi");
    name.textContent = source;
    by.append(name, sure);
    return [term, said, by];
  }

  // {question: value} of what is proposed for questions that are asked.
  values(asked) {
    const open = this.found.filter(({ question }) => asked(this.of(question)));
    return Object.fromEntries(open.map(({ question, value }) => [question, structuredClone(value)]));
  }
}
