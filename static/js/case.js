// The adjudicator's keys: a label's or a reason's key selects it, Enter settles, S skips, N writes a note, G opens the guideline.

const form = document.getElementById("decision");
const skip = document.getElementById("skip");
const note = document.getElementById("note");
const guideline = document.getElementById("guideline");

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
  if (choose(key)) return true;
  if (key === "s" && skip) skip.requestSubmit();
  else if (key === "n" && note) note.focus();
  else if (key === "g" && guideline) toggleGuideline();
  else if (key === "enter" && form) form.requestSubmit();
  else return false;
  return true;
}

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");
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
  // Enter on a link, a button or a summary does what that control does.
  if (key === "enter" && event.target.closest("a, button, summary")) return;
  if (act(key)) event.preventDefault();
});
