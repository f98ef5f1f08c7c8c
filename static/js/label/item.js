// An item as the reader sees it: where it comes from, its title, its text. All of it is other people's words.
const $ = (id) => document.getElementById(id);

export function draw({ assignment, item, correction, batch, asked_again }, strings, paper) {
  pushed(asked_again ? null : batch, strings);
  // The qualification's desk has no place for it: nothing is sent back there.
  if ($("again")) {
    $("again").hidden = !asked_again;
    $("again-words").textContent = asked_again ?? "";
  }
  const number = strings.numbered.replace("{number}", assignment);
  const parts = [correction ? strings.correction : "", item.source_type, item.issuer, item.published_at.replace("T", " ").slice(0, 16), number];
  $("prov").replaceChildren(...parts.filter(Boolean).map((words, place) => {
    const part = document.createElement(place === 0 && item.source_type && !correction ? "span" : "bdi");
    part.textContent = words;
    if (part.tagName === "SPAN") part.className = "chip";
    return part;
  }));
  $("title").textContent = item.title || number;
  $("title").classList.toggle("visually-hidden", !item.title);
  $("title").dir = "auto";
  paper.draw(item.text, { lang: item.language, rtl: item.rtl });
  for (const side of ["before", "after"]) {
    $(side).textContent = item[side] ?? "";
    $(side).hidden = !item[side];
    $(side).lang = item.language || "";
  }
  // What is read last before the passage is what stands right before it.
  $("before").scrollTop = $("before").scrollHeight;
  $("link").hidden = !/^https?:\/\//i.test(item.url);
  if (!$("link").hidden) $("link").firstElementChild.href = item.url;
}

// Which batch the item is from, and what its people are to know.
function pushed(batch, strings) {
  const line = $("pushed");
  line.hidden = !batch;
  if (!batch) return;
  const due = batch.due && new Date(batch.due);
  const name = document.createElement("b");
  name.append(document.createElement("bdi"));
  name.firstChild.textContent = batch.name;
  const rest = [
    strings.batch_left.replace("{count}", batch.left),
    due && `${due < new Date() ? strings.batch_late : strings.batch_due} ${batch.due.slice(0, 16).replace("T", " ")}`,
  ];
  const note = document.createElement("bdi");
  note.textContent = batch.note;
  line.replaceChildren(name, ` · ${rest.filter(Boolean).join(" · ")}`, ...(batch.note ? [document.createElement("br"), note] : []));
}

export function write(place, item) {
  place.textContent = item.text;
  place.dir = item.rtl ? "rtl" : "auto";
  place.lang = item.language || "";
}
