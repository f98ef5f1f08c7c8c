"""PURE. Texts that are the same or nearly so: overlapping grams, an exact search of all pairs, and clusters.

Two texts are near where the Jaccard similarity of their grams reaches a threshold. The search is exact (the prefix
filter of Chaudhuri, Ganti and Kaushik 2006: of two similar texts the rarest grams of one must meet those of the other)
and needs seconds for 100,000 short texts. Two bounds keep it so for any data: long texts are looked for by a sample of
their grams, and what that finds is measured exactly; and a text is left after 300 candidates in vain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import adler32, crc32

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from annotation.text.normal import search_form, text_key

THRESHOLD = 0.7
WORDS, SIGNS = 3, 4
# A text of more grams is looked for by a share of them, chosen by their hash, and with a threshold lower by SLACK.
LONG, SAMPLED, SLACK = 2000, 8, 0.1
# Grams that are held at a time, about 80 bytes each. Where there are more, shorter texts are sampled too, and thinner.
BUDGET, LONG_AMONG_MANY = 3_000_000, 200
BLOCK = 128
# Candidates of one text that are measured in vain before it is left: texts made to be just not similar stay affordable.
VAIN = 300
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff]")
_SIGN = re.compile(r"[^\W_]")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])\d+(?:[.,:/’'-]\d+)*")

Ids = NDArray[np.int64]


class Edge(NamedTuple):
    """Two texts by their places, a < b, that are alike. kind: 'same' (but for case, width and white space), 'near',
    or 'template' (near once every number is the same). similarity: Jaccard, in [0, 1], of what the kind compares."""

    a: int
    b: int
    similarity: float
    kind: str


@dataclass(frozen=True)
class Found:
    """clusters: places of texts that hang together, each in rising order, the first text's cluster first; only those of
    two or more. edges: why they do, enough to connect each cluster, not all pairs of it."""

    clusters: list[list[int]]
    edges: list[Edge]


def grams(text: str, *, masked: bool = False) -> list[str]:
    """Three words in a row, or four signs in a row where the script has no spaces; case, width and punctuation apart.

    masked: every number is the same one. A text of fewer words (or signs) is one gram; one without any has none.
    """
    form = search_form(text)
    if masked:
        form = _NUMBER.sub("0", form)
    signs = len(_HAN.findall(form))
    if signs * 2 > len(form.replace(" ", "")):
        parts: Sequence[str] = "".join(_SIGN.findall(form))
        size, join = SIGNS, ""
    else:
        parts, size, join = _WORD.findall(form), WORDS, " "
    if not parts:
        return []
    return [join.join(parts[at : at + size]) for at in range(max(len(parts) - size + 1, 1))]


def similarity(one: str, other: str, *, masked: bool = False) -> float:
    """The Jaccard similarity of two texts' grams; 0 where one has none."""
    left, right = set(grams(one, masked=masked)), set(grams(other, masked=masked))
    return len(left & right) / len(left | right) if left and right else 0.0


def find(texts: Iterable[str], *, threshold: float = THRESHOLD, templates: bool = True) -> Found:
    """All clusters of texts that are the same, near, or (templates) near once their numbers are masked.

    A sequence is read several times, so that one which reads from a file needs no memory for its texts; anything else is
    kept. Beyond that memory is bounded, about 300 MB.
    Raises ValueError for a threshold outside of (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"The threshold is {threshold}; it must lie above 0 and not above 1.")
    kept = texts if isinstance(texts, Sequence) else list(texts)
    joined = _Joined(len(kept))
    first: dict[str, int] = {}
    length = 0
    for place, text in enumerate(kept):
        length += len(text.encode("utf-8", "surrogatepass"))
        key = text_key(text)
        if (before := first.setdefault(key, place)) != place:
            joined.add(before, place, 1.0, "same")
    # Of the same texts one stands for all.
    unique = sorted(first.values())
    del first
    # A word has some five bytes, a Chinese sign three.
    grams_in_all = length // 4
    sampled = 1 << max((grams_in_all // BUDGET).bit_length(), 3)
    search = _Search(kept, threshold, LONG if grams_in_all <= BUDGET else LONG_AMONG_MANY, sampled, joined)
    search.near(unique, masked=False)
    if templates:
        search.near(unique, masked=True)
    return Found(joined.clusters(), sorted(joined.edges))


@dataclass(frozen=True)
class _Search:
    """A search of pairs among texts. long: from how many grams a text is sampled; sampled: one gram in so many is."""

    texts: Sequence[str]
    threshold: float
    long: int
    sampled: int
    joined: _Joined

    def near(self, places: Iterable[int], *, masked: bool) -> None:
        """Join what reaches the threshold among these texts."""
        kind = "template" if masked else "near"
        short, long = _Sets(), _Sets()
        seen: dict[bytes, int] = {}
        for place in places:
            codes = _codes(self.texts[place], masked=masked)
            # Of texts with the same grams one stands for all.
            if (before := seen.setdefault(blake2b(codes.tobytes(), digest_size=16).digest(), place)) != place:
                if len(codes):
                    self.joined.add(before, place, 1.0, kind)
                continue
            if len(codes) <= self.long:
                short.add(place, codes)
            # One that is nearly long may be like one that is.
            if len(codes) >= self.long * self.threshold:
                long.add(place, codes[codes % self.sampled == 0])
        del seen
        for a, b, value in _pairs(short, self.threshold, self.joined):
            self.joined.add(a, b, value, kind)
        for a, b, _roughly in _pairs(long, max(self.threshold - SLACK, 0.01), self.joined):
            value = similarity(self.texts[a], self.texts[b], masked=masked)
            if value >= self.threshold - 1e-9:
                self.joined.add(a, b, value, kind)


def _codes(text: str, *, masked: bool) -> NDArray[np.uint64]:
    """The grams as numbers of 64 bits, the same on every day: what is sampled must not change from run to run."""
    found = [gram.encode("utf-8", "surrogatepass") for gram in grams(text, masked=masked)]
    return np.unique(np.fromiter((adler32(gram) << 32 | crc32(gram) for gram in found), np.uint64, len(found)))


class _Sets:
    """Sets of grams, packed one after another."""

    def __init__(self) -> None:
        self.places: list[int] = []
        self.codes: list[NDArray[np.uint64]] = []

    def add(self, place: int, codes: NDArray[np.uint64]) -> None:
        if len(codes):
            self.places.append(place)
            self.codes.append(codes)


class _Joined:
    """Which places hang together so far (a forest), and the edges that did it."""

    def __init__(self, size: int) -> None:
        self.parent = np.arange(size, dtype=np.int64)
        self.edges: list[Edge] = []

    def add(self, a: int, b: int, value: float, kind: str) -> None:
        """Join two places; an edge that connects nothing new is not kept."""
        one, other = int(self.roots(np.array([a]))[0]), int(self.roots(np.array([b]))[0])
        if one != other:
            self.parent[max(one, other)] = min(one, other)
            self.edges.append(Edge(min(a, b), max(a, b), value, kind))

    def roots(self, places: Ids) -> Ids:
        """The first place of each one's cluster; ways are shortened as they are walked."""
        found = self.parent[places]
        while not np.array_equal(higher := self.parent[found], found):
            found = higher
        self.parent[places] = found
        return found

    def clusters(self) -> list[list[int]]:
        roots = self.roots(np.arange(len(self.parent), dtype=np.int64))
        counts = np.bincount(roots, minlength=len(roots)) if len(roots) else roots
        many = np.flatnonzero(counts[roots] > 1) if len(roots) else roots
        found: dict[int, list[int]] = {}
        for place in many.tolist():
            found.setdefault(int(roots[place]), []).append(place)
        return list(found.values())


def _pairs(sets: _Sets, threshold: float, joined: _Joined) -> Iterator[tuple[int, int, float]]:
    """(place, place, similarity) at or above the threshold, until what they connect is known."""
    if len(sets.places) < 2:
        return
    sizes = np.array([len(codes) for codes in sets.codes], dtype=np.int64)
    order = np.argsort(sizes, kind="stable")
    sizes, places = sizes[order], np.array(sets.places, dtype=np.int64)[order]
    whole, asked, listed = _matrices([sets.codes[row] for row in order.tolist()], sizes, threshold)
    sets.codes.clear()
    lowest = np.searchsorted(sizes, np.ceil(sizes * threshold - 1e-9))
    for start in range(0, len(sizes), BLOCK):
        stop, low = min(start + BLOCK, len(sizes)), int(lowest[start])
        shared = (asked[start:stop] @ listed[low:stop].T).tocoo()
        left, right = shared.row.astype(np.int64) + start, shared.col.astype(np.int64) + low
        kept = (right < left) & (right >= lowest[left])
        yield from _checked(left[kept], right[kept], whole, sizes, places, threshold, joined)


def _matrices(codes: list[NDArray[np.uint64]], sizes: Ids, threshold: float) -> tuple[Any, Any, Any]:
    """0/1 matrices, texts by grams: all grams that two texts share, the rarest of a text that asks, and of one listed.

    Two sets can only be similar where a gram among the size - ceil(t size) + 1 rarest of the larger is among the
    size - ceil(2t / (1 + t) size) + 1 rarest of the smaller (Xiao and others 2011, PPJoin).
    """
    flat = np.concatenate(codes)
    _values, gram, counts = np.unique(flat, return_inverse=True, return_counts=True)
    del flat
    row = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    by_rarity = np.lexsort((gram, counts[gram], row))
    gram = gram[by_rarity]
    rank = np.arange(len(gram)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    several = counts[gram] > 1
    shape = (len(sizes), len(counts))

    def matrix(kept: NDArray[np.bool_]) -> Any:
        return sparse.csr_array((np.ones(kept.sum(), dtype=np.int32), (row[kept], gram[kept])), shape=shape)

    def rarest(share: float) -> Any:
        needed = sizes - np.ceil(sizes * share - 1e-9).astype(np.int64) + 1
        return matrix(several & (rank < needed[row]))

    return matrix(several), rarest(threshold), rarest(2 * threshold / (1 + threshold))


def _checked(
    left: Ids, right: Ids, whole: Any, sizes: Ids, places: Ids, threshold: float, joined: _Joined
) -> Iterator[tuple[int, int, float]]:
    """Measure candidates, few for each pair of clusters first: most of a template's are connected by then."""
    take, tried = 1, np.zeros(len(sizes), dtype=np.int64)
    while len(left):
        ours, theirs = joined.roots(places[left]), joined.roots(places[right])
        apart = ours != theirs
        left, right, key = left[apart], right[apart], left[apart] * len(joined.parent) + theirs[apart]
        if not len(left):
            return
        order = np.argsort(key, kind="stable")
        left, right, key = left[order], right[order], key[order]
        begins = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
        rank = np.arange(len(key)) - np.repeat(begins, np.diff(np.r_[begins, len(key)]))
        now = rank < take
        a, b = left[now], right[now]
        common = _common(whole, a, b, sizes)
        value = common / (sizes[a] + sizes[b] - common)
        for at in np.flatnonzero(value >= threshold - 1e-9).tolist():
            yield int(places[a[at]]), int(places[b[at]]), float(value[at])
        tried += np.bincount(a[value < threshold - 1e-9], minlength=len(tried))
        left, right = left[~now], right[~now]
        kept = tried[left] < VAIN
        left, right = left[kept], right[kept]
        take *= 4


def _common(whole: Any, a: Ids, b: Ids, sizes: Ids) -> NDArray[np.int64]:
    """How many grams each pair shares; about four million are looked at at a time."""
    found = np.zeros(len(a), dtype=np.int64)
    parts = np.flatnonzero(np.diff(np.cumsum(sizes[a]) // 4_000_000, prepend=-1))
    for start, stop in zip(parts, [*parts[1:], len(a)], strict=True):
        found[start:stop] = np.asarray(whole[a[start:stop]].multiply(whole[b[start:stop]]).sum(axis=1)).ravel()
    return found
