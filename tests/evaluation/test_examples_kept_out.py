"""What the guideline shows as an example is known to everybody, so that no split that tests somebody may hold it."""

import pytest

from annotation import guiding
from annotation import models as a
from annotation.text.normal import text_key
from evaluation import models as e
from tests.conftest import make_gold, make_items
from tests.evaluation.worlds import freeze, make_texts


def splits_of(version):
    return dict(e.Example.objects.filter(version=version).values_list("key", "split"))


def show(project, items):
    """Make these items examples; they have gold and no slot that waits."""
    a.Assignment.objects.filter(item__in=items).update(state="done")
    for item in items:
        guiding.add_example(project=project, item=item, question="sentiment", value="positive", user=None)


def test_examples_and_their_twins_are_placed_in_train(project):
    items = make_texts(project, 60)
    twin = make_items(project, [items[0].text], slots=0)[0]
    a.Document.objects.filter(pk=twin.document_id).update(text_key=text_key(items[0].text))
    make_gold(twin, "negative")
    show(project, items[:20])
    placed = splits_of(freeze(project))
    assert {placed[item.document.external_id] for item in [*items[:20], twin]} == {"train"}
    assert "test" in placed.values()


def test_an_example_that_stood_in_a_test_is_left_out_of_the_next_version(project):
    items = make_texts(project, 60)
    first = freeze(project)
    by_key = {item.document.external_id: item for item in items}
    tested = [by_key[key] for key, split in splits_of(first).items() if split == "test"][:2]
    show(project, tested)
    second = freeze(project)
    gone = {item.document.external_id for item in tested}
    assert gone & set(splits_of(second)) == set()
    assert len(splits_of(second)) == 58
    [told] = [found for found in second.findings if found["code"] == "example"]
    assert set(told["keys"]) == gone
    assert splits_of(first).keys() >= gone


def test_an_example_whose_twin_stands_in_a_test_is_left_out(project):
    items = make_texts(project, 60)
    first = freeze(project)
    key = next(key for key, split in splits_of(first).items() if split == "test")
    held = next(item for item in items if item.document.external_id == key)
    twin = make_items(project, [held.text], slots=0)[0]
    a.Document.objects.filter(pk=twin.document_id).update(text_key=text_key(held.text))
    make_gold(twin, "positive")
    show(project, [twin])
    second = splits_of(freeze(project))
    assert twin.document.external_id not in second
    assert second[key] == "test"


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_given_split_that_tests_loses_to_an_example(project, split):
    items = make_texts(project, 30)
    show(project, items[:1])
    a.Document.objects.update(given_split="train")
    a.Document.objects.filter(pk=items[0].document_id).update(given_split=split)
    a.Document.objects.filter(pk=items[1].document_id).update(given_split="test")
    placed = splits_of(freeze(project))
    assert items[0].document.external_id not in placed
    assert placed[items[1].document.external_id] == "test"
