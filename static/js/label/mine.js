// One's own answers, newest first: a page of them at a time, each opens its item to be corrected.
export class Mine {
  constructor({ ask, url, fields, strings, open, jump }) {
    this.dialog = document.getElementById("back-dialog");
    this.list = document.getElementById("mine");
    this.words = document.getElementById("mine-words");
    this.button = document.getElementById("older");
    this.ask = ask; // (address) -> {status, json}
    this.url = url;
    this.fields = fields;
    this.strings = strings;
    this.open = open; // (assignment) -> shows it
    this.older = ""; // where the next page begins
    this.turn = 0; // each opening: a reply to an earlier one is of no use
    this.asking = 0; // the turn whose reply is awaited
    this.button.addEventListener("click", () => this.more());
    this.number = document.getElementById("jump-item");
    document.getElementById("jump").addEventListener("submit", async (event) => {
      event.preventDefault();
      const wanted = this.number.value.replace(/^\s*#?/, "").trim();
      if (!wanted) return this.number.focus();
      const problem = await jump(wanted);
      if (!problem) return this.dialog.close();
      this.words.textContent = problem;
      return this.number.select();
    });
  }

  // `ready` resolves when what is still on its way has reached the server: it belongs into the list.
  async show(ready) {
    const turn = (this.turn += 1);
    this.dialog.showModal();
    this.list.replaceChildren();
    this.words.textContent = this.number.value = "";
    this.button.hidden = true;
    this.older = "";
    await ready();
    if (turn === this.turn) await this.more();
  }

  // One request; the new rows come below the old ones, and the first of them gets the focus.
  async more() {
    const { turn } = this;
    if (this.asking === turn) return;
    this.asking = turn;
    const { status, json } = await this.ask(this.url + this.older);
    if (turn !== this.turn) return;
    this.asking = 0;
    if (!this.dialog.open) return;
    this.words.textContent = status === 200 ? "" : json?.error ?? this.strings.offline;
    if (status !== 200) return;
    this.older = json.older;
    this.button.hidden = !json.older;
    const before = this.list.childElementCount;
    this.list.append(...json.items.map((row, place) => this.row(row, before + place + 1)));
    if (!this.list.childElementCount) this.words.textContent = this.strings.none_yet;
    this.list.children[before]?.querySelector("button").focus();
  }

  row(row, number) {
    const button = document.createElement("button");
    button.type = "button";
    const text = document.createElement("span");
    text.textContent = row.excerpt;
    text.dir = "auto";
    const given = document.createElement("span");
    given.textContent = row.status === "submitted" ? this.fields.map((field) => field.title(row.answer[field.question.name])).filter(Boolean).join(", ") : this.strings[row.status];
    const key = document.createElement("kbd");
    key.textContent = number;
    button.append(text, given, row.flagged ? "⚑" : "", number < 10 ? key : "");
    button.addEventListener("click", () => { this.dialog.close(); this.open(row.assignment); });
    const entry = document.createElement("li");
    entry.append(button);
    return entry;
  }
}
