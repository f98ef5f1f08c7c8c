"""Looks by the worker: previews, leaks of versions and uploads, the hash again, comparisons, and what was retired."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from annotation import jobs
from annotation import models as a
from evaluation import checking, proof, retirements, retiring
from evaluation import models as e
from tests.conftest import make_gold, replace_gold
from tests.evaluation.worlds import freeze, make_texts

pytestmark = pytest.mark.django_db


def done(row: e.Check) -> e.Check:
    assert jobs.run(e.Check, row.pk, checking.work)
    row.refresh_from_db()
    assert row.state == "done", row.message
    return row


def preview(project: a.Project, **options: Any) -> dict[str, Any]:
    return done(checking.ask_preview(project=project, dataset_name="Main", user=None, wake=False, **options)).result


def test_a_preview_says_what_the_freeze_then_does_and_writes_nothing(project: a.Project) -> None:
    make_texts(project, 60)
    told = preview(project)
    assert not e.DatasetVersion.objects.exists()
    assert not e.Dataset.objects.exists()
    version = freeze(project)
    assert told["version"] == version.number == "1.0.0"
    for split, part in told["splits"].items():
        assert part["n"] == version.counts[split]["n"]
        assert part["labels"] == version.counts[split]["labels"]
    assert (told["can_freeze"], told["blocking"]) == (True, [])


def test_a_preview_tells_what_stops_the_freeze_with_its_pairs(project: a.Project) -> None:
    make_texts(project, 30, given_split="train")
    make_texts(project, ["Profit of company 0 rose by 0 %."], labels=["positive"], given_split="test")
    row = done(checking.ask_preview(project=project, dataset_name="Main", user=None, wake=False))
    assert [entry["kind"] for entry in row.result["blocking"]] == ["leak", "conflict"]
    assert not row.result["can_freeze"]
    pair = row.pairs.get(kind="text")
    assert (pair.left["key"], pair.right["key"], pair.right["split"]) == ("d0", "d30", "test")
    assert preview(project, allow_leaks="As published.")["can_freeze"]


def test_a_split_by_time_goes_on_where_the_last_version_ended(project: a.Project) -> None:
    for day in range(1, 29):
        make_texts(
            project, [f"Words of the day {day} that nobody else says {'x' * day}."], published_at=f"2026-01-{day:02}"
        )
    version = freeze(project, splits="time", gap_days=1)
    assert version.state == "done", version.message
    test = version.options["windows"]["test"]
    rows = e.Example.objects.filter(version=version)
    assert all((row.fields["published_at"] >= test) == (row.split == "test") for row in rows)
    make_texts(project, ["A later text."], published_at="2026-03-01")
    again = freeze(project, splits="time", gap_days=1)
    assert again.options["windows"]["test"] == test
    assert e.Example.objects.get(version=again, key="d28").split == "test"


def test_groups_by_a_column_and_splits_by_one(project: a.Project) -> None:
    items = make_texts(project, 40)
    for n, item in enumerate(items):
        split = "Test" if n % 4 == 0 else "validation" if n % 4 == 1 else "train"
        a.Document.objects.filter(pk=item.document_id).update(metadata={"event": f"E{n // 4}", "fold": split})
    version = freeze(project, group_by=["meta.event"], splits="random")
    placed = dict(e.Example.objects.filter(version=version).values_list("key", "split"))
    assert all(len({placed[f"d{n}"] for n in range(4 * g, 4 * g + 4)}) == 1 for g in range(10))
    named = freeze(project, dataset_name="Named", splits="column", split_column="meta.fold", group_by=[])
    assert {split: named.counts[split]["n"] for split in e.SPLITS} == {"train": 20, "dev": 10, "test": 10}
    with pytest.raises(ValueError, match="No document has the column “colour”"):
        freeze(project, group_by=["meta.colour"])


def test_counts_in_place_of_shares(project: a.Project) -> None:
    make_texts(project, 50)
    version = freeze(project, counts={"test": 12, "dev": 6})
    assert {split: version.counts[split]["n"] for split in e.SPLITS} == {"train": 32, "dev": 6, "test": 12}
    failed = freeze(project, dataset_name="Other", counts={"test": 60})
    assert "there are 50 with gold" in failed.message


def test_passages_of_a_document_stay_together_unless_somebody_says_otherwise(project: a.Project) -> None:
    for n in range(12):
        text = " ".join(f"word{n}x{k}" for k in range(40))
        document = a.Document.objects.create(project=project, external_id=f"long{n}", text=text, text_key=f"{n}" * 8)
        for start, end in ((0, 80), (80, 160), (160, 240)):
            make_gold(a.Item.objects.create(project=project, document=document, start=start, end=end))
    placed: dict[str, set[str]] = {}
    for key, split in e.Example.objects.filter(version=freeze(project)).values_list("key", "split"):
        placed.setdefault(key.partition("#")[0], set()).add(split)
    assert all(len(splits) == 1 for splits in placed.values())
    apart = freeze(project, dataset_name="Apart", divide_documents=True)
    found: dict[str, set[str]] = {}
    for key, split in e.Example.objects.filter(version=apart).values_list("key", "split"):
        found.setdefault(key.partition("#")[0], set()).add(split)
    assert any(len(splits) > 1 for splits in found.values())


def test_the_leaks_of_a_clean_version_are_none_and_verify_is_kept(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(
        project,
        [
            f"The {word} firm number {n} said {n * 7919} things of {word}."
            for n, word in enumerate("abcdefghijklmnopqrstuvwxyz" * 2)
        ],
    )
    version = freeze(project)
    row = done(checking.ask_leaks(version=version, user=cast["erin"], wake=False))
    assert row.result["clean"]
    checked = done(checking.ask_verify(version=version, user=cast["erin"], wake=False))
    assert (checked.result["ok"], checked.created_by) == (True, cast["erin"])


def test_two_versions_compared_example_by_example(project: a.Project) -> None:
    items = make_texts(project, 40)
    first = freeze(project)
    replace_gold(items[0], "positive" if items[0].gold.current().get().value != "positive" else "negative")
    make_texts(project, ["Something new was said by somebody."])
    retiring.retire(dataset=first.dataset, keys=["d5", "d6"], reason="Wrong company.", user=None)
    second = freeze(project)
    assert second.number == "2.0.0"
    row = done(checking.ask_compare(before=first, after=second, user=None, wake=False))
    assert row.result["counts"] == {"added": 1, "retired": 2, "moved": 0, "text": 0, "relabelled": 1, "fields": 0}
    assert row.pairs.get(kind="relabelled").left["key"] == "d0"
    assert {pair.shared for pair in row.pairs.filter(kind="retired")} == {"Wrong company."}
    assert checking.ask_compare(before=first, after=second, user=None, wake=False).pk == row.pk


def test_what_was_retired_leaves_keeps_its_id_and_comes_back_by_an_act(project: a.Project) -> None:
    items = make_texts(project, 40)
    first = freeze(project)
    assert retiring.retire(dataset=first.dataset, keys=["d5"], reason="Wrong.", user=None) == 1
    assert retiring.retire(dataset=first.dataset, keys=["d5"], reason="Again.", user=None) == 0
    second = freeze(project)
    assert not e.Example.objects.filter(version=second, key="d5").exists()
    [stone] = retirements.gone(second)
    assert (stone.key, stone.version_id, stone.last_id, stone.reason) == ("d5", second.pk, first.pk, "Wrong.")
    assert retirements.retired_in(first.dataset, ["d5", "d6"], since=first) == {"d5": "2.0.0"}
    document = items[5].document
    a.Document.objects.filter(pk=document.pk).update(text="Another text altogether.", text_key="f" * 32)
    retiring.bring_back(dataset=first.dataset, keys=["d5"], reason="It was right.", user=None)
    failed = freeze(project)
    assert (failed.state, failed.reason) == ("failed", "tombstone")
    a.Document.objects.filter(pk=document.pk).update(text=document.text, text_key=document.text_key)
    third = freeze(project)
    assert e.Example.objects.get(version=third, key="d5").split == e.Example.objects.get(version=first, key="d5").split
    assert not retirements.gone(third).exists()
    with pytest.raises(ValueError, match="No version of this dataset has an example “dx”"):
        retiring.retire(dataset=first.dataset, keys=["dx"], reason="x", user=None)
    with pytest.raises(ValueError, match="Give a reason"):
        retiring.retire(dataset=first.dataset, keys=["d5"], reason=" ", user=None)


@pytest.mark.parametrize("statement", ["UPDATE {} SET reason = 'x'", "DELETE FROM {}"])
def test_the_database_keeps_retirements_and_tombstones(project: a.Project, statement: str) -> None:
    make_texts(project, 30)
    first = freeze(project)
    retiring.retire(dataset=first.dataset, keys=["d5"], reason="Wrong.", user=None)
    freeze(project)
    tables = ["evaluation_retirement", "evaluation_tombstone", "evaluation_benchmark"]
    for table in tables if statement.startswith("DELETE") else tables[:2]:
        with pytest.raises(DatabaseError, match=r"stays? written down|cannot be deleted"), transaction.atomic():
            connection.cursor().execute(statement.format(table))


def test_an_upload_belongs_to_its_person_and_its_files_go(cast: dict[str, a.User], still: None) -> None:
    rows = [
        {"text": f"Text {n % 15} of it all in all", "label": "a", "split": "test" if n > 15 else "train"}
        for n in range(20)
    ]
    content = "\n".join(map(json.dumps, rows)).encode()
    client = Client()
    client.force_login(cast["eve"])
    answer = client.post("/leaks/", {"file": SimpleUploadedFile("set.jsonl", content)})
    row = e.Check.objects.get(what="upload")
    assert answer["Location"] == f"/leaks/{row.pk}/"
    assert client.get(f"/leaks/{row.pk}/").status_code == 200
    done(row)
    assert not e.CheckFile.objects.exists()
    page = client.get(f"/leaks/{row.pk}/").content.decode()
    assert "The same text stands in several splits" in page
    assert "Text 1 of it" in client.get(f"/leaks/{row.pk}/pairs/?kind=text").content.decode()
    other = Client()
    other.force_login(cast["dave"])
    for path in ("", "progress/", "pairs/"):
        assert other.get(f"/leaks/{row.pk}/{path}").status_code == 404
    e.Check.objects.update(created_at=timezone.now() - timezone.timedelta(days=15))
    assert checking.forget_old() == 1
    assert not e.Pair.objects.exists()


def test_bad_uploads_get_a_sentence(cast: dict[str, a.User], still: None) -> None:
    with pytest.raises(ValueError, match="Choose a file first"):
        checking.ask_upload(files=[], user=cast["eve"])
    file = BytesIO(b"text,label\na b c,x\n")
    row = checking.ask_upload(files=[(file, "x.csv", "")], user=cast["eve"], wake=False)
    jobs.run(e.Check, row.pk, checking.work)
    row.refresh_from_db()
    assert (row.state, "Name the column of the split" in row.message) == ("failed", True)


def test_test_gold_of_pairs_is_hidden_from_researchers(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(project, 30, given_split="train")
    make_texts(project, ["Profit of company 0 rose by 0 %."], labels=["neutral"], given_split="test")
    version = freeze(project, allow_leaks="As published.")
    row = done(checking.ask_leaks(version=version, user=None, wake=False))
    assert not row.result["clean"]
    for who, may in (("erin", False), ("dave", True)):
        client = Client()
        client.force_login(cast[who])
        found = client.get(f"/api/v1/projects/{project.slug}/checks/{row.pk}/pairs/?kind=text").json()["results"]
        assert (found[0]["right"]["gold"] is not None) == may
        page = client.get(f"/p/{project.slug}/checks/{row.pk}/pairs/?kind=text").content.decode()
        assert ("gold hidden" in page) != may


def test_every_page_of_a_check_opens(project: a.Project, cast: dict[str, a.User]) -> None:
    make_texts(project, 30)
    first = freeze(project)
    make_texts(project, ["Something new was said by somebody."])
    second = freeze(project)
    client = Client()
    client.force_login(cast["dave"])
    base = f"/p/{project.slug}/"
    form = {"dataset": "Main", "questions": ["sentiment"], "train": "70", "dev": "10", "test": "20", "splits": "random", "group_by": ["near"], "seed": "13", "do": "preview"}  # fmt: skip
    assert client.post(f"{base}datasets/freeze/", form).status_code == 302
    for name, data in (("leaks", {}), ("verify", {}), ("compare", {"with": str(first.pk)})):
        assert client.post(f"{base}versions/{second.pk}/{name}/", data).status_code == 302
    rows = list(e.Check.objects.order_by("pk"))
    assert [row.what for row in rows] == ["preview", "leaks", "verify", "compare"]
    for row in rows:
        assert client.get(f"{base}checks/{row.pk}/").status_code == 200
        done(row)
        assert client.get(f"{base}checks/{row.pk}/").status_code == 200
        assert client.get(f"/api/v1{base.replace('/p/', '/projects/')}checks/{row.pk}/").json()["state"] == "done"
    assert client.get(f"{base}checks/{rows[3].pk}/pairs/?kind=added").status_code == 200
    assert client.get(f"{base}datasets/freeze/?preview={rows[0].pk}").status_code == 200
    client.post(
        f"{base}versions/{second.pk}/retire/", {"key": ["d1"], "keys": "d2", "reason": "Wrong.", "do": "retire"}
    )
    assert retirements.retired(second.dataset) == {"d1": "Wrong.", "d2": "Wrong."}
    assert "retired for the next version" in client.get(f"{base}versions/{second.pk}/examples/").content.decode()
    assert proof.verify(second)["ok"]
