// Small behaviours of every page: confirm, copy, theme, drop zone, sorted tables, choices that draw a form anew.
const words = document.getElementById("words")?.dataset ?? {};

// Storage may be switched off in the browser: then nothing is remembered, and nothing else breaks.
function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch { /* not remembered */ }
}
function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function ask(sentence) {
  return new Promise((resolve) => {
    const dialog = document.createElement("dialog");
    const text = document.createElement("p");
    text.textContent = sentence;
    const form = document.createElement("form");
    form.method = "dialog";
    form.className = "actions";
    for (const [value, label, look] of [["yes", words.yes, "button danger"], ["no", words.no, "button"]]) {
      const button = document.createElement("button");
      button.value = value;
      button.className = look;
      button.textContent = label;
      form.append(button);
    }
    dialog.append(text, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    form.lastChild.focus();
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  const sentence = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (sentence && !form.dataset.sure) {
    event.preventDefault();
    const sender = event.submitter;
    if (await ask(sentence)) {
      form.dataset.sure = "1";
      form.requestSubmit(sender);
    }
    return;
  }
  // A second press while the answer is on its way sends nothing twice; downloads stay usable.
  if (form.method === "post" && form.target === "" && !form.action.includes("/export/")) {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  }
});
addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
    delete form.dataset.sure;
  }
});

async function copy(source) {
  try {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
  } catch {
    // No clipboard on a plain http network, or no leave to use it: the old way, by selection.
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) {
    await copy(document.querySelector(button.dataset.copy));
    const before = button.textContent;
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = before; }, 1500);
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

const theme = document.getElementById("theme");
if (theme) {
  theme.value = remembered("assay-theme") ?? "auto";
  theme.addEventListener("change", () => {
    if (theme.value === "auto") {
      remember("assay-theme", null);
      delete document.documentElement.dataset.theme;
    } else {
      remember("assay-theme", theme.value);
      document.documentElement.dataset.theme = theme.value;
    }
  });
}

for (const zone of document.querySelectorAll(".dropzone")) {
  const input = zone.querySelector("input[type=file]");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) input.files = event.dataTransfer.files;
    });
  }
}

// Sorted tables: a heading sorts, again turns the order round; cells without a value come last both ways.
function value(row, place) {
  const cell = row.cells[place];
  const words = (cell?.dataset.value ?? cell?.textContent ?? "").trim();
  if (words === "" || words === "–") return null;
  const number = Number(words.replaceAll("\u00a0", "").replace(/[\s%×,]/g, ""));
  return Number.isNaN(number) ? words : number;
}
function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), document.documentElement.lang, { numeric: true });
}
function sort(heading) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  const body = heading.closest("table").tBodies[0];
  const rows = [...body.rows].map((row) => [value(row, heading.cellIndex), row]);
  rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : down ? compare(b, a) : compare(a, b)));
  for (const one of heading.parentElement.cells) one.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows.map(([, row]) => row));
}
function sortable(root) {
  for (const heading of root.querySelectorAll("table[data-sort] > thead th")) {
    if (heading.querySelector("a, button") || !heading.textContent.trim()) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading));
    heading.append(button);
  }
}
sortable(document);
document.addEventListener("htmx:load", (event) => sortable(event.detail.elt));

// A choice that changes what the form asks for draws it anew, as its button does without a script.
document.addEventListener("change", (event) => {
  const button = document.getElementById(event.target.dataset?.submits ?? "");
  if (button) button.form.requestSubmit(button);
});
for (const field of document.querySelectorAll("[data-submits]")) document.getElementById(field.dataset.submits)?.setAttribute("hidden", "");

// On a narrow page the tab of this page may lie beside the screen.
document.querySelector("nav.site [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
