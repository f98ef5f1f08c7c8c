"""Export, import into a new project, freeze: the same content hash, for every kind in every format that carries everything."""

import io
from typing import Any

import pytest
from django.utils import timezone

from annotation import models as a
from annotation import schema as schemas
from evaluation import exporting, formats
from tests.conftest import make_gold, set_schema
from tests.evaluation.worlds import bare_project, bring, freeze, make_texts

TEXT = "Acme 🎯 buys Bolt AG of 上海 for 5 Mio. next week, case "
PAIR = [{"name": "a", "text": "One.", "model": "m1"}, {"name": "b", "text": "Two."}]


def place(words: str, **more: Any) -> dict[str, Any]:
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words), "text": words, **more}


# kind -> its question, and two answers in stored form.
KINDS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "choice": ({"labels": ["good news", "null", "否"]}, ["good news", "null"]),
    "choices": ({"labels": ["a", "b, c", "d"], "least": 0}, [["a", "b, c"], []]),
    "score": ({"min": 0, "max": 1, "step": 0.1}, [0.3, 1]),
    "rubric": ({"criteria": ["clear", "relevant"], "scale": ["1", "2", "3"]}, [{"clear": 2, "relevant": 1}, {"clear": 3, "relevant": 3}]),
    "text": ({"longest": 200, "multiline": True}, ["=SUM(A1)\nsecond line", "naïve “words”"]),
    "preference": ({"strength": ["slightly", "clearly"]}, [{"better": "a", "strength": 2}, {"better": "tie"}]),
    "spans": (
        {"labels": ["ORG", "place"], "discontinuous": True, "relations": ["owns"], "linked": ["ORG"]},
        [[
            place("Acme", label="ORG", relations=[{"type": "owns", "to": 1}]),
            place("Bolt AG", label="ORG"),
            place("上海", label="place"),
        ], []],
    ),
    "events": (
        {"labels": ["merger"], "roles": ["buyer", "target"]},
        [[{
            "type": "merger", "trigger": place("buys"), "status": "expected",
            "arguments": [{"role": "buyer", **place("Acme")}, {"role": "target", **place("Bolt AG")}],
            "date": {"value": "2026-W21", **place("next week")},
        }], []],
    ),
}  # fmt: skip


def world(project: a.Project, kinds: list[str]) -> Any:
    """20 frozen examples with gold of these kinds, fields and metadata."""
    questions = [{"name": f"q_{kind}", "kind": kind, **KINDS[kind][0]} for kind in kinds]
    schema = schemas.check({"questions": questions})
    set_schema(project, schema)
    items = make_texts(
        project, [f"{TEXT}{n}" for n in range(20)], language="zh", title="=T", url="https://example.org/"
    )
    for number, item in enumerate(items):
        a.Gold.objects.filter(item=item).update(superseded_at=timezone.now())
        more = {"candidates": PAIR, "reference": "Best."} if "preference" in kinds else {}
        metadata = {"year": 2026, "=x": "@y", "nested": {"deep": [1, None]}} if number % 2 else {}
        a.Document.objects.filter(pk=item.document_id).update(metadata=metadata, **more)
        for kind in kinds:
            make_gold(item, KINDS[kind][1][number % 2], question=f"q_{kind}")
    version = freeze(project, splits="random", group_by=())
    assert version.state == "done", version.message
    return version


def again(version: Any, content: bytes, filename: str, slug: str) -> Any:
    """The files in a new project with the same guideline, frozen there."""
    other = bare_project(slug)
    schema = version.guideline_version.schema
    a.Guideline.objects.create(project=other, text="", schema=schema)
    other.version = a.GuidelineVersion.objects.create(project=other, number=1, schema=schema)
    other.save(update_fields=["version"])
    report = bring(other, content, filename, labels="gold")
    assert (report["new"], report["refused"]) == (20, 0), report
    copy = freeze(other, group_by=())
    assert copy.state == "done", copy.message
    return copy


def differing(one: Any, other: Any) -> list[Any]:
    pairs = zip(one.examples.order_by("pk"), other.examples.order_by("pk"), strict=True)
    return [(a.gold, b.gold, a.fields, b.fields, a.split, b.split) for a, b in pairs if a.digest != b.digest][:1]


WHOLE = [name for name, entry in formats.FORMATS.items() if entry.whole]


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_comes_back_from_every_whole_format(project, kind):
    version = world(project, [kind])
    for name in WHOLE:
        with exporting.archive(version, format=name, with_test_gold=True) as file:
            copy = again(version, file.read(), f"x-{name}.zip", f"zip-{name}")
        assert (name, differing(version, copy)) == (name, [])
        assert (copy.content_hash, copy.split_hashes) == (version.content_hash, version.split_hashes)


@pytest.mark.parametrize("name", [name for name in WHOLE if formats.FORMATS[name].ending])
def test_several_questions_come_back_from_a_single_file(project, name):
    version = world(project, ["choice", "choices", "spans", "score"])
    target = io.BytesIO()
    exporting.single(version, format=name, with_test_gold=True, target=target)
    copy = again(version, target.getvalue(), f"x.{name}", "copy")
    assert differing(version, copy) == []
    assert copy.content_hash == version.content_hash
