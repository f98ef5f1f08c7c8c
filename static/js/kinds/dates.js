// Dates as financial texts say them, in English and Chinese, as normalised values: the twin of annotation/text/dates.py,
// which says what the values are. tests/annotation/dates.json holds for both. Days are milliseconds of UTC in here.

const LONGEST = 120;
// A line around a place is looked at so far.
const AROUND = 40;
const DAY = 86_400_000;
const MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const DIGITS = { 一: 1, 二: 2, 两: 2, 三: 3, 四: 4, 五: 5, 六: 6, 七: 7, 八: 8, 九: 9, 日: 7, 天: 7 };
const ORDINALS = { first: 1, "1st": 1, second: 2, "2nd": 2, third: 3, "3rd": 3, fourth: 4, "4th": 4, final: 4, last: 4 };
const COUNTS = { one: 1, a: 1, an: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10, eleven: 11, twelve: 12 };
const YEARS_AWAY = { 今年: 0, 本年: 0, 本年度: 0, 今年度: 0, 去年: -1, 上年: -1, 上年度: -1, 去年度: -1, 前年: -2, 明年: 1, 次年: 1, 后年: 2 };
const DAYS_AWAY = { today: 0, yesterday: -1, tomorrow: 1, 今天: 0, 今日: 0, 昨天: -1, 昨日: -1, 前天: -2, 前日: -2, 明天: 1, 明日: 1, 后天: 2 };
const AWAY = { this: 0, last: -1, previous: -1, past: -1, next: 1, coming: 1, 本: 0, 这: 0, 上: -1, 下: 1 };
const ZH_UNITS = { 天: "day", 日: "day", 周: "week", 星期: "week", 个月: "month", 年: "year", 个季度: "quarter" };
const BETWEEN = [" to ", " and ", "至", "到", " - ", " – ", "–", "—", "~", "-"];
const FOUND = /^([0-9]{4})(?:-(?:(Q[1-4]|H[12])|W(0[1-9]|[1-4][0-9]|5[0-3])|([0-9]{2})(?:-([0-9]{2}))?))?$/;

const two = (number) => String(number).padStart(2, "0");
const four = (number) => String(number).padStart(4, "0");

// ---- days
function dayOf(year, month, date) {
  const found = new Date(0);
  found.setUTCFullYear(year, month - 1, date);
  if (year < 1 || year > 9999 || found.getUTCMonth() !== month - 1 || found.getUTCDate() !== date) return null;
  return found.getTime();
}

const partsOf = (day) => [new Date(day).getUTCFullYear(), new Date(day).getUTCMonth() + 1, new Date(day).getUTCDate()];
const weekdayOf = (day) => new Date(day).getUTCDay() || 7;

function written(day) {
  const [year, month, date] = partsOf(day);
  return year < 1 || year > 9999 ? null : `${four(year)}-${two(month)}-${two(date)}`;
}

function weekOf(day) {
  const thursday = day + (4 - weekdayOf(day)) * DAY;
  const [year] = partsOf(thursday);
  return [year, Math.floor((thursday - dayOf(year, 1, 1)) / (7 * DAY)) + 1];
}

function firstOfWeek(year, week) {
  const fourth = dayOf(year, 1, 4);
  const found = fourth + (1 - weekdayOf(fourth) + (week - 1) * 7) * DAY;
  return weekOf(found)[1] === week && weekOf(found)[0] === year ? found : null;
}

function isoWeek(day) {
  const [year, week] = weekOf(day);
  return `${four(year)}-W${two(week)}`;
}

// ---- values
function firstDay(value) {
  const [, year, part, week, month, date] = FOUND.exec(value);
  if (part) return dayOf(Number(year), (part[0] === "Q" ? 3 : 6) * (Number(part[1]) - 1) + 1, 1);
  if (week) return firstOfWeek(Number(year), Number(week));
  return dayOf(Number(year), Number(month ?? 1), Number(date ?? 1));
}

function lastDay(value) {
  const [, , part, week, month, date] = FOUND.exec(value);
  const first = firstDay(value);
  if (week) return first + 6 * DAY;
  if (date) return first;
  const months = part ? { Q: 3, H: 6 }[part[0]] : month ? 1 : 12;
  const [year, begins] = partsOf(first);
  const later = begins - 1 + months;
  const after = dayOf(year + Math.floor(later / 12), (later % 12) + 1, 1);
  return after === null ? dayOf(9999, 12, 31) : after - DAY;
}

const isMoment = (value) => FOUND.test(value) && !value.endsWith("\n") && firstDay(value) !== null;

// Whether it is a value: a date of the calendar, or an interval of two, the first not the later one.
export function check(value) {
  const parts = value.split("/");
  if (parts.length === 2) return parts.every(isMoment) && firstDay(parts[0]) <= lastDay(parts[1]);
  return parts.length === 1 && isMoment(value);
}

function published(words) {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})/.exec(words);
  return found ? dayOf(Number(found[1]), Number(found[2]), Number(found[3])) : null;
}

// ---- parts
function year(words) {
  const found = Number(words);
  return words.length > 2 ? found : found + (found < 70 ? 2000 : 1900);
}

function zhYear({ year: figures, named }, day) {
  if (figures) return year(figures);
  return day === null ? null : partsOf(day)[0] + YEARS_AWAY[named];
}

function numeral(words) {
  if (/^[0-9]+$/.test(words)) return Number(words);
  const at = words.lastIndexOf("十");
  const tens = at < 0 ? 0 : (DIGITS[words.slice(0, at)] ?? 1) * 10;
  return tens + (DIGITS[words.slice(at + 1)] ?? 0);
}

const monthOf = (words) => MONTHS.findIndex((name) => name.startsWith(words.replace(/\.$/, "").slice(0, 3))) + 1;

// The value of that part of a year (10, 10-15, Q3) whose middle is nearest to the day; the first half is this year's.
function nearest(part, day) {
  if (day === null) return null;
  const [here] = partsOf(day);
  if (part === "H1") return `${four(here)}-H1`;
  const near = [here, here - 1, here + 1].map((one) => `${four(one)}-${part}`).filter(check);
  const away = (value) => Math.abs(firstDay(value) - day + lastDay(value) - day);
  return near.sort((one, other) => away(one) - away(other))[0] ?? null;
}

function monthsAway(day, months) {
  const [here, month] = partsOf(day);
  const whole = here * 12 + month - 1 + months;
  return `${four(Math.floor(whole / 12))}-${two((whole % 12) + 1)}`;
}

function period(unit, away, day) {
  if (day === null) return null;
  const [here, month] = partsOf(day);
  if (unit === "day") return written(day + away * DAY);
  if (unit === "week") return isoWeek(day + away * 7 * DAY);
  if (unit === "month") return monthsAway(day, away);
  if (unit === "year") return four(here + away);
  const whole = here * 4 + Math.floor((month - 1) / 3) + away;
  return `${four(Math.floor(whole / 4))}-Q${(whole % 4) + 1}`;
}

// next: the first one behind the day; last: the last one before it; this: that of the week.
function weekday(name, away, day) {
  let gap = name - weekdayOf(day);
  if (away > 0 && gap <= 0) gap += 7;
  if (away < 0 && gap >= 0) gap -= 7;
  return written(day + gap * DAY);
}

const inYear = (part, words, day) => (words ? `${four(year(words))}-${part}` : nearest(part, day));

// ---- rules, the first that fits decides
// Spaces between a figure and 年, and the hour behind a day.
const LOOSE = /(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])/g;
const HOUR = /(?<=[日号天])(?:凌晨|清晨|早间|早上|早|上午|中午|午后|下午|傍晚|晚间|晚上|晚|盘前|盘后)$/;
const UNTIL = /^(?:截至|截止至?|于|在|as of |by |on |in |during )/;
const PARTS = "(?:初|上旬|中旬|下旬|末|底)?";
const NUMERAL = "十[一二]?|[一二三四五六七八九]|[0-9]{1,2}";
const DATE = "[0-9]{1,2}|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九]";
const MONTH = [...MONTHS, ...MONTHS.map((name) => `${name.slice(0, 3)}\\.?`), "sept\\.?"].join("|");
const ZH_YEAR = `(?<year>[0-9]{4}|[0-9]{2})年度?|(?<named>${Object.keys(YEARS_AWAY).sort((a, b) => b.length - a.length).join("|")})`;
const UNITS = "day|week|month|quarter|year";
const COUNT = [...Object.keys(COUNTS), "[0-9]{1,3}"].join("|");
const ALSO_YEAR = "(?:,? (?:of |in )?(?:fiscal )?(?:year )?([0-9]{4}))?";
const SIGNED = ({ sign, n, year: words }, day) => inYear(`${sign.toUpperCase()}${n}`, words, day);

// Day and month in either order, where only one order is a date.
function slashed([, first, second, words]) {
  const [one, other] = [Number(first), Number(second)];
  if (one > 12 === other > 12 && one !== other) return null;
  const [month, date] = one > 12 ? [other, one] : [one, other];
  return `${four(year(words))}-${two(month)}-${two(date)}`;
}

function ordinalPart([, ordinal, kind, words], day) {
  const n = ORDINALS[ordinal];
  if (kind === "quarter") return inYear(`Q${n}`, words, day);
  return [1, 2, 4].includes(n) ? inYear(`H${n === 4 ? 2 : n}`, words, day) : null;
}

function upTo(quarter, words, day) {
  const found = inYear(`Q${quarter}`, words, day);
  return found && `${found.slice(0, 4)}-Q1/${found}`;
}

function zhDate({ groups }, day) {
  const found = zhYear(groups, day);
  if (found === null) return null;
  return four(found) + (groups.month ? `-${two(numeral(groups.month))}` : "") + (groups.day ? `-${two(numeral(groups.day))}` : "");
}

// A quarter, half, run of quarters or the end of a year that is named or not.
function zhPart({ groups }, day) {
  const says = groups.year || groups.named;
  const found = says ? zhYear(groups, day) : null;
  if (says && found === null) return null;
  const words = found === null ? null : four(found);
  if (groups.half) return inYear(groups.half === "上" ? "H1" : "H2", words, day);
  if (groups.run) return upTo(numeral(groups.run), words, day);
  if (groups.end) return words && `${words}-${groups.end === "初" ? "01" : "12"}`;
  return inYear(`Q${numeral(groups.n)}`, words, day);
}

function zhWeek([, which, name], day) {
  if (day === null) return null;
  const week = day + AWAY[which] * 7 * DAY;
  return name ? written(week + (DIGITS[name] - weekdayOf(week)) * DAY) : isoWeek(week);
}

const RULES = [
  ["([0-9]{4})[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?", ([, one, month, date]) => `${one}-${two(Number(month))}${date ? `-${two(Number(date))}` : ""}`],
  ["([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4}|[0-9]{2})", slashed],
  ["(?:fy ?|fiscal (?:year )?|the year |year )?([0-9]{4})(?: fiscal year)?", ([, one]) => one],
  ["fy ?['’]?([0-9]{2})", ([, one]) => four(year(one))],
  [`(${MONTH})(?:,? (?:of )?([0-9]{4}))?`, ([, month, words], day) => inYear(two(monthOf(month)), words, day)],
  [`(${MONTH}) ([0-9]{1,2})(?:st|nd|rd|th)?(?:,? ([0-9]{4}))?`, ([, month, date, words], day) => inYear(`${two(monthOf(month))}-${two(Number(date))}`, words, day)],
  [`([0-9]{1,2})(?:st|nd|rd|th)? (?:of )?(${MONTH})(?:,? ([0-9]{4}))?`, ([, date, month, words], day) => inYear(`${two(monthOf(month))}-${two(Number(date))}`, words, day)],
  ["(?:the )?(?<sign>[qh])(?<n>[1-4])(?:,? ?(?:of |in )?(?:fiscal |fy ?)?(?:year )?(?<year>[0-9]{4}))?", ({ groups }, day) => SIGNED(groups, day)],
  ["(?<sign>[qh])(?<n>[1-4]) ?(?:fy ?)?['’]?(?<year>[0-9]{2})", ({ groups }, day) => SIGNED(groups, day)],
  ["(?<n>[1-4])(?<sign>[qh])(?: |['’])?(?<year>[0-9]{4}|[0-9]{2})?", ({ groups }, day) => SIGNED(groups, day)],
  ["(?<year>[0-9]{4})[- ]?(?<sign>[qh])(?<n>[1-4])", ({ groups }, day) => SIGNED(groups, day)],
  ["(?<year>[0-9]{4})[- ]?(?<n>[1-4])(?<sign>[qh])", ({ groups }, day) => SIGNED(groups, day)],
  [`(?:the )?(${Object.keys(ORDINALS).join("|")})[- ](quarter|half)${ALSO_YEAR}`, ordinalPart],
  [`(?:the )?first (three|six|nine) months${ALSO_YEAR}`, ([, many, words], day) => upTo({ three: 1, six: 2, nine: 3 }[many], words, day)],
  ["(?:the )?(?:end of|end-|year[- ]end|end of the year) ?([0-9]{4})?(?: ?year[- ]end)?|([0-9]{4}) year[- ]end", ([, one, other], day) => {
    const words = one ?? other;
    if (words) return `${four(year(words))}-12`;
    return day === null ? null : `${four(partsOf(day)[0])}-12`;
  }],
  [`(${COUNT}) (${UNITS})s? (?:ago|earlier)`, ([, many, unit], day) => period(unit, -(COUNTS[many] ?? Number(many)), day)],
  [`in (${COUNT}) (${UNITS})s?(?:' time)?`, ([, many, unit], day) => period(unit, COUNTS[many] ?? Number(many), day)],
  [`(?:the )?(this|last|previous|past|next|coming) (${UNITS}|${DAYS.join("|")})`, ([, which, what], day) => {
    if (day === null) return null;
    return DAYS.includes(what) ? weekday(DAYS.indexOf(what) + 1, AWAY[which], day) : period(what, AWAY[which], day);
  }],
  [`(?:${ZH_YEAR})(?:(?<month>${NUMERAL})月份?${PARTS}(?:(?<day>${DATE})[日号])?)?`, zhDate],
  [`(?:${ZH_YEAR})?(?:(?<half>[上下])半年(?:度)?|前(?<run>[二三两23])个?季度?|年?(?<end>初|底|末)|第?(?<n>[一二三四1-4])季度?)`, zhPart],
  [`(${NUMERAL})月份?${PARTS}(?:(${DATE})[日号])?`, ([, month, date], day) => nearest(two(numeral(month)) + (date ? `-${two(numeral(date))}` : ""), day)],
  [`(本|这|上|下)(?:个)?月(?:(${DATE})[日号])?`, ([, which, date], day) => (day === null ? null : monthsAway(day, AWAY[which]) + (date ? `-${two(numeral(date))}` : ""))],
  ["(本|这|上|下)(?:个)?(?:周|星期|礼拜)([一二三四五六日天])?", zhWeek],
  ["([0-9]{1,3}|[一二两三四五六七八九十])(天|日|周|星期|个月|年|个季度)(前|后)", ([, many, unit, way], day) => period(ZH_UNITS[unit], numeral(many) * (way === "后" ? 1 : -1), day)],
  [Object.keys(DAYS_AWAY).join("|"), ([words], day) => (day === null ? null : written(day + DAYS_AWAY[words] * DAY))],
].map(([source, made]) => [new RegExp(`^(?:${source})$`), made, source]);
const NAMES_YEAR = new RegExp(`[0-9]{4}|${ZH_YEAR}|fy|year|ago|earlier|day|week|this|last|previous|past|next|coming|[qh][1-4] ?['’]?[0-9]{2}|[1-4][qh][ '’]?[0-9]{2}|[昨今明本这上下前后](?!半年)`);
const JOINED = / ?(?:to|and|至|到|[-–—~]) ?/y;
// A rule where it begins, up to the end of a word or number.
const AT = [...RULES.map(([, , source]) => source), DAYS.join("|")].map((source) => new RegExp(`(?:${source})(?:(?<![0-9a-z])|(?![0-9a-z]))`, "y"));

function one(words, day) {
  for (const [pattern, made] of RULES) {
    const found = pattern.exec(words);
    if (!found) continue;
    const value = made(found, day);
    return value && check(value) ? value : null;
  }
  return null;
}

function interval(words, day) {
  for (const sign of BETWEEN) {
    const at = words.indexOf(sign);
    if (at < 0 || !words.slice(0, at).trim() || !words.slice(at + sign.length).trim() || words.includes(sign, at + sign.length)) continue;
    const [left, right] = lent(words.slice(0, at).replace(/^(?:from|between|从|自) ?/, "").trim(), words.slice(at + sign.length).trim());
    const [first, last] = [one(left, day), one(right, day)];
    if (first && last && check(`${first}/${last}`)) return `${first}/${last}`;
  }
  return null;
}

// Both ends with the month and year that only one of them names: 2017年1 and 6月, 10月22日 and 30日, October and May 2017.
function lent(before, behind) {
  let [left, right] = [before, behind];
  if (new RegExp(`^(?:${ZH_YEAR})?(?:${NUMERAL})$`).test(left) && right.endsWith("月")) left += "月";
  const month = /^.*月/.exec(left);
  if (month && new RegExp(`^(?:${DATE})[日号]$`).test(right)) right = month[0] + right;
  const leftNames = NAMES_YEAR.test(left);
  if (leftNames === NAMES_YEAR.test(right)) return [left, right];
  const [full, short] = leftNames ? [left, right] : [right, left];
  const zh = new RegExp(`^(?:${ZH_YEAR})`).exec(full);
  const named = /[0-9]{4}/.exec(full);
  if (!zh && !named) return [left, right];
  const whole = zh ? zh[0] + short : /[0-9]$/.test(short) ? `${short}, ${named[0]}` : `${short} ${named[0]}`;
  return leftNames ? [full, whole] : [whole, full];
}

// The extent of the longest date that covers or touches the place, whether it has a value or not; null where there is none.
export function find(text, at) {
  let low = at;
  for (let left = AROUND; low > 0 && left > 0; left -= 1) low -= /[\udc00-\udfff]/.test(text[low - 1]) && low > 1 ? 2 : 1;
  let high = at;
  for (let left = AROUND; high < text.length && left > 0; left -= 1) high += /[\ud800-\udbff]/.test(text[high]) ? 2 : 1;
  const narrow = text.slice(low, high).replace(/[\uff01-\uff5e]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0)).replace(/[\u3000\u00a0]/g, " ");
  const loose = new Set(Array.from(narrow.matchAll(LOOSE), ({ index }) => index));
  const kept = Array.from({ length: narrow.length }, (_none, place) => place).filter((place) => !loose.has(place));
  const words = kept.map((place) => narrow[place]).join("").replace(/[A-Z]/g, (sign) => sign.toLowerCase());
  const reached = dates(words).map(([start, end]) => [low + kept[start], low + kept[end - 1] + 1]).filter(([start, end]) => start <= at && at <= end);
  return reached.sort((a, b) => b[1] - b[0] - (a[1] - a[0]) || a[0] - b[0])[0] ?? null;
}

// Every stretch that a rule takes from where it begins, and two of them with a word between that makes them one.
function dates(words) {
  const found = [];
  const longest = new Map();
  for (let start = 0; start < words.length; start += 1) {
    if (start && /^[0-9a-z]{2}$/.test(words.slice(start - 1, start + 1))) continue;
    for (const rule of AT) {
      rule.lastIndex = start;
      if (!rule.test(words)) continue;
      found.push([start, rule.lastIndex]);
      longest.set(start, Math.max(rule.lastIndex, longest.get(start) ?? 0));
    }
  }
  for (const [start, end] of longest) {
    JOINED.lastIndex = end;
    if (JOINED.test(words) && longest.has(JOINED.lastIndex)) found.push([start, longest.get(JOINED.lastIndex)]);
  }
  return found;
}

// The value of a date in words; null where it cannot be known.
export function parse(expression, publishedAt = "") {
  if (expression.length > LONGEST) return null;
  const words = expression.normalize("NFKC").toLowerCase().replace(/^[ \t\n.,;:，。；、()"'“”]+|[ \t\n.,;:，。；、()"'“”]+$/g, "").replace(/\s+/g, " ").replace(LOOSE, "").replace(HOUR, "");
  if (!words) return null;
  const day = published(publishedAt);
  return one(words, day) ?? interval(words, day) ?? one(words.replace(UNTIL, ""), day);
}
