"""PURE. Free words side by side: every answer with what it has and lacks against the one that is nearest to all."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

from annotation.alignment.rows import Aligned
from annotation.kinds import text

# Words with the blanks behind them, single characters where a script has no blanks, and signs.
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+\s*|\s+|.", re.DOTALL)  # fmt: skip
SAME, NEW, GONE = "same", "new", "gone"
# Beyond this many words an answer is shown as it is: comparing takes time in the square of the length.
COMPARED = 4000


def align(values: Sequence[Any], question: dict[str, Any]) -> Aligned:
    """`words` of the result: [(same, new or gone, words)] for each answer, () where there is none; no rows."""
    given = [value for value in values if value is not None]
    if not given:
        return Aligned(words=tuple(() for _value in values))
    middle = min(given, key=lambda one: sum(text.distance(one, other, question) for other in given))
    return Aligned(words=tuple(() if value is None else compared(middle, value) for value in values))


def compared(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """((kind, words), …): what the second text shares with the first, has anew, and lacks; in the order of reading."""
    one, other = TOKEN.findall(before), TOKEN.findall(after)
    if before == after or len(one) + len(other) > COMPARED:
        return ((SAME, after),)
    found: list[tuple[str, str]] = []
    for what, i, j, k, m in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if what == "equal":
            found.append((SAME, "".join(other[k:m])))
            continue
        found += [(GONE, "".join(one[i:j]))] if i < j else []
        found += [(NEW, "".join(other[k:m]))] if k < m else []
    return tuple(found)
