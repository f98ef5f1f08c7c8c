// Linking a mark with a company: a field that offers entries of the project's list while one types.

const WAIT = 120; // milliseconds after a key before the list is asked

const said = ({ name, ticker }) => [name, ticker].filter(Boolean).join(" · ");

// Names of the companies that are linked already, so that they are shown and not their keys.
export async function learn(known, page, value, drawn) {
  const keys = [...new Set((value ?? []).map(({ link }) => link).filter((key) => key && !known.has(key)))];
  if (!keys.length) return;
  for (const entry of await page.companies({ keys: keys.slice(0, 100).join(",") })) known.set(entry.key, entry);
  drawn();
}

export function field({ page, mark, companies: known, chosen }) {
  const { strings: S } = page;
  const box = document.createElement("span");
  box.className = "asks-company";
  const input = document.createElement("input");
  input.type = "search";
  input.autocomplete = "off";
  input.spellcheck = false;
  input.dir = "auto";
  input.dataset.focus = "company";
  input.placeholder = S.company_find;
  input.value = mark.link ? said(known.get(mark.link) ?? { name: mark.link }) : "";
  const list = document.createElement("ul");
  list.id = `companies-${mark.id}`;
  list.hidden = true;
  for (const [name, value] of [["role", "combobox"], ["aria-label", S.company], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-autocomplete", "list"]]) input.setAttribute(name, value);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", S.company);
  box.append(input, list);
  let found = [];
  let at = -1;
  let asked = 0;
  let waits = 0;

  function show() {
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    list.replaceChildren(...found.map((entry, place) => {
      const option = document.createElement("li");
      option.role = "option";
      option.id = `${list.id}-${place}`;
      option.setAttribute("aria-selected", String(place === at));
      const name = document.createElement("bdi");
      name.textContent = entry.name;
      const codes = document.createElement("small");
      codes.textContent = [entry.ticker, entry.lei].filter(Boolean).join(" ");
      option.append(name, " ", codes);
      // Before the field loses the focus and the list goes.
      option.addEventListener("pointerdown", (event) => { event.preventDefault(); take(entry); });
      return option;
    }));
    if (at >= 0) input.setAttribute("aria-activedescendant", `${list.id}-${at}`);
    else input.removeAttribute("aria-activedescendant");
  }

  function take(entry) {
    found = [];
    at = -1;
    show();
    chosen(entry);
  }

  input.addEventListener("focus", () => input.select());
  input.addEventListener("input", () => {
    clearTimeout(waits);
    const words = input.value.trim();
    const turn = (asked += 1);
    if (!words) { found = []; at = -1; show(); return; }
    waits = setTimeout(async () => {
      const entries = await page.companies({ q: words });
      if (turn !== asked) return;
      found = entries;
      at = entries.length ? 0 : -1;
      show();
      page.say(entries.length ? said(entries[0]) : S.company_none);
    }, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) { at = (at + step + found.length) % found.length; show(); page.say(said(found[at])); }
    else if (event.key === "Enter" && found[at]) take(found[at]);
    else if (event.key === "Enter" && !input.value.trim()) take(null);
    else if (event.key === "Escape") { found = []; show(); input.value = mark.link ? said(known.get(mark.link) ?? { name: mark.link }) : ""; input.blur(); page.paper.element.focus({ preventScroll: true }); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  input.addEventListener("blur", () => {
    found = [];
    show();
    if (!input.value.trim() && mark.link) take(null);
  });
  return box;
}
