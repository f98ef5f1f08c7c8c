// Search in the text: all places are shown, Enter goes on to the next, Esc ends it at the place that was found.

const MOST = 2000;

// For comparing: small letters; only what keeps its length, so that places stay places.
function folded(words) {
  const found = words.toLowerCase();
  return found.length === words.length ? found : Array.from(words, (sign) => (sign.toLowerCase().length === sign.length ? sign.toLowerCase() : sign)).join("");
}

export class Find {
  // went(start, end): the person has left the search at this place
  constructor(paper, strings, went) {
    this.paper = paper;
    this.strings = strings;
    this.went = went;
    this.box = document.getElementById("find");
    this.field = this.box.querySelector("input");
    this.words = this.box.querySelector("output");
    this.field.addEventListener("input", () => this.look());
    this.box.addEventListener("click", (event) => {
      const step = event.target.closest("[data-step]");
      if (step) this.go(Number(step.dataset.step));
      if (event.target.closest("[data-close-find]")) this.close();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.go(event.shiftKey ? -1 : 1);
      else if (event.key === "Escape") this.close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  get open() { return !this.box.hidden; }

  show() {
    this.box.hidden = false;
    this.field.focus();
    this.field.select();
    this.look();
  }

  // A new text: the search is over.
  forget() {
    this.places = [];
    this.box.hidden = true;
  }

  look() {
    const wanted = folded(this.field.value);
    const text = folded(this.paper.text);
    this.places = [];
    for (let at = wanted ? text.indexOf(wanted) : -1; at >= 0 && this.places.length < MOST; at = text.indexOf(wanted, at + wanted.length)) this.places.push([at, at + wanted.length]);
    this.at = -1;
    this.paper.highlight("found", this.places);
    this.paper.highlight("here", []);
    if (this.places.length) this.go(1);
    else this.words.textContent = wanted ? this.strings.not_in_text : "";
  }

  go(step) {
    if (!this.places.length) return;
    this.at = (this.at + step + this.places.length) % this.places.length;
    const [start, end] = this.places[this.at];
    this.words.textContent = this.strings.place_of.replace("{place}", this.at + 1).replace("{count}", this.places.length);
    this.paper.highlight("here", [[start, end]]);
    this.paper.reveal(start, end);
  }

  close() {
    const place = this.places[this.at];
    this.paper.highlight("found", []);
    this.paper.highlight("here", []);
    this.box.hidden = true;
    this.paper.element.focus({ preventScroll: true });
    if (place) this.went(...place);
  }
}
