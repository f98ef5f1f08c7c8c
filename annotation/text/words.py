"""PURE. The hook through which files that know no Django have their sentences translated; English without it."""

from collections.abc import Callable


def _same(text: str) -> str:
    return text


translator: Callable[[str], str] = _same


def install(function: Callable[[str], str]) -> None:
    """Have every sentence from here on translated by `function`, which takes the English one with its {placeholders}."""
    global translator
    translator = function


def _(text: str) -> str:
    """The sentence in the reader's language; fill its {placeholders} afterwards, with `.format(name=...)`."""
    return translator(text)


def gettext_noop(text: str) -> str:
    """The sentence as it is, marked for the translators: for constants, which `_` translates where they are shown."""
    return text
