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
        "item": _("item"),
        "correction": _("correcting an earlier answer"),
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
        "none_yet": _("You have not answered anything yet."),
    }


def _forms(words: Callable[[int], str]) -> dict[str, str]:
    """The forms of the languages that Assay speaks: Chinese has one, English two."""
    return {"one": words(1), "other": words(2)}
