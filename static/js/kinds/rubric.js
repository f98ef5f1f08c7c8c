// Several ratings on one scale: a grid of buttons; a digit rates the criterion in hand and moves on to the next. Where each
// response is rated, the grid has all the criteria for the first response on the screen, then for the second, and so on.

// The lines of the grid: a criterion (of a response) each, with its buttons.
function lines(root, rows, response = "") {
  return [...root.querySelectorAll("[data-criterion]")].map((line, place) => ({ line, response, row: rows[place], buttons: [...line.querySelectorAll("[data-value]")] }));
}

// For one response of the item: its heading, and the criteria from the template of the page.
function block(root, name, called, place) {
  const made = document.createElement("section");
  const head = document.createElement("h3");
  made.dataset.response = name;
  head.textContent = called;
  head.id = `rated-${root.dataset.question}-${place + 1}`;
  made.append(head, root.querySelector("template").content.cloneNode(true));
  made.setAttribute("aria-labelledby", head.id);
  for (const title of made.querySelectorAll(".criterion-name")) {
    title.id += `-${place + 1}`;
    title.nextElementSibling.setAttribute("aria-labelledby", `${head.id} ${title.id}`);
  }
  return made;
}

export function mount(root, question, page) {
  const { name, title, rows, points, each } = question;
  const S = page.strings;
  const clear = root.querySelector(".clear");
  const place = root.querySelector(".rated");
  let grid = each ? [] : lines(root, rows);
  let order = []; // the responses as they stand on the screen
  let item = null;
  let ratings = {}; // response -> its ratings; "" where the item itself is rated
  let hand = 0; // the line that a digit rates

  // Digits are the points themselves where all lie between 0 and 10 (which is "-", the key after 9 and 0), else places.
  const whole = points.every(({ value }) => Number.isInteger(value) && value >= 0 && value <= 10);
  const keys = points.map(({ value }, at) => (whole ? "0123456789-"[value] : "1234567890-"[at]));
  for (const button of [root, ...root.querySelectorAll("template")].flatMap((one) => [...(one.content ?? one).querySelectorAll("[data-value]")])) {
    const at = points.findIndex(({ value }) => String(value) === button.dataset.value);
    if (keys[at] === button.dataset.value) continue;
    const key = document.createElement("kbd");
    key.textContent = keys[at];
    button.append(key);
  }

  const called = (response) => (item?.named || !order.includes(response) ? response.toUpperCase() : S.response.replace("{number}", order.indexOf(response) + 1));
  const given = ({ response, row }) => ratings[response]?.[row.name];
  const isOpen = (at) => given(grid[at]) === undefined;
  const open = (from) => [...grid.keys()].slice(from).find(isOpen) ?? [...grid.keys()].find(isOpen);
  const spoken = ({ response, row }) => (each ? `${called(response)}, ${row.title}` : row.title);

  // A new item brings other responses.
  function build(next) {
    if (next === item && place.children.length) return;
    item = next;
    order = (next?.candidates ?? []).map((one) => one.name);
    root.querySelector(".found").hidden = order.length > 0;
    place.replaceChildren(...order.map((response, at) => block(root, response, called(response), at)));
    grid = [...place.children].flatMap((part) => lines(part, rows, part.dataset.response));
  }

  function show() {
    clear.hidden = question.required || !Object.keys(ratings).length;
    grid.forEach((entry, at) => {
      const chosen = points.findIndex(({ value }) => value === given(entry));
      entry.line.classList.toggle("hand", at === hand);
      entry.buttons.forEach((button, here) => {
        button.setAttribute("aria-checked", String(here === chosen));
        // Tab stops once at each criterion.
        button.tabIndex = here === Math.max(0, chosen) ? 0 : -1;
      });
    });
    if (each) for (const card of document.querySelectorAll("#candidates [data-candidate]")) card.toggleAttribute("data-hand", card.dataset.candidate === grid[hand]?.response);
  }

  function take(at) {
    const moved = each && grid[at]?.response !== grid[hand]?.response;
    hand = at;
    show();
    if (moved) document.querySelector("#candidates [data-hand]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function focus(at) {
    take(at);
    grid[at].buttons.find((button) => button.tabIndex === 0)?.focus();
    grid[at].line.scrollIntoView({ block: "nearest" });
  }

  // In the order of the document and of the question, as it is stored.
  function stored() {
    const sorted = (one) => Object.fromEntries(rows.filter((row) => row.name in one).map((row) => [row.name, one[row.name]]));
    if (!each) return sorted(ratings[""] ?? {});
    return { ...Object.fromEntries(Object.keys(ratings).sort().map((response) => [response, sorted(ratings[response])])), shown: [...order] };
  }

  function rate(at, point, { part = "", on = false } = {}) {
    const { response, row } = grid[at];
    ratings = { ...ratings, [response]: { ...ratings[response], [row.name]: points[point].value } };
    hand = at;
    const next = on ? open(at + 1) : undefined;
    page.say(`${spoken(grid[at])}: ${points[point].title || points[point].value}`);
    show();
    if (on && next === undefined && root.contains(document.activeElement)) focus(at);
    page.changed(name, stored(), { part, final: on && next === undefined });
    if (next !== undefined) focus(next);
  }

  const rowOf = (element) => grid.findIndex(({ line }) => line.contains(element));

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value]");
    if (!button) return;
    const at = rowOf(button);
    rate(at, grid[at].buttons.indexOf(button));
    button.focus();
  });
  root.addEventListener("focusin", (event) => {
    const at = rowOf(event.target);
    if (at >= 0 && at !== hand) take(at);
  });
  clear.addEventListener("click", () => {
    ratings = {};
    focus(0);
    page.changed(name, null);
  });
  root.addEventListener("keydown", (event) => {
    const at = rowOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const { buttons } = grid[at];
    const here = buttons.indexOf(event.target);
    const aside = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (aside && here >= 0) {
      const next = Math.min(buttons.length - 1, Math.max(0, isOpen(at) ? here : here + aside));
      rate(at, next, { part: `move/${at}` });
      buttons[next].focus();
    } else if (down) focus(Math.min(grid.length - 1, Math.max(0, at + down)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function missing() {
    const left = grid.filter((_entry, at) => isOpen(at)).map(spoken);
    return left.length ? S.unrated.replace("{question}", title).replace("{criteria}", left.join(", ")) : "";
  }

  const told = (one) => rows.filter((row) => one?.[row.name] !== undefined).map((row) => `${row.title} ${one[row.name]}`).join(", ");

  // In a past answer the numbers are those that its author saw.
  function words(value) {
    if (value == null || !each) return told(value);
    const { shown = [], ...said } = value;
    const label = (response) => (item?.named || !shown.includes(response) ? response.toUpperCase() : S.response.replace("{number}", shown.indexOf(response) + 1));
    return Object.keys(said).sort((a, b) => shown.indexOf(a) - shown.indexOf(b)).map((response) => `${label(response)}: ${told(said[response])}`).join("; ");
  }

  return {
    root,
    question,
    set(value, next) {
      if (each) build(next ?? item);
      const { shown: _shown, ...said } = value ?? {};
      ratings = each ? said : value ? { "": value } : {};
      hand = open(0) ?? 0;
      show();
    },
    key(key) {
      const point = keys.indexOf(key);
      if (point < 0 || !grid.length) return false;
      const at = rowOf(document.activeElement);
      rate(at >= 0 ? at : hand, point, { on: true });
      return true;
    },
    labels: () => [],
    title: words,
    mark(value) {
      if (value == null) return "";
      const list = document.createElement("span");
      list.textContent = words(value);
      return list;
    },
    definition: () => undefined,
    problem: () => (question.required ? missing() : ""),
  };
}
