"""Small worlds of annotation: members who label, files that come in, and raw SQL explained."""

import json
import uuid
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.utils import timezone

from annotation import annotating, assigning, importing, telling
from annotation import models as a

TEXTS = ["净利润同比增长 8％，好于预期。", "Sales fell 📉 in the\r\nthird quarter.", "Nothing changed."]


def member(project: a.Project, user: a.User) -> a.Membership:
    """The person's membership as a request sees it."""
    found = a.Membership.objects.of(user, project.slug)
    assert found is not None
    return found


def take(project: a.Project, user: a.User, count: int = 1) -> list[a.Assignment]:
    """Slots leased to this person, with their items."""
    return assigning.with_items(assigning.take(membership=member(project, user), count=count))


def sent(slot: a.Assignment, value: str | None = "positive", **changes: Any) -> annotating.Sent:
    """An answer to a leased slot; value None is a skip."""
    given = (
        {"status": "submitted", "answer": {"sentiment": value}}
        if value
        else {"status": "skipped", "skip_reason": "unclear"}
    )
    version = a.Project.objects.values_list("version", flat=True).get(pk=slot.project_id)
    fields = {"client_id": uuid.uuid4(), "assignment": slot.pk, "token": slot.token, "version": version, **given}
    return annotating.Sent(**{**fields, **changes})


def answer(
    project: a.Project, user: a.User, slot: a.Assignment, value: str | None = "positive", **changes: Any
) -> a.Annotation:
    """Submit an answer to a leased slot, of somebody who knows the guideline in force."""
    mine = member(project, user)
    if mine.project.version is not None:
        telling.tell(membership=mine, number=mine.project.version.number)
    annotation, _following = annotating.submit(
        membership=member(project, user), sent=sent(slot, value, **changes), more=False
    )
    return annotation


def label(project: a.Project, item: a.Item, **values: str | None) -> None:
    """Answers of people, by name, to one item, each through a lease of their own."""
    for name, value in values.items():
        user = a.User.objects.get(username=name)
        slot = lease(item, user)
        answer(project, user, slot, value)


def lease(item: a.Item, user: a.User) -> a.Assignment:
    """Give this person the item's next open slot, out of turn."""
    slot = a.Assignment.objects.filter(item=item, state="open").order_by("slot")[0]
    after = timezone.now() + timedelta(minutes=5)
    slot.annotator, slot.state, slot.token, slot.lease_until = user, "leased", uuid.uuid4(), after
    slot.save()
    return slot


def correct(project: a.Project, user: a.User, item: a.Item, value: str | None) -> a.Annotation:
    """Answer an item anew that one has answered before."""
    slot = a.Assignment.objects.get(item=item, annotator=user)
    return answer(project, user, slot, value, token=None)


def upload(project: a.Project, content: str | bytes, filename: str = "file.jsonl", **options: Any) -> a.Import:
    """A prepared import."""
    raw = content if isinstance(content, bytes) else content.encode()
    return importing.prepare(project=project, file=BytesIO(raw), filename=filename, user=None, **options)


def bring(project: a.Project, content: str | bytes, filename: str = "file.jsonl", **options: Any) -> dict[str, Any]:
    """Import a file; returns the report."""
    row = importing.bring_in(upload(project, content, filename, **options))
    assert row.state == "done", row.message
    project.refresh_from_db()
    return row.report


def bare(cast: dict[str, a.User], slug: str = "bare", **fields: Any) -> a.Project:
    """A project without guideline, as before a first import."""
    fields = {"agreed_percent": 0, "second_percent": 0, **fields}
    project = a.Project.objects.create(slug=slug, name=slug, created_by=cast["dave"], **fields)
    a.Membership.objects.create(project=project, user=cast["dave"], role="manager")
    return project


def lines(*rows: dict[str, Any]) -> str:
    """Rows as lines of JSON."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def three(**extra: Any) -> str:
    """A file of the three TEXTS, with the same extra fields in each row."""
    return lines(*({"id": f"d{n}", "text": text, **extra} for n, text in enumerate(TEXTS)))


def documents(project: a.Project) -> dict[str, str]:
    """id -> text of all that a project holds."""
    return dict(project.documents.values_list("external_id", "text"))
