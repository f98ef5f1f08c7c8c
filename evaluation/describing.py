"""What people say of a data set: licence, makers, citation, and the answers of its datasheet; recorded, never hashed."""

from django.db import transaction
from django.utils.translation import gettext as _

from annotation import recording
from annotation.models import User
from annotation.text.normal import clean
from evaluation import datasheet
from evaluation.models import Dataset

LONGEST = {"description": 10_000, "licence": 200, "creators": 5_000, "contact": 200, "citation": 5_000}
ONE_LINE = ("licence", "contact")


@transaction.atomic
def describe(*, dataset: Dataset, user: User, answers: dict[str, str] | None = None, **fields: str) -> Dataset:
    """Change what is given: `description`, `licence`, `creators` (one a line), `contact`, `citation`, and answers.

    An empty answer takes an earlier one away. Raises ValueError for what is too long, or a question that is none.
    """
    row = Dataset.objects.select_for_update().get(pk=dataset.pk)
    for name, value in fields.items():
        setattr(row, name, _checked(name, value, LONGEST[name], one_line=name in ONE_LINE))
    told = dict(row.datasheet)
    for name, value in (answers or {}).items():
        if name not in datasheet.NAMES:
            raise ValueError(_("The datasheet has no question “%(name)s”.") % {"name": name[:60]})
        told[name] = _checked(name, value, datasheet.LONGEST)
    row.datasheet = {name: words for name, words in sorted(told.items()) if words}
    row.save(update_fields=[*fields, "datasheet"])
    recording.record(project=row.project, kind="described", by=user, dataset=row.name)
    return row


def _checked(name: str, value: str, most: int, *, one_line: bool = False) -> str:
    words = clean(value).text.strip()
    words = " ".join(words.split()) if one_line else words
    if len(words) > most:
        raise ValueError(_("%(name)s is longer than %(most)d characters.") % {"name": name, "most": most})
    return words
