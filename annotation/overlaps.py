"""PURE. How many answers an item is to have: the project's overlap, and rules that ask for more on a slice of the items."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotation.text.words import _

MOST = 20
MOST_RULES = 50
# What a rule may look at, under the names of a file's columns.
FIELDS = ("split", "source_type", "language", "issuer")
SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%")


@dataclass(frozen=True)
class Rule:
    """`overlap` answers on `share` (0 to 1) of all items, or on those whose `field` has this value."""

    overlap: int
    share: float = 0.0
    field: str = ""
    value: str = ""


def parse(text: str) -> list[Rule]:
    """Rules, one a line: “20%: 2”, “split=test: 3”, “source_type=news: 2”; raises ValueError naming the line."""
    rules = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.replace("：", ":").replace("＝", "=").strip()
        if not line:
            continue
        slice_, sign, overlap = (part.strip() for part in line.rpartition(":"))
        if not sign or not overlap.isdecimal() or not 1 <= int(overlap) <= MOST:
            sentence = _("Line {number}: “{line}” must end with : and the number of answers, 1 to {most}.")
            raise ValueError(sentence.format(number=number, line=raw.strip()[:80], most=MOST))
        field, found, value = (part.strip() for part in slice_.partition("="))
        if share := SHARE.fullmatch(slice_):
            if not 0 < float(share[1]) <= 100:
                raise ValueError(_("Line {number}: the share must lie between 0 and 100 %.").format(number=number))
            rules.append(Rule(int(overlap), share=float(share[1]) / 100))
        elif found and field in FIELDS and value:
            rules.append(Rule(int(overlap), field=field, value=value))
        else:
            sentence = _("Line {number}: “{line}” must begin with a share such as “20%”, or with one of {fields} and = and a value.")  # fmt: skip
            raise ValueError(sentence.format(number=number, line=raw.strip()[:80], fields=", ".join(FIELDS)))
    if len(rules) > MOST_RULES:
        raise ValueError(_("At most {most} rules; here are {count}.").format(most=MOST_RULES, count=len(rules)))
    return rules


def wanted(overlap: int, rules: Iterable[Rule], *, name: str, fields: Mapping[str, str]) -> int:
    """The highest of the project's overlap and of the rules that the item falls under.

    name: what tells the item apart for good, such as the id of its document: it decides whether it is among a share, so
    that the same items are, whenever it is asked, and a larger share has all of a smaller one.
    """
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48
    found = [rule.overlap for rule in rules if (fields.get(rule.field) == rule.value if rule.field else place < rule.share)]  # fmt: skip
    return max([overlap, *found])
