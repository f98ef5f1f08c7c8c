// The adjudicator's decision, and the keys: a label's or a reason's key selects it, Enter settles, S skips, N writes a note, G opens the guideline.

const form = document.getElementById("decision");
const skip = document.getElementById("skip");
const note = document.getElementById("note");
const guideline = document.getElementById("guideline");
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
  const page = {
    parts,
    strings: desk.strings,
    text: document.getElementById("text"),
    item: desk.item,
    answer: {},
    say() {},
    done() { form.requestSubmit(); },
    changed(name, value) { take(value, false); },
  };
  const made = mount(root, desk.question, page);
  function take(value, shows = true) {
    page.answer = { [desk.question.name]: value };
    hidden.value = value == null ? "" : JSON.stringify(value);
    if (shows) made.set(value, desk.item);
  }
  take(hidden.value ? JSON.parse(hidden.value) : null);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-take]");
    if (button) take(JSON.parse(button.dataset.take));
  });
  form.addEventListener("submit", (event) => {
    const unfinished = made.unfinished?.();
    if (unfinished) { event.preventDefault(); alert(unfinished); return; }
    if (!hidden.value && made.blank !== undefined) hidden.value = JSON.stringify(made.blank);
  });
  return made;
}

function choose(key) {
  const radio = form && [...form.querySelectorAll("input[data-key]")].find((input) => input.dataset.key === key);
  if (!radio) return false;
  radio.checked = true;
  radio.focus();
  return true;
}

function toggleGuideline() {
  guideline.open = !guideline.open;
  if (guideline.open) guideline.querySelector("summary").focus();
}

function act(key) {
  if (field?.key(key)) return true;
  if (choose(key)) return true;
  if (key === "s" && skip) skip.requestSubmit();
  else if (key === "n" && note) note.focus();
  else if (key === "g" && guideline) toggleGuideline();
  else if (key === "enter" && form) form.requestSubmit();
  else return false;
  return true;
}

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=radio]):not([type=checkbox]):not([type=range])");
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "enter" && event.target === note) form.requestSubmit();
    return;
  }
  if (isTyping(event.target)) {
    if (key === "escape") event.target.blur();
    return;
  }
  // Enter on a link, a button or a summary does what that control does, but on the answers themselves it settles.
  if (key === "enter" && event.target.closest("a, button, summary") && !event.target.closest(".labels, .points")) return;
  if (act(key)) event.preventDefault();
});
