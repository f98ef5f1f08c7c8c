"""Finds a file's encoding and decodes it, so that bytes which are no text are found again at their place."""

from __future__ import annotations

import codecs
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator

from charset_normalizer import from_bytes

from annotation.reading import limits
from annotation.reading.opening import beginning
from annotation.reading.row import Options, Unreadable
from annotation.text.words import _

_BAD, _END = "\udc00", "\udc01"  # decoders never make lone surrogates, so these can mark a place and carry its offset
_MARKS = re.compile(f"{_BAD}([0-9]+){_END}")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Of each kind the first that fits: the second adds characters of Windows to the first.
_CANDIDATES = (("gb18030",), ("big5", "cp950"), ("shift_jis", "cp932"), ("cp1252", "latin-1"))
_SELDOM = frozenset(range(0x81, 0x91)) - {0x85}  # seldom in Western text, common in Japanese
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "utf-8-sig": "utf-8"}
_NOT_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    """Error handler of codecs: a mark with the distance of the undecodable bytes from the end of what was decoded."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return f"{_BAD}{len(error.object) - error.start}{_END}", error.end


codecs.register_error("assay.mark", _mark_bytes)


def decoded(chunks: Iterable[bytes], options: Options) -> Iterator[str]:
    """Text of the chunks without BOM, counted as work; undecodable bytes become a mark with their offset in the file."""
    decoder = codecs.getincrementaldecoder(options.encoding)("assay.mark")
    fed, start = 0, True
    for chunk in itertools.chain(chunks, (b"",)):
        fed += len(chunk)
        text = decoder.decode(chunk, not chunk)
        if _BAD in text:
            text = _MARKS.sub(functools.partial(_absolute, fed), text)
        if text and start:
            text, start = text.removeprefix("\ufeff"), False
        if text:
            options.work.spend(len(text))
            yield text


def _absolute(fed: int, mark: re.Match[str]) -> str:
    return f"{_BAD}{fed - int(mark[1])}{_END}"


def byte_problem(text: str, encoding: str) -> str | None:
    """What is wrong with the characters of a piece of text, or None; the sentence goes on from a place and a colon."""
    if _BAD in text:
        found = _MARKS.search(text)
        if not found:
            sentence = _("not valid {encoding}. Choose the encoding of the file, or correct this place.")
            return sentence.format(encoding=encoding)
        sentence = _(
            "not valid {encoding} at byte {byte} of the file. Choose the encoding of the file, or correct this place."
        )
        return sentence.format(encoding=encoding, byte=f"{int(found[1]):,}")
    if "\0" in text:
        return _("holds a NUL character, which no text has. Remove it.")
    return None


def codec_for(chunks: Iterator[bytes], name: str | None) -> tuple[str, str | None]:
    """The codec to use for what is called by this name, or by none, and a sentence where it was guessed."""
    if not name:
        return _detect(chunks)
    try:
        codec = codecs.lookup(name).name.lower()
        "\n".encode(codec)
    except (LookupError, ValueError, UnicodeError) as error:
        raise _unknown_encoding(name) from error
    if codec.replace("_", "-") in _NOT_CHARSETS:
        raise _unknown_encoding(name)
    if codec in ("utf-16", "utf-32"):
        return bom(beginning(chunks, 4)) or f"{codec}-le", None
    return _WIDER.get(codec, codec), None


def _unknown_encoding(name: str) -> Unreadable:
    sentence = _('"{name}" is not the name of an encoding; use for example utf-8, gb18030, big5 or cp1252.')
    return Unreadable(sentence.format(name=name))


def bom(head: bytes) -> str | None:
    """The codec that a byte order mark stands for."""
    return next((codec for mark, codec in _BOMS if head.startswith(mark)), None)


def _detect(chunks: Iterator[bytes]) -> tuple[str, str | None]:
    """BOM, then UTF-8, then UTF-16 by its zero bytes, then a guess among the plausible old encodings."""
    decoder = codecs.getincrementaldecoder("utf-8")("assay.mark")
    head = beginning(chunks, limits.CHUNK)
    if marked := bom(head):
        return marked, None
    right = wrong = seen = 0
    foreign: list[bytes] = []
    for chunk in itertools.chain((head,), chunks):
        text = decoder.decode(chunk)
        if not text.isascii():
            bad = text.count(_BAD)
            wrong += bad
            right += len(text) - len(text.encode("ascii", "ignore")) - 2 * bad
            if sum(map(len, foreign)) < limits.CHUNK:
                foreign.append(_foreign_lines(chunk, first=not foreign))
        seen += len(chunk)
        if seen > limits.SCAN or wrong > max(10_000, right):
            break
    wide = _utf16(head, valid_utf8=not wrong) if b"\0" in head else None
    if wide:
        return wide, _guessed(wide, _("sure"))
    if not wrong:
        return "utf-8", None
    if right > 4 * wrong:
        sentence = _("The file is UTF-8 but for {count} places; rows with such a place are refused.")
        return "utf-8", sentence.format(count=wrong)
    return _guess(b"\n".join(foreign))


def _foreign_lines(chunk: bytes, *, first: bool) -> bytes:
    """The lines that are not plain ASCII, without those cut at the ends of the chunk, perhaps inside a character.

    Before the first such chunk all is ASCII, so its beginning is sound.
    """
    lines = chunk.split(b"\n")[0 if first else 1 : -1]
    return b"\n".join(line for line in lines if not line.isascii()) or (chunk if first else b"")


def _utf16(head: bytes, *, valid_utf8: bool) -> str | None:
    """UTF-16 without BOM: the zero bytes of its ASCII characters stand all at odd or all at even places."""
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if valid_utf8 and sum(zeros) < len(head) / 10:
        return None
    for codec, high, low in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        if zeros[high] <= 9 * zeros[low]:
            continue
        text = codecs.getincrementaldecoder(codec)("assay.mark").decode(head)
        odd = sum(unicodedata.category(letter) in ("Cn", "Co", "Cs") for letter in text[:4000])
        if odd <= 0.02 * min(len(text), 4000):
            return codec
    return None


def _guess(sample: bytes) -> tuple[str, str]:
    """One of the old encodings, and how sure. Single high bytes among ASCII are Western; CJK bytes come in rows."""
    runs = re.findall(rb"[\x80-\xff]+", sample)
    odd = sum(byte in _SELDOM for run in runs for byte in run)
    western = sum(len(run) == 1 for run in runs) >= 0.8 * len(runs) and odd <= 0.1 * sum(map(len, runs))
    fitting = [name for names in _CANDIDATES if (name := next(filter(lambda n: fits(sample, n), names), None))]
    if western or len(fitting) == 1:
        return fitting[-1], _guessed(fitting[-1], _("fairly sure") if len(runs) > 4 else _("not sure"))
    matches = from_bytes(sample, cp_isolation=fitting, enable_fallback=False)
    best = matches.best()
    if best is None:
        return fitting[-1], _guessed(fitting[-1], _("not sure"))
    codec = next((name for name in fitting if codecs.lookup(name) == codecs.lookup(best.encoding)), fitting[-1])
    rivals = sum(match.chaos - best.chaos < 0.05 and match.coherence >= best.coherence for match in matches) - 1
    return codec, _guessed(codec, _("not sure") if rivals or sum(map(len, runs)) < 20 else _("fairly sure"))


def fits(sample: bytes, codec: str) -> bool:
    """Whether the bytes are text in it, but for a character cut off at the end."""
    try:
        codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _guessed(codec: str, how: str) -> str:
    return _(
        "The file does not say its encoding; {codec} was guessed ({how}). "
        "Choose another encoding if the preview looks wrong."
    ).format(codec=codec, how=how)
