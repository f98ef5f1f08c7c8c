// Undo and redo over what is said of one item (answers, flag, sureness): every change keeps what was said before it.
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
  keep(said, part = "") {
    if (!part || part !== this.part) this.past = [...this.past.slice(1 - MOST), said];
    this.part = part;
    this.future = [];
  }

  back(said) {
    return this.step(this.past, this.future, said);
  }

  forth(said) {
    return this.step(this.future, this.past, said);
  }

  step(from, to, said) {
    this.part = "";
    if (!from.length) return null;
    to.push(said);
    return from.pop();
  }
}
