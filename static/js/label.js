// The labelling page: shows an item, takes the answer, is at the next item before the server has replied.
// Modules come by the addresses that the page gives, which name their content: an upgrade never mixes old with new.
const desk = JSON.parse(document.getElementById("desk").textContent);
const [parts, kinds] = await Promise.all([desk.modules, desk.kinds].map(load));
const { Outbox, ask, newId } = parts.outbox;
const S = desk.strings;
const $ = (id) => document.getElementById(id);
// With a single question of such a kind one key is answer, save and next.
const single = desk.questions.length === 1 && Boolean(kinds[desk.questions[0].kind].single?.(desk.questions[0]));
document.body.classList.add(single ? "single" : "several");

async function load(addresses) {
  return Object.fromEntries(await Promise.all(Object.entries(addresses).map(async ([name, url]) => [name, await import(url)])));
}

let waiting = desk.packets; // items in hand, behind the one on the screen
let current = null;
// Without a prototype, so that a question called `constructor` has no answer until somebody gives one.
let answer = bare({});
let flagged = false;
let last = null; // {clientId, assignment} of the newest submission, for undo
let paused = false;
let reloadWanted = false;
let shownAt = -Infinity;
let pending = ""; // a sentence for the next item, where none is on the screen
let fetching = false;
let stuck = false; // the last request for more work failed
let holding = false; // the label was pressed with Shift: how sure the person is comes next
const started = Date.now();

const clock = new parts.clock.Clock();
const drafts = new parts.drafts.Drafts(desk.user, desk.project, (draft) => ask(desk.urls.draft, desk.user, draft));
const paper = new parts.paper.Paper($("text"));
const state = new parts.state.State(S);
const tally = new parts.tally.Tally({ today: desk.done_today, share: desk.share, goal: desk.goal, strings: S, clock });

// ---- questions
// What a kind may ask of the page: see docs/kinds.md.
const page = {
  parts,
  changed,
  strings: S,
  text: $("text"),
  paper,
  companies: async (query) => (await look(`${desk.urls.companies}?${new URLSearchParams(query)}`)).json?.companies ?? [],
  get item() { return current?.item ?? null; },
  get answer() { return answer; },
  say: (words) => { $("spoken").textContent = words; },
  done,
};
const fields = desk.questions.map((question) => {
  const root = document.querySelector(`[data-question="${CSS.escape(question.name)}"]`);
  return kinds[question.kind].mount(root, question, page);
});
const suggest = parts.suggest ? new parts.suggest.Suggest(fields, S) : null;
const sure = parts.sure ? new parts.sure.Sure(() => history.keep(said()), wasSure) : null;
// In the qualification each answer is told about, and the item stays on the screen meanwhile.
const training = parts.training ? new parts.training.Training(fields, S) : null;
const history = new parts.history.History();
const guideline = new parts.guideline.Guideline(fields, () => answer, () => ($("item").hidden ? document.body : $("text")).focus({ preventScroll: true }));
// Where marks are made, the place that was found is selected for them.
const find = new parts.find.Find(paper, S, (start, end) => parts.marking?.handOf(paper, page).select([start, start], [end, end]));
const look = (address) => ask(address, desk.user);
const mine = new parts.mine.Mine({ ask: look, url: desk.urls.mine, fields, strings: S, open: reopen, jump });

// `final`: the person is done with the question; `part`: what is being typed, one step of undo for all of it.
function changed(name, value, { final = false, part = "" } = {}) {
  history.keep(said(), part && `${name}/${part}`);
  answer = bare({ ...answer, [name]: value });
  openQuestions();
  const field = fields.find((one) => one.question.name === name);
  showRule(field.root.querySelector(".definition") ? null : field.definition?.(value)); // few labels carry theirs
  keepDraft();
  if (final && holding) sure.focus();
  else if (final && single) return submit("submitted");
  else if (final) nextOpen();
  serverDraft();
}

// All that undo takes back.
function said() {
  return { answer, flagged, confidence: sure?.value ?? null };
}

function nextOpen() {
  const open = fields.find((one) => asked(one) && answer[one.question.name] == null);
  if (open) open.root.querySelector("[tabindex='0']")?.focus();
  return open;
}

// With one question the level is the last thing to say; before the label it is kept for it.
function wasSure() {
  keepDraft();
  serverDraft();
  if (!mayNot() && single && sure.value) submit("submitted");
  else if (!nextOpen()) document.querySelector("[data-do=save]").focus();
}

// On to the next open question after the one in the focus; where there is none the answer is sent.
function done() {
  const here = fields.findIndex((one) => one.root.contains(document.activeElement));
  const open = fields.find((one, place) => place > here && asked(one) && answer[one.question.name] == null);
  if (open) open.root.querySelector("[tabindex='0']")?.focus();
  else submit("submitted");
}

// Whether a question is asked: its condition names the labels of an earlier one that open it.
function asked({ question: { when } }) {
  if (!when) return true;
  const before = fields.find((one) => one.question.name === when.question);
  return asked(before) && before.labels(answer[when.question]).some((label) => when.labels.includes(label));
}

function openQuestions() {
  for (const field of fields) field.root.hidden = !asked(field);
}

// What is sent: answers to what is asked, and for a question that was left as it was what that says (no span at all).
function given() {
  const said = fields.filter(asked).map((field) => [field.question.name, answer[field.question.name] ?? field.blank ?? null]);
  return bare(Object.fromEntries(said.filter(([, value]) => value != null)));
}

function bare(given) {
  return Object.assign(Object.create(null), given);
}

function restore(earlier) {
  if (!earlier) return false;
  answer = bare(earlier.answer);
  setFlag(earlier.flagged);
  sure?.set(earlier.confidence);
  for (const field of fields) field.set(answer[field.question.name], current.item);
  openQuestions();
  showRule(null);
  keepDraft();
  serverDraft();
  return true;
}

// Takes what the model proposes as if the person had entered it; with a single question that is the whole answer.
function accept() {
  if (!current || paused || !suggest) return;
  // An answer may open the question that another suggestion is for.
  for (let more = true; more;) {
    const found = Object.entries(suggest.values(asked)).filter(([name, value]) => JSON.stringify(answer[name]) !== JSON.stringify(value));
    for (const [name, value] of found) {
      history.keep(said(), "accept");
      answer = bare({ ...answer, [name]: value });
    }
    more = found.length > 0;
    openQuestions();
  }
  if (!Object.keys(suggest.values(asked)).length) return;
  for (const field of fields) field.set(answer[field.question.name], current.item);
  showRule(null);
  keepDraft();
  if (single && !holding) return submit("submitted");
  serverDraft();
  if (!nextOpen()) document.querySelector("[data-do=save]").focus();
}

function showRule(label) {
  document.body.classList.toggle("answered", !mayNot());
  $("rule").hidden = single || !label?.definition;
  if (label?.definition) {
    $("rule").querySelector("b").textContent = label.title;
    $("rule").querySelector("span").textContent = label.definition;
  }
}

// Gives the label's question that answer, where a label has that key: what holds words of the text first, then the
// question in the focus, then the open ones.
function answerBy(key) {
  if (!current || paused) return false;
  const order = fields.filter(asked).sort((a, b) => b.root.contains(document.activeElement) - a.root.contains(document.activeElement));
  const open = order.filter((field) => field.root.contains(document.activeElement) || answer[field.question.name] == null);
  return [...order.filter((field) => field.busy?.()), ...open, ...order].some((field) => field.key(key));
}

function keepDraft() {
  if (current && !current.correction) drafts.store(current.assignment, { answer, flagged, confidence: sure?.value, comment: $("comment").value });
}

function serverDraft() {
  if (training) return;
  const of = current;
  drafts.later(() => {
    if (current !== of || !of || of.correction) return null;
    return { assignment: of.assignment, token: of.token, version: desk.version, answer, comment: $("comment").value, flagged, confidence: sure?.value };
  });
}

// ---- showing
function show(packet, notice = "") {
  current = packet;
  pause(false);
  drafts.forget();
  const kept = packet.correction || packet.status === "submitted" ? null : drafts.read(packet.assignment);
  answer = bare({ ...packet.answer, ...kept?.answer });
  setFlag(kept?.flagged ?? packet.flagged);
  sure?.set(kept?.confidence ?? packet.confidence);
  $("comment").value = kept?.comment ?? packet.comment;
  $("comment-field").hidden = !$("comment").value;
  find.forget();
  parts.item.draw(packet, S, paper);
  parts.candidates?.draw($("candidates"), packet.item, S);
  history.clear();
  for (const field of fields) field.set(answer[field.question.name], packet.item);
  openQuestions();
  suggest?.show(packet);
  showRule(null);
  say(notice || pending);
  pending = "";
  reveal("item");
  document.querySelector(".read").scrollTop = $("answers").scrollTop = 0;
  if (guideline.open) guideline.near();
  clock.restart();
  if (tally.session) shownAt = performance.now();
  // A quiet bar where the page brings the focus to a new item; the full outline where the person does.
  $("text").classList.toggle("brought", !packet.item.title);
  (packet.item.title ? $("title") : $("text")).focus({ preventScroll: true });
  requestAnimationFrame(() => {
    if (performance.getEntriesByName("assay:key").length) {
      performance.measure("assay:next", "assay:key");
      performance.clearMarks("assay:key");
    }
  });
  conflicts.offer();
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

function pause(on) {
  paused = on;
  clock.stop(on || Boolean(conflicts.shown));
}

// What is on the screen goes back into the hand, with all that was written into it.
function setAside() {
  if (current) waiting.unshift({ ...current, answer, flagged, confidence: sure?.value, comment: $("comment").value });
}

function advance() {
  if (reloadWanted && outbox.size === 0) location.reload();
  else if (waiting.length) show(waiting.shift());
  else askForMore();
}

async function askForMore() {
  current = null;
  $("desk-area").setAttribute("aria-busy", "true");
  if (fetching) return;
  fetching = true;
  // Answers still on their way hold their slots: wait for them, so that the server does not hand them out again.
  if (outbox.size) await outbox.flush();
  const held = outbox.read().map((entry) => entry.body.assignment);
  // A reply to one of those answers may have brought the next item already.
  const reply = current || waiting.length ? null : await look(`${desk.urls.next}?held=${held.join(",")}`);
  fetching = false;
  if (reply?.status === 200) {
    take(reply.json.packets.filter((packet) => !held.includes(packet.assignment)));
    if (stuck) state.show("idle");
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
  tally.atLeast([current, ...waiting].filter((packet) => packet && !packet.correction).length);
}

function finish({ status, json }) {
  stuck = status !== 200;
  reveal("end");
  if (!stuck && !json.waiting) tally.end();
  const words = status === 401 ? json?.error : stuck ? S.offline : json.limited ? S.limited : json.unqualified ? S.unqualified : json.waiting ? S.others : S.all_done;
  $("end-words").textContent = [pending, words, tally.session ? sessionWords() : ""].filter(Boolean).join(" ");
  pending = "";
  if (status === 401) state.show("out", 0, json);
  $("end").querySelector("h1").focus();
  conflicts.offer();
}

function sessionWords() {
  const minutes = Math.max(1, Math.round((Date.now() - started) / 60000));
  const form = new Intl.PluralRules(document.documentElement.lang).select(minutes);
  return (S.session[form] ?? S.session.other).replace("{count}", tally.session).replace("{minutes}", minutes);
}

// ---- sending
function mayNot() {
  const said = given();
  for (const field of fields.filter(asked)) {
    const { required, title, name } = field.question;
    const unfinished = field.unfinished?.();
    if (unfinished) return unfinished;
    if (required && said[name] == null) return S.unanswered.replace("{question}", title);
    const problem = said[name] == null ? "" : field.problem?.(said[name]);
    if (problem) return problem;
  }
  return "";
}

function submit(status, reason = "") {
  if (!current || paused || training?.busy) return;
  const missing = status === "submitted" ? mayNot() : "";
  if (missing) return say(missing);
  if (!performance.getEntriesByName("assay:key").length) performance.mark("assay:key");
  const body = {
    client_id: newId(),
    assignment: current.assignment,
    token: current.token,
    version: desk.version,
    status,
    answer: status === "submitted" ? given() : {},
    skip_reason: reason,
    confidence: status === "submitted" ? sure?.value ?? null : null,
    flagged,
    comment: $("comment").value,
    seconds: clock.take(),
    held: waiting.map((packet) => packet.assignment),
  };
  last = { clientId: body.client_id, assignment: current.assignment };
  const entry = { body, packet: { ...current, answer: body.answer, status, comment: body.comment, flagged, skip_reason: reason, confidence: body.confidence } };
  drafts.drop(current.assignment);
  tally.count(entry, 1);
  outbox.add(entry);
  if (training) training.busy = true;
  else advance();
}

const outbox = new Outbox(desk.user, desk.project, desk.urls.submit, {
  saved(entry, reply) {
    if (training) {
      pause(true);
      const next = () => {
        pause(false);
        current = null;
        take([reply.next]);
        advance();
      };
      return training.show(reply.feedback, next, desk.urls);
    }
    take([reply.next]);
    if (!current && !paused && waiting.length) advance();
  },
  refused(entry, status, reply) {
    tally.count(entry, -1);
    if (training) training.busy = false;
    if (entry.body.token && ["submitted", "skipped", "undecided"].includes(reply.theirs?.status)) {
      tally.move(1);
      conflicts.add(entry, reply.theirs);
      return;
    }
    drafts.store(entry.body.assignment, entry.body); // whatever comes of it, the answer stays in the browser
    if (reply.reload) {
      reloadWanted = true;
      tell(reply.error);
      if (outbox.size === 0) setTimeout(() => location.reload(), 4000);
    } else if (status === 400) {
      // The server found a fault in the answer: show the item again, with the sentence.
      setAside();
      show(entry.packet, reply.error);
    } else tell(reply.error);
  },
  state: (...what) => state.show(...what),
});

// An item that was answered in another window before: which of the two answers stands?
const conflicts = new parts.conflicts.Conflicts(desk.user, desk.project, fields, S, {
  sureness: (level) => sure?.words(level) ?? "",
  write: parts.item.write,
  free: () => !paused && !document.querySelector("dialog:modal") && !document.activeElement?.matches("input, textarea, select"),
  opened: () => clock.stop(true),
  closed: () => clock.stop(paused),
  look: (assignment) => look(`${desk.urls.mine}?assignment=${assignment}`),
  gone: (entry) => drafts.store(entry.body.assignment, entry.body),
  // Without a token it is a correction.
  mine: ({ body, packet }) => outbox.add({
    body: { ...body, client_id: newId(), token: null, version: desk.version, held: [] },
    packet: { ...packet, token: null, correction: true },
  }),
});

// The connection is back, or the person is: what waits is sent, and what was asked for in vain is asked for again.
function wake() {
  if (stuck && !current && !paused) advance();
  else if (outbox.size || !["idle", "saved"].includes(state.name)) outbox.flush();
}
for (const kind of ["online", "focus"]) addEventListener(kind, wake);
document.addEventListener("visibilitychange", () => document.hidden || wake());
addEventListener("beforeunload", (event) => (outbox.memory.length || conflicts.memory.length) && event.preventDefault());

const asking = new parts.asking.Asking(desk.urls, desk.asked, S, {
  ask: (address, body) => ask(address, desk.user, body),
  newId,
  assignment: () => current?.assignment,
  back: () => current && !paused && $("text").focus({ preventScroll: true }),
});

// ---- actions
async function reopen(assignment) {
  const { status, json } = await earlier(`assignment=${assignment}`);
  if (status !== 200) return tell(json?.error ?? S.offline);
  setAside();
  return show(json);
}

// One of the person's own answers, as the server has it.
async function earlier(query) {
  if (outbox.size) await outbox.flush();
  return look(`${desk.urls.mine}?${query}`);
}

// Goes to an item by the number of its assignment; the sentence why it cannot, or nothing.
async function jump(number) {
  const { status, json } = await earlier(`assignment=${encodeURIComponent(number)}`);
  if (status !== 200) return json?.error ?? S.offline;
  setAside();
  show(json);
  return "";
}

const actions = {
  save: () => submit("submitted"),
  look: () => advance(),
  redo: () => current && restore(history.forth(said())),
  undo() {
    if (current && restore(history.back(said()))) return null;
    if (!last) return actions.back();
    const { clientId, assignment } = last;
    const unsent = outbox.take(clientId);
    if (!unsent) return reopen(assignment);
    last = null;
    tally.count(unsent, -1);
    if (outbox.size === 0) state.show("idle");
    setAside();
    return show(unsent.packet);
  },
  back: () => mine.show(async () => { if (outbox.size) await outbox.flush(); }),
  skip: () => current && $("skip-dialog").showModal(),
  undecided: () => current && $("undecided-dialog").showModal(),
  accept,
  flag() { if (current) { history.keep(said()); setFlag(!flagged); keepDraft(); serverDraft(); } },
  comment() { if (current) { $("comment-field").hidden = false; $("comment").focus(); } },
  ask: () => asking.open(),
  guideline: () => guideline.toggle(),
  find: () => current && !paused && find.show(),
  pause() {
    pause(!paused);
    if (paused) reveal("paused");
    else if (current) reveal("item");
    else return advance();
    (paused ? $("paused").querySelector("h1") : $("text")).focus();
    return conflicts.offer();
  },
  help: () => $("help-dialog").showModal(),
};

parts.keys.listen({
  single,
  guideline,
  keys: desk.keys,
  sure: Boolean(sure),
  get paused() { return paused; },
  get shownAt() { return shownAt; },
  submit: () => submit("submitted"),
  answer: answerBy,
  act: (name) => actions[name](),
});
for (const kind of ["keydown", "click"]) addEventListener(kind, (event) => { holding = Boolean(sure) && event.shiftKey; }, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]();
  const reason = event.target.closest("[data-skip]");
  if (reason) {
    const dialog = reason.closest("dialog");
    dialog.close();
    // “Other, say it in the comment” says nothing without one.
    if (reason.dataset.skip === "other" && !$("comment").value.trim()) { say(S.say_why); actions.comment(); }
    else submit(dialog.dataset.status, reason.dataset.skip);
  }
  const closed = event.target.closest("[data-close]")?.closest("dialog");
  if (closed === guideline.drawer) guideline.close();
  else closed?.close();
});
// What waits for a decision is asked about when nothing else is in the way any more.
document.addEventListener("close", () => conflicts.offer(), true);
$("comment").addEventListener("blur", () => setTimeout(() => conflicts.offer()));
$("text").addEventListener("blur", () => $("text").classList.remove("brought"));
$("comment").addEventListener("input", () => { keepDraft(); serverDraft(); });
$("comment").addEventListener("keydown", (event) => event.key === "Escape" && (event.target.blur(), $("text").focus()));

// ---- start: what an earlier visit left unsent is sent and not shown again
const unsent = new Set(outbox.read().map((entry) => entry.body.assignment));
waiting = waiting.filter((packet) => !unsent.has(packet.assignment) && packet.status !== "submitted");
await conflicts.refresh();
if (outbox.size) await outbox.flush();
if (!current) advance();
// A link to one of the person's own items, as their page of work has them.
const wanted = /^#assignment=(\d+)$/.exec(location.hash)?.[1];
if (wanted) {
  window.history.replaceState(null, "", location.pathname);
  tell(await jump(wanted));
}
if (parts.told) {
  new parts.told.Told({
    tell: () => ask(desk.urls.told, desk.user, { number: desk.number }),
    opened: () => clock.stop(true),
    closed() { clock.stop(paused); $("text").focus({ preventScroll: true }); },
  });
}
document.documentElement.dataset.ready = "1";
