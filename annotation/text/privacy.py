"""PURE. Private data in English and Chinese texts: where it stands, by pattern, checksum and context, and its masking.

What a finance text is about is no private data and wins over any pattern: amounts, dates, tickers, security and company
numbers. Values are never kept or logged: a hit is a place and a kind.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import phonenumbers
from stdnum import iban, isin, lei, luhn
from stdnum.cn import ric, uscc
from stdnum.us import ssn

from annotation.text.words import gettext_noop

# Raised whenever other places are found than before, so that texts are looked through anew.
VERSION = 1
# `\b` takes Chinese characters for letters, so that nothing between them would be found.
BEFORE, AFTER = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
NEAR = 24


class Hit(NamedTuple):
    """text[start:end], code points, is private data of this kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Kind:
    """A kind of private data. title: its name for people, translated where it is shown; placeholder: what masks it."""

    title: str
    placeholder: str
    find: Callable[[str], Iterable[tuple[int, int]]]


@dataclass(frozen=True)
class Masked:
    """text: the text with placeholders; moves: (start, end, start, end) of each hit, before and after, in order."""

    text: str
    moves: tuple[tuple[int, int, int, int], ...]

    def place(self, offset: int, *, is_end: bool = False) -> int:
        """Where a place of the text lies after masking; inside a hit a start is its beginning and an end its end."""
        shift = 0
        for start, end, new_start, new_end in self.moves:
            if offset < start or (offset == start and not is_end):
                break
            if offset < end or (offset == start and is_end):
                return new_start if not is_end or offset == start else new_end
            shift = new_end - end
        return offset + shift


def find(text: str, *, kinds: Iterable[str] | None = None) -> list[Hit]:
    """All private data in a text, in order, never overlapping: the longer hit wins, then the kind that stands first.

    kinds: names of KINDS to look for; None looks for all.
    """
    wanted = KINDS if kinds is None else {name: KINDS[name] for name in KINDS if name in set(kinds)}
    if not _MAYBE.search(text):
        return []
    spared, covered = bytearray(len(text)), bytearray(len(text))
    for start, end in _spared(text):
        spared[start:end] = b"\1" * (end - start)
    order = {name: place for place, name in enumerate(KINDS)}
    found = [Hit(start, end, name) for name, kind in wanted.items() for start, end in kind.find(text)]
    found.sort(key=lambda hit: (hit.start - hit.end, order[hit.kind], hit.start))
    taken: list[Hit] = []
    for hit in found:
        place = slice(hit.start, hit.end)
        if not any(covered[place]) and (hit.kind in _SURE or not any(spared[place])):
            covered[place] = b"\1" * (hit.end - hit.start)
            taken.append(hit)
    return sorted(taken)


def mask(text: str, hits: Iterable[Hit]) -> Masked:
    """The hits replaced by [KIND_1], [KIND_2] …: the same value has the same number wherever it stands in the text.

    Raises ValueError where hits overlap or lie outside of the text.
    """
    pieces: list[str] = []
    moves: list[tuple[int, int, int, int]] = []
    numbers: dict[tuple[str, str], int] = {}
    given: Counter[str] = Counter()
    done = length = 0
    for start, end, kind in sorted(hits):
        if not done <= start < end <= len(text):
            raise ValueError(f"The hit [{start}, {end}) overlaps another one or lies outside of the text.")
        value = (kind, same(kind, text[start:end]))
        if value not in numbers:
            given[kind] += 1
            numbers[value] = given[kind]
        word = f"[{KINDS[kind].placeholder}_{numbers[value]}]"
        pieces += [text[done:start], word]
        length += start - done
        moves.append((start, end, length, length + len(word)))
        length += len(word)
        done = end
    return Masked("".join([*pieces, text[done:]]), tuple(moves))


def masking(text: str, *, kinds: Iterable[str] | None = None) -> list[tuple[int, int, str]]:
    """The masking of all that `find` finds, as edits (see text/offsets.py)."""
    hits = find(text, kinds=kinds)
    if not hits:
        return []
    masked = mask(text, hits)
    return [(start, end, masked.text[low:high]) for start, end, low, high in masked.moves]


def same(kind: str, value: str) -> str:
    """What two values must share to count as the same: letters of any case, and any way of grouping a number."""
    return value.casefold() if kind == "email" else re.sub(r"[\s().-]", "", value).casefold()


def placeholder(kind: str, number: int) -> str:
    """What stands in a masked text, such as [EMAIL_1]."""
    return f"[{KINDS[kind].placeholder}_{number}]"


# -- What is looked for -------------------------------------------------------------------------------------------

# Without a digit or an @ there is nothing to find.
_MAYBE = re.compile(r"@|\d.*\d.*\d.*\d", re.DOTALL)


def _near(text: str, start: int, end: int, words: re.Pattern[str], reach: int = NEAR) -> bool:
    """Whether one of the words stands before the place, on the same line, or right after it."""
    line = text.rfind("\n", 0, start) + 1
    return bool(words.search(text, max(line, start - reach), start) or words.search(text, end, min(end + 8, len(text))))


def _matches(
    pattern: re.Pattern[str], text: str, valid: Callable[[str], bool], context: re.Pattern[str] | None = None
) -> Iterator[tuple[int, int]]:
    for found in pattern.finditer(text):
        start, end = found.span(1)
        if valid(found[1]) and (context is None or _near(text, start, end, context)):
            yield start, end


_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])([A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24})(?![A-Za-z0-9-])"
)
_RESIDENT = re.compile(BEFORE + r"([1-9]\d{16}[\dXx])" + AFTER)
_OLD_RESIDENT = re.compile(BEFORE + r"([1-9]\d{14})" + AFTER)
_RESIDENT_WORDS = re.compile(
    r"身份证|身份號|身分證|公民身份|证件号|ID (?:card|number|no)|resident id|citizen id", re.IGNORECASE
)
_MOBILE = re.compile(
    r"(?<![A-Za-z0-9.+])((?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4})" + r"(?![A-Za-z0-9]|[.,]\d)"
)
_CARD = re.compile(r"(?<![A-Za-z0-9.])([3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,4}(?:[ -]?\d{1,3})?)(?![A-Za-z0-9]|[.,]\d)")
_CARD_WORDS = re.compile(
    r"卡号|银行卡|信用卡|借记卡|账号|帐号|账户|card|account|visa|mastercard|amex|a/c", re.IGNORECASE
)
_PASSPORT = re.compile(BEFORE + r"([A-Za-z]{1,2}\d{7,8}|\d{9})" + AFTER)
_PASSPORT_WORDS = re.compile(r"护照|護照|passport", re.IGNORECASE)
_IBAN = re.compile(BEFORE + r"([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)" + AFTER)
_SSN = re.compile(BEFORE + r"((?:\d{3}-\d{2}-\d{4})|\d{9})(?![A-Za-z0-9]|-\d)")
_SSN_WORDS = re.compile(r"\bSSN\b|social security|taxpayer id", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![A-Za-z0-9.])((?:\d{1,3}\.){3}\d{1,3})(?![A-Za-z0-9]|\.\d)")
_IPV6 = re.compile(r"(?<![A-Za-z0-9:])((?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})(?![A-Za-z0-9:])")
_IP_WORDS = re.compile(r"\bIP\b|IP地址|address|host|server|登录|来源", re.IGNORECASE)
_PHONE_WORDS = re.compile(
    r"电话|電話|手机|传真|热线|联系|致电|座机|\b(?:tel|telephone|phone|fax|mobile|cell|call|contact|dial|hotline)\b",
    re.IGNORECASE,
)
_LANDLINE = re.compile(
    r"(?<![A-Za-z0-9.])(\(?0\d{2,3}\)?[ -]\d{7,8}|400[ -]\d{3}[ -]?\d{4}|800[ -]\d{3}[ -]?\d{4})" + AFTER
)


def _plausible_card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn.is_valid(digits)


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for start, end in _matches(_CARD, text, _plausible_card):
        digits = re.sub(r"\D", "", text[start:end])
        # A number of sixteen digits that passes by chance is one in ten: without a word beside it, the issuer must fit.
        known = (digits.startswith("62") and len(digits) >= 16) or re.match(
            r"4\d{15}$|5[1-5]\d{14}$|3[47]\d{13}$", digits
        )
        if known or _near(text, start, end, _CARD_WORDS):
            yield start, end


def _residents(text: str) -> Iterator[tuple[int, int]]:
    yield from _matches(_RESIDENT, text, ric.is_valid)
    yield from _matches(_OLD_RESIDENT, text, _old_resident, _RESIDENT_WORDS)


def _old_resident(value: str) -> bool:
    """Fifteen digits, before 1999: a region and a day of birth."""
    return "11" <= value[:2] <= "82" and "01" <= value[8:10] <= "12" and "01" <= value[10:12] <= "31"


def _ssns(text: str) -> Iterator[tuple[int, int]]:
    for start, end in _matches(_SSN, text, ssn.is_valid):
        if "-" in text[start:end] or _near(text, start, end, _SSN_WORDS):
            yield start, end


def _ips(text: str) -> Iterator[tuple[int, int]]:
    for start, end in _matches(_IPV4, text, _address):
        # 3.2.1.4 may be a section or a version; an address has larger parts, or a word beside it.
        if (text[start] != "0" and any(int(part) > 31 for part in text[start:end].split("."))) or _near(
            text, start, end, _IP_WORDS
        ):
            yield start, end
    for start, end in _matches(_IPV6, text, _address):
        if any(sign.isdigit() for sign in text[start:end]) and len(text[start:end]) > 5:
            yield start, end


def _address(value: str) -> bool:
    try:
        return not ipaddress.ip_address(value).is_unspecified
    except ValueError:
        return False


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for start, end in _matches(_LANDLINE, text, lambda value: True):
        yield start, end
    for region in ("US", "CN"):
        leniency = phonenumbers.Leniency.VALID
        for found in phonenumbers.PhoneNumberMatcher(text, region, leniency=leniency, max_tries=1000):
            written = found.raw_string.lstrip("[（【")
            start = found.end - len(written)
            sure = written.startswith(("+", "(")) or _near(text, start, found.end, _PHONE_WORDS)
            if sure and len(re.sub(r"\D", "", written)) >= 7:
                yield start, found.end


KINDS: dict[str, Kind] = {
    "email": Kind(gettext_noop("E-mail address"), "EMAIL", partial(_matches, _EMAIL, valid=lambda value: ".." not in value)),
    "resident_id": Kind(gettext_noop("Chinese resident identity number"), "ID", _residents),
    "iban": Kind(gettext_noop("International bank account number (IBAN)"), "IBAN", partial(_matches, _IBAN, valid=iban.is_valid)),
    "card": Kind(gettext_noop("Bank card number"), "CARD", _cards),
    "mobile": Kind(gettext_noop("Chinese mobile number"), "PHONE", partial(_matches, _MOBILE, valid=lambda value: True)),
    "ssn": Kind(gettext_noop("US social security number"), "SSN", _ssns),
    "passport": Kind(gettext_noop("Passport number"), "PASSPORT", partial(_matches, _PASSPORT, valid=lambda value: True, context=_PASSPORT_WORDS)),
    "phone": Kind(gettext_noop("Telephone number"), "PHONE", _phones),
    "ip": Kind(gettext_noop("Internet address (IP)"), "IP", _ips),
}  # fmt: skip

# -- What a finance text is about ---------------------------------------------------------------------------------

# An address is one whatever stands beside it, and an IBAN has a checksum of its own.
_SURE = {"email", "iban"}
_MONEY = r"(?:US\$|HK\$|RMB|CNY|USD|EUR|GBP|JPY|HKD|CHF|SEK|NOK|DKK|[$€£¥￥])"
_UNIT = (
    r"(?:%|％|percent|per cent|million|billion|trillion|thousand|mn\b|bn\b|m\b|shares|basis points|bps|"
    r"元|万|亿|千|百分|股|美元|港元|人民币|吨|户|人次|手|点)"
)
_SPARED = [
    re.compile(_MONEY + r"\s?\d[\d.,  ]{0,40}", re.IGNORECASE),
    re.compile(r"(?<![\d.,])\d[\d.,]{0,40}\s?" + _UNIT, re.IGNORECASE),
    re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3}){1,8}(?:\.\d{1,9})?(?!\d)"),
    re.compile(r"(?<![\d.])(?:19|20)\d{2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?!\d)"),
    # Accession numbers of filings, and numbers that say what they are.
    re.compile(r"(?<!\d)\d{10}-\d{2}-\d{6}(?!\d)"),
    re.compile(
        r"(?:CIK|CUSIP|SEDOL|ISIN|LEI|accession|commission file|file no|order no|invoice|股票代码|证券代码|基金代码|股份代号|"
        r"统一社会信用代码|信用代码|注册号|合同编号|公告编号)[^\w\n]{0,4}(?:number|no\.?|#)?[^\w\n]{0,4}[A-Za-z0-9-]{4,24}",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![A-Za-z0-9])\d{4,6}\.(?:SH|SZ|BJ|HK|SS|US|T|L)(?![A-Za-z0-9])", re.IGNORECASE),
]
_CODE = re.compile(BEFORE + r"([A-Z0-9]{12,20})" + AFTER)


def _spared(text: str) -> list[tuple[int, int]]:
    """The stretches that are amounts, dates or public numbers of companies and securities."""
    found = [match.span() for pattern in _SPARED for match in pattern.finditer(text)]
    for match in _CODE.finditer(text):
        code = match[1]
        # A resident number of eighteen digits may look like a company's: that of a person, with its day, goes first.
        if isin.is_valid(code) or lei.is_valid(code) or (uscc.is_valid(code) and not ric.is_valid(code)):
            found.append(match.span())
    return found
