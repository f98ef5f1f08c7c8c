"""The canonical form and the content hash: published vectors, and what must and must not change the hash."""

import csv
import io
import json
import math
import random
import struct
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluation.canonical import (
    canonical,
    canonical_example,
    canonical_metadata,
    content_hash,
    example_digest,
    merkle_root,
)

# Characters of text: anything that UTF-8 can carry.
TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def example(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "text": f"Profit rose by {number} %.",
        "split": "train",
        "gold": {"tone": "up"},
    } | fields


def keys_stay_apart(value: Any) -> bool:
    """Whether no two keys, at any depth, are the same in NFC."""
    if isinstance(value, dict):
        apart = len({normalize("NFC", key) for key in value}) == len(value)
        return apart and all(keys_stay_apart(entry) for entry in value.values())
    return not isinstance(value, list) or all(keys_stay_apart(entry) for entry in value)


# -- Canonical JSON -----------------------------------------------------------------------------------------------


def test_canonical_json_gives_the_example_of_rfc_8785() -> None:
    value = json.loads(
        r'{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        r' "string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()


def test_canonical_json_sorts_keys_by_utf_16_as_rfc_8785_shows() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    found = list(json.loads(canonical(dict.fromkeys(keys, 0))))
    assert found == ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)
def test_canonical_numbers_are_those_of_rfc_8785_appendix_b(bits: str, text: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800", {1: 2}, b"bytes"])
def test_what_json_cannot_carry_alike_everywhere_is_refused_in_words(value: Any) -> None:
    with pytest.raises(ValueError, match="no canonical JSON form"):
        canonical(value)


# -- Metadata -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is ", "as it is "),
        ("Cafe\u0301", "Caf\u00e9"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e22, "1e+22"),
        (2**70, "1180591620717411303424"),
        (math.inf, "Infinity"),
        ([1, "a", None], '[1,"a",null]'),
        ({"b": 1.0, "a": 2**60}, '{"a":"1152921504606846976","b":1}'),
        ([math.nan, "e\u0301"], '["NaN","\u00e9"]'),
        ([], "[]"),
    ],
)
def test_metadata_becomes_text(value: Any, text: str) -> None:
    assert canonical_metadata({"field": value}) == {"field": text}


def test_metadata_without_content_is_dropped() -> None:
    assert canonical_metadata({"a": None, "b": "", "c": " ", "d": 0}) == {"c": " ", "d": "0"}


def test_metadata_fields_that_are_the_same_in_nfc_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        canonical_metadata({"Caf\u00e9": 1, "Cafe\u0301": 2})
    with pytest.raises(ValueError, match="“when” holds a bytes"):
        canonical_metadata({"when": b"today"})


def test_a_combining_character_after_an_escape_stays_the_same_when_read_again() -> None:
    # In the JSON text the n of the escaped newline and the tilde after it would become one character.
    once = canonical_metadata({"lines": ["\n\u0303"]})
    assert canonical_metadata(once) == once


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_canonical_metadata_applied_twice_changes_nothing(metadata: dict[str, Any]) -> None:
    assume(keys_stay_apart(metadata))
    once = canonical_metadata(metadata)
    assert canonical_metadata(once) == once
    assert all(isinstance(value, str) and value for value in once.values())


@settings(deadline=None, max_examples=80)
@given(st.dictionaries(TEXT.filter(bool), JSON, max_size=4))
def test_jsonl_and_csv_carry_the_same_metadata(metadata: dict[str, Any]) -> None:
    assume(keys_stay_apart(metadata))
    whole = canonical_metadata(metadata)
    assume(whole)
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, whole, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerow(whole)
    sheet.seek(0)
    from_csv = next(csv.DictReader(sheet, strict=True))
    from_jsonl = json.loads(json.dumps(metadata))
    digests = {example_digest(example(metadata=fields)) for fields in (metadata, from_csv, from_jsonl)}
    assert len(digests) == 1


# -- Examples -----------------------------------------------------------------------------------------------------


def test_the_digest_is_the_sha_256_of_the_canonical_json() -> None:
    whole = example(title="", url=None, metadata={"page": 3, "note": ""})
    text = '{"gold":{"tone":"up"},"id":"e1","metadata":{"page":"3"},"split":"train","text":"Profit rose by 1 %."}'
    assert example_digest(whole) == sha256(text.encode()).digest()


def test_absent_none_and_empty_fields_are_the_same() -> None:
    bare = example()
    empty = example(title=None, url="", issuer=None, metadata={}, group="")
    assert example_digest(bare) == example_digest(empty) == example_digest(example(metadata={"a": None, "b": ""}))
    assert canonical_example(empty) == bare
    assert example_digest(example(gold={})) == example_digest(example(gold=None))
    assert example_digest(example(gold={"tone": "up", "topic": None})) == example_digest(bare)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"id": ""}, "has no id"),
        ({"text": None}, "“e1” has no text"),
        ({"split": ""}, "“e1” has no split"),
        ({"label": "up"}, "“e1” has a field “label” that a version does not hold"),
        ({"url": 3}, "“e1”: url must be text, not int"),
        ({"gold": "up"}, "“e1”: gold must be an object"),
        ({"metadata": {"x": {1, 2}}}, "“e1”: The metadata field “x” holds a set"),
        ({"text": "half \ud800"}, "“e1”: This value has no canonical JSON form"),
        ({"gold": {"amount": 2**60}}, "“e1”: This value has no canonical JSON form"),
    ],
)
def test_examples_that_cannot_be_hashed_are_refused_with_their_id(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        example_digest(example(**fields))


@settings(deadline=None)
@given(TEXT.filter(bool), st.data())
def test_one_changed_character_changes_the_hash(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    before = content_hash([example(1, text=text), example(2)])
    assert content_hash([example(1, text=changed), example(2)])["content"] != before["content"]
    assert content_hash([example(1, text=text), example(2, title=text)])["content"] != before["content"]


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "e3"},
        {"split": "test"},
        {"gold": {"tone": "down"}},
        {"gold": {"Tone": "up"}},
        {"title": "t"},
        {"source_type": "news"},
        {"language": "zh"},
        {"published_at": "2024-01-01"},
        {"issuer": "ACME"},
        {"url": "https://example.org"},
        {"group": "doc-1"},
        {"metadata": {"page": "1"}},
        {"metadata": {"page": "1.0"}},
    ],
)
def test_every_field_is_part_of_the_hash(fields: dict[str, Any]) -> None:
    changed = content_hash([example(1, **fields), example(2)])
    assert changed["content"] != content_hash([example(1), example(2)])["content"]
    if "page" in fields.get("metadata", {}):
        assert (
            changed["content"]
            == content_hash([example(1, metadata={"page": json.loads(fields["metadata"]["page"])}), example(2)])[
                "content"
            ]
        )


# -- Merkle tree --------------------------------------------------------------------------------------------------


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return sha256(b"\x01" + naive_root(leaves[:cut]) + naive_root(leaves[cut:])).digest()


# The leaves and roots of the Certificate Transparency project's reference tests.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_merkle_root_gives_the_certificate_transparency_vectors(size: int) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in CT_LEAVES[:size]]
    assert merkle_root(leaves).hex() == CT_ROOTS[size - 1]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_the_merkle_root_equals_the_naive_recursion(digests: list[bytes]) -> None:
    assert merkle_root(iter(digests)) == naive_root(digests)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert content_hash([]) == {"content": f"sha256:{merkle_root([]).hex()}", "splits": {}}


def test_leaves_and_nodes_cannot_stand_in_for_each_other() -> None:
    pair = [sha256(b"a").digest(), sha256(b"b").digest()]
    inner = b"".join(sha256(b"\x00" + leaf).digest() for leaf in pair)
    assert merkle_root([inner]) != merkle_root(pair)


# -- Versions -----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 30), st.randoms(use_true_random=False))
def test_the_order_of_examples_and_of_their_fields_does_not_matter(size: int, shuffled: random.Random) -> None:
    examples = [example(number, split=("train", "dev", "test")[number % 3]) for number in range(size)]
    again = [dict(shuffled.sample(list(one.items()), len(one))) for one in shuffled.sample(examples, size)]
    assert content_hash(iter(again)) == content_hash(examples)


def test_the_hash_is_the_merkle_root_in_the_order_of_ids_for_all_and_for_each_split() -> None:
    examples = [example(number, split="test" if number % 4 == 0 else "train") for number in range(1, 21)]
    found = content_hash(examples)
    ordered = sorted(examples, key=lambda one: one["id"])
    assert found["content"] == "sha256:" + naive_root([example_digest(one) for one in ordered]).hex()
    assert list(found["splits"]) == ["test", "train"]
    for name, root in found["splits"].items():
        digests = [example_digest(one) for one in ordered if one["split"] == name]
        assert root == "sha256:" + naive_root(digests).hex()


def test_a_change_in_one_split_leaves_the_hash_of_the_others() -> None:
    before = content_hash([example(1), example(2, split="test")])
    after = content_hash([example(1, text="Changed."), example(2, split="test")])
    assert after["splits"]["test"] == before["splits"]["test"]
    assert after["splits"]["train"] != before["splits"]["train"]
    assert after["content"] != before["content"]


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="Two examples have the id “e1”"):
        content_hash([example(1), example(2), example(1)])


def test_real_chinese_and_english_rows_have_the_same_hash_after_a_round_trip(shared: Path) -> None:
    folder = shared / "data" / "normalised" / "dev"
    rows = [
        json.loads(line)
        for name in ("thucnews_titles", "bank_app_reviews")
        for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[:300]
    ]
    examples = [
        {"id": row["id"], "text": row["text"], "split": "test", "gold": {"label": str(row.get("label"))}}
        | {"language": row["language"], "metadata": row.get("meta")}
        for row in rows
    ]
    again = [json.loads(json.dumps(canonical_example(one))) for one in reversed(examples)]
    assert content_hash(again) == content_hash(examples)
