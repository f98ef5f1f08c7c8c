"""Asking for a freeze, doing it, doing it again: what is in a version, where it stands, and what is told about it."""

import json
import os
import signal
import zipfile
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from annotation import controlling, jobs, measuring, publishing, screening
from annotation import models as a
from annotation import schema as schemas
from annotation.jobs import Grip, JobLost
from evaluation import exporting, freezing, proof
from evaluation import models as e
from evaluation.canonical import content_hash
from tests.conftest import LABELS, make_annotation, make_gold, make_items, make_project, replace_gold, set_schema
from tests.evaluation.worlds import bare_project, freeze, make_texts, queue


def splits_of(version: Any) -> dict[str, str]:
    return dict(e.Example.objects.filter(version=version).values_list("key", "split"))


def codes(version: Any) -> dict[str, dict[str, Any]]:
    return {finding["code"]: finding for finding in version.findings}


# -- Asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"shares": {"train": 0.5, "dev": 0.1, "test": 0.2}}, "add up to 0.8"),
        ({"shares": {"train": 1.2, "dev": -0.2, "test": 0.0}}, "between 0 and 1"),
        ({"shares": {"train": float("nan"), "dev": 0.5, "test": 0.5}}, "between 0 and 1"),
        ({"shares": {"train": 0.5, "validation": 0.5}}, "no split"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"splits": "by hand"}, "auto, given, random"),
        ({"group_by": ("author",)}, "document, issuer, near, template"),
        ({"primary_metric": "f1"}, "macro_f1"),
        ({"questions": ["topic"]}, "There is no question “topic”"),
        ({"questions": []}, "at least one question"),
        ({"dataset_name": "  "}, "name"),
        ({"dataset_name": "x" * 121}, "120"),
        ({"dataset_name": "Main\u202eset"}, r"one line .* U\+202E"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(project: a.Project, options: dict[str, Any], word: str) -> None:
    make_texts(project, 10)
    with pytest.raises(ValueError, match=word):
        queue(project, **options)
    assert not e.DatasetVersion.objects.exists()


def test_without_guideline_or_gold_there_is_nothing_to_freeze(project: a.Project) -> None:
    with pytest.raises(ValueError, match="no published guideline"):
        queue(bare_project("bare"))
    make_items(project, 3)
    with pytest.raises(ValueError, match="No item has gold"):
        queue(project)


def test_a_dataset_is_frozen_once_at_a_time(project: a.Project) -> None:
    make_texts(project, 10)
    queue(project)
    with pytest.raises(ValueError, match="being frozen right now"):
        queue(project)
    queue(project, dataset_name="Other")
    assert e.DatasetVersion.objects.count() == 2


def test_a_dataset_is_found_by_name_and_named_apart(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(project, 10)
    first = freeze(project, dataset_name="Main  set")
    assert freeze(project, dataset_name="Main set").dataset == first.dataset
    assert freeze(project, dataset_name="main-set").dataset == first.dataset
    assert freeze(project, dataset_name="Main, set!").dataset.slug == "main-set-2"
    chinese = freeze(project, dataset_name="市场情绪").dataset
    assert chinese.slug.startswith("set-")
    other = make_project(cast, slug="other")
    make_texts(other, 10)
    with pytest.raises(ValueError, match="another project"):
        freezing.ask(project=other, dataset=chinese)


# -- What is in a version ---------------------------------------------------------------------------------------------


def test_a_first_version_holds_gold_and_splits_it_by_label(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(project, 300)
    make_items(project, ["A text without gold."])
    version = freeze(project, user=cast["dave"], change_note="First.")
    assert (version.state, version.number, version.previous, version.change_note) == ("done", "1.0.0", None, "First.")
    act = a.Act.objects.get(project=project, kind="frozen")
    assert (act.by, act.details) == (cast["dave"], {"name": "Main 1.0.0", "count": 300})
    assert {split: version.counts[split]["n"] for split in e.SPLITS} == {"train": 210, "dev": 30, "test": 60}
    assert version.counts["test"]["labels"]["sentiment"] == dict.fromkeys(LABELS, 20)
    assert Counter(splits_of(version).values()) == {"train": 210, "dev": 30, "test": 60}
    assert version.guideline_version == project.version
    assert version.created_by == cast["dave"]
    assert [board.question for board in version.benchmarks.all()] == ["sentiment"]
    assert version.benchmarks.get().primary_metric == "macro_f1"


def test_examples_carry_document_fields_gold_method_and_votes(project: a.Project, cast: dict[str, a.User]) -> None:
    [item, *_rest] = make_texts(project, 12)
    fields = {
        "title": "T",
        "issuer": "Nokia",
        "language": "en",
        "metadata": {"page": 3, "empty": "", "note": " a\r\nb "},
    }
    a.Document.objects.filter(pk=item.document_id).update(**fields)
    make_annotation(item, cast["alice"], "negative")
    make_annotation(item, cast["bob"], "positive")
    make_annotation(item, cast["carol"], "negative", independent=False)
    example = e.Example.objects.get(version=freeze(project), key="d0")
    assert example.fields == {
        "title": "T", "issuer": "Nokia", "language": "en", "metadata": {"page": "3", "note": "a\nb"},
    }  # fmt: skip
    assert example.gold == {"sentiment": "negative"}
    assert example.votes == {"sentiment": [1, 2]}
    assert example.methods == {"sentiment": "adjudicated"}
    assert (example.item_id, example.added_in, len(example.digest)) == (item.pk, "1.0.0", 64)


def test_passages_are_cut_out_in_code_points_and_keep_their_place(project: a.Project) -> None:
    make_texts(project, 12)
    text = "𝟙𝟚 利润上升。Revenue fell. " * 2
    document = a.Document.objects.create(project=project, external_id="x" * 198, text=text, text_key="k")
    for start, end in ((3, 8), (8, 21)):
        make_gold(a.Item.objects.create(project=project, document=document, start=start, end=end))
    version = freeze(project)
    found = {
        row.text: row.key for row in e.Example.objects.filter(version=version, text__in=["利润上升。", "Revenue fell."])
    }
    assert set(found) == {"利润上升。", "Revenue fell."}
    assert all(len(key) <= 200 and key.startswith("xxx") for key in found.values())
    assert found["利润上升。"].endswith("#3-8")
    assert proof.verify(version)["ok"]


def test_only_items_with_gold_for_all_asked_questions_are_in(project: a.Project) -> None:
    schema = schemas.check(
        {
            "questions": [
                {"name": "sentiment", "labels": LABELS},
                {"name": "topic", "labels": ["money", "people"], "required": False},
            ]
        }
    )
    set_schema(project, schema)
    items = make_texts(project, 40)
    for item in items[:30]:
        make_gold(item, "money", question="topic")
    both = freeze(project)
    assert sum(both.counts[split]["n"] for split in e.SPLITS) == 30
    assert sorted(board.question for board in both.benchmarks.all()) == ["sentiment", "topic"]
    one = freeze(project, dataset_name="One", questions=["sentiment"])
    assert sum(one.counts[split]["n"] for split in e.SPLITS) == 40
    assert set(e.Example.objects.filter(version=one).first().gold) == {"sentiment"}


def test_superseded_gold_is_history(project: a.Project) -> None:
    items = make_texts(project, 20)
    a.Gold.objects.filter(item=items[0]).update(superseded_at=timezone.now())
    make_gold(items[0], "positive")
    a.Gold.objects.filter(item=items[1]).update(superseded_at=timezone.now())
    version = freeze(project)
    assert e.Example.objects.get(version=version, key="d0").gold == {"sentiment": "positive"}
    assert not e.Example.objects.filter(version=version, key="d1").exists()


def test_gold_that_the_guideline_no_longer_has_is_left_out_and_listed(project: a.Project) -> None:
    items = make_texts(project, 30)
    replace_gold(items[0], "mixed")
    version = freeze(project)
    assert sum(version.counts[split]["n"] for split in e.SPLITS) == 29
    assert codes(version)["left_out"]["keys"] == ["d0"]


# -- The hash ---------------------------------------------------------------------------------------------------------


def test_the_hash_is_the_canonical_one_and_can_be_verified(project: a.Project) -> None:
    make_texts(project, 60)
    version = freeze(project)
    rows = [
        proof.canonical_row(row.key, row.split, row.text, row.gold, row.fields)
        for row in e.Example.objects.filter(version=version)
    ]
    assert content_hash(rows) == {"content": version.content_hash, "splits": version.split_hashes}
    found = proof.verify(version)
    assert found["ok"]
    assert found["changed"] == []


def test_same_content_has_the_same_hash_whatever_project_order_and_day(
    project: a.Project, cast: dict[str, a.User]
) -> None:
    first = freeze(project) if make_texts(project, 90) else None
    other = make_project(cast, slug="other")
    rows = a.Document.objects.filter(project=project).order_by("-pk")
    for row in rows:
        document = a.Document.objects.create(
            project=other, external_id=row.external_id, text=row.text, text_key=row.text_key
        )
        item = a.Item.objects.create(project=other, document=document)
        value = a.Gold.objects.get(item__document=row).value
        make_gold(item, value, method="imported", settled_at=timezone.now() - timedelta(days=400))
    make_annotation(a.Item.objects.filter(project=other).first(), cast["alice"])
    second = freeze(other, dataset_name="Elsewhere")
    assert (first.content_hash, first.split_hashes) == (second.content_hash, second.split_hashes)
    assert splits_of(first) == splits_of(second)
    assert freeze(other, dataset_name="Seeded", seed=14).content_hash != second.content_hash


# -- Versions after the first -----------------------------------------------------------------------------------------


def test_added_items_make_a_minor_version_and_nothing_old_moves(project: a.Project) -> None:
    make_texts(project, 100)
    first = freeze(project)
    make_texts(project, [f"Another text number {n}." for n in range(30)])
    # Other shares and another seed do not move what stands.
    second = freeze(project, seed=99, shares={"train": 0.2, "dev": 0.2, "test": 0.6})
    assert (second.number, second.previous) == ("1.1.0", first)
    before, after = splits_of(first), splits_of(second)
    assert {key: after[key] for key in before} == before
    assert len(after) == 130
    added = dict(e.Example.objects.filter(version=second).values_list("key", "added_in"))
    assert (added["d0"], added["d129"]) == ("1.0.0", "1.1.0")


def test_changed_gold_or_a_removed_item_makes_a_major_version(project: a.Project) -> None:
    items = make_texts(project, 60)
    freeze(project)
    replace_gold(items[0], "positive")
    assert freeze(project).number == "2.0.0"
    a.Gold.objects.filter(item=items[1]).update(superseded_at=timezone.now())
    assert freeze(project).number == "3.0.0"


def test_the_same_content_makes_a_patch(project: a.Project) -> None:
    make_texts(project, 60)
    first = freeze(project)
    second = freeze(project, change_note="Again.")
    assert (second.number, second.content_hash) == ("1.0.1", first.content_hash)
    assert e.Example.objects.filter(version=second).count() == 60


def test_an_item_that_comes_back_goes_to_the_split_it_had(project: a.Project) -> None:
    items = make_texts(project, 60)
    first = freeze(project)
    gone = {item.document.external_id: item for item in items[:30]}
    a.Gold.objects.filter(item__in=items[:30]).update(superseded_at=timezone.now())
    freeze(project)
    for item in gone.values():
        make_gold(item)
    third = splits_of(freeze(project, seed=5, shares={"train": 0.1, "dev": 0.1, "test": 0.8}))
    assert {key: third[key] for key in gone} == {key: split for key, split in splits_of(first).items() if key in gone}


def test_a_failed_freeze_uses_no_number_up(project: a.Project) -> None:
    make_texts(project, 20)
    failed = freeze(project, splits="given")
    assert (failed.state, failed.number, failed.frozen_at) == ("failed", "–", None)
    assert not e.Example.objects.exists()
    assert freeze(project).number == "1.0.0"


# -- Splits -----------------------------------------------------------------------------------------------------------


def test_given_splits_are_taken_where_every_item_has_one(project: a.Project) -> None:
    make_texts(project, 20, given_split="train")
    make_texts(project, [f"Test text {n}." for n in range(10)], given_split="test")
    version = freeze(project)
    assert Counter(splits_of(version).values()) == {"train": 20, "test": 10}
    random = freeze(project, dataset_name="Random", splits="random")
    assert random.counts["dev"]["n"] == 3
    make_texts(project, ["One more without a split."])
    mixed = freeze(project, dataset_name="Mixed")
    assert mixed.counts["dev"]["n"] > 0
    refused = freeze(project, dataset_name="Refused", splits="given")
    assert refused.state == "failed"
    assert "d30" in refused.message
    # A dataset that has begun with given splits goes on, and what came without one is placed.
    second = freeze(project, splits="given")
    assert (second.number, second.state) == ("1.1.0", "done")


def test_equal_texts_stay_together_and_conflicts_are_told_without_their_gold(project: a.Project) -> None:
    make_texts(project, 40)
    make_texts(project, ["Profit rose.", "PROFIT  rose.", "profit rose."], labels=["positive", "negative", "positive"])
    refused = freeze(project)
    assert (refused.state, refused.reason) == ("failed", "conflict")
    assert "“d40”" in refused.message
    version = freeze(project, allow_leaks="Both readings are right.")
    assert len({splits_of(version)[key] for key in ("d40", "d41", "d42")}) == 1
    assert (
        len(set(e.Example.objects.filter(version=version, key__in=["d40", "d41", "d42"]).values_list("component"))) == 1
    )
    conflict = codes(version)["conflicting"]
    assert conflict["keys"] == ["d40", "d41", "d42"]
    assert not any(label in conflict["text"] for label in LABELS)
    assert "Both readings are right." in conflict["text"]


def test_the_same_text_in_two_given_splits_stops_the_freeze_unless_a_reason_is_given(project: a.Project) -> None:
    make_texts(project, 30, given_split="train")
    make_texts(project, ["Profit of company 0 rose by 0 %."], labels=["negative"], given_split="test")
    version = freeze(project)
    assert (version.state, version.reason) == ("failed", "leak")
    assert "d0" in version.message
    assert "d30" in version.message
    allowed = freeze(project, allow_leaks="As published.")
    assert allowed.state == "done"
    assert codes(allowed)["leak"]["level"] == "error"
    assert "As published." in codes(allowed)["leak"]["text"]
    assert splits_of(allowed)["d30"] == "test"


def test_issuers_stay_together_where_asked(project: a.Project) -> None:
    for n in range(20):
        make_texts(project, [f"Text {n} {k}." for k in range(5)], issuer=f"Issuer {n}" if n % 2 else f"ISSUER {n}")
    version = freeze(project, group_by=["issuer"])
    splits: dict[str, set[str]] = {}
    for split, fields in e.Example.objects.filter(version=version).values_list("split", "fields"):
        splits.setdefault(fields["issuer"].casefold(), set()).add(split)
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == set(e.SPLITS)


def test_an_item_that_joins_two_splits_is_left_out_and_listed(project: a.Project) -> None:
    make_texts(project, 10, given_split="train", issuer="A")
    make_texts(project, [f"Other {n}." for n in range(10)], given_split="test", issuer="B")
    freeze(project, group_by=["issuer"])
    make_texts(project, ["Other 3."], issuer="A")
    version = freeze(project, group_by=["issuer"])
    assert version.number == "1.0.1"
    assert codes(version)["quarantined"]["keys"] == ["d20"]
    assert "d20" not in splits_of(version)


# -- Findings and agreement -------------------------------------------------------------------------------------------


def test_small_labels_and_a_small_test_are_told(project: a.Project) -> None:
    make_texts(project, 60, labels=["neutral", "positive"])
    make_texts(project, [f"Rare {n}." for n in range(3)], labels=["negative"])
    found = codes(freeze(project))
    assert "negative (3)" in found["few_examples"]["text"]
    assert "neutral" in found["few_test_examples"]["text"]
    assert found["detectable"]["level"] == "warning"
    empty = codes(freeze(project, dataset_name="No test", shares={"train": 1.0}))
    assert "no_test" in empty
    assert not e.Benchmark.objects.filter(version__dataset__name="No test").exists()


def test_a_test_of_two_thousand_tells_what_it_can_show(project: a.Project) -> None:
    make_texts(project, 2500)
    found = codes(freeze(project, shares={"train": 0.1, "dev": 0.1, "test": 0.8}))
    assert found["detectable"]["level"] == "note"
    assert "2000 independent" in found["detectable"]["text"]
    assert "2.0 points" in found["detectable"]["text"]
    assert set(found) == {"detectable"}


def test_agreement_at_the_freeze_is_of_the_frozen_items(project: a.Project, cast: dict[str, a.User]) -> None:
    items = make_texts(project, 60)
    for place, item in enumerate(items[:40]):
        make_annotation(item, cast["alice"], LABELS[place % 3])
        make_annotation(item, cast["bob"], LABELS[place % 3] if place >= 4 else LABELS[(place + 1) % 3])
    [unsettled] = make_items(project, ["No gold here."])
    make_annotation(unsettled, cast["alice"], "negative")
    figures = freeze(project).agreement["sentiment"]
    assert (figures["n_units"], figures["n_units_2plus"], figures["n_raters"]) == (40, 40, 2)
    assert figures["percent"]["value"] == pytest.approx(0.9)
    assert figures["alpha"]["low"] < figures["alpha"]["value"] < figures["alpha"]["high"]


def test_agreement_tells_what_waits_for_a_decision_and_leaves_control_items_out(
    project: a.Project, cast: dict[str, a.User], client: Any
) -> None:
    items = make_texts(project, 60)
    for place, item in enumerate(items[:40]):
        make_annotation(item, cast["alice"], LABELS[place % 3])
        make_annotation(item, cast["bob"], LABELS[place % 3])
    # A control item that people answered as work and differ on.
    make_annotation(items[50], cast["alice"], "positive")
    make_annotation(items[50], cast["bob"], "negative")
    controlling.mark(project=project, items=a.Item.objects.filter(pk=items[50].pk), role="control")
    for item in make_items(project, [f"Nobody agrees on {n}." for n in range(10)]):
        make_annotation(item, cast["alice"], "positive")
        make_annotation(item, cast["bob"], "negative")
        a.Case.objects.create(project=project, item=item, question="sentiment")
    figures = freeze(project).agreement["sentiment"]
    assert (figures["n_units_2plus"], figures["percent"]["value"]) == (40, 1.0)
    assert (figures["open"], figures["all"], figures["guideline_versions"]) == (10, None, {"1": 80})
    # With figures of Agreement that know every answer, that of all answers stands beside it.
    report = measuring.refresh(version=project.version, question="sentiment")
    assert jobs.run(a.AgreementReport, report.pk, measuring.work)
    version = freeze(project, change_note="again")
    figures = version.agreement["sentiment"]
    assert figures["all"]["value"] == measuring.measure(project=project, question="sentiment")["krippendorff_alpha"]["value"]  # fmt: skip
    assert figures["all"]["value"] < figures["alpha"]["value"]
    client.force_login(cast["dave"])
    page = client.get(f"/p/{project.slug}/versions/{version.pk}/").content.decode()
    assert "over the 40 frozen examples" in page
    assert "10 items with open cases are not among them" in page
    assert f"(α {figures['all']['value']:.3f})" in page
    with exporting.archive(version, with_test_gold=True) as file, zipfile.ZipFile(file) as files:
        assert b"Items with open cases are not among them: 10" in files.read("README.md")


def test_without_a_second_annotator_there_is_no_agreement(project: a.Project, cast: dict[str, a.User]) -> None:
    for item in make_texts(project, 20):
        make_annotation(item, cast["alice"])
    assert freeze(project).agreement == {}


def test_gold_from_an_earlier_guideline_is_told(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(project, 30)
    publishing.save_draft(project=project, text="New words.", schema=project.version.schema, user=cast["dave"])
    publishing.publish(project=project, user=cast["dave"], change_note="Clearer.")
    project.refresh_from_db()
    version = freeze(project)
    assert version.guideline_version.number == 2
    assert "v1: 30" in codes(version)["older_guideline"]["text"]


# -- Life of the job --------------------------------------------------------------------------------------------------


def test_a_second_run_of_a_version_whose_worker_died_after_the_freeze_changes_nothing(project: a.Project) -> None:
    make_texts(project, 20)
    version = queue(project)
    claimed = e.DatasetVersion.objects.claim(version.pk)
    freezing.freeze(claimed, Grip(claimed))
    e.DatasetVersion.objects.filter(pk=version.pk).update(state="queued", token=None)
    assert jobs.run(e.DatasetVersion, version.pk, freezing.freeze)
    assert e.Example.objects.filter(version=version).count() == 20
    assert e.Benchmark.objects.filter(version=version).count() == 1


def test_an_attempt_that_lost_its_row_writes_nothing(project: a.Project) -> None:
    make_texts(project, 20)
    version = queue(project)
    claimed = e.DatasetVersion.objects.claim(version.pk)
    e.DatasetVersion.objects.filter(pk=version.pk).update(token=None, state="queued")
    with pytest.raises(JobLost):
        freezing.freeze(claimed, Grip(claimed))
    assert not e.Example.objects.exists()
    assert not e.Benchmark.objects.exists()
    assert jobs.run(e.DatasetVersion, version.pk, freezing.freeze)
    version.refresh_from_db()
    assert version.number == "1.0.0"


def test_a_cancelled_freeze_leaves_nothing(project: a.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    make_texts(project, 20)
    version = queue(project)
    monkeypatch.setattr(Grip, "tick", lambda self, done, total, note="": self.cancelled.set() or self.check())
    assert jobs.run(e.DatasetVersion, version.pk, freezing.freeze)
    version.refresh_from_db()
    assert (version.state, version.frozen_at) == ("cancelled", None)
    assert not e.Example.objects.exists()


def test_kill_nine_in_the_last_transaction_leaves_nothing_half_frozen(
    frozen_world: None, project: a.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_texts(project, 50)
    version = queue(project)
    monkeypatch.setattr(freezing, "BATCH", 10)
    connections.close_all()
    if not (child := os.fork()):
        try:
            whole = e.Example.objects.bulk_create
            calls: list[int] = []

            def dying(rows: Any) -> Any:
                calls.append(1)
                if len(calls) == 4:
                    os.kill(os.getpid(), signal.SIGKILL)
                return whole(rows)

            e.Example.objects.bulk_create = dying  # type: ignore[method-assign]
            jobs.run(e.DatasetVersion, version.pk, freezing.freeze)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    version.refresh_from_db()
    assert (version.state, version.frozen_at) == ("running", None)
    assert not e.Example.objects.exists()
    e.DatasetVersion.objects.filter(pk=version.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert e.DatasetVersion.objects.all().reap() == (1, 0)
    assert jobs.run(e.DatasetVersion, version.pk, freezing.freeze)
    version.refresh_from_db()
    assert (version.state, version.number, version.attempt) == ("done", "1.0.0", 2)
    assert proof.verify(version)["ok"]


def test_queries_do_not_grow_with_the_gold(project: a.Project, django_assert_max_num_queries: Any) -> None:
    make_texts(project, 900)
    version = queue(project)
    with django_assert_max_num_queries(56):
        jobs.run(e.DatasetVersion, version.pk, freezing.freeze)
    version.refresh_from_db()
    assert version.number == "1.0.0"


def test_control_and_training_items_stand_in_train_alone_and_a_twin_in_the_test_stops_the_freeze(
    project: a.Project,
) -> None:
    items = make_texts(project, 40)
    controlling.mark(project=project, items=a.Item.objects.filter(pk__in=[item.pk for item in items[:15]]), role="control")  # fmt: skip
    version = freeze(project, shares={"train": 0.4, "dev": 0.3, "test": 0.3})
    assert version.state == "done", version.message
    assert set(version.examples.filter(item__in=items[:15]).values_list("split", flat=True)) == {"train"}
    # How many there are is told, never which: people who label read the findings.
    found = codes(version)["measuring"]
    assert (found["values"], found["keys"]) == ({"count": 15}, [])
    assert found["text"].endswith("15.")
    control = items[0].document.external_id
    assert f"“{control}”" not in json.dumps(version.findings, ensure_ascii=False)
    held = set(version.examples.exclude(split="train").values_list("item", flat=True))
    assert set(a.Item.objects.filter(held_out=True).values_list("pk", flat=True)) == held
    # What stands in dev or test never becomes a control item.
    with pytest.raises(ValueError, match="dev or test"):
        controlling.mark(project=project, items=a.Item.objects.filter(pk__in=held), role="control")
    # Even where a row was changed by hand the freeze is closed.
    a.Item.objects.filter(pk=min(held)).update(role="control")
    again = freeze(project, shares={"train": 0.4, "dev": 0.3, "test": 0.3})
    assert (again.state, again.reason) == ("failed", "control")
    assert "People know their gold" in again.message
    assert "“" not in again.message


def test_texts_that_are_nearly_the_same_stay_together_and_templates_where_asked(project: a.Project) -> None:
    words = [
        f"The board of company {n} proposes to the meeting of {n * 7} May a dividend for the year" for n in range(40)
    ]
    pairs = [f"{text} that ended in December ." for text in words] + [f"{text} that ended in December , it said ." for text in words]  # fmt: skip
    make_texts(project, pairs)
    version = freeze(project, shares={"train": 0.5, "test": 0.5})
    splits = splits_of(version)
    assert all(splits[f"d{n}"] == splits[f"d{n + 40}"] for n in range(40))
    assert set(splits.values()) == {"train", "test"}
    apart = freeze(project, shares={"train": 0.5, "test": 0.5}, group_by=[], dataset_name="Apart")
    splits = splits_of(apart)
    divided = {key for n in range(40) for key in (f"d{n}", f"d{n + 40}") if splits[f"d{n}"] != splits[f"d{n + 40}"]}
    assert divided
    assert codes(apart)["alike"]["count"] == len(divided)
    assert "alike" not in codes(version)
    one = freeze(project, shares={"train": 0.5, "test": 0.5}, group_by=["near", "template"], dataset_name="One")
    assert len(set(splits_of(one).values())) == 1


def test_nearly_the_same_text_in_two_given_splits_stops_the_freeze_but_not_the_one_after(project: a.Project) -> None:
    make_texts(project, 30, given_split="train")
    text = "Profit of the company rose by a fifth in the year that ended in December of last year"
    make_texts(project, [f"{text} ."], labels=["negative"], given_split="train")
    make_texts(project, [f"{text} !?"], labels=["negative"], given_split="test")
    version = freeze(project)
    assert (version.state, version.reason) == ("failed", "leak")
    assert "Nearly the same text stands in test and train: “d30”, “d31”." in version.message
    assert freeze(project, allow_leaks="As published.").state == "done"
    # What an earlier version placed stays, so that what came later can be frozen.
    make_texts(project, ["A text of another kind."], given_split="train")
    after = freeze(project)
    assert (after.state, after.message) == ("done", "")
    assert codes(after)["leak"]["keys"] == ["d30", "d31"]
    # A new one is a new leak.
    make_texts(project, [f"{text} …"], labels=["negative"], given_split="train")
    assert (again := freeze(project)).reason == "leak"
    assert "“d33”" in again.message


def test_private_data_in_the_texts_is_told_by_kind_and_never_by_value(project: a.Project) -> None:
    make_texts(project, 10)
    make_texts(project, ["Write to jane.doe@example.org or j@example.org.", "联系人张三，手机13812345678。"])
    assert freeze(project).reason == "private"
    screening.decide(project=project, asked={"scope": "all"}, state="keep", reason="public", user=None)
    told = {finding["values"]["title"]: finding for finding in freeze(project).findings if finding["code"] == "private"}
    assert {title: finding["keys"] for title, finding in told.items()} == {"E-mail address": ["d10"], "Chinese mobile number": ["d11"]}  # fmt: skip
    assert told["E-mail address"]["values"]["count"] == 2
    assert not any(value in str(told) for value in ("jane", "138123"))
