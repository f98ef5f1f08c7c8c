"""The words that the labelling page's script shows, translated here because scripts carry no language."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def strings() -> dict[str, str | dict[str, str]]:
    """Key -> sentence in the reader's language; {count} and the like are filled in by the script.

    Where a number decides about the words, the value holds the form for each of the names that Intl.PluralRules gives.
    """
    return {
        "saved": _("saved"),
        "saving": _("saving"),
        "waiting": _("waiting for the connection ({count} not sent yet)"),
        "signed_out": _("You are signed out; your answers are kept here."),
        "sign_in": _("Sign in again"),
        "lost": _("The server takes no answers from this page any more. They are kept here; reload the page."),
        "numbered": _("no. {number}"),
        "correction": _("correcting an earlier answer"),
        "batch_left": _("left in this batch: {count}"),
        "batch_due": _("due"),
        "batch_late": _("was due"),
        "unanswered": _("“{question}” has no answer yet."),
        "pace": _("· {count} an hour"),
        "session": _forms(
            lambda minutes: ngettext(
                "{count} in this session, in {minutes} minute.",
                "{count} in this session, in {minutes} minutes.",
                minutes,
            )
        ),
        "share": _("{done} of {all} done"),
        "all_done": _("You have answered every item that is meant for you."),
        "limited": _("You have given all the answers that you may give in 24 hours. Come back later."),
        "unqualified": _(
            "You have not passed the qualification that this project asks for. Go to the project and begin it."
        ),
        "right": _("Right"),
        "wrong": _("Not right"),
        "gold": _("right is"),
        "given": _("you said"),
        "of": _("{done} of {of}"),
        "passed": _("You have passed: you get items of the project now."),
        "failed": _("This attempt was not enough."),
        "to_labelling": _("To labelling"),
        "to_qualification": _("To the qualification"),
        "others": _("Other people hold the remaining items; some may come back when their time runs out."),
        "offline": _("There is no connection. What you answered is kept and sent when it is back."),
        "say_why": _("Say in the comment why you skip it, leave it with Esc, then skip again."),
        "skipped": _("skipped"),
        "undecided": _("cannot decide"),
        "sure": _("How sure"),
        "no_label": _("No label has these words."),
        "chosen": _("chosen"),
        "not_chosen": _("not chosen"),
        "none_of_them": _("none of them"),
        "at_most": _("At most {count} labels."),
        "at_least": _("“{question}” asks for at least {count} labels."),
        "unrated": _("“{question}” has no rating yet: {criteria}."),
        "too_long": _("“{question}” takes at most {most} characters; here are {count}."),
        "characters": _("{count} of {most} characters"),
        "no_answer": _("no answer yet"),
        "score_range": _("“{question}” goes from {low} to {high} in steps of {step}."),
        "response": _("Response {number}"),
        "empty_response": _("(an empty response)"),
        "reference": _("Reference answer"),
        "equally_good": _("equally good"),
        "is_better": _("{response} is better"),
        "how_much": _("“{question}” also asks how much better."),
        "rank_all": _("“{question}” asks for a rank of every response."),
        "comment": _("Comment"),
        "flagged": _("flagged as doubtful"),
        "asked": _("Asked. The answer will be shown here."),
        "you": _("you"),
        "no_connection": _("There is no connection. Try again when it is back."),
        "goal_day": _("goal: {done} of {goal} in 24 hours ·"),
        "goal_session": _("goal: {done} of {goal} in this session ·"),
        "goal_reached": _("goal reached: {done} of {goal} ·"),
        "no_marks": _("nothing marked"),
        "brush": _("Draw over the words that are “{label}”; press it again to stop."),
        "removed": _("removed"),
        "remove": _("Remove"),
        "ends": _("Ends"),
        "start_left": _("begin one word earlier"),
        "start_right": _("begin one word later"),
        "end_left": _("end one word earlier"),
        "end_right": _("end one word later"),
        "edge_start": _("Shift and the arrows move the beginning now."),
        "edge_end": _("Shift and the arrows move the end now."),
        "parts": _("Parts"),
        "part_add": _("Add more words"),
        "part_wait": _("Select the further words; with the keys, press + again then."),
        "no_overlap": _("Marks may not overlap here."),
        "mark_twin": _("There is such a mark already."),
        "value": _("Value"),
        "number": _("number"),
        "unit": _("unit"),
        "per": _("per"),
        "company": _("Company"),
        "company_find": _("name, ticker or LEI"),
        "company_none": _("no such company"),
        "relation": _("Relation"),
        "relation_to": _("to which mark"),
        "relation_remove": _("Remove the relation"),
        "no_events": _("no event"),
        "trigger": _("Trigger"),
        "date": _("Date"),
        "date_pick": _("Pick a day"),
        "no_date": _(
            "“{words}” says no date that can be known. You may write one, such as 2017-10, 2024-Q3 or 2024-05-31."
        ),
        "trigger_open": _("The event “{event}” has no trigger yet: select its words and press T."),
        "status": _("Status"),
        "actual": _("happened"),
        "expected": _("expected"),
        "negated": _("did not happen"),
        "fill": _("Fill"),
        "fill_roles": _("Select words and press the key of a role. Esc lets go of the event."),
        "select_words": _("Select the words …"),
        "brush_event": _("Select the words that tell of “{label}”; press it again to stop."),
        "remove_event": _("Remove the event"),
        "said_by": _("{count} of {all}"),
        "not_in_text": _("not in the text"),
        "place_of": _("{place} of {count}"),
        "none_yet": _("You have not answered anything yet."),
    }


def _forms(words: Callable[[int], str]) -> dict[str, str]:
    """The forms of the languages that Assay speaks: Chinese has one, English two."""
    return {"one": words(1), "other": words(2)}
