"""Private data in texts: found, numbered, decided, masked; values stand nowhere but in the documents."""

import json
import logging
from typing import Any

import pytest

from annotation import hits, jobs, masking, scanning, screening
from annotation import models as a
from annotation.text import privacy
from tests.annotation.worlds import bring, lines
from tests.conftest import make_items, make_project

MAIL, OTHER = "jane.doe@example.org", "john@example.com"
TEXTS = [
    f"Write to {MAIL} by Friday.",
    f"{OTHER} and JANE.DOE@example.org know more.",
    "Profit rose by 8 % to 1,234,567.89 EUR.",
    "联系人张三，手机13812345678。",
]


@pytest.fixture
def project(cast) -> a.Project:
    return make_project(cast)


def scan(project: a.Project) -> a.Scan:
    return scanning.at_once(project=project, what="private")


def decide(project: a.Project, state: str = "mask", **asked: Any) -> dict[str, int]:
    asked = asked or {"scope": "all"}
    user = a.User.objects.get(username="dave")
    return screening.decide(project=project, asked=asked, state=state, reason="public", user=user)


def test_hits_are_places_with_kind_and_number_and_equal_values_share_the_number(project):
    make_items(project, TEXTS)
    row = scan(project)
    assert row.figures == {"documents": 4, "hits": {"email": 3, "mobile": 1}}
    told = [
        (hit.document.external_id, hit.document.text[hit.start : hit.end], hit.kind, hit.number)
        for hit in a.PrivateHit.objects.select_related("document")
    ]
    assert told == [
        ("d0", MAIL, "email", 1), ("d1", OTHER, "email", 2), ("d1", "JANE.DOE@example.org", "email", 1),
        ("d3", "13812345678", "mobile", 1),
    ]  # fmt: skip
    assert set(a.PrivateHit.objects.values_list("state", flat=True)) == {"open"}
    assert scan(project).figures == {"documents": 0, "hits": {}}


def test_numbers_do_not_depend_on_the_order_in_which_documents_came(cast):
    one, other = make_project(cast), make_project(cast, slug="other")
    make_items(one, TEXTS[:2])
    for text, name in zip(TEXTS[1::-1], ("d1", "d0"), strict=True):
        a.Document.objects.create(project=other, external_id=name, text=text, text_key="0" * 32)
    for project in (one, other):
        scan(project)
    first, second = (
        list(
            a.PrivateHit.objects.filter(project=project)
            .order_by("document__external_id", "start")
            .values_list("start", "number")
        )
        for project in (one, other)
    )
    assert first == second


def test_a_value_that_comes_later_has_the_number_that_it_had(project):
    make_items(project, TEXTS[:1])
    scan(project)
    [later] = make_items(project, [f"a@b.example and {MAIL}"])
    scan(project)
    assert list(a.PrivateHit.objects.filter(document=later.document_id).values_list("number", flat=True)) == [2, 1]


def test_title_reference_responses_and_metadata_are_looked_through_and_masked(project):
    [item] = make_items(
        project,
        ["Nothing here."],
        title=f"To {MAIL}",
        reference=f"{MAIL} wrote this",
        metadata={"author": OTHER, "n": 3},
        candidates=[{"name": "A", "text": f"Ask {OTHER}"}],
    )
    scan(project)
    assert set(a.PrivateHit.objects.values_list("part", flat=True)) == {
        "title",
        "reference",
        "metadata/author",
        "candidates/0",
    }
    decide(project)
    document = item.document
    fields = {name: getattr(document, name) for name in ("title", "reference", "candidates", "metadata")}
    found = masking.Masks(project.pk).fields(document.pk, fields)
    assert found["title"] == "To [EMAIL_1]"
    assert found["reference"] == "[EMAIL_1] wrote this"
    assert found["metadata"] == {"author": "[EMAIL_2]", "n": 3}
    assert found["candidates"] == [{"name": "A", "text": "Ask [EMAIL_2]"}]
    assert [row["value"] for row in hits.in_context(a.PrivateHit.objects.order_by("part"))] == [
        OTHER,
        OTHER,
        MAIL,
        MAIL,
    ]


def test_a_masked_text_has_placeholders_and_its_places_move(project):
    [item] = make_items(project, TEXTS[:1])
    scan(project)
    assert masking.masked(item)[0] == TEXTS[0]
    decide(project)
    text, moved = masking.masked(item)
    assert text == "Write to [EMAIL_1] by Friday."
    friday = TEXTS[0].index("Friday")
    start, end = moved.span(friday, friday + 6)
    assert text[start:end] == "Friday"
    # A mark that lies partly in what is masked grows to the whole placeholder.
    start, end = moved.span(TEXTS[0].index("doe"), friday)
    assert text[start:end] == "[EMAIL_1] by "
    assert masking.masked(item.document)[0] == text


def test_a_passage_is_masked_by_what_reaches_into_it(project):
    [item] = make_items(project, [TEXTS[0]])
    scan(project)
    decide(project)
    at = TEXTS[0].index("doe")
    passage = a.Item.objects.create(project=project, document=item.document, start=at, end=len(TEXTS[0]))
    assert masking.masked(passage)[0] == "[EMAIL_1] by Friday."
    before = a.Item.objects.create(project=project, document=item.document, start=0, end=8)
    assert masking.masked(before)[0] == "Write to"


# -- Deciding


def test_one_all_equal_ones_all_of_a_kind_or_all(project):
    make_items(project, TEXTS)
    scan(project)
    first = a.PrivateHit.objects.order_by("pk")[0]
    assert decide(project, scope="these", hits=[first.pk]) == {"email": 1}
    assert decide(project, scope="value", hits=[first.pk]) == {"email": 1}
    assert decide(project, "keep", scope="kind", kind="email") == {"email": 1}
    assert decide(project, scope="all") == {"mobile": 1}
    assert dict(a.PrivateHit.objects.order_by("pk").values_list("start", "state")) != {}
    assert sorted(a.PrivateHit.objects.values_list("state", flat=True)) == ["keep", "mask", "mask", "mask"]
    assert decide(project, "open", scope="these", hits=[first.pk]) == {"email": 1}
    first.refresh_from_db()
    assert (first.state, first.by, first.at) == ("open", None, None)


def test_what_is_asked_wrongly_is_told(project):
    make_items(project, TEXTS)
    scan(project)
    for asked, state, words in (
        ({"scope": "some"}, "mask", "these, value, kind"),
        ({"scope": "kind", "kind": "name"}, "mask", "email"),
        ({"scope": "value", "hits": []}, "mask", "which place"),
        ({"scope": "all"}, "burn", "masked"),
        ({"scope": "all"}, "keep", "Say why"),
    ):
        with pytest.raises(ValueError, match=words):
            screening.decide(project=project, asked=asked, state=state, user=None)
    with pytest.raises(ValueError, match="at most 500"):
        screening.decide(project=project, asked={"scope": "all"}, state="mask", reason="x" * 501, user=None)


def test_hits_of_another_project_are_not_reached(project, cast):
    other = make_project(cast, slug="other")
    make_items(other, TEXTS)
    scan(other)
    foreign = a.PrivateHit.objects.order_by("pk")[0]
    assert decide(project, scope="these", hits=[foreign.pk]) == {}
    assert decide(project, scope="all") == {}


def test_a_policy_decides_at_once_what_waits_and_what_comes(project, cast):
    make_items(project, TEXTS)
    scan(project)
    new = screening.set_policy(project=project, policy={"email": "mask", "mobile": "allow"}, user=cast["dave"])
    assert new == {"email": "mask", "mobile": "allow"}
    assert sorted(a.PrivateHit.objects.values_list("kind", "state")) == [("email", "mask")] * 3 + [("mobile", "keep")]
    make_items(project, ["c@d.example"])
    scan(project)
    assert a.PrivateHit.objects.open().count() == 0
    assert screening.set_policy(project=project, policy={"email": "review"}, user=None) == {"mobile": "allow"}
    with pytest.raises(ValueError, match="name=mask"):
        screening.set_policy(project=project, policy={"name": "mask"}, user=None)


def test_newer_recognisers_look_again_and_decisions_stand(project, monkeypatch):
    make_items(project, TEXTS)
    scan(project)
    first = a.PrivateHit.objects.order_by("pk")[0]
    decide(project, scope="these", hits=[first.pk])
    monkeypatch.setattr(privacy, "VERSION", privacy.VERSION + 1)
    assert scan(project).figures["documents"] == 4
    assert a.PrivateHit.objects.count() == 4
    assert a.PrivateHit.objects.get(pk=first.pk).state == "mask"
    assert a.PrivateHit.objects.filter(kind="email", number=1).count() == 2


# -- Around it


def test_no_value_is_told_in_history_results_or_logs(project, cast, caplog):
    caplog.set_level(logging.DEBUG)
    bring(project, lines(*({"id": f"x{n}", "text": text} for n, text in enumerate(TEXTS))))
    row = scan(project)
    decide(project)
    screening.set_policy(project=project, policy={"email": "mask"}, user=cast["dave"])
    told = (
        json.dumps(
            [
                row.figures,
                row.message,
                row.note,
                list(a.Act.objects.values_list("details", flat=True)),
                [repr(hit) + str(hit) for hit in a.PrivateHit.objects.all()],
            ],
            default=str,
        )
        + caplog.text
    )
    for value in (MAIL, OTHER, "13812345678"):
        assert value not in told
        assert value.split("@")[0] not in told
    act = a.Act.objects.filter(kind="private_decided").first()
    assert act is not None
    assert act.details["kinds"] == {"email": 3, "mobile": 1}


def test_an_import_has_its_documents_looked_through_behind_it(project):
    bring(project, lines({"id": "x", "text": TEXTS[0]}))
    [row] = a.Scan.objects.filter(what="private")
    assert (row.state, a.PrivateHit.objects.count()) == ("queued", 0)
    jobs.run(a.Scan, row.pk, scanning.work)
    assert a.PrivateHit.objects.count() == 1


def test_two_searches_at_a_time_find_everything_once(project):
    make_items(project, TEXTS)
    documents = a.Document.objects.filter(project=project)
    numbers = screening._Numbers(project)
    found = {
        pk: screening._hits(row) for pk, row in ((row["pk"], row) for row in documents.values("pk", *screening.FIELDS))
    }
    stamps = {pk: (key, cleaning) for pk, key, cleaning in documents.values_list("pk", "text_key", "cleaning")}
    # Another worker is through with everything before this one writes what it has found.
    scan(project)
    assert screening._write(project, stamps, found, numbers) == {}
    assert a.PrivateHit.objects.count() == 4
    make_items(project, [f"{OTHER}; new@example.net"])
    last = documents.latest("pk")
    again = {last.pk: screening._hits(documents.filter(pk=last.pk).values("pk", *screening.FIELDS)[0])}
    screening._write(project, {last.pk: (last.text_key, last.cleaning)}, again, numbers)
    assert list(a.PrivateHit.objects.filter(document=last).values_list("number", flat=True)) == [2, 3]


def test_a_search_that_is_stopped_keeps_what_it_has_and_goes_on_from_there(project, monkeypatch):
    make_items(project, TEXTS)
    monkeypatch.setattr(screening, "BATCH", 1)

    def tick(done: int, total: int, note: str) -> None:
        if done == 2:
            raise jobs.JobCancelled

    with pytest.raises(jobs.JobCancelled):
        screening.screen(project=project, documents=a.Document.objects.all(), tick=tick)
    assert screening.unscreened(project).count() == 2
    assert scan(project).figures["documents"] == 2
    assert a.PrivateHit.objects.count() == 4


def test_contexts_are_read_in_a_fixed_number_of_queries(project, django_assert_num_queries):
    make_items(project, [f"{'word ' * 200}{MAIL}{' word' * 200}"] * 20)
    scan(project)
    with django_assert_num_queries(2):
        told = hits.in_context(a.PrivateHit.objects.all())
    assert (len(told), told[0]["value"], told[0]["placeholder"], len(told[0]["before"])) == (
        20,
        MAIL,
        "[EMAIL_1]",
        hits.AROUND + 1,
    )


def test_a_text_that_was_cleaned_anew_meanwhile_is_left_to_the_next_search(project):
    [item] = make_items(project, TEXTS[:1])
    [row] = a.Document.objects.values("pk", "text_key", "cleaning", *screening.FIELDS)
    found = {row["pk"]: screening._hits(row)}
    a.Document.objects.update(text=f"Do write to {MAIL}.", text_key="1" * 32)
    stamps = {row["pk"]: (row["text_key"], row["cleaning"])}
    assert screening._write(project, stamps, found, screening._Numbers(project)) == {}
    assert screening.unscreened(project).count() == 1
    scan(project)
    [hit] = a.PrivateHit.objects.all()
    item.refresh_from_db()
    assert item.document.text[hit.start : hit.end] == MAIL
