"""What a form sent, as text that every database takes."""

from typing import Any

from django.utils.translation import gettext as _


def text(data: Any, name: str, default: str = "") -> str:
    """The field without NUL characters, which PostgreSQL refuses in texts and in JSON."""
    return str(data.get(name, default)).replace("\x00", "")


def whole(words: str, name: str) -> int:
    """A whole number of a form; raises ValueError naming the field."""
    plain = words.strip()
    if not (plain.isdecimal() and len(plain) < 10):
        raise ValueError(_("%(field)s must be a whole number.") % {"field": name})
    return int(plain)
