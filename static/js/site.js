// Small behaviours of every page: confirm, copy, theme, drop zone, language of dates.
const words = document.getElementById("words")?.dataset ?? {};

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
  const sentence = form.dataset.confirm;
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

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) {
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
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
  theme.value = localStorage.getItem("assay-theme") ?? "auto";
  theme.addEventListener("change", () => {
    if (theme.value === "auto") {
      localStorage.removeItem("assay-theme");
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem("assay-theme", theme.value);
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
