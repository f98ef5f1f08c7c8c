// The keys of the labelling page, and what is taken for a slip: a bounce, a key held down, a double click.

// A key that comes so soon after an item was meant for the one before: a bounce, or the second half of a double press.
const BOUNCE = 120;
const DOUBLE_CLICK = 400;
const CLOSES = { "help-dialog": "help", "back-dialog": "back" }; // its own key closes what it has opened

// The letter or digit that a key stands for, also on layouts that write other letters with it.
function plain(event) {
  if (event.key.length > 1) return event.key; // the arrows of a number pad are no digits
  if (!event.shiftKey && /^Digit\d$/.test(event.code)) return event.code[5];
  if (/^[\x20-\x7e]$/.test(event.key)) return event.key.toLowerCase();
  return /^(Key|Digit|Numpad)(\w)$/.exec(event.code)?.[2].toLowerCase() ?? event.key;
}

// In a dialog the printed keys press its buttons and the arrows go through the entries of its list.
function inDialog(dialog, key, event, keys) {
  if (event.target.closest?.("input, textarea, select")) return; // what is typed belongs to the field
  const visible = [...dialog.querySelectorAll("button")].filter((one) => one.checkVisibility?.() ?? !one.hidden);
  const chosen = event.repeat ? null : visible.find((one) => one.querySelector("kbd")?.textContent.toLowerCase() === key);
  const entries = visible.filter((one) => one.matches("[data-skip], .mine button"));
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (chosen) chosen.click();
  else if (step && entries.length) entries[(entries.indexOf(document.activeElement) + step + entries.length) % entries.length].focus();
  else if (CLOSES[dialog.id] && CLOSES[dialog.id] === keys[key] && !event.repeat) dialog.close();
  else return;
  event.preventDefault();
}

// Ctrl+Z and Ctrl+Y (or Ctrl+Shift+Z), as everywhere; in a field they belong to the field.
function undoes(event, page) {
  const key = event.key.toLowerCase();
  if (!["z", "y"].includes(key) || event.target.closest?.("input:not([type=range]), textarea, select") || document.querySelector("dialog:modal")) return;
  event.preventDefault();
  page.act(key === "y" || event.shiftKey ? "redo" : "undo");
}

// page: {single, paused, shownAt, guideline, keys (key -> action), sure (whether Shift holds a label), submit(), answer(key) -> whether a label has it, act(name)}
export function listen(page) {
  document.addEventListener("click", (event) => {
    // The second half of a double click is no answer to the item that the first half has brought.
    if (event.detail > 1 && event.timeStamp - page.shownAt < DOUBLE_CLICK && event.target.closest("[data-value], [data-do=save]")) event.stopPropagation();
  }, true);

  addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey) return;
    if (event.ctrlKey || event.metaKey) return undoes(event, page);
    const key = page.sure && event.shiftKey && /^Digit\d$/.test(event.code) ? event.code[5] : plain(event);
    const action = page.keys[key];
    const dialog = document.querySelector("dialog:modal");
    if (dialog) return inDialog(dialog, key, event, page.keys);
    if (event.target.closest?.("input:not([type=range]), textarea, select")) {
      if (event.key !== "Enter" || !(event.target.id === "comment" && event.shiftKey === false && page.single === false)) return;
    }
    if (event.repeat && key !== "Tab") { if (/^[a-z0-9]$/.test(key) || key === "Enter") event.preventDefault(); return; }
    if (page.guideline.open) {
      if (key === "Escape" || action === "guideline") { event.preventDefault(); page.guideline.close(); return; }
      // Letters and digits work on beside the open drawer; what scrolls it is its own.
      if (page.guideline.focused && (key.length > 1 || key === " ")) return;
    }
    if (page.paused && action !== "pause") return;
    if (event.timeStamp - page.shownAt < BOUNCE && (key.length === 1 || /^(Enter|Arrow(Left|Right))$/.test(key))) return event.preventDefault();
    performance.clearMarks("assay:key");
    performance.mark("assay:key");
    if (key === "Enter") {
      const target = event.target.closest?.("button, a, summary");
      if (target && !target.closest(".labels, .points")) return;
      event.preventDefault();
      page.submit();
    } else if (page.answer(key)) event.preventDefault();
    else if (action) {
      event.preventDefault();
      page.act(action === "undo" && event.shiftKey ? "redo" : action);
    }
  });
}
