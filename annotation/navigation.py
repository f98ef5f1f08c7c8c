"""Where one can go in a project: sections of places, each with the right it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from annotation.models import Membership


@dataclass(frozen=True)
class Place:
    """One link: the page it leads to, the pages on which it is the current one, and whom it is for."""

    title: Any
    page: str
    beneath: Sequence[str] = ()
    # The property of a membership that must hold; empty: every member.
    right: str = ""

    def is_for(self, membership: Membership) -> bool:
        """Whether this member may go there."""
        return not self.right or bool(getattr(membership, self.right))

    def holds(self, page: str) -> bool:
        """Whether the page belongs to this place."""
        return page == self.page or page in self.beneath


@dataclass(frozen=True)
class Section:
    """Places of one subject; one with a single place is shown as that place."""

    title: Any
    places: Sequence[Place]


# A page's name with its app's; the pages of the floors above are named like those of this one.
SECTIONS = (
    Section(_("Overview"), [Place(_("Overview"), "annotation:project")]),
    Section(
        pgettext_lazy("verb", "Label"), [Place(pgettext_lazy("verb", "Label"), "annotation:label", right="can_label")]
    ),
    Section(
        _("Qualification"),
        [Place(_("Qualification"), "annotation:qualification", ("annotation:qualify",), "must_qualify")],
    ),
    Section(
        _("My work"),
        [
            Place(_("My work"), "annotation:work", right="can_label"),
            Place(_("Discussions"), "annotation:discussions", ("annotation:discussion",), "can_label"),
        ],
    ),
    Section(
        _("Guideline"),
        [
            Place(
                _("Guideline"),
                "annotation:guideline",
                (
                    "annotation:guideline_version",
                    "annotation:guideline_edit",
                    "annotation:guideline_compare",
                    "annotation:publish",
                    "annotation:publication",
                ),
            ),
            Place(_("Examples"), "annotation:guideline_examples", right="can_adjudicate"),
            Place(_("Review"), "annotation:guideline_review", right="can_adjudicate"),
            Place(_("Companies"), "annotation:companies", right="is_manager"),
        ],
    ),
    Section(
        _("Items"),
        [
            Place(_("Items"), "annotation:items", ("annotation:item",), right="can_adjudicate"),
            Place(_("Imports"), "annotation:imports", ("annotation:import",), right="is_manager"),
            Place(
                _("Duplicates"),
                "annotation:duplicates",
                ("annotation:cluster", "annotation:duplicates_rule"),
                "is_manager",
            ),
            Place(_("Coverage"), "evaluation:coverage", right="can_adjudicate"),
            Place(_("Samples"), "annotation:samples", ("annotation:sample",), right="is_manager"),
            Place(_("Private data"), "annotation:private_data", right="is_manager"),
            Place(_("Batches"), "annotation:batches", ("annotation:batch", "annotation:new_batch"), right="is_manager"),
        ],
    ),
    Section(
        pgettext_lazy("section", "Quality"),
        [
            Place(
                pgettext_lazy("section", "Quality"),
                "annotation:quality",
                ("annotation:quality_report",),
                "can_adjudicate",
            ),
            Place(
                _("Agreement"),
                "annotation:agreement",
                ("annotation:agreement_cuts", "annotation:agreement_cut", "annotation:who_is_right"),
                "can_adjudicate",
            ),
            Place(_("Self-agreement"), "annotation:self_agreement", right="can_adjudicate"),
            Place(
                _("Adjudication"),
                "annotation:adjudicate",
                ("annotation:case", "annotation:redecide", "annotation:causes", "annotation:decided"),
                "can_adjudicate",
            ),
            Place(_("Calibration rounds"), "annotation:rounds", ("annotation:round",), "can_calibrate"),
            Place(_("Inbox"), "annotation:inbox", right="can_adjudicate"),
            Place(_("History"), "annotation:history", right="can_adjudicate"),
        ],
    ),
    Section(
        _("Versions and boards"),
        [
            Place(
                _("Versions and boards"),
                "evaluation:datasets",
                (
                    "evaluation:freeze",
                    "evaluation:dataset",
                    "evaluation:version",
                    "evaluation:version_coverage",
                    "evaluation:examples",
                    "evaluation:board",
                    "evaluation:submit",
                    "evaluation:submission",
                ),
                right="can_see_boards",
            ),
            Place(_("Exports"), "evaluation:exports", ("evaluation:export",), "can_see_boards"),
            Place(_("Runs"), "training:runs", ("training:start", "training:run"), "can_see_boards"),
            Place(
                _("Refresh"), "evaluation:refreshes", ("evaluation:refresh", "evaluation:schedule"), "can_see_boards"
            ),
        ],
    ),
    Section(
        _("Members"),
        [
            Place(
                _("Members"),
                "annotation:members",
                ("annotation:invite", "annotation:member", "annotation:member_ask_again", "annotation:reach"),
                "is_manager",
            ),
            Place(_("People and quality"), "annotation:people", ("annotation:person",), "is_manager"),
            Place(_("Alarms"), "annotation:alarms", (), "is_manager"),
            Place(_("Control items"), "annotation:controls", (), "is_manager"),
            Place(_("Qualification"), "annotation:manage_qualification", (), "is_manager"),
            Place(_("Work set aside"), "annotation:set_aside", (), "is_manager"),
            Place(_("Settings"), "annotation:settings", right="is_manager"),
        ],
    ),
)


def sections(membership: Membership, page: str) -> list[dict[str, Any]]:
    """The sections this member sees, each as {title, page, current, places}; asks the database nothing.

    page: the name of the page on the screen, with its app's. A section leads to the first of its places. `places` are
    given for the current section alone, and where it has two or more.
    """
    found = []
    for section in SECTIONS:
        places = [place for place in section.places if place.is_for(membership)]
        if not places:
            continue
        current = any(place.holds(page) for place in places)
        told = [{"title": place.title, "page": place.page, "current": place.holds(page)} for place in places]
        title = section.title if len(places) > 1 else places[0].title
        shown = told if current and len(told) > 1 else []
        found.append({"title": title, "page": places[0].page, "current": current, "places": shown})
    return found
