// Unfinished answers: in the browser's storage at every change, on the server now and then.
//
// One per item: a correction begun in between must not overwrite what was being written.
const MONTH = 30 * 86_400_000;
const PAUSE = 3000; // of the person, before the server hears of it

export class Drafts {
  constructor(user, project, send) {
    this.prefix = `assay-draft-${user}-${project}-`;
    this.send = send; // (draft) -> to the server
    this.timer = null;
    this.sweep();
  }

  store(assignment, { answer, flagged, confidence, comment }) {
    const kept = JSON.stringify({ answer, flagged, confidence, comment, at: Date.now() });
    try { localStorage.setItem(this.prefix + assignment, kept); } catch { /* the server's draft remains */ }
  }

  read(assignment) {
    try {
      return JSON.parse(localStorage.getItem(this.prefix + assignment));
    } catch {
      return null;
    }
  }

  drop(assignment) {
    try { localStorage.removeItem(this.prefix + assignment); } catch { /* nothing kept, nothing to remove */ }
  }

  sweep() {
    try {
      for (const key of Object.keys(localStorage).filter((one) => one.startsWith(this.prefix))) {
        if (!(Date.now() - this.read(key.slice(this.prefix.length))?.at < MONTH)) localStorage.removeItem(key);
      }
    } catch { /* no storage, no old drafts */ }
  }

  // To the server once the person pauses; `make` gives the draft as it is then, or null where there is none any more.
  later(make) {
    this.forget();
    this.timer = setTimeout(() => {
      const draft = make();
      if (draft) this.send(draft);
    }, PAUSE);
  }

  forget() {
    clearTimeout(this.timer);
  }
}
