// One label out of several: a radio group of buttons with keys.
export const single = () => true;

export function mount(root, question, page) {
  const { Row, chip, titleOf } = page.parts.labels;
  let value = null;

  function choose(name, by) {
    value = name;
    row.show((one) => one === value);
    if (by === "find") row.clear();
    page.changed(question.name, value, { final: by !== "arrow" });
  }
  const row = new Row(root, question, page.strings, { pressed: choose, follows: true });

  return {
    root,
    question,
    set(given) {
      value = given ?? null;
      row.clear();
      row.show((one) => one === value);
    },
    // True where the key belongs to one of the labels; `final` means that the person is done with this question.
    key: (key) => row.key(key, choose),
    labels: (given) => (given == null ? [] : [given]),
    title: (given) => titleOf(question, given),
    // The answer as something to look at; empty where there is none.
    mark: (given) => (given == null ? "" : chip(question, given)),
    definition: (given) => question.labels.find((label) => label.name === given),
  };
}
