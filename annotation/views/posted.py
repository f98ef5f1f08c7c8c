"""What a form sent, as text that every database takes."""

from typing import Any


def text(data: Any, name: str, default: str = "") -> str:
    """The field without NUL characters, which PostgreSQL refuses in texts and in JSON."""
    return str(data.get(name, default)).replace("\x00", "")
