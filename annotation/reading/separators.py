"""Guesses which character separates the cells of a table, or a line from its label."""

from __future__ import annotations

import csv
import io
import itertools

from annotation.reading import limits
from annotation.text.words import _


def find_delimiter(text: str, format: str, said: list[str]) -> str:
    """The usual separator of the format, or another that most of the first rows agree on."""
    usual = "\t" if format == "tsv" else ","
    best, share = best_delimiter(text, "\t" if format == "tsv" and "\t" in text else ",;\t|")
    if best == usual or share < 0.6:
        return usual
    said.append(_("The cells seem to be separated by {separator}.").format(separator=_name_of(best)))
    return best


def _name_of(delimiter: str) -> str:
    return {"\t": _("a tab"), ";": _("a semicolon"), ",": _("a comma")}.get(delimiter, f'"{delimiter}"')


def best_delimiter(text: str, candidates: str) -> tuple[str, float]:
    """The delimiter that gives most rows the same number of cells, the more the better from two on; their share."""
    whole = text if len(text) < limits.HEAD // 4 else text[: limits.HEAD // 4].rpartition("\n")[0]
    scores = []
    for delimiter in candidates:
        try:
            reader = csv.reader(io.StringIO(whole, newline=None), delimiter=delimiter)
            widths = [len(cells) for cells in itertools.islice(reader, 100) if cells]
        except csv.Error:
            continue
        usual = max(set(widths), key=widths.count, default=0)
        if usual > 1 and len(widths) > 1:
            scores.append((widths.count(usual) / len(widths), usual, delimiter))
    share, _width, best = max(scores, key=lambda score: score[:2], default=(0.0, 0, ","))
    return best, share


def find_tail_delimiter(text: str, said: list[str]) -> str | None:
    """The character before a short, often repeated last part of every line, as in `sentence@label`."""
    lines = [line.strip() for line in text[: limits.HEAD // 4].rpartition("\n")[0].split("\n") if line.strip()][:500]
    for delimiter in "\t@|":
        tails = [line.rpartition(delimiter)[2].strip() for line in lines if delimiter in line]
        short = all(0 < len(tail) <= 40 for tail in tails)
        if len(lines) >= 4 and len(tails) == len(lines) and short and len(set(tails)) <= min(50, len(lines) / 2):
            sentence = _("Every line seems to end in {separator} and a label; clear the separator if not.")
            said.append(sentence.format(separator=_name_of(delimiter)))
            return delimiter
    return None
