// Free words: a field; a run of typing is one step of undo.
const PAUSE = 2000; // so long without a key, and the next one begins another run

export function mount(root, question, page) {
  const { name, title, longest, multiline } = question;
  const S = page.strings;
  const field = root.querySelector("textarea");
  const left = root.querySelector(".left");
  let value = null;
  let run = 0;
  let last = -Infinity;

  // As the server counts: code points, after line breaks have become what they are stored as.
  const count = (words) => [...words.normalize("NFC")].length;
  const problem = (words) => (words != null && count(words) > longest ? S.too_long.replace("{question}", title).replace("{most}", longest).replace("{count}", count(words)) : "");

  function show() {
    const used = count(field.value.trim());
    left.textContent = used > longest * 0.8 ? S.characters.replace("{count}", used).replace("{most}", longest) : "";
    field.setAttribute("aria-invalid", String(used > longest));
  }

  field.addEventListener("input", (event) => {
    // Typing and deleting are runs of their own; a pause, a paste or a cut ends one.
    const typing = /^(insertText|insertComposition|insertLineBreak|deleteContent)/.test(event.inputType ?? "");
    if (!typing || event.timeStamp - last > PAUSE) run += 1;
    last = typing ? event.timeStamp : -Infinity;
    const words = multiline ? field.value.trim() : field.value.replace(/\s*\n\s*/g, " ").trim();
    value = words || null;
    show();
    page.changed(name, value, { part: `run-${run}` });
  });
  field.addEventListener("blur", () => { last = -Infinity; });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      field.blur();
      page.text?.focus({ preventScroll: true });
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey || !multiline) && !event.shiftKey) page.done();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    root,
    question,
    set(given) {
      value = given ?? null;
      // What is being typed is not touched: blanks at its end are no part of the answer, and are needed to go on.
      if (document.activeElement !== field || field.value.trim() !== (value ?? "")) field.value = value ?? "";
      last = -Infinity;
      show();
    },
    key(key) {
      if (key !== "w") return false;
      field.focus();
      return true;
    },
    labels: () => [],
    title: (given) => given ?? "",
    mark: (given) => given ?? "",
    definition: () => undefined,
    problem,
  };
}
