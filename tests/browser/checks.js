// What every page must hold: returns a list of sentences, one for each fault. Run inside the page.
const faults = [];
const describe = (element) => `<${element.tagName.toLowerCase()}${element.id ? ` id=${element.id}` : ""}${element.className && typeof element.className === "string" ? ` class="${element.className}"` : ""}> “${(element.textContent ?? "").trim().slice(0, 40)}”`;
const visible = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });

// The frame of the page
const root = document.documentElement;
if (!root.lang) faults.push("the page does not say its language");
if (!document.title.trim()) faults.push("the page has no title");
const headings = [...document.querySelectorAll("h1")].filter(visible);
if (headings.length !== 1) faults.push(`the page shows ${headings.length} h1`);
for (const heading of headings) if (!heading.textContent.trim()) faults.push("the h1 is empty");
if (document.querySelectorAll("main").length !== 1) faults.push("the page has not exactly one main part");
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) faults.push(`the id ${id} is there twice`);
for (const image of document.querySelectorAll("img:not([alt]), svg[role=img]:not([aria-label], :has(title))")) faults.push(`no words for ${describe(image)}`);
for (const label of document.querySelectorAll("label[for]")) if (!document.getElementById(label.htmlFor)) faults.push(`a label points at nothing: ${label.htmlFor}`);
for (const name of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
  for (const element of document.querySelectorAll(`[${name}]`)) {
    for (const id of element.getAttribute(name).split(/\s+/)) if (!document.getElementById(id)) faults.push(`${name} points at nothing: ${id} of ${describe(element)}`);
  }
}
// The script of the text draws lines of its own under the words; the policy would have refused what stood in the page.
for (const element of document.querySelectorAll("[style]:not(.marked, .block), [onclick], [onchange], [onsubmit]")) faults.push(`style or script inside an attribute: ${describe(element)}`);

// Contrast of all visible words with what is behind them (WCAG 2.2, 1.4.3)
const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const colours = new Map();
function rgba(words) {
  if (!colours.has(words)) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = words;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    colours.set(words, [red, green, blue, alpha / 255]);
  }
  return colours.get(words);
}
const over = (front, back, alpha = front[3]) => [0, 1, 2].map((n) => front[n] * alpha + back[n] * (1 - alpha));
function behind(element) {
  const layers = [];
  for (let one = element; one; one = one.parentElement) {
    const colour = rgba(getComputedStyle(one).backgroundColor);
    layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reduceRight((back, layer) => over(layer, back), [255, 255, 255]);
}
function luminance(colour) {
  const [red, green, blue] = colour.slice(0, 3).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(one, two) {
  const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
const seen = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || seen.has(element) || element.closest("script, option, [disabled], .visually-hidden, svg") || !visible(element)) continue;
  seen.add(element);
  const style = getComputedStyle(element);
  let opacity = 1;
  for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
  const back = behind(element);
  const found = contrast(over(rgba(style.color), back, rgba(style.color)[3] * opacity), back);
  const size = parseFloat(style.fontSize);
  const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  if (found < needed) faults.push(`contrast ${found.toFixed(2)} of ${describe(element)}`);
}
return faults;
