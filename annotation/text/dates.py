"""PURE. Dates as financial texts say them, in English and Chinese, as normalised values; static/js/kinds/dates.js is the twin.

Values: 2017, 2017-10, 2017-10-31, 2024-Q3, 2024-H1, 2024-W07, or two of them with / between. What counts from a day
(last week, 上月) counts from the publication; a day, month, quarter or half without a year is the one nearest to it.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from annotation.text.normal import normalised

LONGEST = 120
# A line around a place is looked at so far.
AROUND = 40
# Wide signs as the narrow ones, sign for sign, so that places stay.
NARROW = {place: place - 0xFEE0 for place in range(0xFF01, 0xFF5F)} | dict.fromkeys((0x3000, 0xA0), 0x20)
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "日": 7, "天": 7}
TEN = "十"
ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "final": 4, "last": 4}  # fmt: skip
COUNTS = {"one": 1, "a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}  # fmt: skip
YEARS_AWAY = {"今年": 0, "本年": 0, "本年度": 0, "今年度": 0, "去年": -1, "上年": -1, "上年度": -1, "去年度": -1, "前年": -2, "明年": 1, "次年": 1, "后年": 2}  # fmt: skip
DAYS_AWAY = {"today": 0, "yesterday": -1, "tomorrow": 1, "今天": 0, "今日": 0, "昨天": -1, "昨日": -1, "前天": -2, "前日": -2, "明天": 1, "明日": 1, "后天": 2}  # fmt: skip
AWAY = {"this": 0, "last": -1, "previous": -1, "past": -1, "next": 1, "coming": 1, "本": 0, "这": 0, "上": -1, "下": 1}

# Spaces between a figure and 年, and the hour behind a day.
_LOOSE = re.compile("(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])")
_HOUR = re.compile("(?<=[日号天])(?:凌晨|清晨|早间|早上|早|上午|中午|午后|下午|傍晚|晚间|晚上|晚|盘前|盘后)$")
_UNTIL = re.compile("^(?:截至|截止至?|于|在|as of |by |on |in |during )")
_PARTS = "(?:初|上旬|中旬|下旬|末|底)?"
_NUMERAL = "十[一二]?|[一二三四五六七八九]|[0-9]{1,2}"
_DATE = "[0-9]{1,2}|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九]"
_MONTH = "|".join([*MONTHS, *(f"{name[:3]}\\.?" for name in MONTHS), "sept\\.?"])
_QUARTER = "[一二三四1-4]"
_ZH_YEAR = f"([0-9]{{4}}|[0-9]{{2}})年度?|({'|'.join(sorted(YEARS_AWAY, key=len, reverse=True))})"


def parse(expression: str, published_at: str = "", language: str = "") -> str | None:
    """The value of a date in words; None where it cannot be known. published_at: ISO date, '' where there is none.

    3/10/2017 is None: a day and a month that can be either. A weekday alone is None as well.
    """
    words = normalised("NFKC", expression[: LONGEST + 1]).casefold().strip(" \t\n.,;:，。；、()\"'“”")
    words = _HOUR.sub("", _LOOSE.sub("", re.sub(r"\s+", " ", words)))
    if not words or len(expression) > LONGEST:
        return None
    day = _day(published_at)
    return _one(words, day) or _interval(words, day) or _one(_UNTIL.sub("", words), day)


def find(text: str, at: int) -> tuple[int, int] | None:
    """The extent of the longest date that covers or touches the place, code points; None where there is none.

    What it finds need not have a value: “Tuesday” has none, and “last year” has none without a publication.
    """
    low = max(0, at - AROUND)
    window = text[low : at + AROUND].translate(NARROW)
    loose = {found.start() for found in _LOOSE.finditer(window)}
    kept = [place for place in range(len(window)) if place not in loose]
    words = "".join(sign.lower() if sign.isascii() else sign for place, sign in enumerate(window) if place not in loose)
    found = [(low + kept[start], low + kept[end - 1] + 1) for start, end in _dates(words)]
    reached = [one for one in found if one[0] <= at <= one[1]]
    return max(reached, key=lambda one: (one[1] - one[0], -one[0]), default=None)


def _dates(words: str) -> set[tuple[int, int]]:
    """Every stretch that a rule takes from where it begins, and two of them with a word between that makes them one."""
    starts = [place for place in range(len(words)) if not (_ends_word(words, place))]
    found = {(place, one.end()) for place in starts for rule in _FOUND if (one := rule.match(words, place))}
    longest: dict[int, int] = {}
    for start, end in found:
        longest[start] = max(end, longest.get(start, 0))
    for start, end in list(longest.items()):
        sign = _BETWEEN.match(words, end)
        if sign and sign.end() in longest:
            found.add((start, longest[sign.end()]))
    return found


def _ends_word(words: str, place: int) -> bool:
    """Whether the place stands inside a word or number of the Latin alphabet."""
    return place > 0 and all(sign.isascii() and sign.isalnum() for sign in words[place - 1 : place + 1])


def check(value: str) -> bool:
    """Whether it is a value: a date of the calendar, or an interval of two, the first not the later one."""
    parts = value.split("/")
    if len(parts) == 2:
        return all(map(_is_moment, parts)) and _first_day(parts[0]) <= _last_day(parts[1])
    return len(parts) == 1 and _is_moment(value)


def _is_moment(value: str) -> bool:
    found = re.fullmatch(r"([0-9]{4})(?:-(?:Q[1-4]|H[12]|W(0[1-9]|[1-4][0-9]|5[0-3])|([0-9]{2})(?:-([0-9]{2}))?))?", value)  # fmt: skip
    if not found:
        return False
    try:
        if found[2]:
            date.fromisocalendar(int(found[1]), int(found[2]), 1)
        date(int(found[1]), int(found[3] or 1), int(found[4] or 1))
    except ValueError:
        return False
    return True


def _first_day(value: str) -> date:
    year, part = int(value[:4]), value[5:]
    if part[:1] == "Q":
        return date(year, 3 * int(part[1]) - 2, 1)
    if part[:1] == "H":
        return date(year, 6 * int(part[1]) - 5, 1)
    if part[:1] == "W":
        return date.fromisocalendar(year, int(part[1:]), 1)
    month, _sign, day = part.partition("-")
    return date(year, int(month or 1), int(day or 1))


def _last_day(value: str) -> date:
    first, part = _first_day(value), value[5:]
    if part[:1] == "W":
        return first + timedelta(days=6)
    if len(part) == 5:
        return first
    months = {"Q": 3, "H": 6}.get(part[:1], 1 if part else 12)
    later = first.month - 1 + months
    after = first.year + later // 12
    return date(after, later % 12 + 1, 1) - timedelta(days=1) if after < 10000 else date(9999, 12, 31)


def _day(published_at: str) -> date | None:
    try:
        return date.fromisoformat(published_at[:10])
    except ValueError:
        return None


def _one(words: str, day: date | None) -> str | None:
    for pattern, made in _RULES:
        if found := pattern.fullmatch(words):
            try:
                value = made(found, day)
            except (ValueError, OverflowError):
                return None
            return value if value and check(value) else None
    return None


def _interval(words: str, day: date | None) -> str | None:
    """Two dates with a word or a dash between them; the second one may lend its year to the first."""
    for sign in (" to ", " and ", "至", "到", " - ", " – ", "–", "—", "~", "-"):
        left, found, right = words.partition(sign)
        if not found or not left.strip() or not right.strip() or sign in right:
            continue
        left, right = _lent(re.sub(r"^(?:from|between|从|自) ?", "", left).strip(), right.strip())
        one, other = _one(left, day), _one(right, day)
        if one and other and check(f"{one}/{other}"):
            return f"{one}/{other}"
    return None


def _lent(left: str, right: str) -> tuple[str, str]:
    """Both ends with the month and year that only one of them names: 2017年1 and 6月, 10月22日 and 30日, October and May 2017."""
    if re.fullmatch(rf"(?:{_ZH_YEAR})?(?:{_NUMERAL})", left) and right.endswith("月"):
        left += "月"
    if re.fullmatch(f"(?:{_DATE})[日号]", right) and (month := re.match(".*月", left)):
        right = month[0] + right
    if bool(_NAMES_YEAR.search(left)) == bool(_NAMES_YEAR.search(right)):
        return left, right
    full = left if _NAMES_YEAR.search(left) else right
    if zh := re.match(_ZH_YEAR, full):
        return (left, zh[0] + right) if full == left else (zh[0] + left, right)
    if (year := re.search("[0-9]{4}", full)) and not re.search("[0-9]$", left if full == right else right):
        return (left, f"{right} {year[0]}") if full == left else (f"{left} {year[0]}", right)
    if year:
        return (left, f"{right}, {year[0]}") if full == left else (f"{left}, {year[0]}", right)
    return left, right


# -- Parts -----------------------------------------------------------------------------------------------------------


def _year(words: str) -> int:
    """2017, or 17 and 98 as one says them."""
    year = int(words)
    return year if len(words) > 2 else year + (2000 if year < 70 else 1900)


def _zh_year(found: re.Match[str], day: date | None) -> int | None:
    if found[1]:
        return _year(found[1])
    return day.year + YEARS_AWAY[found[2]] if day else None


def _numeral(words: str) -> int:
    """31, 三十一, 十, 三."""
    if words.isdecimal() and words.isascii():
        return int(words)
    tens, sign, ones = words.rpartition(TEN)
    return (DIGITS.get(tens, 1) * 10 if sign else 0) + DIGITS.get(ones, 0)


def _month(words: str) -> int:
    return next(place for place, name in enumerate(MONTHS, 1) if name.startswith(words.rstrip(".")[:3]))


def _iso_week(day: date) -> str:
    year, week, _weekday = day.isocalendar()
    return f"{year:04}-W{week:02}"


def _nearest(part: str, day: date | None) -> str | None:
    """The value of that part of a year (10, 10-15, Q3) whose middle is nearest to the day; the first half is this year's."""
    if day is None or part == "H1":
        return f"{day.year:04}-H1" if day else None

    def away(value: str) -> int:
        first, last = _first_day(value), _last_day(value)
        return abs((first - day).days + (last - day).days)

    near = [f"{year:04}-{part}" for year in (day.year, day.year - 1, day.year + 1)]
    return min(filter(check, near), key=away, default=None)


def _months_away(day: date, months: int) -> str:
    whole = day.year * 12 + day.month - 1 + months
    return f"{whole // 12:04}-{whole % 12 + 1:02}"


def _period(unit: str, away: int, day: date) -> str:
    """The day, week, month, quarter or year that many of them from this one."""
    if unit == "day":
        return (day + timedelta(days=away)).isoformat()
    if unit == "week":
        return _iso_week(day + timedelta(weeks=away))
    if unit == "month":
        return _months_away(day, away)
    if unit == "quarter":
        whole = day.year * 4 + (day.month - 1) // 3 + away
        return f"{whole // 4:04}-Q{whole % 4 + 1}"
    return f"{day.year + away:04}"


def _weekday(name: int, away: int, day: date) -> str:
    """next: the first one behind the day; last: the last one before it; this: that of the week."""
    gap = name - day.isoweekday()
    if away > 0:
        gap = gap if gap > 0 else gap + 7
    if away < 0:
        gap = gap if gap < 0 else gap - 7
    return (day + timedelta(days=gap)).isoformat()


# -- Rules, the first that fits decides ------------------------------------------------------------------------------

Rule = Callable[[re.Match[str], date | None], str | None]


def _iso(found: re.Match[str], _day: date | None) -> str | None:
    return f"{found[1]}-{int(found[2]):02}" + (f"-{int(found[3]):02}" if found[3] else "")


def _slashed(found: re.Match[str], _day: date | None) -> str | None:
    """Day and month in either order, where only one order is a date."""
    one, other, year = int(found[1]), int(found[2]), _year(found[3])
    if (one > 12) == (other > 12) and one != other:
        return None
    month, day = (other, one) if one > 12 else (one, other)
    return f"{year:04}-{month:02}-{day:02}"


def _in_year(part: str, year: str | None, day: date | None) -> str | None:
    return f"{_year(year):04}-{part}" if year else _nearest(part, day)


def _en_month(found: re.Match[str], day: date | None) -> str | None:
    return _in_year(f"{_month(found[1]):02}", found[2], day)


def _en_month_day(found: re.Match[str], day: date | None) -> str | None:
    return _in_year(f"{_month(found[1]):02}-{int(found[2]):02}", found[3], day)


def _en_day_month(found: re.Match[str], day: date | None) -> str | None:
    return _in_year(f"{_month(found[2]):02}-{int(found[1]):02}", found[3], day)


def _quarter(found: re.Match[str], day: date | None) -> str | None:
    return _in_year(f"{found['sign'].upper()}{found['n']}", found["year"], day)


def _ordinal_part(found: re.Match[str], day: date | None) -> str | None:
    n = ORDINALS[found[1]]
    if found[2] == "half":
        return _in_year(f"H{2 if n == 4 else n}", found[3], day) if n in (1, 2, 4) else None
    return _in_year(f"Q{n}", found[3], day)


def _nine_months(found: re.Match[str], day: date | None) -> str | None:
    last = {"three": 1, "six": 2, "nine": 3}[found[1]]
    quarter = _in_year(f"Q{last}", found[2], day)
    return f"{quarter[:4]}-Q1/{quarter}" if quarter else None


def _years_end(found: re.Match[str], day: date | None) -> str | None:
    year = found[1] or found[2]
    return f"{_year(year):04}-12" if year else f"{day.year:04}-12" if day else None


def _ago(found: re.Match[str], day: date | None) -> str | None:
    n = COUNTS.get(found[1]) or int(found[1])
    return _period(found[2], -n, day) if day else None


def _ahead(found: re.Match[str], day: date | None) -> str | None:
    n = COUNTS.get(found[1]) or int(found[1])
    return _period(found[2], n, day) if day else None


def _relative(found: re.Match[str], day: date | None) -> str | None:
    if day is None:
        return None
    if found[2] in DAYS:
        return _weekday(DAYS.index(found[2]) + 1, AWAY[found[1]], day)
    return _period(found[2], AWAY[found[1]], day)


def _zh_date(found: re.Match[str], day: date | None) -> str | None:
    year = _zh_year(found, day)
    if year is None:
        return None
    month, date_ = found["month"], found["day"]
    return f"{year:04}" + (f"-{_numeral(month):02}" if month else "") + (f"-{_numeral(date_):02}" if date_ else "")


def _zh_part(found: re.Match[str], day: date | None) -> str | None:
    """A quarter, half, run of quarters or the end of a year that is named or not."""
    year = _zh_year(found, day) if found[1] or found[2] else None
    if (found[1] or found[2]) and year is None:
        return None
    written = f"{year:04}" if year is not None else None
    if found["half"]:
        return _in_year("H1" if found["half"] == "上" else "H2", written, day)
    if found["run"]:
        quarter = _in_year(f"Q{_numeral(found['run'])}", written, day)
        return f"{quarter[:4]}-Q1/{quarter}" if quarter else None
    if found["end"]:
        return f"{written}-{'01' if found['end'] == '初' else '12'}" if written else None
    return _in_year(f"Q{_numeral(found['n'])}", written, day)


def _zh_month(found: re.Match[str], day: date | None) -> str | None:
    return _nearest(f"{_numeral(found[1]):02}" + (f"-{_numeral(found[2]):02}" if found[2] else ""), day)


def _zh_relative_month(found: re.Match[str], day: date | None) -> str | None:
    if day is None:
        return None
    month = _months_away(day, AWAY[found[1]])
    return f"{month}-{_numeral(found[2]):02}" if found[2] else month


def _zh_relative_week(found: re.Match[str], day: date | None) -> str | None:
    if day is None:
        return None
    week = day + timedelta(weeks=AWAY[found[1]])
    if not found[2]:
        return _iso_week(week)
    return (week + timedelta(days=DIGITS[found[2]] - week.isoweekday())).isoformat()


def _zh_away(found: re.Match[str], day: date | None) -> str | None:
    unit = {"天": "day", "日": "day", "周": "week", "星期": "week", "个月": "month", "月": "month", "年": "year", "个季度": "quarter"}[found[2]]  # fmt: skip
    n = _numeral(found[1])
    return _period(unit, n if found[3] == "后" else -n, day) if day else None


def _away(found: re.Match[str], day: date | None) -> str | None:
    return (day + timedelta(days=DAYS_AWAY[found[0]])).isoformat() if day else None


_UNITS = "day|week|month|quarter|year"
_COUNT = "|".join([*COUNTS, "[0-9]{1,3}"])
_ALSO_YEAR = r"(?:,? (?:of |in )?(?:fiscal )?(?:year )?([0-9]{4}))?"
_SOURCES: Sequence[tuple[str, Rule]] = (
    (r"([0-9]{4})[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?", _iso),
    (r"([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4}|[0-9]{2})", _slashed),
    (r"(?:fy ?|fiscal (?:year )?|the year |year )?([0-9]{4})(?: fiscal year)?", lambda found, _day: found[1]),
    (r"fy ?['’]?([0-9]{2})", lambda found, _day: f"{_year(found[1]):04}"),
    (rf"({_MONTH})(?:,? (?:of )?([0-9]{{4}}))?", _en_month),
    (rf"({_MONTH}) ([0-9]{{1,2}})(?:st|nd|rd|th)?(?:,? ([0-9]{{4}}))?", _en_month_day),
    (rf"([0-9]{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})(?:,? ([0-9]{{4}}))?", _en_day_month),
    (
        r"(?:the )?(?P<sign>[qh])(?P<n>[1-4])(?:,? ?(?:of |in )?(?:fiscal |fy ?)?(?:year )?(?P<year>[0-9]{4}))?",
        _quarter,
    ),
    (r"(?P<sign>[qh])(?P<n>[1-4]) ?(?:fy ?)?['’]?(?P<year>[0-9]{2})", _quarter),
    (r"(?P<n>[1-4])(?P<sign>[qh])(?: |['’])?(?P<year>[0-9]{4}|[0-9]{2})?", _quarter),
    (r"(?P<year>[0-9]{4})[- ]?(?P<sign>[qh])(?P<n>[1-4])", _quarter),
    (r"(?P<year>[0-9]{4})[- ]?(?P<n>[1-4])(?P<sign>[qh])", _quarter),
    (rf"(?:the )?({'|'.join(ORDINALS)})[- ](quarter|half){_ALSO_YEAR}", _ordinal_part),
    (rf"(?:the )?first (three|six|nine) months{_ALSO_YEAR}", _nine_months),
    (
        r"(?:the )?(?:end of|end-|year[- ]end|end of the year) ?([0-9]{4})?(?: ?year[- ]end)?|([0-9]{4}) year[- ]end",
        _years_end,
    ),
    (rf"({_COUNT}) ({_UNITS})s? (?:ago|earlier)", _ago),
    (rf"in ({_COUNT}) ({_UNITS})s?(?:' time)?", _ahead),
    (rf"(?:the )?(this|last|previous|past|next|coming) ({_UNITS}|{'|'.join(DAYS)})", _relative),
    (
        rf"(?:{_ZH_YEAR})(?:(?P<month>{_NUMERAL})月份?{_PARTS}(?:(?P<day>{_DATE})[日号])?)?",
        _zh_date,
    ),
    (
        rf"(?:{_ZH_YEAR})?(?:(?P<half>[上下])半年(?:度)?|前(?P<run>[二三两23])个?季度?|年?(?P<end>初|底|末)|第?(?P<n>{_QUARTER})季度?)",
        _zh_part,
    ),
    (rf"({_NUMERAL})月份?{_PARTS}(?:({_DATE})[日号])?", _zh_month),
    (rf"(本|这|上|下)(?:个)?月(?:({_DATE})[日号])?", _zh_relative_month),
    (r"(本|这|上|下)(?:个)?(?:周|星期|礼拜)([一二三四五六日天])?", _zh_relative_week),
    (r"([0-9]{1,3}|[一二两三四五六七八九十])(天|日|周|星期|个月|年|个季度)(前|后)", _zh_away),
    ("|".join(DAYS_AWAY), _away),
)
_NAMES_YEAR = re.compile(
    f"[0-9]{{4}}|{_ZH_YEAR}|fy|year|ago|earlier|day|week|this|last|previous|past|next|coming|[qh][1-4] ?['’]?[0-9]{{2}}|[1-4][qh][ '’]?[0-9]{{2}}|[昨今明本这上下前后](?!半年)"
)
_BETWEEN = re.compile(" ?(?:to|and|至|到|[-–—~]) ?")
# A rule where it begins, up to the end of a word or number.
_FOUND = [
    re.compile(f"(?:{source})(?:(?<![0-9a-z])|(?![0-9a-z]))")
    for source in [*(source for source, _made in _SOURCES), "|".join(DAYS)]
]
_RULES = [(re.compile(source), made) for source, made in _SOURCES]
