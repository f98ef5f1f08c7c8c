// A set of labels: a group of buttons that are on or off, with keys.
export function mount(root, question, page) {
  const { Row, chip, titleOf } = page.parts.labels;
  const S = page.strings;
  let chosen = [];
  let newest = null;

  function toggle(name, by) {
    const on = !chosen.includes(name);
    if (on && question.most === 1) chosen = [name];
    else if (on && question.most && chosen.length >= question.most) return page.say(S.at_most.replace("{count}", question.most));
    else chosen = question.labels.map((label) => label.name).filter((one) => (one === name ? on : chosen.includes(one)));
    newest = on ? name : null;
    row.show((one) => chosen.includes(one));
    if (by === "find") row.clear();
    page.say(`${titleOf(question, name)}: ${on ? S.chosen : S.not_chosen}`);
    return page.changed(question.name, chosen.length ? chosen : null);
  }
  const row = new Row(root, question, S, { pressed: toggle });

  return {
    root,
    question,
    set(given) {
      chosen = [...(given ?? [])];
      newest = null;
      row.clear();
      row.show((one) => chosen.includes(one));
    },
    key: (key) => row.key(key, toggle),
    labels: (given) => given ?? [],
    title: (given) => (given == null ? "" : given.length ? given.map((name) => titleOf(question, name)).join(", ") : S.none_of_them),
    mark(given) {
      if (given == null) return "";
      const all = document.createElement("span");
      if (!given.length) all.textContent = S.none_of_them;
      given.forEach((name, place) => all.append(place ? " " : "", chip(question, name)));
      return all;
    },
    definition: () => question.labels.find((label) => label.name === newest),
    // Where none may be given, an untouched question says so once it is sent.
    blank: question.least === 0 ? [] : undefined,
    problem: (given) => (given.length < question.least ? S.at_least.replace("{question}", question.title).replace("{count}", question.least) : ""),
  };
}
