"""The reader of each format, and the check of what it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from annotation.reading import archives, brat, folders, single
from annotation.reading.encodings import codec_for
from annotation.reading.formats import FORMATS
from annotation.reading.opening import chunks_of
from annotation.reading.row import Broken, Options, Row, Unreadable
from annotation.reading.told import Told
from annotation.text.words import _

_READERS = {**single.READERS, "brat": brat.rows, "folder": folders.rows}


def rows(
    path: str | Path,
    *,
    format: str,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    columns: Sequence[str] | None = None,
    sheet: str | None = None,
    document_per: str = "line",
    root: str | None = None,
    tags: Mapping[str, str] | None = None,
    told: Told | None = None,
) -> Iterator[Row]:
    """Stream the rows of a file; a broken record becomes a Row with a problem and reading goes on.

    `format` is one of FORMATS; a .gz of each is unpacked on the way. `encoding` None is found out. `columns` replaces
    the header, or names the cells where `header` is False or the format is txt (with `delimiter`, which then splits
    from the right: `sentence@label`). `sheet` names a worksheet, `document_per` is 'line' or 'file' (txt), `root` is
    the dotted name of the list inside a JSON object, `tags` what tags of tokens stand for (conll); into `told` goes what the file says beside its rows. Raises Unreadable at once for options that cannot be, at the first
    row for a file that is empty or not of this format. Memory is bounded except for a workbook's texts.
    """
    options = Options(encoding or "", delimiter, header, tuple(columns or ()), sheet, document_per, root, tags or {}, told=told or Told())  # fmt: skip
    return read(Path(path), format, options)


def read(path: Path, format: str, options: Options) -> Iterator[Row]:
    """`rows`, for options in one piece; those that cannot be are refused at once, an encoding not given is found."""
    if format not in _READERS:
        sentence = _('"{format}" is not a format that can be read; choose one of {formats}.')
        raise Unreadable(sentence.format(format=format, formats=", ".join(FORMATS)))
    if options.document_per not in ("line", "file"):
        raise Unreadable(_('A document can be a "line" or a "file", not "{given}".').format(given=options.document_per))
    options = dataclasses.replace(
        options,
        encoding=_encoding(path, format, options),
        delimiter=_one_delimiter(format, options.delimiter),
        columns=given(options.columns),
    )
    return _until_broken(_READERS[format](path, options))


def _encoding(path: Path, format: str, options: Options) -> str:
    """The one given or found; none for bytes that are no text, and of an archive's data files each has its own."""
    if format in (*single.BINARY, "brat"):
        return ""
    if format == "folder":
        return options.encoding
    return codec_for(archives.text_chunks(path) if format == "zip" else chunks_of(path), options.encoding)[0]


def _until_broken(found: Iterator[Row]) -> Iterator[Row]:
    last = 0
    try:
        for row in found:
            last = row.number
            yield row
    except Broken as error:
        if not last:
            raise
        yield Row(last + 1, None, _("{problem} The rows before this place were read.").format(problem=error))


def _one_delimiter(format: str, delimiter: str | None) -> str | None:
    if format not in ("csv", "tsv"):
        return delimiter or None
    delimiter = delimiter or ("\t" if format == "tsv" else ",")
    if len(delimiter) > 1 or delimiter in '"\r\n':
        sentence = _("The separator of a table is one character and no quote or line end, not {given}.")
        raise Unreadable(sentence.format(given=repr(delimiter)))
    return delimiter


def given(columns: Sequence[str] | None) -> tuple[str, ...]:
    """The column names that a person gave, without blanks around them."""
    names = tuple(name.strip() for name in columns or ())
    if len(set(names)) < len(names) or not all(names):
        raise Unreadable(_("The given column names must be different from each other and not empty."))
    return names
