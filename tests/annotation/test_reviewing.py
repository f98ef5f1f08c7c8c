"""A draft goes through other eyes: asked for, said, approved; the version records who reviewed it and in which state."""

import pytest

from annotation import models as a
from annotation import publishing, reviewing
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    project = make_project(cast)
    save(project, "# More rules")
    return project


def save(project, text):
    publishing.save_draft(project=project, text=text, schema=project.version.schema, user=None)


def test_an_approval_holds_for_the_draft_as_it_was_read(project, cast):
    review = reviewing.ask(project=project, user=cast["dave"], note="The new rule, please.")
    reviewing.remark(review=review, author=cast["carol"], verdict="change", text="An example is missing.")
    assert (reviewing.standing(project).approved, reviewing.standing(project).changes) == (False, True)
    save(project, "# More rules, with an example")
    reviewing.remark(review=review, author=cast["carol"], verdict="approve")
    assert (reviewing.standing(project).approved, reviewing.standing(project).changes) == (True, False)
    save(project, "# Something else")
    assert not reviewing.standing(project).approved


@pytest.mark.parametrize("edited", [False, True])
def test_a_version_records_who_reviewed_it(project, cast, edited):
    review = reviewing.ask(project=project, user=cast["dave"], reviewer=cast["carol"])
    reviewing.remark(review=review, author=cast["carol"], verdict="approve", text="Good.")
    if edited:
        save(project, "# Later")
    version = publishing.publish(project=project, user=cast["dave"], change_note="More.")
    [row] = version.reviews
    assert (row["user"], row["name"], row["verdict"], row["same"]) == (cast["carol"].pk, "carol", "approve", not edited)
    review.refresh_from_db()
    assert review.closed_at is not None
    assert reviewing.standing(project) is None


@pytest.mark.parametrize(
    ("who", "said", "sentence"),
    [
        ("dave", {"verdict": "approve"}, "You have asked for this review"),
        ("carol", {"verdict": "comment"}, "Say what you mean"),
        ("carol", {"verdict": "change"}, "Say what you mean"),
        ("carol", {"verdict": "perhaps"}, "comment, approve or change"),
        ("carol", {"verdict": "comment", "text": "x" * 5001}, "at most 5000"),
    ],
)
def test_what_cannot_be_said_is_refused(project, cast, who, said, sentence):
    review = reviewing.ask(project=project, user=cast["dave"])
    with pytest.raises(ValueError, match=sentence):
        reviewing.remark(review=review, author=cast[who], **said)
    assert not a.ReviewRemark.objects.exists()


def test_where_one_reviewer_is_named_others_only_comment(project, cast):
    a.Membership.objects.filter(user=cast["erin"]).update(role="manager")
    review = reviewing.ask(project=project, user=cast["dave"], reviewer=cast["carol"])
    with pytest.raises(ValueError, match="carol was asked to review this"):
        reviewing.remark(review=review, author=cast["erin"], verdict="approve")
    reviewing.remark(review=review, author=cast["erin"], verdict="comment", text="Looks good.")
    reviewing.remark(review=review, author=cast["carol"], verdict="approve")
    assert reviewing.standing(project).approved


@pytest.mark.parametrize("who", ["alice", "erin", "dave", "eve"])
def test_a_review_is_done_by_another_manager_or_adjudicator(project, cast, who):
    with pytest.raises(ValueError, match="another manager or adjudicator"):
        reviewing.ask(project=project, user=cast["dave"], reviewer=cast[who])


def test_one_review_at_a_time_and_none_after_it_is_over(project, cast):
    review = reviewing.ask(project=project, user=cast["dave"])
    with pytest.raises(ValueError, match="under way already"):
        reviewing.ask(project=project, user=cast["dave"])
    assert reviewing.close(project=project) == 1
    with pytest.raises(ValueError, match="This review is over"):
        reviewing.remark(review=review, author=cast["carol"], verdict="approve")
    reviewing.ask(project=project, user=cast["dave"])


def test_without_anybody_else_there_is_nobody_to_ask(project, cast):
    a.Membership.objects.filter(user=cast["carol"]).delete()
    with pytest.raises(ValueError, match="Nobody else could review it"):
        reviewing.ask(project=project, user=cast["dave"])


def test_who_wrote_the_draft_last_does_not_approve_it(project, cast):
    review = reviewing.ask(project=project, user=cast["dave"])
    schema = project.version.schema
    publishing.save_draft(project=project, text="# Mine", schema=schema, user=cast["carol"])
    with pytest.raises(ValueError, match="You wrote the draft last"):
        reviewing.remark(review=review, author=cast["carol"], verdict="approve")
    assert reviewing.remark(review=review, author=cast["carol"], verdict="comment", text="I mended it.")


def test_paragraphs_that_are_the_same_are_folded_on_the_page(cast, client_of):
    project = make_project(cast)
    save(project, "\n\n".join(f"Rule {number}." for number in range(9)))
    publishing.publish(project=project, user=cast["dave"], change_note="Nine rules.")
    project.refresh_from_db()
    save(project, "\n\n".join([*(f"Rule {number}." for number in range(8)), "Another rule."]))
    page = client_of("carol").get(f"/p/{project.slug}/guideline/review/").content.decode()
    # All but the one that changed and the one beside it.
    assert "7 paragraphs are the same" in page
    assert page.count('class="apart-row same"') == 1
