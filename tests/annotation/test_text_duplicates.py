"""Near-duplicates: the search against a comparison of all pairs, clusters, templates, real sets, hostile data."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.text import duplicates
from annotation.text.duplicates import Found, find, grams, similarity
from annotation.text.normal import text_key


def naive(texts: list[str], threshold: float, templates: bool) -> list[list[int]]:
    """Clusters by a look at every pair."""
    parent = list(range(len(texts)))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    for a in range(len(texts)):
        for b in range(a):
            alike = text_key(texts[a]) == text_key(texts[b]) or similarity(texts[a], texts[b]) >= threshold
            if alike or (templates and similarity(texts[a], texts[b], masked=True) >= threshold):
                one, other = sorted((root(a), root(b)))
                parent[other] = one
    found: dict[int, list[int]] = {}
    for place in range(len(texts)):
        found.setdefault(root(place), []).append(place)
    return [members for members in found.values() if len(members) > 1]


def holds(found: Found, texts: list[str], threshold: float) -> None:
    """Every edge says what is so, and together they connect the clusters without one too many."""
    for a, b, value, kind in found.edges:
        assert a < b
        if kind == "same":
            assert text_key(texts[a]) == text_key(texts[b])
        else:
            assert value == pytest.approx(similarity(texts[a], texts[b], masked=kind == "template"))
            assert value >= threshold
    assert len(found.edges) == sum(len(members) - 1 for members in found.clusters)


words = st.sampled_from(["a", "b", "c", "d", "e", "1", "22", "利", "润", "升"])


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(words, max_size=9).map(" ".join), max_size=14),
    st.sampled_from([0.3, 0.5, 0.7, 1.0]),
    st.booleans(),
)
def test_clusters_are_those_of_a_look_at_every_pair(texts: list[str], threshold: float, templates: bool):
    found = find(texts, threshold=threshold, templates=templates)
    assert found.clusters == naive(texts, threshold, templates)
    holds(found, texts, threshold)


def test_what_counts_as_near():
    one = "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn in the corresponding period in 2007 ."
    other = one.replace("13.1", "9.2").replace("8.7", "6.8")
    apart = "The board proposes a dividend of EUR 0.20 per share for the year that ended in December ."
    found = find([one, other, apart, one.upper() + "  ", one.replace(" .", "!")])
    assert found.clusters == [[0, 1, 3, 4]]
    assert {(edge.a, edge.b): edge.kind for edge in found.edges} == {(0, 3): "same", (0, 4): "near", (0, 1): "template"}
    assert find([one, other], templates=False).clusters == []


def test_chinese_is_compared_sign_by_sign_and_spaces_mean_nothing():
    assert grams("净利润 增长") == ["净利润增", "利润增长"]
    assert find(["公司 预计 上半年 净利润 同比 增长", "公司预计上半年净利润同比增长。"]).clusters == [[0, 1]]
    assert grams("") == grams("…!") == []
    assert grams("Up") == ["up"]


def test_texts_without_a_word_are_near_to_nothing_but_themselves():
    assert find(["…", "!", "", "…"]).clusters == [[0, 3]]


def test_long_texts_are_compared_by_a_sample_of_their_grams():
    long = [f"word{n * 7919 % 100_003}" for n in range(6000)]
    changed = [word if n % 60 else "other" for n, word in enumerate(long)]
    other = [f"word{n}" for n in range(200_000, 206_000)]
    found = find([" ".join(words) for words in (long, other, changed)])
    assert found.clusters == [[0, 2]]
    assert found.edges[0].similarity == pytest.approx(similarity(" ".join(long), " ".join(changed)))


def test_among_very_many_grams_shorter_texts_are_sampled_too(monkeypatch):
    monkeypatch.setattr(duplicates, "BUDGET", 1000)
    rng = random.Random(3)
    texts = [" ".join(rng.choices([f"w{n}" for n in range(5000)], k=400)) for _ in range(40)]
    texts += [" ".join(word if rng.random() > 0.02 else "other" for word in text.split()) for text in texts[:20]]
    found = find(texts)
    assert found.clusters == naive(texts, 0.7, True) == [[n, n + 40] for n in range(20)]
    holds(found, texts, 0.7)


def test_a_threshold_must_be_a_share():
    for bad in (0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="must lie above 0"):
            find(["a"], threshold=bad)


def test_texts_of_one_template_and_texts_that_are_just_not_alike_are_taken_in_their_thousands():
    template = [f"Shares of the company rose by {n} % to EUR {n * 31 % 977} on the day after the report ." for n in range(4000)]  # fmt: skip
    assert [len(members) for members in find(template).clusters] == [4000]
    almost = [f"the same seven words begin every text w{n} x{n} y{n} z{n} v{n} u{n}" for n in range(3000)]
    assert find(almost, templates=False).clusters == []


@pytest.mark.parametrize("name", ["financial_phrasebank", "fomc_stance", "fincuge_finfe_train"])
def test_on_real_texts_every_edge_holds(shared: Path, name: str):
    texts = [json.loads(line)["text"] for line in (shared / f"data/normalised/dev/{name}.jsonl").open(encoding="utf-8")]
    found = find(texts)
    assert len(found.clusters) > 20
    holds(found, texts, 0.7)
