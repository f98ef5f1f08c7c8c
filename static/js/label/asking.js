// A question to those who keep the guideline, about the item on the screen; their answers, shown where they are found.
//
// Whoever has asked nothing makes no request for it: the page tells how many answers are new when it is loaded, and it
// looks again from time to time only while a question waits.
const LOOK = 180_000;

export class Asking {
  // on: ask(address, body) -> {status, json}, newId(), assignment() of the item on the screen, back() brings the focus there
  constructor(urls, asked, strings, on) {
    this.urls = urls;
    this.asked = asked; // {waiting, unseen}
    this.strings = strings;
    this.on = on;
    this.dialog = document.getElementById("ask-dialog");
    this.field = document.getElementById("ask-text");
    this.words = document.getElementById("ask-words");
    this.list = document.getElementById("ask-threads");
    this.badge = document.getElementById("ask-new");
    this.draft = null; // {assignment, id}: the same question sent twice stays one
    this.busy = false;
    document.getElementById("ask-form").addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.send();
    });
    this.dialog.addEventListener("close", () => this.on.back());
    setInterval(() => this.look(), LOOK);
    this.mark();
  }

  async open() {
    const assignment = this.on.assignment();
    document.getElementById("ask-form").hidden = !assignment;
    if (this.draft?.assignment !== assignment) { this.draft = { assignment, id: this.on.newId() }; this.field.value = ""; }
    this.words.textContent = "";
    this.list.replaceChildren();
    this.dialog.showModal();
    if (assignment) this.field.focus();
    const { status, json } = await this.on.ask(`${this.urls.threads}?assignment=${assignment ?? ""}`);
    if (this.draft.assignment !== assignment) return;
    if (status === 200) this.draw(json);
    else this.words.textContent = json?.error ?? this.strings.no_connection;
  }

  async send() {
    const text = this.field.value.trim();
    if (!text || this.busy) return this.field.focus();
    this.busy = true;
    const { assignment, id } = this.draft;
    const { status, json } = await this.on.ask(this.urls.ask, { assignment, text, client_id: id });
    this.busy = false;
    this.words.textContent = status === 200 ? this.strings.asked : json?.error ?? this.strings.no_connection;
    if (status !== 200) return this.field.focus();
    this.field.value = "";
    this.draft = { assignment, id: this.on.newId() };
    return this.draw(json);
  }

  // New answers count as seen once they are on the screen.
  draw({ threads, asked }) {
    this.asked = asked;
    this.list.replaceChildren(...threads.map((thread) => this.thread(thread)));
    const fresh = threads.filter((thread) => thread.unseen).map((thread) => thread.id);
    if (fresh.length && this.dialog.open) {
      this.on.ask(this.urls.seen, { threads: fresh }).then(({ status, json }) => { if (status === 200) { this.asked = json.asked; this.mark(); } });
    }
    this.mark();
  }

  thread({ assignment, remarks }) {
    const section = document.createElement("section");
    const title = document.createElement("h3");
    title.textContent = this.strings.numbered.replace("{number}", assignment);
    const lines = remarks.map(({ mine, by, text }) => {
      const line = document.createElement("p");
      const who = document.createElement("b");
      who.textContent = mine ? this.strings.you : by ?? "";
      const said = document.createElement("span");
      said.textContent = text;
      said.dir = "auto";
      line.append(who, " ", said);
      return line;
    });
    section.append(title, ...lines);
    return section;
  }

  async look() {
    if (!this.asked.waiting || document.hidden || this.dialog.open) return;
    const { status, json } = await this.on.ask(this.urls.threads);
    if (status === 200) { this.asked = json.asked; this.mark(); }
  }

  mark() {
    this.badge.textContent = this.asked.unseen || "";
    this.badge.hidden = !this.asked.unseen;
  }
}
