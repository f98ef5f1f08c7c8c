"""PURE. Numbers as financial texts write them, in English and Chinese, taken whole and as values; static/js/kinds/numbers.js is the twin.

An expression is sign, currency, figures, multiplier, unit and what it is per: “-$1.2 billion”, “12.5亿元人民币”, “38.2 %”,
“25 basis points”, “1.20元/股”. A value is {number, unit, per}: number a plain decimal string, exact; unit an ISO currency,
%, bp, pp, or what is counted (shares, people, times); per what it is per. unit and per are left out where there is none.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal

# A line around a place is looked at so far.
AROUND = 160
MOST_DIGITS = 40
EXACT = Context(prec=4 * MOST_DIGITS)
NEGATIVE = ("-", "−", "–", "负", "minus")
EITHER = "±"
# Where 1.234,5 is a thousand and a half.
COMMA_LANGUAGES = ("cs", "da", "de", "el", "es", "fi", "fr", "id", "it", "nb", "nl", "no", "pl", "pt", "ru", "sv", "tr")
CURRENCIES = {
    "us$": "USD", "usd": "USD", "u.s. dollars": "USD", "us dollars": "USD", "dollars": "USD", "dollar": "USD", "美元": "USD", "美金": "USD", "澳元": "AUD", "加元": "CAD", "新加坡元": "SGD", "$": "USD",
    "hk$": "HKD", "hkd": "HKD", "港元": "HKD", "港币": "HKD", "a$": "AUD", "aud": "AUD", "c$": "CAD", "cad": "CAD", "s$": "SGD", "sgd": "SGD", "nt$": "TWD", "新台币": "TWD",
    "€": "EUR", "eur": "EUR", "euros": "EUR", "euro": "EUR", "欧元": "EUR", "£": "GBP", "gbp": "GBP", "pounds": "GBP", "英镑": "GBP",
    "¥": "CNY", "￥": "CNY", "rmb": "CNY", "cny": "CNY", "yuan": "CNY", "人民币": "CNY", "元人民币": "CNY", "元": "CNY", "jpy": "JPY", "yen": "JPY", "日元": "JPY",
    "₹": "INR", "rs.": "INR", "rs": "INR", "inr": "INR", "rupees": "INR", "chf": "CHF", "瑞士法郎": "CHF", "krw": "KRW", "韩元": "KRW", "₩": "KRW",
}  # fmt: skip
# Signs that may stand before figures; 元 and dollars only stand behind them.
BEHIND_ONLY = {"dollars", "dollar", "u.s. dollars", "us dollars", "euros", "euro", "pounds", "yuan", "yen", "rupees", "元", "元人民币"}  # fmt: skip
SCALES = {
    "trillion": 12, "trn": 12, "tn": 12, "billion": 9, "bln": 9, "bn": 9, "b": 9, "million": 6, "mln": 6, "mn": 6, "m": 6,
    "thousand": 3, "k": 3, "hundred": 2, "lakh crores": 12, "lakh crore": 12, "crores": 7, "crore": 7, "cr": 7, "lakhs": 5, "lakh": 5,
    "万亿": 12, "千亿": 11, "百亿": 10, "十亿": 9, "亿": 8, "千万": 7, "百万": 6, "十万": 5, "万": 4, "千": 3, "百": 2,
}  # fmt: skip
# Short ones are multipliers only right behind the figures.
CLOSE_ONLY = {"b", "m", "k"}
UNITS = {
    "percentage points": "pp", "percentage point": "pp", "个百分点": "pp", "百分点": "pp", "pct pts": "pp", "pct pt": "pp", "ppts": "pp", "ppt": "pp", "pp": "pp",
    "per cent": "%", "percent": "%", "pct": "%", "%": "%", "％": "%", "‰": "‰",
    "basis points": "bp", "basis point": "bp", "bps": "bp", "bp": "bp", "个基点": "bp", "基点": "bp",
    "times": "times", "倍": "times", "x": "times", "shares": "shares", "share": "shares", "股": "shares",
    "people": "people", "employees": "people", "人": "people", "户": "households", "家": "companies", "吨": "t", "tonnes": "t", "tons": "t",
    "barrels": "bbl", "桶": "bbl", "ounces": "oz", "盎司": "oz",
}  # fmt: skip
PERS = {
    "share": "share", "股": "share", "year": "year", "annum": "year", "年": "year", "month": "month", "月": "month", "quarter": "quarter", "季": "quarter",
    "day": "day", "天": "day", "日": "day", "hour": "hour", "小时": "hour", "ounce": "oz", "盎司": "oz", "barrel": "bbl", "桶": "bbl", "ton": "t", "tonne": "t", "吨": "t", "unit": "unit", "person": "person", "人": "person",
}  # fmt: skip
DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
PLACES = {"十": 1, "百": 2, "千": 3, "万": 4, "亿": 8}
SHARES = {"百分之": "%", "千分之": "‰"}
# One sign alone is a number only with one of these: 一家 and 一人 are words.
MEASURED = {"倍", "元", "美元", "美金", "港元", "欧元", "英镑", "日元", "个百分点", "百分点", "个基点", "基点"}
# Wide signs as the narrow ones, sign for sign, so that places stay.
NARROW = {place: place - 0xFEE0 for place in range(0xFF01, 0xFF5F)} | dict.fromkeys((0x3000, 0xA0, 0x2009, 0x202F), 0x20) | {0xFFE5: 0xA5, 0xFFE1: 0xA3}  # fmt: skip


def _any(words: Mapping[str, object] | set[str] | list[str]) -> str:
    """One of these words, the longest first; a word of letters ends where the letters end."""
    listed = sorted(words, key=len, reverse=True)
    return "|".join(
        re.escape(word) + (r"(?![a-z])" if word[-1].isascii() and word[-1].isalpha() else "") for word in listed
    )


_BEFORE = _any([sign for sign in CURRENCIES if sign not in BEHIND_ONLY])
_SIGN = rf"(?:[+−–{EITHER}负-]\s?|minus\s)"
_FIGURES = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3})(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
)
_COMMAS = r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"
_SCALE = _any([word for word in SCALES if word not in CLOSE_ONLY])
_ZH_SCALE = _any([word for word in SCALES if not word.isascii()])
_SPOKEN = "[零〇一二两三四五六七八九十百千万亿]{1,20}(?:点[零〇一二两三四五六七八九]{1,10}[百千万亿]{0,2})?"
_PIECE = rf"[0-9]+(?:\.[0-9]+)?(?:{_ZH_SCALE})"
_MIXED = rf"{_PIECE}(?:(?:{_PIECE})+(?:[0-9]{{2,8}})?|[0-9]{{2,8}})"
_EXPRESSION = re.compile(
    rf"(?P<open>\(\s?)?(?:(?:每|per\s)(?P<each>{_any(PERS)})\s?)?(?:(?<![0-9%)a-z正])(?P<sign>{_SIGN}))?(?:(?<![a-z])(?P<before>{_BEFORE})\s?(?P<sign2>{_SIGN})?)?(?P<share>{_any(SHARES)})?"
    rf"(?:(?P<mixed>{_MIXED})|(?P<commas>{_COMMAS})|(?P<figures>{_FIGURES})(?:(?P<close>{_any(CLOSE_ONLY)})|[\s-]?(?P<scale>{_SCALE})(?![克瓦米]))?|(?P<spoken>{_SPOKEN}))"
    rf"(?:\s?(?P<after>{_any(CURRENCIES)})(?P<tail>人民币)?|\s?(?P<unit>{_any(UNITS)}))?"
    rf"(?:\s?(?:per|a|an|each|/|每)\s?(?P<per>{_any(PERS)})|\s?(?P<annual>p\.a\.))?(?P<shut>\s?\))?",
    re.IGNORECASE | re.ASCII,
)
_PART = re.compile(rf"([0-9]+(?:\.[0-9]+)?)({_ZH_SCALE})?")


def find(text: str, at: int) -> tuple[int, int] | None:
    """The extent of the whole expression that covers or touches the place, code points; None where there is none."""
    low, high = max(0, at - AROUND), at + AROUND
    for start, end in _expressions(text[low:high]):
        if low + start <= at <= low + end:
            return low + start, low + end
    return None


def _expressions(text: str) -> Iterator[tuple[int, int]]:
    """All extents in a short text, in order."""
    narrow, place = text.translate(NARROW), 0
    while found := _EXPRESSION.search(narrow, place):
        start, end = found.span()
        place = max(end, place + 1)
        if not _is_number(found):
            continue
        if not _in_brackets(found):
            start = found.end("open") if found["open"] else start
            end = found.start("shut") if found["shut"] else end
        yield start, end


def _is_number(found: re.Match[str]) -> bool:
    """Whether a sign that is also a word stands with what makes it a number."""
    alone = len(found["spoken"] or "  ") == 1
    return not alone or bool(found["share"]) or (found["after"] or found["unit"]) in MEASURED


def _in_brackets(found: re.Match[str]) -> bool:
    """Whether brackets around it say minus, as in accounts; around a year or a share they are brackets."""
    amount = found["before"] or found["after"] or re.search("[.,]", found["figures"] or "")
    return bool(found["open"] and found["shut"] and amount and not found["unit"])


def parse(quote: str, language: str = "") -> dict[str, str] | None:
    """The value of an expression; None where the words hold no number, more than one, or one with ±.

    A language of COMMA_LANGUAGES has commas before decimals; ¥ is the yen in Japanese.
    """
    words = quote[:AROUND].translate(NARROW).strip(" \t\n\r")
    if len(quote) > AROUND or not words:
        return None
    if language[:2] in COMMA_LANGUAGES and re.search(r"[0-9]", words):
        words = words.replace(".", "\x00").replace(",", ".").replace("\x00", ",")
    found = _EXPRESSION.fullmatch(words)
    if not found or not _is_number(found) or ((found["open"] or found["shut"]) and not _in_brackets(found)):
        return None
    signs = [sign.strip().lower() for sign in (found["sign"], found["sign2"]) if sign]
    number = _number(found)
    if number is None or EITHER in signs or len(signs) > 1:
        return None
    negative = bool(found["open"]) != any(sign in NEGATIVE for sign in signs)
    value = {"number": _plain(number.copy_negate() if negative else number)}
    if unit := _unit(found, language):
        value["unit"] = unit
    per = PERS.get((found["per"] or found["each"] or "").lower(), "year" if found["annual"] else "")
    return {**value, "per": per} if per else value


def _unit(found: re.Match[str], language: str) -> str:
    """The currency, or what is counted; '' for none."""
    if found["tail"]:
        return "CNY"
    sign = (found["before"] or found["after"] or "").lower()
    if sign == "¥" and language[:2] == "ja":
        return "JPY"
    unit = CURRENCIES[sign] if sign else UNITS.get((found["unit"] or "").lower(), "")
    return unit or SHARES.get(found["share"] or "", "")


def _number(found: re.Match[str]) -> Decimal | None:
    """What the figures say with their multiplier."""
    if found["spoken"]:
        return _spoken(found["spoken"])
    written = found["mixed"] or found["figures"]
    if not written or sum(sign.isdigit() for sign in written) > MOST_DIGITS:
        return None
    if found["mixed"]:
        return _mixed(written)
    word = found["close"] or found["scale"]
    return _scaled(written.replace(",", ""), SCALES[word.lower()] if word else 0)


def _scaled(figures: str, power: int) -> Decimal:
    return Decimal(figures).scaleb(power, context=EXACT)


def _mixed(words: str) -> Decimal | None:
    """3亿2千万 -> 320000000; None where a part is not smaller than the place before it."""
    total, least = Decimal(0), 0
    for figures, sign in _PART.findall(words):
        part = _scaled(figures, SCALES.get(sign, 0))
        if least and part >= Decimal(10) ** least:
            return None
        total, least = EXACT.add(total, part), SCALES.get(sign, 0)
    return total


def _spoken(words: str) -> Decimal | None:
    """三千二百 -> 3200, 三点五亿 -> 350000000; None where the signs do not make a number."""
    whole, _point, behind = words.partition("点")
    number = _spoken_whole(whole)
    if number is None or not behind:
        return None if number is None else Decimal(number)
    digits = "".join(str(DIGITS[sign]) for sign in behind if sign in DIGITS)
    return _scaled(f"{number}.{digits}", sum(PLACES.get(sign, 0) for sign in behind))


def _spoken_whole(words: str) -> int | None:
    """三千二百 and 三千二 -> 3200, 二〇一七 -> 2017."""
    if all(sign in DIGITS for sign in words):
        return int("".join(str(DIGITS[sign]) for sign in words))
    whole = total = section = digit = 0
    for sign in words:
        if sign in DIGITS:
            if digit:
                return None
            digit = DIGITS[sign]
        elif PLACES[sign] < 4:
            if section and section < 10 ** (PLACES[sign] + 1):
                return None
            section, digit = section + (digit or 1) * 10 ** PLACES[sign], 0
        elif sign == "万":
            total, section, digit = total + (section + digit or 1) * 10_000, 0, 0
        elif whole and not total + section + digit:
            return None
        else:
            whole, total, section, digit = whole + (total + section + digit or 1) * 100_000_000, 0, 0, 0
    # 两万三 is short for 两万三千.
    place = PLACES.get(words[-2], 0) if digit else 0
    return whole + total + section + digit * int(10 ** max(0, place - 1))


def _plain(number: Decimal) -> str:
    """Without exponent, and without zeros that say nothing."""
    words = format(number, "f")
    words = words.rstrip("0").rstrip(".") if "." in words else words
    return words if number else "0"
