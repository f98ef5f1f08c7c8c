// Which of two responses is better, or a ranking of several. Answers name the responses as the document does; on the
// screen they are numbered in the order that the server has shuffled them into, and that order goes along as `shown`.

// Whether one key may answer, save and go on.
export const single = (question) => question.mode === "pairwise";

export function mount(root, question, page) {
  return (question.mode === "ranking" ? ranking : pairwise)(root, question, page);
}

const TIE = "tie";

// What both modes share: the order on the screen, what a response is called there, and its card beside the text.
function Sides(root, page) {
  const S = page.strings;
  const sides = {
    order: [],
    open(item, least) {
      sides.order = (item?.candidates ?? []).map((one) => one.name);
      sides.item = item;
      const enough = sides.order.length >= least;
      root.querySelector(".answering").hidden = !enough;
      root.querySelector(".found").hidden = enough;
      return enough;
    },
    called: (name) => (sides.item?.named ? name.toUpperCase() : S.response.replace("{number}", sides.order.indexOf(name) + 1)),
    // In a past answer the numbers are those that its author saw.
    told(name, shown) {
      if (sides.item?.named || !shown?.includes(name)) return name.toUpperCase();
      return S.response.replace("{number}", shown.indexOf(name) + 1);
    },
    // Marks each card with its place: "1" the best; nothing where it has none.
    light(rankOf) {
      for (const card of document.querySelectorAll("#candidates [data-candidate]")) {
        const rank = rankOf(card.dataset.candidate);
        if (rank) card.dataset.rank = rank;
        else delete card.dataset.rank;
      }
    },
  };
  return sides;
}

// Whether the arrows belong to another question, in which the focus is.
function elsewhere(root) {
  const focused = document.activeElement?.closest(".labels, [role=radiogroup]");
  return Boolean(focused && !root.contains(focused));
}

function check(buttons, isOn) {
  let first = null;
  for (const button of buttons) {
    const on = isOn(button);
    button.setAttribute("aria-checked", String(on));
    if (on) first ??= button;
  }
  for (const button of buttons) button.tabIndex = button === (first ?? buttons[0]) ? 0 : -1;
}

function pairwise(root, question, page) {
  const S = page.strings;
  const sides = Sides(root, page);
  const levels = question.strength;
  const buttons = [...root.querySelectorAll("[data-value]")];
  const words = [...root.querySelectorAll("[data-strength]")];
  let value = null;

  const open = () => levels.length > 0 && value != null && value.better !== TIE;
  const chosen = () => (value == null ? null : value.better === TIE ? TIE : String(sides.order.indexOf(value.better)));

  function show() {
    check(buttons, (button) => button.dataset.value === chosen());
    check(words, (button) => open() && Number(button.dataset.strength) === value.strength);
    const ask = root.querySelector(".strength");
    if (ask) ask.hidden = !open();
    root.classList.toggle("pending", open() && value.strength == null);
    sides.light((name) => (value == null ? "" : value.better === TIE || value.better === name ? "1" : "2"));
  }

  function choose(side) {
    value = { better: side === TIE ? TIE : sides.order[side], shown: [...sides.order] };
    show();
    page.say(title(value));
    page.changed(question.name, value, { final: !open() });
    if (open()) words[0].focus({ preventScroll: true });
  }

  function strengthen(level) {
    value = { ...value, strength: level };
    show();
    page.changed(question.name, value, { final: true });
  }

  function title(given) {
    if (given == null) return "";
    if (given.better === TIE) return S.equally_good;
    const level = given.strength ? levels[given.strength - 1] : "";
    return S.is_better.replace("{response}", () => sides.told(given.better, given.shown)) + (level ? ` (${level})` : "");
  }

  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value], [data-strength]");
    if (!button) return;
    if (button.dataset.strength) strengthen(Number(button.dataset.strength));
    else choose(button.dataset.value === TIE ? TIE : Number(button.dataset.value));
  });

  return {
    root,
    question,
    set(given, item) {
      value = given ?? null;
      if (!sides.open(item, 2)) value = null;
      for (const button of buttons.filter((one) => one.dataset.value !== TIE)) {
        const name = sides.order[button.dataset.value];
        if (name) button.querySelector("bdi").textContent = sides.called(name);
      }
      show();
    },
    key(key) {
      if (sides.order.length !== 2) return false;
      const pressed = key.toLowerCase();
      const level = Number(pressed);
      if (root.classList.contains("pending") && level >= 1 && level <= levels.length) { strengthen(level); return true; }
      const side = { 1: 0, 2: 1, arrowleft: 0, arrowright: 1, t: TIE, 0: TIE }[pressed];
      if (side === undefined || (side === TIE && !question.tie) || (pressed.startsWith("arrow") && elsewhere(root))) return false;
      choose(side);
      return true;
    },
    labels: () => [],
    title,
    mark: title,
    definition: () => null,
    problem: (given) => (levels.length && given.better !== TIE && given.strength == null ? S.how_much.replace("{question}", question.title) : ""),
  };
}

function ranking(root, question, page) {
  const S = page.strings;
  const sides = Sides(root, page);
  const list = root.querySelector(".ranks");
  let ranks = {}; // name -> number on its button
  let at = 0; // which response the next digit is for

  function groups() {
    const places = [...new Set(Object.values(ranks))].sort((one, other) => one - other);
    return places.map((place) => sides.order.filter((name) => ranks[name] === place).sort());
  }

  function rows() {
    list.replaceChildren(...sides.order.map((name, side) => {
      const row = document.createElement("div");
      const title = document.createElement("span");
      title.textContent = sides.called(name);
      row.className = "rank";
      row.dataset.side = side;
      row.setAttribute("role", "radiogroup");
      row.setAttribute("aria-label", title.textContent);
      row.append(title, ...sides.order.map((_name, place) => {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("role", "radio");
        button.dataset.value = place + 1;
        button.textContent = place + 1;
        return button;
      }));
      return row;
    }));
  }

  function show() {
    [...list.children].forEach((row, side) => {
      check([...row.querySelectorAll("button")], (button) => Number(button.dataset.value) === ranks[sides.order[side]]);
      row.toggleAttribute("data-next", side === at);
    });
    const order = groups();
    sides.light((name) => String(order.findIndex((group) => group.includes(name)) + 1 || ""));
  }

  function give(side, rank) {
    const name = sides.order[side];
    if (!question.tie) for (const other of sides.order) if (ranks[other] === rank) delete ranks[other];
    ranks[name] = rank;
    at = sides.order.findIndex((one, place) => place > side && !ranks[one]);
    if (at < 0) at = sides.order.findIndex((one) => !ranks[one]);
    if (at < 0) at = side;
    show();
    page.say(`${sides.called(name)}: ${rank}`);
    page.changed(question.name, { order: groups(), shown: [...sides.order] });
  }

  function title(given) {
    if (given == null) return "";
    return given.order.map((group) => group.map((name) => sides.told(name, given.shown)).join(" = ")).join(" > ");
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-value]");
    if (button) give(Number(button.parentElement.dataset.side), Number(button.dataset.value));
  });

  return {
    root,
    question,
    set(given, item) {
      const same = sides.item === item && list.children.length;
      const known = sides.open(item, 2);
      ranks = {};
      if (known) (given?.order ?? []).forEach((group, place) => { for (const name of group) ranks[name] = place + 1; });
      at = Math.max(0, sides.order.findIndex((name) => !ranks[name]));
      if (!same) rows();
      show();
    },
    key(key) {
      const pressed = key.toLowerCase();
      const step = { arrowleft: -1, arrowright: 1 }[pressed];
      const count = sides.order.length;
      if (count < 2 || (step && elsewhere(root))) return false;
      const held = document.activeElement?.closest?.(".rank");
      if (held && root.contains(held)) at = Number(held.dataset.side);
      if (step) {
        at = (at + step + count) % count;
        if (held) list.children[at].querySelector("[tabindex='0']").focus();
        show();
        page.say(sides.called(sides.order[at]));
        return true;
      }
      const rank = /^\d$/.test(pressed) ? Number(pressed) : 0;
      if (rank < 1 || rank > count) return false;
      give(at, rank);
      if (held) list.children[at].querySelector("[tabindex='0']").focus();
      return true;
    },
    labels: () => [],
    title,
    mark: title,
    definition: () => null,
    problem: (given) => (given.order.flat().length < sides.order.length ? S.rank_all.replace("{question}", question.title) : ""),
  };
}
