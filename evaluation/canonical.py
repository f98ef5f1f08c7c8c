"""PURE. The canonical form of examples and the hash that identifies a dataset version, whatever file it came in."""

import json
import math
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, TypedDict

import rfc8785

from annotation.text.normal import normalised

NEEDED = ("id", "split", "text")
TEXTS = (*NEEDED, "group", "issuer", "language", "published_at", "reference", "source_type", "title", "url")
FIELDS = frozenset((*TEXTS, "candidates", "gold", "metadata", "soft"))
# Beyond this a JSON number is not read alike everywhere (RFC 8785, 3.1 and appendix D).
SAFE = 2**53 - 1


class ContentHash(TypedDict):
    """`content` names the whole version, `splits` each split that has examples; all as sha256:<64 hex digits>."""

    content: str
    splits: dict[str, str]


def canonical(value: Any) -> bytes:
    """Canonical JSON of a value (RFC 8785). Raises ValueError for what JSON cannot carry alike everywhere."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(
            f"This value has no canonical JSON form: {error}. Write numbers beyond 2^53 as text, "
            "and use no NaN, infinity or half a surrogate pair."
        ) from None


# -- Metadata -----------------------------------------------------------------------------------------------------


def canonical_metadata(value: Mapping[str, Any]) -> dict[str, str]:
    """Metadata with every value as text, so that JSONL and CSV carry the same; applying it twice changes nothing.

    Text stays (in NFC); None and '' are dropped; booleans become true and false; numbers become what Python's json
    writes, so 1 and 1.0 differ, as do 0.1 and 0.10 in a CSV; lists and objects become canonical JSON, in which integers
    beyond 2^53 and NaN or infinity are written as text. Keys are brought to NFC as well.
    Raises ValueError for two keys that are then the same, and for values that JSON does not have.
    """
    found: dict[str, str] = {}
    for key, entry in value.items():
        name, text = normalised("NFC", key), _text(key, entry)
        if name in found:
            raise ValueError(f"The metadata has the field “{name}” twice, in two spellings of the same characters.")
        if text:
            found[name] = text
    return found


def _text(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return normalised("NFC", value)
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if isinstance(value, (list, tuple, Mapping)):
        return normalised("NFC", canonical(_safe(key, value)).decode())
    raise ValueError(f"The metadata field “{key}” holds a {type(value).__name__}: write it as text.")


def _safe(key: str, value: Any) -> Any:
    """A nested value with its texts in NFC and, as text, the numbers that canonical JSON refuses."""
    if isinstance(value, Mapping):
        return {normalised("NFC", str(name)): _safe(key, entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_safe(key, entry) for entry in value]
    if isinstance(value, bool) or value is None:
        return value
    if (isinstance(value, int) and abs(value) <= SAFE) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _text(key, value)


# -- Examples -----------------------------------------------------------------------------------------------------


def canonical_example(example: Mapping[str, Any]) -> dict[str, Any]:
    """What of an example is hashed: its fields without the absent, None and empty ones, its metadata as text.

    Needs id, split and text; may have gold (question -> value), soft (question -> how the answers to an ambiguous text
    spread, a list of objects with value and n, hashed in the order of n and of the value's JSON), metadata, candidates (a list of objects with name and
    text, perhaps model, in their order) and the fields in TEXTS, which are text.
    The text is taken as it is, character by character.
    Raises ValueError that names the example and the field.
    """
    name = example.get("id")
    if strange := sorted(set(example) - FIELDS):
        raise ValueError(f"Example “{name}” has a field “{strange[0]}” that a version does not hold.")
    kept = {field: value for field, value in example.items() if value is not None and value not in ("", {}, [])}
    for field in NEEDED:
        if field not in kept:
            raise ValueError(f"Example “{name}” has no {field}.")
    for field in TEXTS:
        if not isinstance(kept.get(field, ""), str):
            raise ValueError(f"Example “{name}”: {field} must be text, not {type(kept[field]).__name__}.")
    for field in ("gold", "metadata", "soft"):
        if not isinstance(kept.get(field, {}), Mapping):
            raise ValueError(f"Example “{name}”: {field} must be an object of names and values.")
    if not _are_candidates(kept.get("candidates", [])):
        raise ValueError(f"Example “{name}”: candidates must be a list of objects with name and text.")
    try:
        metadata = canonical_metadata(kept.pop("metadata", {}))
    except ValueError as error:
        raise ValueError(f"Example “{name}”: {error}") from None
    gold = {question: value for question, value in kept.pop("gold", {}).items() if value is not None and value != ""}
    if soft := kept.pop("soft", {}):
        kept["soft"] = {question: _spread(name, part) for question, part in soft.items()}
    return kept | ({"gold": gold} if gold else {}) | ({"metadata": metadata} if metadata else {})


def _spread(name: Any, given: Any) -> list[dict[str, Any]]:
    """How answers spread, in the one order that it has; raises ValueError."""
    entries: list[Any] = given if isinstance(given, list) else [None]
    if not all(isinstance(one, Mapping) and set(one) == {"value", "n"} for one in entries):
        raise ValueError(f"Example “{name}”: soft must hold lists of objects with value and n.")
    return sorted((dict(one) for one in entries), key=lambda one: (-one["n"], canonical(one["value"])))


def _are_candidates(value: Any) -> bool:
    """Whether it is a list of objects of texts with a name and a text each."""
    return isinstance(value, list) and all(
        isinstance(entry, Mapping)
        and {"name", "text"} <= set(entry) <= {"name", "text", "model"}
        and all(isinstance(part, str) for part in entry.values())
        for entry in value
    )


def example_digest(example: Mapping[str, Any]) -> bytes:
    """SHA-256 of the example's canonical JSON, 32 bytes. Raises ValueError that names the example."""
    kept = canonical_example(example)
    try:
        return sha256(canonical(kept)).digest()
    except ValueError as error:
        raise ValueError(f"Example “{kept['id']}”: {error}") from None


def merkle_root(digests: Iterable[bytes]) -> bytes:
    """Root of the Merkle tree over the digests in the given order, 32 bytes (RFC 6962, 2.1).

    Leaves are SHA-256(00 | digest), nodes SHA-256(01 | left | right), the left subtree being the largest full one;
    the root of nothing is SHA-256 of nothing. Holds one hash a level, whatever the number of digests.
    """
    peaks: list[tuple[int, bytes]] = []
    for digest in digests:
        height, node = 0, sha256(b"\x00" + digest).digest()
        while peaks and peaks[-1][0] == height:
            node = _node(peaks.pop()[1], node)
            height += 1
        peaks.append((height, node))
    if not peaks:
        return sha256().digest()
    root = peaks.pop()[1]
    while peaks:
        root = _node(peaks.pop()[1], root)
    return root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def content_hash(examples: Iterable[Mapping[str, Any]]) -> ContentHash:
    """The hash of a version and of each of its splits: Merkle roots over the example digests in the order of ids.

    Examples may come in any order, from a generator: only ids and digests are kept. Ids are ordered by code point.
    Raises ValueError for an id that occurs twice and for whatever `example_digest` refuses.
    """
    found: dict[str, tuple[str, bytes]] = {}
    for example in examples:
        digest = example_digest(example)
        if example["id"] in found:
            raise ValueError(f"Two examples have the id “{example['id']}”: each needs its own.")
        found[example["id"]] = (example["split"], digest)
    ordered = [found[name] for name in sorted(found)]
    splits = sorted({split for split, _ in ordered})
    return {
        "content": _named(merkle_root(digest for _, digest in ordered)),
        "splits": {name: _named(merkle_root(digest for split, digest in ordered if split == name)) for name in splits},
    }


def _named(root: bytes) -> str:
    return f"sha256:{root.hex()}"
