"""What of an example is hashed, and whether a frozen version still is what its hash says."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from evaluation.canonical import content_hash, example_digest, merkle_root
from evaluation.models import DatasetVersion, Example

BATCH = 1000


def canonical_row(
    key: str, split: str, text: str, gold: dict[str, Any], fields: dict[str, Any], soft: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What of an example is hashed: id, split, text, gold and document fields; no votes, no dates, no guideline.

    Where the text is ambiguous, also how its people's answers spread.

    The gold of a single question goes by the name `label`, as its export has it: a file that is read back does not tell
    what the question was called.
    """
    named = {"label": next(iter(gold.values()))} if len(gold) == 1 else gold
    told = {"soft": {"label": next(iter(soft.values()))} if len(gold) == 1 else soft} if soft else {}
    return {"id": key, "split": split, "text": text, "gold": named, **told, **fields}


def roots(digests: Mapping[str, str], split: Mapping[str, str]) -> dict[str, str]:
    """The hashes that canonical.content_hash gives, from digests that are there already: '' -> content, split -> its."""
    ordered = [(split[key], bytes.fromhex(digests[key])) for key in sorted(digests)]
    found = {"": f"sha256:{merkle_root(digest for _split, digest in ordered).hex()}"}
    for name in sorted({name for name, _digest in ordered}):
        found[name] = f"sha256:{merkle_root(digest for each, digest in ordered if each == name).hex()}"
    return found


def verify(version: DatasetVersion, *, tick: Callable[[int], None] = lambda done: None) -> dict[str, Any]:
    """Recompute the hashes from the rows: ok, expected, found, and the keys of examples that are not what they were."""
    changed: list[str] = []
    rows = Example.objects.filter(version=version).order_by("pk")

    def contents() -> Iterator[dict[str, Any]]:
        columns = ("key", "split", "text", "gold", "fields", "soft", "digest")
        for done, (*content, digest) in enumerate(rows.values_list(*columns).iterator(chunk_size=BATCH)):
            if done % BATCH == 0:
                tick(done)
            row = canonical_row(*content)
            if example_digest(row).hex() != digest:
                changed.append(content[0])
            yield row

    found = content_hash(contents())
    expected = {"content": version.content_hash, "splits": version.split_hashes}
    return {
        "ok": found == expected and not changed,
        "expected": expected,
        "found": found,
        "changed": sorted(changed),
    }
