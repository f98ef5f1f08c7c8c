// Events: a trigger with its type, words that fill its roles, whether it happened, and when; docs/kinds.md has the keys.
//
// Without an event in hand the keys of the types make one of the selected words; with one in hand digits fill its roles.

const ROLE_KEYS = "1234567890abcefghijklmnopqrsuvyz"; // t, w and x belong to the event itself
const STATUSES = ["actual", "expected", "negated"];

let made = 0; // every event on this page has a number of its own

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

export function mount(root, question, page) {
  const { Row, titleOf, chip } = page.parts.labels;
  const { button, element, handOf } = page.parts.marking;
  const { paper, strings: S } = page;
  const hand = handOf(paper, page);
  const list = root.querySelector(".mine-marks");
  const help = root.querySelector(".marking-help");
  const color = (type) => question.labels.find((one) => one.name === type)?.color ?? 0;
  let events = [];
  let hot = null; // the id of the event in hand
  let part = null; // of it: "trigger", "date", the number of an argument, or null for the event as a whole
  let brush = null; // {type} or {role}: what a selection gets at once
  let drawn = 0; // which text the events are in
  let seen = "";

  const held = () => events.find(({ id }) => id === hot) ?? null;
  const rolesOf = (type) => question.roles.filter(({ types }) => !types?.length || types.includes(type));
  const quote = (place) => (place ? paper.text.slice(place.start, place.end) : "");
  const row = new Row(root, question, S, { pressed, state: "aria-pressed" });

  // ---- from the stored form and back: places in UTF-16 units here
  const into = ({ start, end }) => ({ start: paper.units(start), end: paper.units(end) });

  function read(value) {
    return (value ?? []).map((one) => ({
      id: (made += 1),
      type: one.type,
      trigger: one.trigger ? into(one.trigger) : null,
      filled: (one.arguments ?? []).map((argument) => ({ role: argument.role, ...into(argument) })),
      status: one.status ?? (question.status ? STATUSES[0] : undefined),
      date: one.date ? { value: one.date.value ?? "", place: one.date.text === undefined ? null : into(one.date) } : null,
    }));
  }

  const out = (place) => ({ start: paper.points(place.start), end: paper.points(place.end), text: quote(place) });

  function stored() {
    return events.map((event) => ({
      type: event.type,
      ...(event.trigger ? { trigger: out(event.trigger) } : {}),
      arguments: event.filled.map(({ role, ...place }) => ({ role, ...out(place) })),
      ...(question.status ? { status: event.status } : {}),
      ...(event.date ? { date: { ...(event.date.value ? { value: event.date.value } : {}), ...(event.date.place ? out(event.date.place) : {}) } } : {}),
    }));
  }

  function tidy() {
    for (const event of events) event.filled.sort((a, b) => compare(a.role, b.role) || a.start - b.start || a.end - b.end);
    events.sort((a, b) => (a.trigger?.start ?? -1) - (b.trigger?.start ?? -1) || compare(a.type, b.type) || a.id - b.id);
  }

  function tell(step = "") {
    tidy();
    draw();
    page.changed(question.name, stored(), { part: step });
  }

  // Replaces the event with a changed one, so that steps of undo never share parts.
  function change(event, what, step = "") {
    events = events.map((one) => (one === event ? { ...one, ...what } : one));
    tell(step);
  }

  // ---- drawing
  function partsOf(event) {
    return [
      ...(event.trigger ? [{ key: "trigger", title: titleOf(question, event.type), ...event.trigger }] : []),
      ...event.filled.map((argument, index) => ({ key: index, title: argument.role, start: argument.start, end: argument.end })),
      ...(event.date?.place ? [{ key: "date", title: S.date, ...event.date.place }] : []),
    ];
  }

  function draw() {
    const marks = events.flatMap((event) => partsOf(event).map(({ key, title, start, end }) => ({
      pieces: [[start, end]],
      color: color(event.type),
      // The roles of the event in hand; of the others the types.
      title: event.id === hot || key === "trigger" ? title + (key === "trigger" ? whose(event) : "") : "",
      hot: event.id === hot && part === key,
    })));
    const others = said.filter(({ event }) => event.trigger && !taken(event)).map(({ event, who }) => ({ pieces: [[event.trigger.start, event.trigger.end]], color: color(event.type), title: titleOf(question, event.type) + who, faint: true }));
    paper.setMarks(question.name, [...marks, ...others]);
    root.querySelector(".count").textContent = events.length ? String(events.length) : S.no_events;
    row.show((type) => type === (held()?.type ?? brush?.type));
    drawList();
    drawSaid();
  }

  const summaryOf = (event) => [quote(event.trigger), ...event.filled.map((argument) => `${argument.role}: ${quote(argument)}`), event.date?.value || quote(event.date?.place)].filter(Boolean).join(" · ");

  function drawList() {
    const now = JSON.stringify([events, hot, part, brush]);
    if (now === seen) return;
    seen = now;
    const focus = list.contains(document.activeElement) ? document.activeElement.dataset.focus : "";
    list.replaceChildren(...events.map((event) => {
      const line = element("li", event.id === hot ? "hot" : "");
      const entry = button("", `entry/${event.id}`, () => {
        hand.unselect();
        if (event.id === hot) hand.release();
        else hand.hold(client, `${event.id}/`);
        if (event.trigger) paper.reveal(event.trigger.start, event.trigger.end);
      });
      entry.className = "entry";
      if (event.id === hot) entry.setAttribute("aria-current", "true");
      entry.append(chip(question, event.type), element("span", "quote", event.id === hot ? quote(event.trigger) : summaryOf(event)));
      if (event.status && event.status !== STATUSES[0]) entry.append(element("span", "more", S[event.status]));
      line.append(entry);
      if (event.id === hot) line.append(tools(event));
      return line;
    }));
    if (focus) list.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
    list.querySelector(".hot")?.scrollIntoView({ block: "nearest" });
  }

  function line(title, key, ...controls) {
    const found = element("div", "tool");
    const head = element("span");
    head.append(element("bdi", "", title));
    if (key) head.append(" ", element("kbd", "", key.toUpperCase()));
    found.append(head, ...controls);
    return found;
  }

  // A place of the event in hand: its words as a button that takes it in hand, and what removes it.
  function filledBy(event, key, place, focus) {
    const words = button(quote(place), focus, () => { take(event, key); paper.reveal(place.start, place.end); });
    words.className = "filled";
    words.setAttribute("aria-pressed", String(part === key));
    const drop = button("×", `${focus}/drop`, () => { take(event, key); remove(); });
    drop.setAttribute("aria-label", `${S.remove}: ${quote(place)}`);
    return [words, drop];
  }

  function filler(what, focus) {
    const found = button(brush && same(brush, what) ? S.select_words : S.fill, focus, () => fill(what));
    found.setAttribute("aria-pressed", String(Boolean(brush && same(brush, what))));
    return found;
  }

  function tools(event) {
    const box = element("div", "mark-parts");
    const trigger = event.trigger ? filledBy(event, "trigger", event.trigger, "trigger") : [];
    box.append(line(S.trigger, "t", ...trigger, ...(event.trigger ? [] : [filler({ role: null }, "fill/trigger")])));
    rolesOf(event.type).forEach(({ name }, place) => {
      const given = event.filled.flatMap((argument, index) => (argument.role === name ? filledBy(event, index, argument, `role/${index}`) : []));
      box.append(line(name, ROLE_KEYS[place] ?? "", ...given, filler({ role: name }, `fill/${name}`)));
    });
    if (question.date) box.append(dateTools(event));
    if (question.status) {
      const states = STATUSES.map((status) => {
        const found = button(S[status], `status/${status}`, () => change(event, { status }));
        found.setAttribute("aria-pressed", String(event.status === status));
        return found;
      });
      box.append(line(S.status, "x", ...states));
    }
    box.append(line("", "", button(S.remove_event, "remove", () => { part = null; remove(); })));
    return box;
  }

  function dateTools(event) {
    const field = element("input");
    field.value = event.date?.value ?? "";
    field.dataset.focus = "date";
    field.size = 12;
    field.autocomplete = "off";
    field.placeholder = "2017-10";
    field.setAttribute("aria-label", S.date);
    const picker = element("input");
    picker.type = "date";
    picker.dataset.focus = "picker";
    picker.setAttribute("aria-label", S.date_pick);
    picker.value = /^\d{4}-\d\d-\d\d$/.test(event.date?.value ?? "") ? event.date.value : "";
    field.addEventListener("change", () => {
      const words = field.value.trim();
      if (!words) return change(event, { date: event.date?.place ? { value: "", place: event.date.place } : null });
      const value = understood(words);
      if (!value) { note(S.no_date.replace("{words}", words)); return field.focus(); }
      note("");
      return change(event, { date: { value, place: event.date?.place ?? null } });
    });
    picker.addEventListener("change", () => picker.value && change(event, { date: { value: picker.value, place: event.date?.place ?? null } }));
    for (const one of [field, picker]) {
      one.addEventListener("keydown", (pressed_) => {
        if (pressed_.key !== "Escape" && (pressed_.key !== "Enter" || one === picker)) return;
        pressed_.preventDefault();
        pressed_.stopPropagation();
        one.blur();
        paper.element.focus({ preventScroll: true });
      });
    }
    const place = event.date?.place ? filledBy(event, "date", event.date.place, "when") : [filler({ role: "", date: true }, "fill/date")];
    return line(S.date, "w", field, picker, ...place);
  }

  // A date in words or figures as a stored value, null where it says none; relative ones count from the publication.
  function understood(words) {
    const { check, parse } = page.parts.dates;
    if (check(words)) return words;
    return parse(words, (page.item?.published_at ?? "").slice(0, 10), page.item?.language ?? "");
  }

  // ---- what people said, on the page of a case
  let said = [];
  const bare = ({ id, ...event }) => JSON.stringify(event);
  // The letters of the answers that have this event so.
  let byWords = new Map();
  const whose = (event) => byWords.get(bare(event))?.who ?? "";
  const taken = (event) => events.find((one) => bare(one) === bare(event));

  function readSaid() {
    const counted = new Map();
    (page.others ?? []).forEach((one, place) => {
      for (const event of read(one)) {
        if (!counted.has(bare(event))) counted.set(bare(event), { event, count: 0, who: "" });
        counted.get(bare(event)).count += 1;
        counted.get(bare(event)).who += ` ${page.letters?.[place] ?? ""}`;
      }
    });
    // All of many are counted, not named one by one.
    for (const one of counted.values()) if (one.count > 3 && one.count === page.others.length) one.who = ` ${S.said_by.replace("{count}", one.count).replace("{all}", one.count)}`;
    byWords = counted;
    said = [...counted.values()].sort((a, b) => (a.event.trigger?.start ?? -1) - (b.event.trigger?.start ?? -1));
  }

  function drawSaid() {
    const box = root.querySelector(".said-marks");
    box.hidden = !said.length;
    const differs = new Set(said.map(({ event }) => event.status)).size > 1;
    box.querySelector("ol").replaceChildren(...said.map(({ event, count, who }) => {
      const here = taken(event);
      const line_ = element("li");
      if (count === page.others.length) line_.dataset.same = "";
      const entry = button("", `said/${event.id}`, () => {
        if (here) events = events.filter((one) => one !== here);
        else events.push({ ...event, id: (made += 1) });
        if (event.trigger) paper.reveal(event.trigger.start, event.trigger.end);
        tell();
      });
      entry.className = "entry";
      entry.setAttribute("aria-pressed", String(Boolean(here)));
      entry.append(element("span", "tick", here ? "✓" : "+"), chip(question, event.type), element("span", "quote", [summaryOf(event), ...(differs ? [S[event.status]] : [])].join(" · ")), element("span", "more", `${S.said_by.replace("{count}", count).replace("{all}", page.others.length)}${count < page.others.length || count < 4 ? who : ""}`));
      line_.append(entry);
      return line_;
    }));
  }

  // ---- changes
  function note(words) {
    help.textContent = words;
    if (words) page.say(words);
  }

  function take(event, key) {
    hand.unselect();
    hand.hold(client, `${event.id}/${key ?? ""}`);
  }

  function create(type, place) {
    const event = { id: (made += 1), type, trigger: place, filled: [], status: question.status ? STATUSES[0] : undefined, date: null };
    events.push(event);
    hand.unselect();
    brush = null;
    note(question.roles.length ? S.fill_roles : "");
    page.say(`${titleOf(question, type)}: ${quote(place)}`);
    take(event, place ? "trigger" : null);
    tell();
    paper.element.focus({ preventScroll: true });
  }

  // The selected words go into a role ("role": name), the trigger (null) or the date of the event in hand.
  function put(what, place) {
    const event = held();
    if (!event) return;
    brush = null;
    hand.unselect();
    note("");
    if (what.date) {
      // A date is taken whole, as a number is.
      const around = page.parts.dates.find(paper.text, place.start);
      if (around && around[0] <= place.start && around[1] >= place.end) place = { start: around[0], end: around[1] };
      const value = understood(quote(place));
      if (!value) note(S.no_date.replace("{words}", quote(place)));
      part = "date";
      change(event, { date: { value: value ?? event.date?.value ?? "", place } });
      if (!value) list.querySelector("[data-focus=date]")?.focus();
    } else if (what.role === null) {
      part = "trigger";
      change(event, { trigger: place });
    } else {
      const argument = { role: what.role, ...place };
      if (!event.filled.some((one) => same(one, argument))) change(event, { filled: [...event.filled, argument] });
      const after = held();
      part = after.filled.findIndex((one) => same(one, argument));
      draw();
    }
    page.say(`${what.date ? S.date : what.role ?? S.trigger}: ${quote(place)}`);
    if (!list.contains(document.activeElement)) paper.element.focus({ preventScroll: true });
  }

  function fill(what) {
    hand.active = client;
    const at = hand.selection;
    if (at) { put(what, at); return; }
    brush = brush && same(brush, what) ? null : what;
    note(brush ? S.select_words : "");
    draw();
  }

  // A type was pressed: it makes an event of the selection, or is the new type of the event in hand, or is drawn with.
  function pressed(type, by) {
    hand.active = client;
    if (by === "find") row.clear();
    const at = hand.selection;
    const event = held();
    if (event && !at && event.type !== type) {
      const roles = rolesOf(type).map(({ name }) => name);
      change(event, { type, filled: event.filled.filter(({ role }) => roles.includes(role)) });
    } else if (at) create(type, at);
    else if (!question.trigger) create(type, null);
    else {
      brush = brush?.type === type ? null : { type };
      hand.release();
      note(brush ? S.brush_event.replace("{label}", titleOf(question, type)) : "");
      draw();
    }
  }

  function remove() {
    const event = held();
    if (!event) return;
    if (Number.isInteger(part)) {
      const filled = event.filled.filter((_one, index) => index !== part);
      part = null;
      change(event, { filled });
    } else if (part === "date") {
      part = null;
      change(event, { date: event.date.value ? { value: event.date.value, place: null } : null });
    } else {
      events = events.filter((one) => one !== event);
      hot = part = null;
      page.say(`${S.removed}: ${titleOf(question, event.type)}`);
      tell();
    }
    paper.element.focus({ preventScroll: true });
  }

  const placeOf = (event, key) => partsOf(event).find((one) => one.key === key) ?? null;
  const named = (event, { key, start, end }) => ({ id: `${event.id}/${key}`, start, end });

  const client = {
    armed: () => brush !== null && !root.hidden,
    took(start, end) { if (brush.type) create(brush.type, { start, end }); else put(brush, { start, end }); },
    at: (unit) => events.flatMap((event) => partsOf(event).filter(({ start, end }) => start <= unit && unit < end).map((one) => named(event, one))),
    all: () => (root.hidden ? [] : events.flatMap((event) => partsOf(event).map((one) => named(event, one)))),
    heldId: () => (hot === null ? null : `${hot}/${part ?? ""}`),
    held() {
      const event = held();
      const place = event && (placeOf(event, part) ?? (part === null ? event.trigger : null));
      return place ? { start: place.start, end: place.end } : null;
    },
    hold(id) {
      const [event, key = ""] = id === null ? [null] : id.split("/");
      const nextPart = key === "" ? null : /^\d+$/.test(key) ? Number(key) : key;
      const next = event === null ? null : Number(event);
      // Words that are selected while an event is in hand are meant for its roles: only Escape lets go of it.
      if (next === null && hot !== null && !letting) { if (part !== null) { part = null; draw(); } return; }
      if (hot === next && part === nextPart) return;
      hot = next;
      part = nextPart;
      if (hot === null) brush = null;
      hand.edge = "end";
      draw();
    },
    reshape(start, end) {
      const event = held();
      const step = `edge/${hot}/${part}`;
      if (part === "trigger" || part === null) change(event, { trigger: { start, end } }, step);
      else if (part === "date") change(event, { date: { value: understood(paper.text.slice(start, end)) ?? event.date.value, place: { start, end } } }, step);
      else {
        const moved = { ...event.filled[part], start, end };
        change(event, { filled: event.filled.map((one, index) => (index === part ? moved : one)) }, step);
        part = held().filled.findIndex((one) => same(one, moved));
        draw();
      }
      page.say(paper.text.slice(start, end));
    },
    remove,
    letGo,
  };
  let letting = false;

  function letGo() {
    if (hot === null && !brush) return false;
    letting = true;
    brush = null;
    hand.unselect();
    client.hold(null);
    letting = false;
    note("");
    draw();
    return true;
  }
  hand.join(client);

  function words(value) {
    const parts = (one) => [one.trigger?.text, ...(one.arguments ?? []).map(({ role, text }) => `${role}: ${text}`), one.date?.value ?? one.date?.text, one.status && one.status !== STATUSES[0] ? S[one.status] : ""];
    return (value ?? []).map((one) => `${titleOf(question, one.type)} (${parts(one).filter(Boolean).join(" · ")})`).join("; ") || S.no_events;
  }

  return {
    root,
    question,
    blank: [],
    busy: () => hand.active === client && Boolean(hand.selection || held()),
    set(value) {
      const kept = held();
      const fresh = paper.drawn !== drawn;
      drawn = paper.drawn;
      if (fresh) { hand.clear(); brush = null; row.clear(); note(""); }
      events = read(value);
      hot = kept && !fresh ? events.find((event) => event.type === kept.type && same(event.trigger, kept.trigger))?.id ?? null : null;
      part = null;
      if (fresh) readSaid();
      if (value == null && said.length) {
        events = said.filter(({ count }) => count * 2 > page.others.length).map(({ event }) => event);
        if (events.length) page.changed(question.name, stored(), { part: "said" });
      }
      seen = "";
      tidy();
      draw();
    },
    key(key) {
      if (key === "." || key === ",") return hand.next(key === "." ? 1 : -1);
      const event = held();
      if (key === "Escape") return letGo();
      if (!event) return row.key(key, pressed);
      if (key === "-" && client.held()) { note(hand.otherEdge() === "start" ? S.edge_start : S.edge_end); return true; }
      if (key === "Delete" || key === "Backspace") { remove(); return true; }
      if (key === "t") { fill({ role: null }); return true; }
      if (key === "w" && question.date) { fill({ role: "", date: true }); return true; }
      if (key === "x" && question.status) { change(event, { status: STATUSES[(STATUSES.indexOf(event.status) + 1) % STATUSES.length] }); page.say(S[held().status]); return true; }
      const role = rolesOf(event.type)[ROLE_KEYS.indexOf(key)];
      if (key.length === 1 && role && ROLE_KEYS.includes(key)) { fill({ role: role.name }); return true; }
      return row.key(key, pressed);
    },
    labels: (value) => [...new Set((value ?? []).map(({ type }) => type))],
    title: words,
    mark(value) {
      if (value == null) return "";
      const found = element("span", "", value.length ? "" : S.no_events);
      value.slice(0, 20).forEach((one) => found.append(chip(question, one.type), ` ${words([one]).replace(/^[^(]*\(|\)$/g, "")} `));
      return found;
    },
    definition: (value) => question.labels.find((label) => label.name === (held()?.type ?? value?.at?.(-1)?.type)),
    problem(value) {
      const open = question.trigger && (value ?? []).find((one) => !one.trigger);
      return open ? S.trigger_open.replace("{event}", titleOf(question, open.type)) : "";
    },
  };
}
