// Candidate responses beside each other, and the reference answer. All of it is other people's words; which model wrote
// what never reaches this page.
function part(tag, name, words = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = words;
  return made;
}

function words(item, text, strings) {
  const body = part("div", "text", text || strings.empty_response);
  body.classList.toggle("muted", !text);
  body.dir = "auto";
  body.lang = item.language || "";
  return body;
}

export function draw(place, item, strings) {
  const shown = item.candidates ?? [];
  place.hidden = !shown.length && !item.reference;
  place.dataset.count = shown.length;
  document.getElementById("item").classList.toggle("compares", shown.length > 1);
  const cards = shown.map(({ name, text }, side) => {
    const card = part("section", "candidate");
    const head = part("h2", "", strings.response.replace("{number}", side + 1));
    head.id = `candidate-${side + 1}`;
    card.dataset.candidate = name;
    card.setAttribute("aria-labelledby", head.id);
    card.append(head, words(item, text, strings));
    return card;
  });
  if (item.reference) {
    const known = part("details", "reference");
    known.open = true;
    known.append(part("summary", "", strings.reference), words(item, item.reference, strings));
    cards.unshift(known);
  }
  place.replaceChildren(...cards);
}
