// An item as the reader sees it: where it comes from, its title, its text. All of it is other people's words.
const $ = (id) => document.getElementById(id);

export function draw({ item, correction }, strings) {
  const number = `${strings.item} ${item.id}`;
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
  write($("text"), item);
  $("link").hidden = !/^https?:\/\//i.test(item.url);
  if (!$("link").hidden) $("link").firstElementChild.href = item.url;
}

export function write(place, item) {
  place.textContent = item.text;
  place.dir = item.rtl ? "rtl" : "auto";
  place.lang = item.language || "";
}
