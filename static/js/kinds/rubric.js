// Several ratings on one scale: a grid of buttons; a digit rates the criterion in hand and moves on to the next.
export function mount(root, question, page) {
  const { name, title, rows, points } = question;
  const S = page.strings;
  const clear = root.querySelector(".clear");
  const grid = [...root.querySelectorAll("[data-criterion]")].map((line, place) => ({
    line,
    criterion: rows[place].name,
    buttons: [...line.querySelectorAll("[data-value]")],
  }));
  let ratings = {};
  let hand = 0; // the criterion that a digit rates

  // Digits are the points themselves where all lie between 0 and 10 (which is "-", the key after 9 and 0), else places.
  const whole = points.every(({ value }) => Number.isInteger(value) && value >= 0 && value <= 10);
  const keys = points.map(({ value }, place) => (whole ? "0123456789-"[value] : "1234567890-"[place]));
  for (const { buttons } of grid) {
    buttons.forEach((button, place) => {
      if (keys[place] === String(points[place].value)) return;
      const key = document.createElement("kbd");
      key.textContent = keys[place];
      button.append(key);
    });
  }

  const rated = (place) => ratings[grid[place].criterion] !== undefined;
  const open = (from) => [...grid.keys()].slice(from).find((place) => !rated(place)) ?? [...grid.keys()].find((place) => !rated(place));

  function show() {
    clear.hidden = question.required || !Object.keys(ratings).length;
    grid.forEach(({ line, criterion, buttons }, row) => {
      const place = points.findIndex(({ value }) => value === ratings[criterion]);
      line.classList.toggle("hand", row === hand);
      buttons.forEach((button, at) => {
        button.setAttribute("aria-checked", String(at === place));
        // Tab stops once at each criterion.
        button.tabIndex = at === Math.max(0, place) ? 0 : -1;
      });
    });
  }

  function take(row) {
    hand = row;
    show();
  }

  function focus(row) {
    take(row);
    grid[row].buttons.find((button) => button.tabIndex === 0)?.focus();
    grid[row].line.scrollIntoView({ block: "nearest" });
  }

  function rate(row, place, { part = "", on = false } = {}) {
    const given = { ...ratings, [grid[row].criterion]: points[place].value };
    // In the order of the question, as it is stored.
    ratings = Object.fromEntries(rows.filter((each) => each.name in given).map((each) => [each.name, given[each.name]]));
    hand = row;
    const next = on ? open(row + 1) : undefined;
    page.say(`${rows[row].title}: ${points[place].title || points[place].value}`);
    show();
    if (on && next === undefined && root.contains(document.activeElement)) focus(row);
    page.changed(name, ratings, { part, final: on && next === undefined });
    if (next !== undefined) focus(next);
  }

  const rowOf = (element) => grid.findIndex(({ line }) => line.contains(element));

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value]");
    if (!button) return;
    const row = rowOf(button);
    rate(row, grid[row].buttons.indexOf(button));
    button.focus();
  });
  root.addEventListener("focusin", (event) => {
    const row = rowOf(event.target);
    if (row >= 0 && row !== hand) take(row);
  });
  clear.addEventListener("click", () => {
    ratings = {};
    focus(0);
    page.changed(name, null);
  });
  root.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (row < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const { buttons } = grid[row];
    const here = buttons.indexOf(event.target);
    const aside = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (aside && here >= 0) {
      const next = Math.min(buttons.length - 1, Math.max(0, rated(row) ? here + aside : here));
      rate(row, next, { part: `move/${row}` });
      buttons[next].focus();
    } else if (down) focus(Math.min(grid.length - 1, Math.max(0, row + down)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function missing(given) {
    const left = rows.filter((row) => given?.[row.name] === undefined).map((row) => row.title);
    return left.length ? S.unrated.replace("{question}", title).replace("{criteria}", left.join(", ")) : "";
  }

  return {
    root,
    question,
    set(given) {
      ratings = { ...(given ?? {}) };
      hand = open(0) ?? 0;
      show();
    },
    key(key) {
      const place = keys.indexOf(key);
      if (place < 0) return false;
      const row = rowOf(document.activeElement);
      rate(row >= 0 ? row : hand, place, { on: true });
      return true;
    },
    labels: () => [],
    title: (given) => rows.filter((row) => given?.[row.name] !== undefined).map((row) => `${row.title} ${given[row.name]}`).join(", "),
    mark(given) {
      if (given == null) return "";
      const list = document.createElement("span");
      list.textContent = rows.filter((row) => given[row.name] !== undefined).map((row) => `${row.title} ${given[row.name]}`).join(", ");
      return list;
    },
    definition: () => undefined,
    problem: (given) => (question.required ? missing(given) : ""),
  };
}
