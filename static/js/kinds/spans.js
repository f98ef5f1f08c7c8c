// Marks in the text: select words and press a label, or press a label and draw over the words; docs/kinds.md has the keys.

let made = 0; // every mark on this page has a number of its own

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const hull = (mark) => [mark.pieces[0][0], mark.pieces.at(-1)[1]];
const overlap = (one, other) => one.pieces.some(([a, b]) => other.pieces.some(([c, d]) => a < d && c < b));

export function mount(root, question, page) {
  const { Row, titleOf, chip } = page.parts.labels;
  const { paper, strings: S } = page;
  const { arrange, button, element, handOf } = page.parts.marking;
  const hand = handOf(paper, page);
  const list = root.querySelector(".mine-marks");
  const help = root.querySelector(".marking-help");
  const color = (label) => question.labels.find((one) => one.name === label)?.color ?? 0;
  hand.snap = question.snap ?? "words";
  let marks = [];
  let hot = null; // the id of the mark in hand
  let brush = null; // the label that a selection gets at once
  let adding = null; // the id of the mark whose further part is looked for
  let drawn = 0; // which text the marks are in
  let lines = new Map(); // id -> {line of the list, what it was drawn from}

  const held = () => marks.find(({ id }) => id === hot) ?? null;

  const row = new Row(root, question, S, { pressed, state: "aria-pressed" });

  // ---- from the stored form and back
  function read(value) {
    const found = (value ?? []).map((one) => ({
      id: (made += 1),
      pieces: (one.parts ?? [[one.start, one.end]]).map(([start, end]) => [paper.units(start), paper.units(end)]),
      label: one.label,
      link: one.link,
      value: one.value,
      relations: [],
    }));
    (value ?? []).forEach((one, place) => {
      found[place].relations = (one.relations ?? []).filter(({ to }) => found[to]).map(({ type, to }) => ({ type, to: found[to].id }));
    });
    return found;
  }

  function order(one, other) {
    const [a, b] = [hull(one), hull(other)];
    // By code units of the name, as the server sorts by code points: names of labels are compared as they are.
    return a[0] - b[0] || a[1] - b[1] || (one.label < other.label ? -1 : one.label > other.label ? 1 : 0) || one.id - other.id;
  }

  function stored() {
    const place = new Map(marks.map(({ id }, index) => [id, index]));
    return marks.map((mark) => {
      const [start, end] = hull(mark);
      const found = { start: paper.points(start), end: paper.points(end), label: mark.label, text: paper.text.slice(start, end) };
      if (mark.pieces.length > 1) found.parts = mark.pieces.map((piece) => piece.map((unit) => paper.points(unit)));
      if (mark.link) found.link = mark.link;
      if (mark.value) found.value = mark.value;
      const relations = mark.relations.filter(({ to }) => place.has(to)).map(({ type, to }) => ({ type, to: place.get(to) }));
      relations.sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : a.to - b.to));
      if (relations.length) found.relations = relations;
      return found;
    });
  }

  function tell(part = "") {
    marks.sort(order);
    draw();
    page.changed(question.name, stored(), { part });
  }

  // ---- drawing
  function draw() {
    paper.setMarks(question.name, [
      ...marks.map((mark) => ({ pieces: mark.pieces, color: color(mark.label), title: titleOf(question, mark.label) + whose(mark), hot: mark.id === hot })),
      ...said.filter((one) => !marks.some((mark) => same(mark.pieces, one.mark.pieces) && mark.label === one.mark.label))
        .map(({ mark, who }) => ({ pieces: mark.pieces, color: color(mark.label), title: titleOf(question, mark.label) + who, faint: true })),
    ]);
    root.querySelector(".count").textContent = marks.length ? String(marks.length) : S.no_marks;
    row.show((label) => label === (held()?.label ?? brush));
    drawList();
    drawSaid();
  }

  const words = (mark) => mark.pieces.map(([start, end]) => paper.text.slice(start, end)).join(" … ");

  function drawList() {
    const focus = list.contains(document.activeElement) ? document.activeElement.dataset.focus : "";
    const before = lines;
    lines = new Map();
    for (const mark of marks) {
      const more = [mark.value && sayValue(mark.value), mark.link && (companies.get(mark.link)?.name ?? mark.link), ...mark.relations.map(sayRelation)].filter(Boolean).join(" · ");
      const held_ = mark.id === hot;
      const from = JSON.stringify([mark, more, held_ && [adding, marks.length]]);
      const kept = before.get(mark.id);
      if (kept?.from === from) { lines.set(mark.id, kept); continue; }
      const line = element("li", held_ ? "hot" : "");
      const entry = button("", `entry/${mark.id}`, () => {
        hand.unselect();
        hand.hold(client, mark.id);
        paper.reveal(...hull(mark));
      });
      entry.className = "entry";
      if (held_) entry.setAttribute("aria-current", "true");
      entry.append(chip(question, mark.label), element("span", "quote", words(mark)));
      if (more) entry.append(element("span", "more", more));
      line.append(entry);
      if (held_) line.append(tools(mark));
      lines.set(mark.id, { line, from });
    }
    arrange(list, marks.map(({ id }) => lines.get(id).line));
    if (focus) list.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
    lines.get(hot)?.line.scrollIntoView({ block: "nearest" });
  }

  const sayValue = ({ number, unit, per }) => [number, unit, per && `/ ${per}`].filter(Boolean).join(" ");

  function sayRelation({ type, to }) {
    const other = marks.find(({ id }) => id === to);
    return other ? `${type} → ${words(other)}` : "";
  }

  function line(title, ...controls) {
    const found = element("div", "tool");
    found.append(element("span", "", title), ...controls);
    return found;
  }

  // What can be done with the mark in hand.
  function tools(mark) {
    const box = element("div", "mark-parts");
    const edge = (which, way, sign) => {
      const found = button(sign, `${which}${way}`, () => { hand.edge = which; hand.move({ start: hull(mark)[0], end: hull(mark)[1] }, way, false); });
      found.setAttribute("aria-label", S[`${which}_${way > 0 ? "right" : "left"}`]);
      return found;
    };
    box.append(line(S.ends, edge("start", -1, "⇤"), edge("start", 1, "⇥"), element("span", "muted", "…"), edge("end", -1, "⇤"), edge("end", 1, "⇥"), button(S.remove, "remove", remove)));
    if (question.discontinuous) box.append(line(S.parts, button(adding === mark.id ? S.part_wait : S.part_add, "part", () => addPart())));
    if (question.numbers?.includes(mark.label)) box.append(valueTools(mark));
    if (question.linked?.includes(mark.label)) box.append(line(S.company, page.parts.companies.field({ page, mark, companies, chosen: link })));
    if (question.relations?.length) box.append(...relationTools(mark));
    return box;
  }

  function valueTools(mark) {
    const fields = [["number", S.number, "decimal"], ["unit", S.unit, "text"], ["per", S.per, "text"]].map(([key, title, mode]) => {
      const field = element("input");
      field.value = mark.value?.[key] ?? "";
      field.size = key === "number" ? 12 : 5;
      field.inputMode = mode;
      field.dataset.focus = key;
      field.setAttribute("aria-label", title);
      field.placeholder = title;
      field.maxLength = 60;
      field.addEventListener("change", () => {
        const given = { ...mark.value, [key]: field.value.trim() };
        for (const name of Object.keys(given)) if (!given[name]) delete given[name];
        change(mark.id, { value: Object.keys(given).length ? given : undefined });
      });
      field.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        field.blur();
        paper.element.focus({ preventScroll: true });
      });
      return field;
    });
    return line(S.value, ...fields);
  }

  function relationTools(mark) {
    const allowed = question.relations.filter(({ from }) => !from?.length || from.includes(mark.label));
    const rows = mark.relations.map((relation) => line(relation.type, element("bdi", "", words(marks.find(({ id }) => id === relation.to) ?? mark)), button("×", `drop/${relation.type}/${relation.to}`, () => {
      change(mark.id, { relations: mark.relations.filter((one) => one !== relation) });
    })));
    for (const one of rows) one.querySelector("button").setAttribute("aria-label", S.relation_remove);
    if (!allowed.length || marks.length < 2) return rows;
    const type = element("select");
    type.dataset.focus = "relation";
    type.setAttribute("aria-label", S.relation);
    type.append(new Option(S.relation, ""), ...allowed.map(({ name }) => new Option(name, name)));
    const to = element("select");
    to.dataset.focus = "relation-to";
    to.setAttribute("aria-label", S.relation_to);
    const offer = () => {
      const rule = allowed.find(({ name }) => name === type.value);
      const others = marks.filter((other) => other.id !== mark.id && rule && (!rule.to?.length || rule.to.includes(other.label)));
      to.replaceChildren(new Option(S.relation_to, ""), ...others.map((other) => new Option(`${titleOf(question, other.label)}: ${words(other).slice(0, 60)}`, String(other.id))));
    };
    type.addEventListener("change", offer);
    to.addEventListener("change", () => {
      const relation = { type: type.value, to: Number(to.value) };
      if (relation.type && relation.to && !mark.relations.some((one) => same(one, relation))) change(mark.id, { relations: [...mark.relations, relation] });
    });
    offer();
    return [...rows, line(S.relation, type, to)];
  }

  // ---- what people marked, on the page of a case
  let said = [];
  // The letters of the answers that have this mark, as they stand behind its label in the text.
  let byPlace = new Map();
  const whose = (mark) => byPlace.get(JSON.stringify([mark.pieces, mark.label]))?.who ?? "";

  function readSaid() {
    const counted = new Map();
    (page.others ?? []).forEach((one, place) => {
      for (const mark of read(one)) {
        const key = JSON.stringify([mark.pieces, mark.label]);
        if (!counted.has(key)) counted.set(key, { mark, count: 0, who: "" });
        counted.get(key).count += 1;
        counted.get(key).who += ` ${page.letters?.[place] ?? ""}`;
      }
    });
    // All of many are counted, not named one by one.
    for (const one of counted.values()) if (one.count > 3 && one.count === page.others.length) one.who = ` ${S.said_by.replace("{count}", one.count).replace("{all}", one.count)}`;
    byPlace = counted;
    said = [...counted.values()].sort((a, b) => order(a.mark, b.mark));
  }

  function drawSaid() {
    const box = root.querySelector(".said-marks");
    box.hidden = !said.length;
    if (!said.length) return;
    box.querySelector("ol").replaceChildren(...said.map(({ mark, count, who }) => {
      const taken = marks.find((one) => same(one.pieces, mark.pieces) && one.label === mark.label);
      const line = element("li");
      if (count === page.others.length) line.dataset.same = "";
      const entry = button("", `said/${mark.id}`, () => {
        if (taken) marks = marks.filter((one) => one !== taken);
        else marks.push({ ...mark, id: (made += 1), relations: [] });
        paper.reveal(...hull(mark));
        tell();
      });
      entry.className = "entry";
      entry.setAttribute("aria-pressed", String(Boolean(taken)));
      entry.append(element("span", "tick", taken ? "✓" : "+"), chip(question, mark.label), element("span", "quote", words(mark)), element("span", "more", `${S.said_by.replace("{count}", count).replace("{all}", page.others.length)}${count < page.others.length || count < 4 ? who : ""}`));
      line.append(entry);
      return line;
    }));
  }

  // ---- changes
  function change(id, what, part = "") {
    marks = marks.map((mark) => (mark.id === id ? { ...mark, ...what } : mark));
    tell(part);
  }

  const companies = new Map(); // key -> entry, as far as known

  function link(entry) {
    if (entry) companies.set(entry.key, entry);
    change(hot, { link: entry?.key });
    paper.element.focus({ preventScroll: true });
  }

  function valueOf(label, start, end) {
    if (!question.numbers?.includes(label)) return undefined;
    return page.parts.numbers.parse(paper.text.slice(start, end), page.item?.language ?? "") ?? undefined;
  }

  // A number is taken whole: its sign, currency and unit belong to it.
  function whole(label, start, end) {
    if (!question.numbers?.includes(label)) return [start, end];
    const around = page.parts.numbers.find(paper.text, start) ?? page.parts.numbers.find(paper.text, end - 1);
    return around && around[0] <= start && around[1] >= end ? around : [start, end];
  }

  function refusal(mark) {
    if (question.overlap === false && marks.some((other) => other.id !== mark.id && overlap(other, mark))) return S.no_overlap;
    return "";
  }

  function note(words_) {
    help.textContent = words_;
    if (words_) page.say(words_);
  }

  function add(label, start, end) {
    [start, end] = whole(label, start, end);
    const mark = { id: (made += 1), pieces: [[start, end]], label, value: valueOf(label, start, end), relations: [] };
    const twin = marks.find((other) => same(other.pieces, mark.pieces) && other.label === label);
    const problem = twin ? "" : refusal(mark);
    hand.unselect();
    if (problem) return note(problem);
    note("");
    page.say(`${titleOf(question, label)}: ${words(mark)}`);
    if (twin) hand.hold(client, twin.id);
    else {
      marks.push(mark);
      hot = mark.id; // drawn once, by what follows
      hand.edge = "end";
      hand.hold(client, hot);
      tell();
    }
    // Arrows go on from here.
    return paper.element.focus({ preventScroll: true });
  }

  // A label was pressed: it takes the selection, or is the new label of the mark in hand, or is what is drawn with.
  function pressed(label, by) {
    hand.active = client;
    const at = hand.selection;
    if (by === "find") row.clear();
    if (at) { add(label, at.start, at.end); return; }
    const mark = held();
    if (mark && mark.label !== label) {
      const twin = marks.find((other) => other !== mark && same(other.pieces, mark.pieces) && other.label === label);
      if (twin) { note(S.mark_twin); return; }
      const [start, end] = hull(mark);
      change(mark.id, { label, value: valueOf(label, start, end), ...(question.linked?.includes(label) ? {} : { link: undefined }) });
      page.say(`${titleOf(question, label)}: ${words(mark)}`);
      return;
    }
    brush = brush === label ? null : label;
    hand.release();
    note(brush ? S.brush.replace("{label}", titleOf(question, brush)) : "");
    draw();
  }

  function remove() {
    const mark = held();
    if (!mark) return;
    const place = marks.indexOf(mark);
    marks = marks.filter((other) => other !== mark).map((other) => ({ ...other, relations: other.relations.filter(({ to }) => to !== mark.id) }));
    const [start] = hull(mark);
    hot = null;
    page.say(`${S.removed}: ${words(mark)}`);
    tell();
    const focused = list.querySelector(`li:nth-child(${Math.min(place + 1, marks.length)}) .entry`);
    if (focused && !paper.element.contains(document.activeElement) && root.contains(document.activeElement)) focused.focus();
    else {
      paper.element.focus({ preventScroll: true });
      const word = hand.unitAt(start);
      if (word) hand.select(word, word, { silent: true });
    }
  }

  // A mark of several pieces: the mark in hand waits until the next words are selected, and takes them.
  function addPart() {
    if (!question.discontinuous) return false;
    const at = hand.selection;
    const target = marks.find(({ id }) => id === adding);
    if (at && target) {
      const pieces = joined([...target.pieces, [at.start, at.end]]);
      adding = null;
      note("");
      hand.unselect();
      hand.hold(client, target.id);
      change(target.id, { pieces });
      return true;
    }
    if (!held()) return false;
    adding = hot;
    note(S.part_wait);
    draw();
    paper.element.focus({ preventScroll: true });
    return true;
  }

  function joined(pieces) {
    const found = [];
    for (const [start, end] of pieces.sort((a, b) => a[0] - b[0])) {
      const last = found.at(-1);
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else found.push([start, end]);
    }
    return found;
  }

  const client = {
    armed: () => (brush !== null || adding !== null) && !root.hidden,
    took(start, end) { if (adding) { hand.select([start, start], [end, end]); addPart(); } else add(brush, start, end); },
    at: (unit) => marks.filter(({ pieces }) => pieces.some(([start, end]) => start <= unit && unit < end)).map((mark) => ({ id: mark.id, start: hull(mark)[0], end: hull(mark)[1] })),
    all: () => (root.hidden ? [] : marks.map((mark) => ({ id: mark.id, start: hull(mark)[0], end: hull(mark)[1] }))),
    heldId: () => hot,
    held() {
      const mark = held();
      return mark && { start: hull(mark)[0], end: hull(mark)[1] };
    },
    hold(id) {
      if (hot === id) return;
      hot = id;
      hand.edge = "end";
      const mark = held();
      if (mark) page.say(`${titleOf(question, mark.label)}: ${words(mark)}`);
      draw();
    },
    reshape(start, end, edge) {
      const mark = held();
      const pieces = mark.pieces.map((piece) => [...piece]);
      if (edge === "start") pieces[0][0] = Math.min(start, pieces[0][1] - 1);
      else pieces.at(-1)[1] = Math.max(end, pieces.at(-1)[0] + 1);
      const next = { ...mark, pieces };
      const problem = refusal(next) || (marks.some((other) => other !== mark && same(other.pieces, pieces) && other.label === mark.label) ? S.mark_twin : "");
      if (problem) return note(problem);
      note("");
      page.say(words(next));
      return change(mark.id, { pieces, value: valueOf(mark.label, ...hull(next)) ?? mark.value }, `edge/${mark.id}`);
    },
    remove,
    letGo() {
      if (hot === null && brush === null && adding === null) return false;
      brush = adding = null;
      client.hold(null);
      note("");
      draw();
      return true;
    },
  };
  hand.join(client);

  const summary = (value) => (value ?? []).map((one) => `${one.text} (${titleOf(question, one.label)})`).join(", ") || S.no_marks;

  return {
    root,
    question,
    blank: [],
    busy: () => hand.active === client && Boolean(hand.selection || held()),
    set(value) {
      const kept = held();
      const fresh = paper.drawn !== drawn; // another item, not a step of undo
      drawn = paper.drawn;
      if (fresh) { hand.clear(); adding = null; row.clear(); note(""); }
      marks = read(value);
      hot = kept && !fresh ? marks.find((mark) => same(mark.pieces, kept.pieces) && mark.label === kept.label)?.id ?? null : null;
      if (fresh) readSaid();
      // What more than half have marked is the beginning of a decision.
      if (value == null && said.length) {
        marks = said.filter(({ count }) => count * 2 > page.others.length).map(({ mark }) => mark);
        if (marks.length) page.changed(question.name, stored(), { part: "said" });
      }
      if (fresh && question.linked?.length) page.parts.companies.learn(companies, page, value, draw);
      draw();
    },
    key(key) {
      if (key === "." || key === ",") return hand.next(key === "." ? 1 : -1);
      if (key === "-" && held()) { note(hand.otherEdge() === "start" ? S.edge_start : S.edge_end); return true; }
      if (key === "+" || key === "=") return addPart();
      if ((key === "Delete" || key === "Backspace") && held()) { remove(); return true; }
      if (key === "Escape") return client.letGo();
      return row.key(key, pressed);
    },
    labels: (value) => [...new Set((value ?? []).map(({ label }) => label))],
    title: summary,
    mark(value) {
      if (value == null) return "";
      const found = element("span");
      if (!value.length) found.textContent = S.no_marks;
      value.slice(0, 40).forEach((one, place) => {
        if (place) found.append(" ");
        const made_ = chip(question, one.label);
        made_.title = titleOf(question, one.label);
        made_.textContent = one.text.length > 60 ? `${one.text.slice(0, 59)}…` : one.text;
        found.append(made_);
      });
      return found;
    },
    definition: (value) => question.labels.find((label) => label.name === (held()?.label ?? value?.at?.(-1)?.label)),
  };
}
