// Undo and redo over the answers to one item: every change keeps what was said before it.
const MOST = 500;

export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.past = [];
    this.future = [];
    this.part = "";
  }

  // What stood before a change. Changes of the same `part` in a row (what is being typed) are one step.
  keep(answer, part = "") {
    if (!part || part !== this.part) this.past = [...this.past.slice(1 - MOST), answer];
    this.part = part;
    this.future = [];
  }

  back(answer) {
    return this.step(this.past, this.future, answer);
  }

  forth(answer) {
    return this.step(this.future, this.past, answer);
  }

  step(from, to, answer) {
    this.part = "";
    if (!from.length) return null;
    to.push(answer);
    return from.pop();
  }
}
