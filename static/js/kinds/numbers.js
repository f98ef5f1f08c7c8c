// Numbers as financial texts write them, in English and Chinese, taken whole and as values: the twin of
// annotation/text/numbers.py, which says what a value is. tests/annotation/numbers.json holds for both. Places are UTF-16.

const AROUND = 160;
const MOST_DIGITS = 40;
const NEGATIVE = ["-", "−", "–", "负", "minus"];
const EITHER = "±";
const COMMA_LANGUAGES = ["cs", "da", "de", "el", "es", "fi", "fr", "id", "it", "nb", "nl", "no", "pl", "pt", "ru", "sv", "tr"];
const CURRENCIES = {"us$": "USD", "usd": "USD", "u.s. dollars": "USD", "us dollars": "USD", "dollars": "USD", "dollar": "USD", "美元": "USD", "美金": "USD", "澳元": "AUD", "加元": "CAD", "新加坡元": "SGD", "$": "USD", "hk$": "HKD", "hkd": "HKD", "港元": "HKD", "港币": "HKD", "a$": "AUD", "aud": "AUD", "c$": "CAD", "cad": "CAD", "s$": "SGD", "sgd": "SGD", "nt$": "TWD", "新台币": "TWD", "€": "EUR", "eur": "EUR", "euros": "EUR", "euro": "EUR", "欧元": "EUR", "£": "GBP", "gbp": "GBP", "pounds": "GBP", "英镑": "GBP", "¥": "CNY", "￥": "CNY", "rmb": "CNY", "cny": "CNY", "yuan": "CNY", "人民币": "CNY", "元人民币": "CNY", "元": "CNY", "jpy": "JPY", "yen": "JPY", "日元": "JPY", "₹": "INR", "rs.": "INR", "rs": "INR", "inr": "INR", "rupees": "INR", "chf": "CHF", "瑞士法郎": "CHF", "krw": "KRW", "韩元": "KRW", "₩": "KRW"};
const BEHIND_ONLY = ["dollar", "dollars", "euro", "euros", "pounds", "rupees", "u.s. dollars", "us dollars", "yen", "yuan", "元", "元人民币"];
const SCALES = {"trillion": 12, "trn": 12, "tn": 12, "billion": 9, "bln": 9, "bn": 9, "b": 9, "million": 6, "mln": 6, "mn": 6, "m": 6, "thousand": 3, "k": 3, "hundred": 2, "lakh crores": 12, "lakh crore": 12, "crores": 7, "crore": 7, "cr": 7, "lakhs": 5, "lakh": 5, "万亿": 12, "千亿": 11, "百亿": 10, "十亿": 9, "亿": 8, "千万": 7, "百万": 6, "十万": 5, "万": 4, "千": 3, "百": 2};
const CLOSE_ONLY = ["b", "k", "m"];
const UNITS = {"percentage points": "pp", "percentage point": "pp", "个百分点": "pp", "百分点": "pp", "pct pts": "pp", "pct pt": "pp", "ppts": "pp", "ppt": "pp", "pp": "pp", "per cent": "%", "percent": "%", "pct": "%", "%": "%", "％": "%", "‰": "‰", "basis points": "bp", "basis point": "bp", "bps": "bp", "bp": "bp", "个基点": "bp", "基点": "bp", "times": "times", "倍": "times", "x": "times", "shares": "shares", "share": "shares", "股": "shares", "people": "people", "employees": "people", "人": "people", "户": "households", "家": "companies", "吨": "t", "tonnes": "t", "tons": "t", "barrels": "bbl", "桶": "bbl", "ounces": "oz", "盎司": "oz"};
const PERS = {"share": "share", "股": "share", "year": "year", "annum": "year", "年": "year", "month": "month", "月": "month", "quarter": "quarter", "季": "quarter", "day": "day", "天": "day", "日": "day", "hour": "hour", "小时": "hour", "ounce": "oz", "盎司": "oz", "barrel": "bbl", "桶": "bbl", "ton": "t", "tonne": "t", "吨": "t", "unit": "unit", "person": "person", "人": "person"};
const DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9};
const PLACES = {"十": 1, "百": 2, "千": 3, "万": 4, "亿": 8};
const SHARES = {"百分之": "%", "千分之": "‰"};
// One sign alone is a number only with one of these: 一家 and 一人 are words.
const MEASURED = ["美金", "个基点", "个百分点", "倍", "元", "基点", "日元", "欧元", "港元", "百分点", "美元", "英镑"];
const SPACE = "[ \\t\\n\\r\\f\\v]";

// Wide signs as the narrow ones, sign for sign, so that places stay.
function narrow(text) {
  return text.replace(/[\uff01-\uff5e]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0))
    .replace(/[\u3000\u00a0\u2009\u202f]/g, " ").replaceAll("￥", "¥").replaceAll("￡", "£");
}

// One of these words, the longest first; a word of letters ends where the letters end.
function any(words) {
  const listed = [...words].sort((one, other) => Array.from(other).length - Array.from(one).length);
  return listed.map((word) => word.replace(/[.$*+?()[\]{}|^\\/]/g, "\\$&") + (/[a-z]$/.test(word) ? "(?![a-z])" : "")).join("|");
}

const BEFORE = any(Object.keys(CURRENCIES).filter((sign) => !BEHIND_ONLY.includes(sign)));
const SIGN = `(?:[+−–${EITHER}负-]${SPACE}?|minus${SPACE})`;
const FIGURES = "(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3})(?![0-9])(?:\\.[0-9]+)?|[0-9]+(?:\\.[0-9]+)?|\\.[0-9]+";
const COMMAS = "[0-9]{1,3}(?:\\.[0-9]{3})+,[0-9]+";
const SCALE = any(Object.keys(SCALES).filter((word) => !CLOSE_ONLY.includes(word)));
const ZH_SCALE = any(Object.keys(SCALES).filter((word) => !/^[a-z ]+$/.test(word)));
const SPOKEN = "[零〇一二两三四五六七八九十百千万亿]{1,20}(?:点[零〇一二两三四五六七八九]{1,10}[百千万亿]{0,2})?";
const PIECE = `[0-9]+(?:\\.[0-9]+)?(?:${ZH_SCALE})`;
const MIXED = `${PIECE}(?:(?:${PIECE})+(?:[0-9]{2,8})?|[0-9]{2,8})`;
const SOURCE = `(?<open>\\(${SPACE}?)?(?:(?:每|per${SPACE})(?<each>${any(Object.keys(PERS))})${SPACE}?)?(?:(?<![0-9%)a-z正])(?<sign>${SIGN}))?(?:(?<![a-z])(?<before>${BEFORE})${SPACE}?(?<sign2>${SIGN})?)?(?<share>${any(Object.keys(SHARES))})?`
  + `(?:(?<mixed>${MIXED})|(?<commas>${COMMAS})|(?<figures>${FIGURES})(?:(?<close>${any(CLOSE_ONLY)})|(?:${SPACE}|-)?(?<scale>${SCALE})(?![克瓦米]))?|(?<spoken>${SPOKEN}))`
  + `(?:${SPACE}?(?<after>${any(Object.keys(CURRENCIES))})(?<tail>人民币)?|${SPACE}?(?<unit>${any(Object.keys(UNITS))}))?`
  + `(?:${SPACE}?(?:per|a|an|each|/|每)${SPACE}?(?<per>${any(Object.keys(PERS))})|${SPACE}?(?<annual>p\\.a\\.))?(?<shut>${SPACE}?\\))?`;
const SEARCH = new RegExp(SOURCE, "gi");
const WHOLE = new RegExp(`^(?:${SOURCE})$`, "i");
const PART = new RegExp(`([0-9]+(?:\\.[0-9]+)?)(${ZH_SCALE})?`, "g");
const lower = (word) => (word ?? "").toLowerCase();

// The extent of the whole expression that covers or touches the place; null where there is none.
export function find(text, at) {
  let low = Math.max(0, at - AROUND);
  if (/[\udc00-\udfff]/.test(text[low] ?? "")) low += 1;
  for (const [start, end] of expressions(text.slice(low, at + AROUND))) {
    if (low + start <= at && at <= low + end) return [low + start, low + end];
  }
  return null;
}

function* expressions(text) {
  const plainText = narrow(text);
  SEARCH.lastIndex = 0;
  for (let found; (found = SEARCH.exec(plainText));) {
    const { open, shut } = found.groups;
    let start = found.index;
    let end = start + found[0].length;
    const next = Math.max(end, start + 1);
    if (isNumber(found.groups)) {
      if (!inBrackets(found.groups)) {
        if (open) start += open.length;
        if (shut) end -= shut.length;
      }
      yield [start, end];
    }
    SEARCH.lastIndex = next;
  }
}

// Whether a sign that is also a word stands with what makes it a number.
function isNumber({ spoken, share, after, unit }) {
  return (spoken ?? "").length !== 1 || Boolean(share) || MEASURED.includes(after ?? unit);
}

// Whether brackets around it say minus, as in accounts; around a year or a share they are brackets.
function inBrackets({ open, shut, before, after, figures, unit }) {
  return Boolean(open && shut && (before || after || /[.,]/.test(figures ?? "")) && !unit);
}

// The value of an expression; null where the words hold no number, more than one, or one with ±.
export function parse(quote, language = "") {
  if (Array.from(quote.slice(0, 2 * AROUND + 2)).length > AROUND) return null;
  let words = narrow(quote).replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "");
  if (!words) return null;
  const code = language.slice(0, 2);
  if (COMMA_LANGUAGES.includes(code) && /[0-9]/.test(words)) words = words.replace(/[.,]/g, (sign) => (sign === "." ? "," : "."));
  const found = WHOLE.exec(words)?.groups;
  if (!found || !isNumber(found) || ((found.open || found.shut) && !inBrackets(found))) return null;
  const signs = [found.sign, found.sign2].filter(Boolean).map((sign) => lower(sign.trim()));
  const number = numberOf(found);
  if (number === null || signs.includes(EITHER) || signs.length > 1) return null;
  const negative = Boolean(found.open) !== signs.some((sign) => NEGATIVE.includes(sign));
  const value = { number: negative && number !== "0" ? `-${number}` : number };
  const unit = unitOf(found, code);
  if (unit) value.unit = unit;
  const per = PERS[lower(found.per ?? found.each)] ?? (found.annual ? "year" : "");
  if (per) value.per = per;
  return value;
}

// The currency, or what is counted; "" for none.
function unitOf({ tail, before, after, unit, share }, code) {
  if (tail) return "CNY";
  const sign = lower(before ?? after);
  if (sign === "¥" && code === "ja") return "JPY";
  return (sign ? CURRENCIES[sign] : UNITS[lower(unit)]) ?? SHARES[share] ?? "";
}

function numberOf({ spoken, mixed, figures, close, scale }) {
  if (spoken) return spokenNumber(spoken);
  const words = mixed ?? figures;
  if (!words || words.replace(/[^0-9]/g, "").length > MOST_DIGITS) return null;
  return mixed ? mixedNumber(mixed) : scaled(figures.replaceAll(",", ""), SCALES[lower(close ?? scale)] ?? 0);
}

// Decimal figures times a power of ten, exact, without zeros that say nothing.
function scaled(figures, power) {
  const [before, behind = ""] = figures.split(".");
  const digits = before + behind.padEnd(power, "0");
  const point = before.length + power;
  return plain(digits.slice(0, point), digits.slice(point));
}

function plain(before, behind) {
  const whole = before.replace(/^0+(?=.)/, "") || "0";
  const rest = behind.replace(/0+$/, "");
  return rest ? `${whole}.${rest}` : whole;
}

function sum(one, other) {
  const places = Math.max(...[one, other].map((figures) => (figures.split(".")[1] ?? "").length));
  const whole = [one, other].map((figures) => { const [before, behind = ""] = figures.split("."); return BigInt(before + behind.padEnd(places, "0")); });
  const digits = String(whole[0] + whole[1]).padStart(places + 1, "0");
  return plain(digits.slice(0, digits.length - places), digits.slice(digits.length - places));
}

// 3亿2千万 -> 320000000; null where a part is not smaller than the place before it.
function mixedNumber(words) {
  let [total, least] = ["0", 0];
  for (const [, figures, sign] of words.matchAll(PART)) {
    const part = scaled(figures, SCALES[sign] ?? 0);
    if (least && part.split(".")[0].length > least) return null;
    [total, least] = [sum(total, part), SCALES[sign] ?? 0];
  }
  return total;
}

// 三千二百 -> 3200, 三点五亿 -> 350000000; null where the signs do not make a number.
function spokenNumber(words) {
  const [whole, behind] = words.split("点");
  const number = spokenWhole(whole);
  if (number === null || !behind) return number;
  const signs = Array.from(behind);
  const digits = signs.filter((sign) => sign in DIGITS).map((sign) => DIGITS[sign]).join("");
  return scaled(`${number}.${digits}`, signs.reduce((power, sign) => power + (PLACES[sign] ?? 0), 0));
}

// 三千二百 and 三千二 -> 3200, 二〇一七 -> 2017.
function spokenWhole(words) {
  const signs = Array.from(words);
  if (signs.every((sign) => sign in DIGITS)) return plain(signs.map((sign) => DIGITS[sign]).join(""), "");
  let [whole, total, section, digit] = [0n, 0n, 0n, 0n];
  for (const sign of signs) {
    if (sign in DIGITS) {
      if (digit) return null;
      digit = BigInt(DIGITS[sign]);
    } else if (PLACES[sign] < 4) {
      const place = 10n ** BigInt(PLACES[sign]);
      if (section && section < 10n * place) return null;
      [section, digit] = [section + (digit || 1n) * place, 0n];
    } else if (sign === "万") [total, section, digit] = [total + (section + digit || 1n) * 10_000n, 0n, 0n];
    else if (whole && !(total + section + digit)) return null;
    else [whole, total, section, digit] = [whole + (total + section + digit || 1n) * 100_000_000n, 0n, 0n, 0n];
  }
  // 两万三 is short for 两万三千.
  const place = digit ? PLACES[signs.at(-2)] ?? 0 : 0;
  return String(whole + total + section + digit * 10n ** BigInt(Math.max(0, place - 1)));
}
