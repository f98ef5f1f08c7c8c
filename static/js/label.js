// The labelling page: shows an item, takes the answer, is at the next item before the server has replied.
// Modules come by the addresses that the page gives, which name their content: an upgrade never mixes old with new.
const desk = JSON.parse(document.getElementById("desk").textContent);
const { Outbox, ask } = await import(desk.modules.outbox);
const S = desk.strings;
const $ = (id) => document.getElementById(id);
const IDLE = 60_000;
// A key that comes so soon after an item was meant for the one before: a bounce, or the second half of a double press.
const BOUNCE = 120;
const DOUBLE_CLICK = 400;
const single = desk.questions.length === 1 && desk.questions[0].kind === "choice";
document.body.classList.add(single ? "single" : "several");

const modules = Object.fromEntries(
  await Promise.all([...new Set(desk.questions.map((q) => q.kind))].map(async (kind) => [kind, await import(desk.modules[kind])])),
);

let waiting = desk.packets; // items in hand, behind the one on the screen
let current = null;
let answer = {};
let flagged = false;
let done = desk.done_today;
let session = 0;
let last = null; // {clientId, assignment} of the newest submission, for undo
let paused = false;
let reloadWanted = false;
let spoken = null;
let shownAt = -Infinity;
let pending = ""; // a sentence for the next item, where none is on the screen
let asking = false;
let stuck = false; // the last request for more work failed
const started = Date.now();

// ---- honest time: only visible, active seconds count
let active = 0;
let worked = 0; // the same over the items answered since the page was opened
let seen = performance.now();
let moved = seen;
function tick() {
  const now = performance.now();
  if (!document.hidden && !paused && now - moved < IDLE) active += now - seen;
  seen = now;
}
setInterval(tick, 1000);
for (const kind of ["keydown", "pointermove", "pointerdown", "scroll", "wheel"]) {
  addEventListener(kind, () => { tick(); moved = performance.now(); }, { passive: true, capture: true });
}

// ---- questions
const fields = desk.questions.map((question) => {
  const root = document.querySelector(`[data-question="${CSS.escape(question.name)}"]`);
  return modules[question.kind].mount(root, question, changed);
});

function changed(name, value, final) {
  answer[name] = value;
  const field = fields.find((one) => one.question.name === name);
  showRule(field.root.querySelector(".definition") ? null : field.definition?.(value)); // few labels carry theirs
  keepDraft();
  if (!final) return;
  if (single) submit("submitted");
  else {
    const open = fields.find((one) => answer[one.question.name] == null);
    if (open) open.root.querySelector("[tabindex='0']")?.focus();
    serverDraft();
  }
}

function showRule(label) {
  document.body.classList.toggle("answered", !mayNot());
  $("rule").hidden = single || !label?.definition;
  if (label?.definition) {
    $("rule").querySelector("b").textContent = label.title;
    $("rule").querySelector("span").textContent = label.definition;
  }
}

// ---- drafts: in the browser at every change, on the server now and then
// One per item: a correction begun in between must not overwrite what was being written.
const draftKey = (assignment) => `assay-draft-${desk.user}-${desk.project}-${assignment}`;
const MONTH = 30 * 86_400_000;
function storeDraft(assignment, draft) {
  const kept = JSON.stringify({ answer: draft.answer, flagged: draft.flagged, comment: draft.comment, at: Date.now() });
  try { localStorage.setItem(draftKey(assignment), kept); } catch { /* the server's draft remains */ }
}
function keepDraft() {
  if (current && !current.correction) storeDraft(current.assignment, { answer, flagged, comment: $("comment").value });
}
function storedDraft(assignment) {
  try {
    return JSON.parse(localStorage.getItem(draftKey(assignment)));
  } catch {
    return null;
  }
}
try {
  for (const key of Object.keys(localStorage).filter((one) => one.startsWith(draftKey("")))) {
    if (!(Date.now() - storedDraft(key.slice(draftKey("").length))?.at < MONTH)) localStorage.removeItem(key);
  }
} catch { /* no storage, no old drafts */ }
let draftTimer = null;
function serverDraft() {
  clearTimeout(draftTimer);
  const of = current;
  draftTimer = setTimeout(() => {
    if (current !== of || !of || of.correction) return;
    ask(desk.urls.draft, desk.user, { assignment: of.assignment, token: of.token, version: desk.version, answer, comment: $("comment").value, flagged });
  }, 3000);
}

// ---- showing
function show(packet, notice = "") {
  current = packet;
  paused = false;
  clearTimeout(draftTimer);
  const kept = packet.correction || packet.status === "submitted" ? null : storedDraft(packet.assignment);
  answer = { ...packet.answer, ...kept?.answer };
  setFlag(kept?.flagged ?? packet.flagged);
  $("comment").value = kept?.comment ?? packet.comment;
  $("comment-field").hidden = !$("comment").value;
  const item = packet.item;
  const number = `${S.item} ${item.id}`;
  const parts = [packet.correction ? S.correction : "", item.source_type, item.issuer, item.published_at.replace("T", " ").slice(0, 16), number];
  $("prov").replaceChildren(...parts.filter(Boolean).map((words, place) => {
    const part = document.createElement(place === 0 && item.source_type && !packet.correction ? "span" : "bdi");
    part.textContent = words;
    if (part.tagName === "SPAN") part.className = "chip";
    return part;
  }));
  $("title").textContent = item.title || number;
  $("title").classList.toggle("visually-hidden", !item.title);
  $("title").dir = "auto";
  const text = $("text");
  text.textContent = item.text;
  text.dir = item.rtl ? "rtl" : "auto";
  text.lang = item.language || "";
  $("link").hidden = !/^https?:\/\//i.test(item.url);
  if (!$("link").hidden) $("link").firstElementChild.href = item.url;
  for (const field of fields) field.set(answer[field.question.name]);
  showRule(null);
  say(notice || pending);
  pending = "";
  reveal("item");
  document.querySelector(".read").scrollTop = $("answers").scrollTop = 0;
  if ($("guideline-dialog").open) near();
  active = 0;
  if (session) shownAt = performance.now();
  // A quiet bar where the page brings the focus to a new item; the full outline where the person does.
  text.classList.toggle("brought", !item.title);
  (item.title ? $("title") : text).focus({ preventScroll: true });
  requestAnimationFrame(() => {
    if (performance.getEntriesByName("assay:key").length) {
      performance.measure("assay:next", "assay:key");
      performance.clearMarks("assay:key");
    }
  });
}

// Of the item, the end and the pause, one is on the screen.
function reveal(id) {
  for (const one of ["item", "end", "paused"]) $(one).hidden = one !== id;
  $("answers").hidden = id !== "item";
  $("desk-area").removeAttribute("aria-busy");
}

function say(words) {
  $("notice").textContent = words;
  $("notice").hidden = !words;
}

function tell(words) {
  if (current) say(words);
  else pending = words;
}

function setFlag(on) {
  flagged = Boolean(on);
  $("flagged").hidden = !flagged;
  document.querySelector('[data-do="flag"]').setAttribute("aria-pressed", String(flagged));
}

// What is on the screen goes back into the hand, with all that was written into it.
function setAside() {
  if (current) waiting.unshift({ ...current, answer, flagged, comment: $("comment").value });
}

function advance() {
  if (reloadWanted && outbox.size === 0) location.reload();
  else if (waiting.length) show(waiting.shift());
  else askForMore();
}

async function askForMore() {
  current = null;
  $("desk-area").setAttribute("aria-busy", "true");
  if (asking) return;
  asking = true;
  // Answers still on their way hold their slots: wait for them, so that the server does not hand them out again.
  if (outbox.size) await outbox.flush();
  const held = outbox.read().map((entry) => entry.body.assignment);
  // A reply to one of those answers may have brought the next item already.
  const reply = current || waiting.length ? null : await ask(`${desk.urls.next}?held=${held.join(",")}`, desk.user);
  asking = false;
  if (reply?.status === 200) {
    take(reply.json.packets.filter((packet) => !held.includes(packet.assignment)));
    if (stuck) showState("idle");
    stuck = false;
  }
  if (current || paused) return;
  if (waiting.length) show(waiting.shift());
  else finish(reply);
}

// Into the hand, unless they are in it.
function take(packets) {
  const known = new Set([current, ...waiting].map((packet) => packet?.assignment));
  waiting.push(...packets.filter((packet) => packet && !known.has(packet.assignment)));
}

function finish({ status, json }) {
  stuck = status !== 200;
  reveal("end");
  const words = status === 401 ? json?.error : stuck ? S.offline : json.waiting ? S.others : S.all_done;
  const minutes = Math.max(1, Math.round((Date.now() - started) / 60000));
  $("end-words").textContent = [pending, words, session ? S.session.replace("{count}", session).replace("{minutes}", minutes) : ""].filter(Boolean).join(" ");
  pending = "";
  if (status === 401) showState("out", 0, json);
  $("end").querySelector("h1").focus();
}

// ---- sending
function mayNot() {
  const open = desk.questions.find((question) => question.required && answer[question.name] == null);
  return open ? S.unanswered.replace("{question}", open.title) : "";
}

function submit(status, reason = "") {
  if (!current || paused) return;
  const missing = status === "submitted" ? mayNot() : "";
  if (missing) return say(missing);
  tick();
  if (!performance.getEntriesByName("assay:key").length) performance.mark("assay:key");
  const body = {
    client_id: crypto.randomUUID?.() ?? uuid(),
    assignment: current.assignment,
    token: current.token,
    version: desk.version,
    status,
    answer: status === "submitted" ? answer : {},
    skip_reason: reason,
    flagged,
    comment: $("comment").value,
    seconds: Math.round(active / 100) / 10,
    held: waiting.map((packet) => packet.assignment),
  };
  last = { clientId: body.client_id, assignment: current.assignment };
  const entry = { body, packet: { ...current, answer: body.answer, status, comment: body.comment, flagged, skip_reason: reason } };
  try { localStorage.removeItem(draftKey(current.assignment)); } catch { /* nothing kept, nothing to remove */ }
  worked += active;
  count(entry, 1);
  outbox.add(entry);
  advance();
}

// What was answered here counts at once; what was taken back or refused does not count after all.
const counted = new Set();
function count({ body, packet }, change) {
  if (packet.correction || (change < 0 && !counted.delete(body.client_id))) return;
  if (change > 0) counted.add(body.client_id);
  session += change;
  done += change;
  $("done").textContent = done;
  if (session > 4) $("pace").textContent = S.pace.replace("{count}", Math.round(session / Math.max(worked / 3_600_000, 1 / 120)));
}

function uuid() {
  // crypto.randomUUID exists only in secure contexts; an office network may well be plain http.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

const outbox = new Outbox(desk.user, desk.project, desk.urls.submit, {
  saved(entry, reply) {
    take([reply.next]);
    if (!current && !paused && waiting.length) advance();
  },
  refused(entry, status, reply) {
    count(entry, -1);
    if (reply.reload) {
      reloadWanted = true;
      tell(reply.error);
      storeDraft(entry.body.assignment, entry.body);
      if (outbox.size === 0) setTimeout(() => location.reload(), 4000);
    } else if (status === 400) {
      // The server found a fault in the answer: show the item again, with the sentence.
      setAside();
      show(entry.packet, reply.error);
    } else tell(reply.error);
  },
  state: showState,
});

function showState(name, waits, reply) {
  const words = { saved: S.saved, saving: S.saving, waiting: S.waiting.replace("{count}", waits), out: S.signed_out, lost: S.lost };
  $("state").dataset.state = name;
  $("state").textContent = reply?.error ?? words[name] ?? "";
  // Spoken once it has settled: "saving, saved" at every item would drown the text.
  clearTimeout(spoken);
  spoken = setTimeout(() => { if ($("spoken").textContent !== $("state").textContent) $("spoken").textContent = $("state").textContent; }, 900);
  if (name !== "out" || !reply?.sign_in) return;
  const link = document.createElement("a");
  link.href = `${reply.sign_in}?next=${encodeURIComponent(location.pathname)}`;
  link.target = "_blank";
  link.textContent = S.sign_in;
  $("state").append(" ", link);
}

// The connection is back, or the person is: what waits is sent, and what was asked for in vain is asked for again.
function wake() {
  if (stuck && !current && !paused) advance();
  else if (outbox.size || !["idle", "saved"].includes($("state").dataset.state)) outbox.flush();
}
for (const kind of ["online", "focus"]) addEventListener(kind, wake);
document.addEventListener("visibilitychange", () => document.hidden || wake());
addEventListener("beforeunload", (event) => outbox.memory.length && event.preventDefault());

// ---- actions
async function reopen(assignment) {
  if (outbox.size) await outbox.flush();
  const { status, json } = await ask(`${desk.urls.mine}?assignment=${assignment}`, desk.user);
  if (status !== 200) return tell(json?.error ?? S.offline);
  setAside();
  return show(json);
}

async function back() {
  $("back-dialog").showModal();
  const list = $("mine");
  list.replaceChildren();
  if (outbox.size) await outbox.flush();
  const { status, json } = await ask(desk.urls.mine, desk.user);
  if (status !== 200) {
    list.textContent = json?.error ?? S.offline;
    return;
  }
  list.replaceChildren(...json.items.map((row, place) => {
    const button = document.createElement("button");
    button.type = "button";
    const text = document.createElement("span");
    text.textContent = row.excerpt;
    text.dir = "auto";
    const given = document.createElement("span");
    given.textContent = row.status === "skipped" ? S.skipped : fields.map((field) => field.title(row.answer[field.question.name])).filter(Boolean).join(", ");
    const number = document.createElement("kbd");
    number.textContent = place + 1;
    button.append(text, given, row.flagged ? "⚑" : "", place < 9 ? number : "");
    button.addEventListener("click", () => { $("back-dialog").close(); reopen(row.assignment); });
    const entry = document.createElement("li");
    entry.append(button);
    return entry;
  }));
  if (!json.items.length) list.textContent = S.none_yet;
  list.querySelector("button")?.focus();
}

function closeGuideline() {
  $("guideline-dialog").close();
  ($("item").hidden ? document.body : $("text")).focus({ preventScroll: true });
}

// Marks and shows the rule of the label that has the focus or is chosen.
function near(label) {
  const drawer = $("guideline-dialog");
  for (const old of drawer.querySelectorAll(".near")) old.classList.remove("near");
  const chosen = fields.map((field) => [field.question.name, answer[field.question.name]]);
  if (label) chosen.unshift([label.closest("[data-question]").dataset.question, label.dataset.value]);
  const [name, value] = chosen.find((pair) => pair[1] != null) ?? [];
  if (value == null) return;
  const title = fields.find((field) => field.question.name === name).title(value).toLowerCase();
  const rule = [...drawer.querySelectorAll(".prose :is(h1, h2, h3, h4)")].find((one) => one.textContent.toLowerCase().includes(title))
    ?? [...drawer.querySelectorAll("[data-label]")].find((one) => one.dataset.label === `${name}/${value}`);
  rule?.classList.add("near");
  rule?.scrollIntoView({ block: "center" });
}

const actions = {
  save: () => submit("submitted"),
  look: () => advance(),
  undo() {
    if (!last) return back();
    const { clientId, assignment } = last;
    const unsent = outbox.take(clientId);
    if (!unsent) return reopen(assignment);
    last = null;
    count(unsent, -1);
    if (outbox.size === 0) showState("idle");
    setAside();
    return show(unsent.packet);
  },
  back,
  skip: () => current && $("skip-dialog").showModal(),
  flag() { if (current) { setFlag(!flagged); keepDraft(); serverDraft(); } },
  comment() { if (current) { $("comment-field").hidden = false; $("comment").focus(); } },
  // Beside the text, not over it. While it has the focus the keys are its own.
  guideline() {
    const drawer = $("guideline-dialog");
    if (drawer.open) return closeGuideline();
    const label = document.activeElement?.closest?.("[data-value]");
    drawer.show();
    near(label);
    return drawer.focus();
  },
  pause() {
    tick();
    paused = !paused;
    if (paused) reveal("paused");
    else if (current) reveal("item");
    else return advance();
    return (paused ? $("paused").querySelector("h1") : $("text")).focus();
  },
  help: () => $("help-dialog").showModal(),
};
const KEYS = { u: "undo", b: "back", s: "skip", f: "flag", c: "comment", g: "guideline", p: "pause", "?": "help" };

document.addEventListener("click", (event) => {
  // The second half of a double click is no answer to the item that the first half has brought.
  if (event.detail > 1 && event.timeStamp - shownAt < DOUBLE_CLICK && event.target.closest("[data-value], [data-do=save]")) event.stopPropagation();
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]();
  const reason = event.target.closest("[data-skip]");
  if (reason) { $("skip-dialog").close(); submit("skipped", reason.dataset.skip); }
  const closed = event.target.closest("[data-close]")?.closest("dialog");
  if (closed?.id === "guideline-dialog") closeGuideline();
  else closed?.close();
});
$("text").addEventListener("blur", () => $("text").classList.remove("brought"));
$("comment").addEventListener("input", () => { keepDraft(); serverDraft(); });
$("comment").addEventListener("keydown", (event) => event.key === "Escape" && (event.target.blur(), $("text").focus()));

// The letter or digit that a key stands for, also on layouts that write other letters with it.
function plain(event) {
  if (event.key.length > 1) return event.key; // the arrows of a number pad are no digits
  if (!event.shiftKey && /^Digit\d$/.test(event.code)) return event.code[5];
  if (/^[\x20-\x7e]$/.test(event.key)) return event.key.toLowerCase();
  return /^(Key|Digit|Numpad)(\w)$/.exec(event.code)?.[2].toLowerCase() ?? event.key;
}

addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = plain(event);
  const dialog = document.querySelector("dialog:modal");
  if (dialog) {
    const choices = [...dialog.querySelectorAll("[data-skip], .mine button")];
    const chosen = event.repeat ? null : choices.find((one) => one.querySelector("kbd")?.textContent === key);
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (chosen) { event.preventDefault(); chosen.click(); }
    else if (step && choices.length) {
      event.preventDefault();
      choices[(choices.indexOf(document.activeElement) + step + choices.length) % choices.length].focus();
    } else if ((dialog.id === "help-dialog" && key === "?") || (dialog.id === "back-dialog" && key === "b")) { event.preventDefault(); dialog.close(); }
    return;
  }
  if (event.target.closest?.("input, textarea, select")) {
    if (event.key !== "Enter" || !(event.target.id === "comment" && event.shiftKey === false && single === false)) return;
  }
  if (event.repeat && key !== "Tab") { if (/^[a-z0-9]$/.test(key) || key === "Enter") event.preventDefault(); return; }
  if ($("guideline-dialog").open) {
    if (key === "Escape" || key === "g") { event.preventDefault(); closeGuideline(); return; }
    if ($("guideline-dialog").contains(document.activeElement)) return;
  }
  if (paused && key !== "p") return;
  if (event.timeStamp - shownAt < BOUNCE && (key.length === 1 || key === "Enter")) return event.preventDefault();
  performance.clearMarks("assay:key");
  performance.mark("assay:key");
  if (key === "Enter") {
    const target = event.target.closest?.("button, a, summary");
    if (target && !target.closest(".labels")) return;
    event.preventDefault();
    submit("submitted");
    return;
  }
  if (current && !paused) {
    const order = [...fields].sort((a, b) => b.root.contains(document.activeElement) - a.root.contains(document.activeElement));
    const open = order.filter((field) => field.root.contains(document.activeElement) || answer[field.question.name] == null);
    for (const field of [...open, ...order]) {
      if (field.key(key)) { event.preventDefault(); return; }
    }
  }
  if (KEYS[key]) { event.preventDefault(); actions[KEYS[key]](); }
});

// ---- start: what an earlier visit left unsent is sent and not shown again
const unsent = new Set(outbox.read().map((entry) => entry.body.assignment));
waiting = waiting.filter((packet) => !unsent.has(packet.assignment) && packet.status !== "submitted");
if (outbox.size) await outbox.flush();
if (!current) advance();
document.documentElement.dataset.ready = "1";
