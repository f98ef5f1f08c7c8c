"""What a freeze may be asked for: questions, shares, seed, mode of splitting, groups and the metric of its boards."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from annotation import schema as schemas
from annotation.models import Membership, Project
from evaluation.metrics import KINDS
from evaluation.models import SPLITS

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}
MODES = ("auto", "given", "random")
# What can be kept in one split: passages of a document, texts of an issuer, texts that are nearly the same, and texts
# that are so once their numbers are masked.
GROUPS = ("document", "issuer", "near", "template")


def check(
    schema: dict[str, Any],
    *,
    questions: Sequence[str] | None,
    shares: Mapping[str, float] | None,
    seed: int,
    splits: str,
    group_by: Sequence[str],
    primary_metric: str,
    allow_leaks: str,
) -> dict[str, Any]:
    """The options in stored form, with defaults filled in; raises ValueError with a sentence."""
    names = _questions(schema, questions)
    return {
        "questions": names,
        "shares": _shares(shares or SHARES),
        "seed": _seed(seed),
        "splits": _one_of(_("splits"), splits, MODES),
        "group_by": sorted({_one_of(_("group by"), name, GROUPS) for name in group_by}),
        "primary_metric": _primary(schema, names, primary_metric),
        "allow_leaks": allow_leaks.strip()[:500],
    }


def _questions(schema: dict[str, Any], names: Sequence[str] | None) -> list[str]:
    """The asked questions in the order of the schema."""
    known = [entry["name"] for entry in schema["questions"]]
    if names is None:
        return known
    if not names:
        raise ValueError(_("Choose at least one question to freeze."))
    asked = {schemas.question(schema, name)["name"] for name in names}
    return [name for name in known if name in asked]


def _shares(shares: Mapping[str, float]) -> dict[str, float]:
    """All three splits with their shares; raises ValueError."""
    if strange := sorted(set(shares) - set(SPLITS)):
        raise ValueError(_("“%(name)s” is no split; they are train, dev and test.") % {"name": strange[0]})
    found = {name: float(shares.get(name, 0)) for name in SPLITS}
    for name, share in found.items():
        if not (math.isfinite(share) and 0 <= share <= 1):
            raise ValueError(
                _("The share of %(name)s is %(share)s; it must lie between 0 and 1.") % {"name": name, "share": share}
            )
    total = sum(found.values())
    if abs(total - 1) > 1e-6:
        raise ValueError(
            _("The shares of train, dev and test add up to %(total)g; they must add up to 1 (100 %%).")
            % {"total": total}
        )
    return found


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise ValueError(_("The seed must be a whole number from 0 to 2147483647."))
    return seed


def _one_of(what: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ValueError(
            _("%(what)s: “%(value)s” is unknown. Choose one of: %(allowed)s.")
            % {"what": what, "value": value, "allowed": ", ".join(allowed)}
        )
    return value


def _primary(schema: dict[str, Any], names: Sequence[str], metric: str) -> str:
    """The metric that boards rank by, '' for each kind's own; raises ValueError where no question has it.

    A board whose kind has no such metric ranks by its kind's own.
    """
    kinds = [KINDS[schemas.question(schema, name)["kind"]] for name in names]
    allowed = list(dict.fromkeys(each for kind in kinds for each in kind.may_be_primary))
    return _one_of(_("primary metric"), metric, allowed) if metric else ""


def primary(kind: str, asked: str) -> str:
    """The metric that ranks the board of a question of this kind, where `asked` was asked for at the freeze."""
    return asked if asked in KINDS[kind].may_be_primary else KINDS[kind].primary


def may_have_test_gold(user: Any, project: Project) -> bool:
    """Managers and adjudicators; researchers must not see what their systems are tested on."""
    roles = (Membership.Role.MANAGER, Membership.Role.ADJUDICATOR)
    return Project.objects.with_role(user, *roles).filter(pk=project.pk).exists()
