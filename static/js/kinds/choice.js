// One label out of several: a radio group of buttons with keys.
export function mount(root, question, page) {
  const buttons = [...root.querySelectorAll("[data-value]")];
  let value = null;

  function show() {
    const chosen = buttons.findIndex((button) => button.dataset.value === value);
    buttons.forEach((button, place) => {
      button.setAttribute("aria-checked", String(place === chosen));
      button.tabIndex = place === Math.max(0, chosen) ? 0 : -1;
    });
  }

  function choose(name, final) {
    value = name;
    show();
    page.changed(question.name, value, { final });
  }

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value]");
    if (button) choose(button.dataset.value, true);
  });
  root.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const place = buttons.indexOf(document.activeElement);
    if (place < 0) return;
    event.preventDefault();
    const next = buttons[(place + step + buttons.length) % buttons.length];
    next.focus();
    choose(next.dataset.value, false);
  });

  return {
    root,
    question,
    set(given) {
      value = given ?? null;
      show();
    },
    // True where the key belongs to one of the labels; `final` means that the person is done with this question.
    key(key) {
      const button = buttons.find((one) => one.dataset.key === key);
      if (button) choose(button.dataset.value, true);
      return Boolean(button);
    },
    labels: (given) => (given == null ? [] : [given]),
    title(given) {
      return question.labels.find((label) => label.name === given)?.title ?? given ?? "";
    },
    // The answer as something to look at; empty where there is none.
    mark(given) {
      if (given == null) return "";
      const chip = document.createElement("span");
      chip.className = "chip";
      chip.dataset.color = question.labels.find((label) => label.name === given)?.color ?? 0;
      chip.textContent = this.title(given);
      return chip;
    },
    definition(given) {
      return question.labels.find((label) => label.name === given);
    },
  };
}
