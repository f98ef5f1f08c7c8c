// The adjudicator's desk and its keys: a label's or a reason's key selects it, Shift and a letter takes that answer, Enter settles.

const form = document.getElementById("decision");
const note = document.getElementById("note");
const guideline = document.getElementById("guideline");
const ambiguous = document.getElementById("ambiguous");
const rule = document.getElementById("rule");
const ruleNumber = document.getElementById("rule-number");
const remark = document.getElementById("remark");
const page_ = document.querySelector(".case");
let paper = null;
const field = await widget();

// What has parts is answered with the widget of the labelling page; the form carries it as JSON.
async function widget() {
  const described = document.getElementById("desk");
  if (!described || !form) return null;
  const desk = JSON.parse(described.textContent);
  const [{ mount }, ...shared] = await Promise.all([desk.module, ...Object.values(desk.modules)].map((address) => import(address)));
  const parts = Object.fromEntries(Object.keys(desk.modules).map((name, place) => [name, shared[place]]));
  const hidden = document.getElementById("value");
  const root = form.querySelector("[data-question]");
  const text = document.getElementById("text");
  paper = new parts.paper.Paper(text);
  paper.draw(desk.item.text, { lang: desk.item.language, rtl: desk.item.rtl });
  const page = {
    parts,
    strings: desk.strings,
    text,
    paper,
    others: desk.others,
    letters: desk.letters,
    async companies(query) {
      const reply = await fetch(`${desk.companies}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } });
      return reply.ok ? (await reply.json()).companies : [];
    },
    item: desk.item,
    answer: {},
    say() {},
    done() { form.requestSubmit(); },
    changed(name, value) { show(value, false); },
  };
  const made = mount(root, desk.question, page);
  function show(value, shows = true) {
    page.answer = { [desk.question.name]: value };
    hidden.value = value == null ? "" : JSON.stringify(value);
    if (shows) made.set(value, desk.item);
  }
  made.show = show;
  show(hidden.value ? JSON.parse(hidden.value) : null);
  form.addEventListener("submit", (event) => {
    const unfinished = made.unfinished?.();
    if (unfinished) { event.preventDefault(); alert(unfinished); return; }
    if (!hidden.value && made.blank !== undefined && !ambiguous?.checked) hidden.value = JSON.stringify(made.blank);
  });
  return made;
}

// Who marked what in a settled case: nothing is edited there, so the text alone is drawn.
async function overlay() {
  const described = document.getElementById("overlay");
  if (!described) return;
  const { Paper } = await import(described.dataset.paper);
  const text = document.getElementById("text");
  const words = text.textContent;
  paper = new Paper(text);
  paper.draw(words, { lang: text.lang });
  const marks = JSON.parse(document.getElementById("overlay-marks").textContent);
  paper.setMarks("said", marks.map((mark) => ({ ...mark, pieces: mark.pieces.map((piece) => piece.map((place) => paper.units(place))) })));
}
await overlay();

// Takes an answer whole; for marks and events null is what most have marked.
function take(value) {
  if (field) field.show(value);
  else {
    const radio = form && [...form.querySelectorAll("input[name=value]")].find((input) => input.value === value);
    if (radio) { radio.checked = true; radio.focus(); }
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take], [data-do], [data-start], [data-dialog], [data-close]");
  if (!button) return;
  if (button.dataset.take !== undefined) take(JSON.parse(button.dataset.take));
  else if (button.dataset.do === "merge") take(null);
  else if (button.dataset.do === "differs") onlyDiffering(button);
  else if (button.dataset.start !== undefined) reveal(button);
  else if (button.dataset.dialog) document.getElementById(button.dataset.dialog).showModal();
  else button.closest("dialog").close();
});

function onlyDiffering(button) {
  const on = page_.classList.toggle("only-differing");
  button.setAttribute("aria-pressed", String(on));
}

// Shows the words of a row in the text.
function reveal({ dataset }) {
  const text = document.getElementById("text");
  if (!paper) return;
  const [start, end] = [paper.units(Number(dataset.start)), paper.units(Number(dataset.end))];
  paper.reveal(start, end);
  paper.highlight("chosen", [[start, end]]);
  text.scrollIntoView({ block: "nearest" });
}

// An ambiguous text needs no label, and has its reason.
function spread() {
  for (const radio of form.querySelectorAll("input[name=value][type=radio]")) radio.required = !ambiguous.checked;
  const reasons = [...form.querySelectorAll("input[name=reason]")];
  if (ambiguous.checked && !reasons.some((radio) => radio.checked)) reasons.find((radio) => radio.value === "ambiguous").checked = true;
}
if (ambiguous && form) {
  ambiguous.addEventListener("change", spread);
  if (ambiguous.checked) spread();
}

function choose(key) {
  const input = form && [...form.querySelectorAll("input[data-key]")].find((one) => one.dataset.key === key);
  if (!input) return false;
  if (input.type === "checkbox") input.click();
  else input.checked = true;
  input.focus();
  return true;
}

function toggleGuideline() {
  guideline.open = !guideline.open;
  if (guideline.open) guideline.querySelector("summary").focus();
}

// A control of the page whose key this is.
function press(key) {
  const found = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && !one.closest("[data-question], dialog"));
  if (!found) return false;
  if (found === guideline) toggleGuideline();
  else if (found.matches("textarea, select")) found.focus();
  else found.click();
  return true;
}

function act(key) {
  if (field?.key(key)) return true;
  if (choose(key)) return true;
  if (press(key)) return true;
  if (key === "enter" && form) form.requestSubmit();
  else return false;
  return true;
}

function takeByLetter(key) {
  const button = document.querySelector(`[data-shift="${CSS.escape(key)}"]`);
  button?.click();
  return Boolean(button);
}

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=radio]):not([type=checkbox]):not([type=range])");
}

// Where the decision is higher than the window, its lower end is what stays in sight.
const decide = document.querySelector(".decide");
const sheet = new CSSStyleSheet();
function stick() {
  sheet.replaceSync(`.decide { --stick: ${Math.min(12, innerHeight - decide.offsetHeight - 12)}px }`);
}
if (decide) {
  document.adoptedStyleSheets.push(sheet);
  new ResizeObserver(stick).observe(decide);
  addEventListener("resize", stick);
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.querySelector("form").requestSubmit();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "enter" && (event.target === note || event.target === remark)) event.target.form.requestSubmit();
    return;
  }
  if (isTyping(event.target)) {
    const names = event.target === rule || event.target === ruleNumber;
    // Enter ends the naming of a rule; the next one settles.
    if (names && key === "enter") event.preventDefault();
    if (key === "escape" || names && key === "enter") event.target.blur();
    // A digit in the list goes into the field beside it.
    else if (event.target === rule && ruleNumber && /^\d$/.test(key)) ruleNumber.focus();
    return;
  }
  // Enter on a link, a button or a summary does what that control does, but on the answers themselves it settles.
  if (key === "enter" && event.target.closest("a, button, summary") && !event.target.closest(".labels, .points")) return;
  if (event.shiftKey && /^[a-z]$/.test(key) && takeByLetter(key)) { event.preventDefault(); return; }
  if (act(key)) event.preventDefault();
});
document.documentElement.dataset.ready = "1";
