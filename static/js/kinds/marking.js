// The hand over the text: what is selected by mouse, finger or keys, snapped to words, and what is asked of it.
//
// One hand serves all questions of a page that mark places. A question joins it with a client:
//   armed() -> whether a selection by pointer is taken at once      took(start, end) -> takes it
//   at(unit) -> its marks over this place, [{id, start, end}]       hold(id) -> the mark is in hand now, null for none
//   held() -> {start, end} of the mark in hand, or null             reshape(start, end, edge) -> moves its ends
//   all() -> all its marks in order                                 remove() -> deletes the one in hand
//   letGo() -> lets go of what it holds and draws with; whether there was anything
// Positions are UTF-16 units of the paper.

const BY_CHARACTER = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const NEAR = 6; // pixels that a click may move
const segmenters = new Map();

function segments(text, granularity, lang) {
  const key = `${granularity} ${lang}`;
  if (!segmenters.has(key)) {
    let made;
    try { made = new Intl.Segmenter(lang || undefined, { granularity }); } catch { made = new Intl.Segmenter(undefined, { granularity }); }
    segmenters.set(key, made);
  }
  return segmenters.get(key).segment(text);
}

// What the lists beside the text are made of. `focus` names a control, so that it has the focus again when its list is drawn anew.
export function element(name, className = "", words = "") {
  const found = document.createElement(name);
  if (className) found.className = className;
  if (words) found.textContent = words;
  return found;
}

export function button(words, focus, act) {
  const found = element("button", "", words);
  found.type = "button";
  found.dataset.focus = focus;
  found.addEventListener("click", act);
  return found;
}

// Puts these lines into a list and leaves alone what stands in its place already.
export function arrange(list, lines) {
  lines.forEach((line, place) => {
    const there = list.children[place];
    if (there !== line) list.insertBefore(line, there ?? null);
  });
  while (list.children.length > lines.length) list.lastElementChild.remove();
}

const hands = new WeakMap();

// The hand of this paper, made once.
export function handOf(paper, page) {
  if (!hands.has(paper)) hands.set(paper, new Hand(paper, page));
  return hands.get(paper);
}

class Hand {
  constructor(paper, page) {
    this.paper = paper;
    this.page = page;
    this.clients = [];
    this.snap = "words";
    this.cache = new WeakMap(); // block -> its units
    this.clear();
    const { element } = paper;
    element.classList.add("marking");
    element.addEventListener("pointerdown", (event) => this.down(event));
    document.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("keydown", (event) => this.keydown(event));
    // A finger selects with the handles of its system: what it holds is looked at when it rests.
    document.addEventListener("selectionchange", () => {
      if (!this.finger) return;
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.fromWindow(), 250);
    });
  }

  join(client) {
    this.clients.push(client);
    this.active ??= client;
  }

  // Nothing is selected; a new text is on the paper.
  clear() {
    this.anchor = this.head = null;
    this.pressed = null;
    this.finger = false;
    this.chosen = [];
    this.cache = new WeakMap();
  }

  get selection() {
    if (!this.anchor) return null;
    return { start: Math.min(this.anchor[0], this.head[0]), end: Math.max(this.anchor[1], this.head[1]) };
  }

  // ---- units: words, or characters where a script has no blanks between words
  unitsOf(block) {
    if (!this.cache.has(block)) {
      const text = this.paper.text.slice(block.start, block.end);
      const lang = this.paper.element.lang;
      const words = [];
      const signs = [];
      for (const { segment, index } of segments(text, "word", lang)) {
        if (/^\s*$/.test(segment)) continue;
        const whole = [block.start + index, block.start + index + segment.length];
        const single = BY_CHARACTER.test(segment);
        const parts = Array.from(segments(segment, "grapheme", lang), (part) => [whole[0] + part.index, whole[0] + part.index + part.segment.length]);
        words.push(...(single || this.snap === "characters" ? parts : [whole]));
        // The other measure: letters of a word, words of a script without blanks.
        signs.push(...(single && this.snap !== "characters" ? [whole] : parts));
      }
      this.cache.set(block, { words, signs });
    }
    return this.cache.get(block);
  }

  // The unit at a place, or the nearest one before it; null where the text has none.
  unitAt(place, fine = false) {
    const { blocks } = this.paper;
    let index = blocks.indexOf(this.paper.blockAt(Math.min(place, this.paper.text.length - 1)));
    for (; index >= 0; index -= 1) {
      const found = this.list(blocks[index], fine).findLast(([start]) => start <= place);
      if (found) return found;
    }
    return this.step(0, 1, fine);
  }

  list(block, fine) {
    const units = this.unitsOf(block);
    return fine ? units.signs : units.words;
  }

  // The first unit that begins at or behind a place, or the last that ends at or before it.
  step(place, direction, fine = false) {
    const { blocks, text } = this.paper;
    if (!blocks.length) return null;
    let index = blocks.indexOf(this.paper.blockAt(Math.min(Math.max(0, direction > 0 ? place : place - 1), text.length - 1)));
    for (; blocks[index]; index += direction) {
      const units = this.list(blocks[index], fine);
      const found = direction > 0 ? units.find(([start]) => start >= place) : units.findLast(([, end]) => end <= place);
      if (found) return found;
    }
    return null;
  }

  // A selection as whole units, without blanks at its ends; null where it holds nothing.
  snapped(start, end, fine = false) {
    const { text } = this.paper;
    while (start < end && /\s/.test(text[start])) start += 1;
    while (end > start && /\s/.test(text[end - 1])) end -= 1;
    if (start >= end) return null;
    const first = this.unitAt(start, fine);
    const last = this.unitAt(end - 1, fine);
    return first && last ? [Math.min(start, first[0]), Math.max(end, last[1])] : [start, end];
  }

  // ---- selecting
  select(anchor, head, { reveal = true, silent = false } = {}) {
    this.anchor = anchor;
    this.head = head;
    const at = this.selection;
    if (!at) return this.unselect();
    const window = getSelection();
    this.setting = true;
    const [from, to] = head[0] < anchor[0] ? [at.end, at.start] : [at.start, at.end];
    window.setBaseAndExtent(...this.paper.place(from, from === at.end), ...this.paper.place(to, to === at.end));
    this.setting = false;
    this.paper.highlight("chosen", [[at.start, at.end]]);
    if (reveal) this.paper.reveal(...(head[0] < anchor[0] ? [at.start, at.start + 1] : [at.end - 1, at.end]));
    if (!silent) this.page.say(this.paper.text.slice(at.start, Math.min(at.end, at.start + 200)));
    return at;
  }

  unselect() {
    this.anchor = this.head = null;
    this.paper.highlight("chosen", []);
    const window = getSelection();
    if (window.rangeCount && this.paper.element.contains(window.anchorNode)) window.removeAllRanges();
    return null;
  }

  // What the window has selected in the text, as a selection of ours.
  fromWindow(fine = false) {
    const window = getSelection();
    if (this.setting || !window.rangeCount || window.isCollapsed) return null;
    const range = window.getRangeAt(0);
    if (!range.intersectsNode(this.paper.element)) return null;
    const start = this.paper.offset(range.startContainer, range.startOffset) ?? 0;
    const end = this.paper.offset(range.endContainer, range.endOffset) ?? this.paper.text.length;
    const found = this.snapped(start, end, fine);
    if (!found) return null;
    if (this.finger) {
      // The system's own handles stay where the finger has put them.
      this.anchor = [found[0], found[0]];
      this.head = [found[1], found[1]];
      this.paper.highlight("chosen", [found]);
      return this.selection;
    }
    return this.select([found[0], found[0]], [found[1], found[1]], { reveal: false });
  }

  hold(client, id) {
    for (const other of this.clients) if (other !== client) other.hold(null);
    if (client) this.active = client;
    client?.hold(id);
  }

  release() {
    for (const client of this.clients) client.hold(null);
  }

  // ---- pointer
  down(event) {
    this.finger = event.pointerType === "touch";
    // Else the browser would take what is selected for something to drag elsewhere.
    if (!this.finger && !event.shiftKey && event.button === 0) getSelection().removeAllRanges();
    this.pressed = { x: event.clientX, y: event.clientY, fine: event.altKey };
  }

  up(event) {
    const { pressed } = this;
    this.pressed = null;
    if (!pressed || event.button > 0) return;
    const still = Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < NEAR;
    const chosen = still && event.detail < 2 ? null : this.fromWindow(pressed.fine);
    const taker = this.clients.find((client) => client.armed());
    if (chosen) {
      if (taker) taker.took(chosen.start, chosen.end);
      return;
    }
    if (!still || !this.paper.element.contains(event.target)) return;
    const unit = this.paper.at(event.clientX, event.clientY);
    if (unit === null) return;
    if (taker && this.finger) {
      const word = this.unitAt(unit);
      if (word && unit <= word[1]) { taker.took(...word); return; }
    }
    this.press(unit);
  }

  // A click: the mark there, with every further click the next larger one; beside all marks, the word.
  press(unit) {
    const here = this.clients.flatMap((client) => client.at(unit).map((mark) => ({ client, ...mark })));
    here.sort((a, b) => a.end - a.start - (b.end - b.start));
    const held = here.findIndex(({ client, id }) => client.heldId?.() === id && client === this.active);
    const next = here[held + 1] ?? (held < 0 ? here[0] : null);
    if (next) {
      this.unselect();
      this.hold(next.client, next.id);
      return;
    }
    this.release();
    const word = this.unitAt(unit);
    if (word && unit <= word[1]) this.select(word, word, { reveal: false });
    else this.unselect();
  }

  // ---- keys
  keydown(event) {
    if (event.defaultPrevented || event.isComposing || event.metaKey) return;
    const other = event.altKey || event.ctrlKey;
    const key = event.key;
    const held = this.active?.held();
    const aside = { ArrowRight: 1, ArrowLeft: -1 }[key];
    // Right is forward, but in a text that runs from right to left.
    const way = aside && getComputedStyle(this.paper.element).direction === "rtl" ? -aside : aside;
    if (aside && event.shiftKey && held && !this.selection) this.move(held, way, other);
    else if (aside && event.shiftKey) this.extend(way, other);
    else if (aside) this.walk(way, other);
    else if ((key === "ArrowDown" || key === "ArrowUp") && !other) this.line(key === "ArrowDown" ? 1 : -1, event.shiftKey);
    else if (key === "Escape" && this.selection) this.unselect();
    else if (key === "Escape" && this.clients.some((client) => client.letGo())) this.unselect();
    else if (!other && (key === "Delete" || key === "Backspace") && held) this.active.remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Where the eye is: the first unit on the screen, as long as nothing is selected.
  start(fine) {
    const box = this.paper.element.getBoundingClientRect();
    const top = Math.max(box.top, this.paper.element.closest(".read")?.getBoundingClientRect().top ?? 0) + 14;
    const seen = box.top < 0 ? this.paper.at(box.left + 4, top) : 0;
    return this.unitAt(seen ?? 0, fine);
  }

  walk(way, fine) {
    const at = this.selection ?? this.active?.held();
    this.release();
    const next = at ? this.step(way > 0 ? at.end : at.start, way, fine) ?? this.unitAt(way > 0 ? at.end - 1 : at.start, fine) : this.start(fine);
    if (next) this.select(next, next);
  }

  extend(way, fine) {
    if (!this.anchor) return this.walk(way, fine);
    // The moving end goes on by one unit; over the anchor it begins to grow on the other side.
    const ahead = this.head[0] > this.anchor[0] || this.head[1] > this.anchor[1];
    const behind = this.head[0] < this.anchor[0];
    let head;
    if (way > 0) head = behind ? this.step(this.head[1], 1, fine) : this.grown(this.head, 1, fine);
    else head = ahead ? this.shrunk(fine) : this.grown(this.head, -1, fine);
    if (head) this.select(this.anchor, head);
    return null;
  }

  grown(head, way, fine) {
    const next = this.step(way > 0 ? head[1] : head[0], way, fine);
    return next && (way > 0 ? [head[0], next[1]] : [next[0], head[1]]);
  }

  shrunk(fine) {
    const { end } = this.selection;
    const before = this.step(end, -1, fine);
    const last = before && before[1] < end ? before : this.step(before ? before[0] : end - 1, -1, fine);
    return last && last[1] > this.anchor[0] ? [this.anchor[0], last[1]] : null;
  }

  // The end of the mark in hand that moves, by one unit; a mark never gets empty.
  move(held, way, fine) {
    const { edge = "end" } = this;
    let { start, end } = held;
    if (edge === "end") {
      const next = way > 0 ? this.step(end, 1, fine)?.[1] : this.step(end - 1, -1, fine)?.[1] ?? this.step(end, -1, fine)?.[0];
      end = way < 0 && next === end ? this.step(this.step(end, -1, fine)[0], -1, fine)?.[1] ?? end : next ?? end;
    } else {
      const next = way < 0 ? this.step(start, -1, fine)?.[0] : this.step(start + 1, 1, fine)?.[0];
      start = next ?? start;
    }
    if (start < end) this.active.reshape(start, end, edge);
  }

  otherEdge() {
    this.edge = this.edge === "start" ? "end" : "start";
    return this.edge;
  }

  // To the line below or above, at the same height of the eye.
  line(way, extends_) {
    const at = this.selection ?? this.active?.held();
    if (!at) { this.walk(1, false); return; }
    const range = this.paper.range(at.start, at.end);
    const boxes = range.getClientRects();
    const box = way > 0 ? boxes[boxes.length - 1] : boxes[0];
    if (!box) return;
    this.paper.reveal(at.start, at.end);
    const x = this.paper.range(...(way > 0 ? [at.end - 1, at.end] : [at.start, at.start + 1])).getBoundingClientRect().left + 1;
    const height = parseFloat(getComputedStyle(this.paper.element).lineHeight) || box.height * 1.6;
    for (let step = 1; step < 5; step += 1) {
      const unit = this.paper.at(x, box.top + box.height / 2 + way * step * height * 0.75);
      const found = unit === null ? null : this.unitAt(unit);
      if (found && (way > 0 ? found[0] >= at.end : found[1] <= at.start)) {
        this.release();
        this.select(extends_ && this.anchor ? this.anchor : found, found);
        return;
      }
    }
  }

  // The next or previous mark of all questions, from where the hand is.
  next(way) {
    const all = this.clients.flatMap((client) => client.all().map((mark) => ({ client, ...mark })));
    if (!all.length) return false;
    all.sort((a, b) => a.start - b.start || b.end - a.end);
    const held = this.active?.held();
    const heldId = this.active?.heldId?.();
    const here = held ? all.findIndex(({ client, id }) => client === this.active && id === heldId) : -1;
    const place = this.selection?.start ?? 0;
    let to;
    if (here >= 0) to = (here + way + all.length) % all.length;
    else {
      to = way > 0 ? all.findIndex(({ start }) => start >= place) : all.findLastIndex(({ start }) => start < place);
      if (to < 0) to = way > 0 ? 0 : all.length - 1;
    }
    this.unselect();
    this.hold(all[to].client, all[to].id);
    this.paper.reveal(all[to].start, all[to].end);
    this.paper.element.focus({ preventScroll: true });
    return true;
  }
}
