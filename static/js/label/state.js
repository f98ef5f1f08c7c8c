// What the page says about the way of the answers: nothing, saving, saved, waiting, signed out, refused for good.
const SETTLED = 900;

export class State {
  constructor(strings) {
    this.strings = strings;
    this.place = document.getElementById("state");
    this.spoken = document.getElementById("spoken");
    this.timer = null;
  }

  get name() {
    return this.place.dataset.state;
  }

  show(name, waits, reply) {
    const S = this.strings;
    const words = { saved: S.saved, saving: S.saving, waiting: S.waiting.replace("{count}", waits), out: S.signed_out, lost: S.lost };
    this.place.dataset.state = name;
    this.place.textContent = reply?.error ?? words[name] ?? "";
    this.speak();
    if (name !== "out" || !reply?.sign_in) return;
    const link = document.createElement("a");
    link.href = `${reply.sign_in}?next=${encodeURIComponent(location.pathname)}`;
    link.target = "_blank";
    link.textContent = S.sign_in;
    this.place.append(" ", link);
  }

  // Spoken once it has settled: "saving, saved" at every item would drown the text.
  speak() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.spoken.textContent !== this.place.textContent) this.spoken.textContent = this.place.textContent;
    }, SETTLED);
  }
}
