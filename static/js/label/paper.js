// The text of an item on the screen: in blocks that are drawn where they are seen, with marks over and under each other.
//
// Positions here are UTF-16 units, as JavaScript counts; `points` and `units` convert from and to the Unicode code points of
// stored answers. The blocks hold every character of the text, line ends too, so its textContent is the text.

const BLOCK = 1200; // units that a block should reach before it ends with a line
const LONGEST = 4000; // a line beyond this is cut where a reader would not miss it
const FEW = 8; // so many blocks are simply drawn
const TABULAR = /\t|\S {3,}\S|^\s*\|.*\|\s*$/; // a line of a simple table: columns by tabs, by runs of blanks or by bars
const GENTLE = /[\s。；;，,！？]/;
const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/g;

// Where code points and UTF-16 units part: behind every character of two units.
class Points {
  constructor(text) {
    this.pairs = Array.from(text.matchAll(ASTRAL), (match) => match.index);
  }

  // How many of the sorted values are below the limit.
  static below(values, limit) {
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  points(unit) {
    return unit - Points.below(this.pairs, unit);
  }

  units(point) {
    let low = 0;
    let high = this.pairs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.pairs[middle] - middle < point) low = middle + 1;
      else high = middle;
    }
    return point + low;
  }
}

function* linesOf(text) {
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf("\n", start);
    const end = feed < 0 ? text.length : feed + 1;
    yield [start, end];
    start = end;
  }
}

// Where a long line is cut: behind a blank or a stop, else between two characters that belong to different signs.
function cutBefore(text, from, limit) {
  for (let place = limit; place > from + BLOCK; place -= 1) if (GENTLE.test(text[place - 1])) return place;
  return /[\udc00-\udfff]/.test(text[limit]) ? limit - 1 : limit;
}

function blocksOf(text) {
  const found = [];
  let open = null;
  const close = () => { if (open) found.push(open); open = null; };
  for (const [start, end] of linesOf(text)) {
    const tabular = end - start < LONGEST && TABULAR.test(text.slice(start, end).replace(/\n$/, ""));
    if (open && (open.tabular !== tabular || open.end - open.start >= BLOCK)) close();
    for (let from = start; from < end;) {
      const to = end - from > LONGEST ? cutBefore(text, from, from + LONGEST) : end;
      if (open && open.end - open.start + to - from > LONGEST) close();
      open ??= { start: from, end: from, tabular };
      open.end = to;
      from = to;
    }
  }
  close();
  // A single line with columns is no table.
  for (const block of found) block.tabular &&= text.slice(block.start, block.end).trim().includes("\n");
  return found;
}

export class Paper {
  constructor(element) {
    this.element = element;
    this.text = "";
    this.blocks = [];
    this.drawn = 0; // how many texts this paper has held
    this.marks = new Map(); // owner -> marks
    this.starts = new WeakMap(); // text node -> its place
    this.highlights = new Map();
  }

  draw(text, { lang = "", rtl = false } = {}) {
    this.text = text;
    this.drawn += 1;
    this.convert = new Points(text);
    this.marks.clear();
    for (const name of this.highlights.keys()) this.highlight(name, []);
    this.element.dir = rtl ? "rtl" : "auto";
    this.element.lang = lang;
    this.blocks = blocksOf(text);
    this.ends = this.blocks.map((block) => block.end);
    const many = this.blocks.length > FEW;
    this.element.replaceChildren(...this.blocks.map((block) => {
      const part = document.createElement("div");
      part.className = "block";
      if (block.tabular) {
        part.classList.add("tabular");
        part.tabIndex = 0;
      }
      if (many) {
        part.classList.add("far");
        part.style.containIntrinsicBlockSize = `auto ${Math.ceil((block.end - block.start) / 64) * 31}px`;
      }
      block.element = part;
      block.signature = null;
      this.fill(block, []);
      return part;
    }));
  }

  points(unit) { return this.convert.points(unit); }

  units(point) { return this.convert.units(point); }

  // The words between two code points.
  quote(start, end) { return this.text.slice(this.units(start), this.units(end)); }

  blockAt(unit) {
    const place = Points.below(this.ends, unit + 1);
    return this.blocks[Math.min(place, this.blocks.length - 1)];
  }

  // ---- positions
  // The DOM position of a unit; with `end` the one behind the unit before it, so that ranges end where their words do.
  place(unit, end = false) {
    const block = this.blockAt(end ? Math.max(0, unit - 1) : unit);
    if (!block) return [this.element, 0];
    const inside = end ? unit - 1 : unit;
    const segment = block.segments.findLast((one) => one.start <= inside) ?? block.segments[0];
    return [segment.node, Math.min(segment.node.length, unit - segment.start)];
  }

  range(start, end) {
    const range = document.createRange();
    range.setStart(...this.place(start));
    range.setEnd(...this.place(end, true));
    return range;
  }

  // The unit of a DOM position, null where it is not in the text.
  offset(node, offset) {
    if (!this.element.contains(node)) return null;
    if (node.nodeType === Node.TEXT_NODE) return (this.starts.get(node) ?? 0) + offset;
    const next = node.childNodes[offset];
    if (next) {
      const walker = document.createTreeWalker(next, NodeFilter.SHOW_TEXT);
      const first = next.nodeType === Node.TEXT_NODE ? next : walker.nextNode();
      return first ? this.starts.get(first) : 0;
    }
    const last = this.blocks.find((block) => block.element.contains(node) && block.element !== node && node !== this.element);
    if (last) {
      const words = node.textContent.length;
      const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
      return (this.starts.get(walker.nextNode()) ?? last.start) + words;
    }
    return this.blocks.find((block) => block.element === node)?.end ?? this.text.length;
  }

  // The unit under a point of the screen, null where there is none.
  at(x, y) {
    const found = document.caretPositionFromPoint?.(x, y);
    if (found) return this.offset(found.offsetNode, found.offset);
    const range = document.caretRangeFromPoint?.(x, y);
    return range ? this.offset(range.startContainer, range.startOffset) : null;
  }

  reveal(start, end) {
    const scroller = this.element.closest(".read") ?? document.scrollingElement;
    this.blockAt(start)?.element.scrollIntoView({ block: "nearest" });
    const box = this.range(start, end).getBoundingClientRect();
    const seen = scroller === document.scrollingElement ? { top: 0, bottom: innerHeight } : scroller.getBoundingClientRect();
    const margin = 40;
    if (box.top < seen.top + margin) scroller.scrollBy(0, box.top - seen.top - (seen.bottom - seen.top) / 3);
    else if (box.bottom > seen.bottom - margin) scroller.scrollBy(0, box.bottom - seen.bottom + (seen.bottom - seen.top) / 3);
  }

  // ---- colours that hold no place: the selection, what was found
  // Ranges of units under a name that the style sheet knows as ::highlight(name); false where the browser cannot.
  highlight(name, ranges) {
    if (!globalThis.CSS?.highlights || !globalThis.Highlight) return false;
    if (ranges.length) this.highlights.set(name, ranges);
    else this.highlights.delete(name);
    CSS.highlights.delete(name);
    if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges.map(([start, end]) => this.range(start, end))));
    return true;
  }

  // ---- marks
  // marks: [{pieces: [[start, end]], color, title, hot, faint}] in units; they replace what this owner had.
  setMarks(owner, marks) {
    this.marks.set(owner, marks);
    const pieces = lanes([...this.marks.values()].flat());
    const cut = new Map(this.blocks.map((block) => [block, []]));
    for (const piece of pieces) {
      for (let unit = piece.start; unit < piece.end;) {
        const block = this.blockAt(unit);
        cut.get(block).push(piece);
        unit = block.end;
      }
    }
    let redrawn = false;
    for (const [block, inside] of cut) redrawn = this.fill(block, inside) || redrawn;
    if (redrawn) for (const [name, ranges] of [...this.highlights]) this.highlight(name, ranges);
    return redrawn;
  }

  // Draws one block where something changed in it; returns whether it did.
  fill(block, pieces) {
    const signature = pieces.map((one) => `${one.start},${one.end},${one.lane},${one.mark.color},${one.mark.title},${one.mark.hot ?? ""},${one.mark.faint ?? ""},${one.last}`).join("|");
    if (signature === block.signature) return false;
    block.signature = signature;
    const edges = new Set([block.start, block.end]);
    for (const { start, end } of pieces) {
      if (start > block.start) edges.add(start);
      if (end < block.end) edges.add(end);
    }
    const sorted = [...edges].sort((a, b) => a - b);
    block.segments = [];
    block.element.replaceChildren(...sorted.slice(0, -1).map((start, index) => {
      const end = sorted[index + 1];
      const node = document.createTextNode(this.text.slice(start, end));
      this.starts.set(node, start);
      block.segments.push({ start, node });
      const over = pieces.filter((piece) => piece.start <= start && piece.end >= end);
      return over.length ? marked(node, over, end) : node;
    }));
    return true;
  }
}

// Every piece with its lane: of marks that overlap, the shorter ones lie nearer to the words.
function lanes(marks) {
  const pieces = marks.flatMap((mark) => mark.pieces.map(([start, end], place) => ({ mark, start, end, last: place === mark.pieces.length - 1, lane: 0 })));
  const size = ({ mark }) => mark.pieces.at(-1)[1] - mark.pieces[0][0];
  const order = pieces.filter(({ start, end }) => end > start).sort((a, b) => size(a) - size(b) || a.start - b.start);
  const longest = order.reduce((most, { start, end }) => Math.max(most, end - start), 0);
  const placed = []; // sorted by start
  for (const piece of order) {
    const from = placeOf(placed, piece.start - longest);
    const taken = new Set();
    for (let i = from; i < placed.length && placed[i].start < piece.end; i += 1) if (placed[i].end > piece.start) taken.add(placed[i].lane);
    while (taken.has(piece.lane)) piece.lane += 1;
    placed.splice(placeOf(placed, piece.start), 0, piece);
  }
  return order.sort((a, b) => a.start - b.start || b.end - a.end);
}

function placeOf(pieces, start) {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pieces[middle].start < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

// A stretch of words with a line for each mark over it, and the names of those that end here.
function marked(node, over, end) {
  const made = document.createElement("span");
  made.className = "marked";
  made.append(node);
  const deep = Math.max(...over.map(({ lane }) => lane)) + 1;
  const line = ({ lane, mark }) => `linear-gradient(var(--l${mark.color ?? 0}), var(--l${mark.color ?? 0})) 0 calc(100% - ${(deep - 1 - lane) * 4}px) / 100% ${mark.hot ? 4 : 3}px no-repeat`;
  made.style.background = over.filter(({ mark }) => !mark.faint).map(line).join(", ");
  made.style.paddingBottom = `${deep * 4 - 1}px`;
  const near = over.reduce((one, other) => (other.lane < one.lane ? other : one));
  made.style.backgroundColor = `color-mix(in oklab, var(--l${near.mark.color ?? 0}) ${near.mark.faint ? 0 : 14}%, transparent)`;
  if (over.some(({ mark }) => mark.hot)) made.classList.add("hot");
  if (over.every(({ mark }) => mark.faint)) made.classList.add("faint");
  const ends = over.filter((piece) => piece.end === end && piece.last && piece.mark.title);
  if (ends.length) {
    made.dataset.titles = [...new Set(ends.map(({ mark }) => mark.title))].join(" · ");
    made.style.setProperty("--c", `var(--l${ends[0].mark.color ?? 0})`);
  }
  return made;
}
