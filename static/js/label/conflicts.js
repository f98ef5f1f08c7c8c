// An answer that was refused because its item had been answered in another window: both side by side, the person decides.
//
// Until then the refused one lies in the browser's storage, so that a closed page loses nothing; another window that
// opens meanwhile asks too, and the first decision counts.

// What is pressed so soon after the dialog has come up was meant for the page below it.
const SURPRISE = 500;

export class Conflicts {
  // on: free() -> whether the person may be interrupted, opened(), closed(), mine(entry) sends it after all,
  // look(assignment) -> {status, json} of the answer as it stands now, gone(entry) where none stands any more,
  // write(place, item) puts the text there, sureness(level) -> its words
  constructor(user, project, fields, strings, on) {
    this.prefix = `assay-refused-${user}-${project}-`;
    this.fields = fields;
    this.strings = strings;
    this.on = on;
    this.memory = []; // what the browser's storage did not take
    this.shown = null; // {entry, kept, at} in the dialog
    this.since = 0;
    this.dialog = document.getElementById("conflict-dialog");
    this.dialog.addEventListener("keydown", (event) => this.early && (event.preventDefault(), event.stopPropagation()), true);
    this.dialog.addEventListener("cancel", (event) => this.early && event.preventDefault());
    this.dialog.addEventListener("click", (event) => {
      const button = event.target.closest("[data-decide]");
      if (button && !this.early) this.dialog.close(button.dataset.decide);
    });
    this.dialog.addEventListener("close", () => this.decide(this.dialog.returnValue));
    addEventListener("storage", (event) => {
      if (this.shown && event.key === this.keyOf(this.shown) && event.newValue === null) this.dialog.close("elsewhere");
    });
  }

  get early() {
    return performance.now() - this.since < SURPRISE;
  }

  keyOf(refused) {
    return this.prefix + refused.entry.body.client_id;
  }

  // Refused answers without a decision, oldest first.
  read() {
    const found = [...this.memory];
    try {
      for (const key of Object.keys(localStorage).filter((one) => one.startsWith(this.prefix))) {
        found.push(parsed(localStorage.getItem(key)));
      }
    } catch { /* no storage here: memory is all there is */ }
    return found.filter((one) => one?.entry?.body && one.kept).sort((a, b) => a.at - b.at);
  }

  store(refused) {
    this.memory = this.memory.filter((one) => this.keyOf(one) !== this.keyOf(refused));
    try {
      localStorage.setItem(this.keyOf(refused), JSON.stringify(refused));
    } catch {
      this.memory.push(refused);
    }
  }

  drop(refused) {
    this.memory = this.memory.filter((one) => this.keyOf(one) !== this.keyOf(refused));
    try { localStorage.removeItem(this.keyOf(refused)); } catch { /* it was in memory */ }
  }

  isOpen(refused) {
    return this.read().some((one) => this.keyOf(one) === this.keyOf(refused));
  }

  add(entry, kept) {
    this.store({ entry, kept, at: Date.now() });
    this.offer();
  }

  // After a visit that ended without a decision: what the server keeps may be another answer by now, or none.
  async refresh() {
    for (const refused of this.read()) {
      const { body } = refused.entry;
      const { status, json } = await this.on.look(body.assignment);
      if (status === 404) this.on.gone(refused.entry);
      if (status === 404 || (status === 200 && same(json, body, this.fields))) this.drop(refused);
      else if (status === 200 && this.isOpen(refused)) this.store({ ...refused, kept: { ...json, item: undefined } });
    }
  }

  // Asks about the oldest of them, where the person may be asked now.
  offer() {
    const [next] = this.shown || !this.on.free() ? [] : this.read();
    if (!next) return;
    this.shown = next;
    this.draw(next);
    this.dialog.returnValue = "";
    this.on.opened();
    this.dialog.showModal();
    this.since = performance.now();
  }

  decide(decision) {
    const refused = this.shown;
    this.shown = null;
    this.on.closed();
    // Sent first, forgotten then: a page that dies in between asks again instead of losing the answer.
    if (decision === "mine" && this.isOpen(refused)) this.on.mine(refused.entry);
    this.drop(refused);
    this.offer();
  }

  draw({ entry, kept }) {
    this.on.write(document.getElementById("conflict-text"), entry.packet.item);
    for (const [id, given, other] of [["conflict-kept", kept, entry.body], ["conflict-mine", entry.body, kept]]) {
      document.getElementById(id).replaceChildren(...this.rows(given, other));
    }
  }

  // What was said, a name and a value each; what the other answer says otherwise is marked.
  rows(given, other) {
    const values = this.fields.map((field) => [field.question.title, field.mark(value(field, given)), !alike(value(field, given), value(field, other))]);
    const more = [
      [this.strings.skipped, reason(given, "skipped"), reason(other, "skipped")],
      [this.strings.undecided, reason(given, "undecided"), reason(other, "undecided")],
      [this.strings.sure, this.on.sureness(given.confidence), this.on.sureness(other.confidence)],
      [this.strings.comment, given.comment || "", other.comment || ""],
      [this.strings.flagged, given.flagged ? "⚑" : "", other.flagged ? "⚑" : ""],
    ];
    const lines = [...values, ...more.filter(([, one, two]) => one || two).map(([name, one, two]) => [name, one, one !== two])];
    return lines.flatMap(([name, shown, differs]) => {
      const [term, description] = [document.createElement("dt"), document.createElement("dd")];
      term.append(isolated(name));
      description.append(isolated(shown || "–"));
      description.classList.toggle("differs", differs);
      return [term, description];
    });
  }
}

function parsed(words) {
  try {
    return JSON.parse(words);
  } catch {
    return null;
  }
}

function value(field, given) {
  return ["skipped", "undecided"].includes(given.status) ? null : given.answer?.[field.question.name] ?? null;
}

// Why there is no answer, in the words of the dialog that asks for it.
function reason(given, status) {
  if (given.status !== status) return "";
  const button = document.querySelector(`[data-status=${status}] [data-skip="${CSS.escape(given.skip_reason ?? "")}"]`);
  return button?.firstChild.textContent ?? (given.skip_reason || "✓");
}

function isolated(words) {
  const part = document.createElement("bdi");
  part.append(words);
  return part;
}

function alike(one, other) {
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

// The server may give the parts of an object in another order.
function sorted(_name, part) {
  return part && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort()) : part;
}

function same(one, other, fields) {
  const parts = (given) => [given.status, given.skip_reason || "", given.confidence || 0, given.comment || "", Boolean(given.flagged), fields.map((field) => value(field, given))];
  return alike(parts(one), parts(other));
}
