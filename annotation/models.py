"""People, projects, documents, items, guidelines, assignments, annotations and gold; permission is a query."""

import hashlib
import secrets
import uuid
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from annotation.jobs import Job
from annotation.kinds import About
from annotation.text.normal import check_name

# Django's own limit for user names.
LONGEST_NAME = 150
LONGEST_DESCRIPTION = 5000
# Characters of a document that are shown before and behind a passage of it.
AROUND = 1500


def random_key() -> int:
    """A stored random order: 62 bits, so that it fits a signed bigint everywhere."""
    return secrets.randbits(62)


class PeopleManager(UserManager["User"]):
    """Users and where they come from."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Alice signs in as alice, too: no two names differ in case alone."""
        # Nobody is called so, and SQLite refuses to compare with a pattern of more than 50,000 bytes.
        if len(username or "") > LONGEST_NAME:
            raise self.model.DoesNotExist
        return self.get(username__iexact=username)

    def can_create_projects(self, user: "User") -> bool:
        """Staff, people with the permission, and those who manage a project already."""
        return (
            user.has_perm("annotation.add_project")
            or Membership.objects.filter(user=user, role=Membership.Role.MANAGER).exists()
        )


class User(AbstractUser):
    """A person. An imported annotator is a user who can never sign in and belongs to one project."""

    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    # action of the labelling page -> the key that this person has given it
    keys = models.JSONField(default=dict, editable=False)
    imported_for = models.ForeignKey(
        "Project", on_delete=models.CASCADE, null=True, blank=True, editable=False, related_name="imported_annotators"
    )

    objects = PeopleManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["imported_for", "name"], condition=Q(imported_for__isnull=False), name="imported_annotator_once"
            ),
            models.UniqueConstraint(
                Lower("username"),
                name="one_user_per_name",
                violation_error_message=_("A user with that username already exists."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username


class TokenTerms(models.Model):
    """What an API token is called, what it is good for at most, and when it was last used; the secret is nowhere."""

    token = models.OneToOneField(
        settings.KNOX_TOKEN_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="terms"
    )
    name = models.CharField(_("name"), max_length=60, blank=True)
    # Of config.scopes.SCOPES.
    scopes = models.JSONField(default=list)
    # Good for this project alone; None: for all of its person's.
    project = models.ForeignKey("Project", on_delete=models.CASCADE, null=True, related_name="+")
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name or self.token_id[:8]


class ProjectQuerySet(models.QuerySet["Project"]):
    """Who may see and do what, as queries."""

    def visible_to(self, user: Any) -> Self:
        """Projects that the user is a member of."""
        return self.filter(Exists(Membership.objects.filter(project=OuterRef("pk"), user_id=user.pk or 0)))

    def with_role(self, user: Any, *roles: str) -> Self:
        """Projects where the user has one of these roles."""
        mine = Membership.objects.filter(project=OuterRef("pk"), user_id=user.pk or 0, role__in=roles)
        return self.filter(Exists(mine))

    def adjudicated_by(self, user: Any) -> Self:
        """Projects where the user reads everybody's answers."""
        return self.with_role(user, Membership.Role.MANAGER, Membership.Role.ADJUDICATOR)

    def labelled_by(self, user: Any) -> Self:
        """Projects where the user gets items to label."""
        labels = Q(labels=True) | Q(role=Membership.Role.ANNOTATOR)
        return self.filter(Exists(Membership.objects.filter(labels, project=OuterRef("pk"), user_id=user.pk or 0)))


class Project(models.Model):
    """One labelling effort: people, guideline, items."""

    class Settle(models.TextChoices):
        """Which complete items become gold without an adjudicator."""

        NEVER = "never", _("none: every item goes to the adjudicator")
        UNANIMOUS = "unanimous", _("unanimous items")
        MAJORITY = "majority", _("items with a clear majority")

    class Confidence(models.TextChoices):
        """Whether a person may say how sure they are of an answer."""

        NONE = "none", _("is not asked")
        THREE = "three", _("in three levels, as an extra that nobody has to give")

    class Qualification(models.TextChoices):
        """Whether a person has to pass the qualification before they label."""

        NONE = "none", _("everybody at once")
        ONCE = "once", _("who has passed the qualification, once")
        VERSION = "version", _("who has passed the qualification under the guideline version in force")

    class Suggestions(models.TextChoices):
        """When those who label see what a model proposes."""

        NEVER = "never", _("are never shown")
        AFTER = "after", _("are shown after one's own first answer")
        AT_ONCE = "at_once", _("are shown at once")

    class Period(models.TextChoices):
        """How long the periods of the coverage table are."""

        YEAR = "year", _("year")
        QUARTER = "quarter", _("quarter")
        MONTH = "month", _("month")

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    overlap = models.PositiveSmallIntegerField(
        _("overlap"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("How many people label each item."),
    )
    overlap_rules = models.TextField(
        _("more answers on some items"),
        blank=True,
        max_length=4000,
        help_text=_(
            "One rule a line: a share or a field, then how many people: 20%: 2, split=test: 3, source_type=news: 2, language=zh: 2. Where several fit, the highest counts."
        ),
    )
    overlap_most = models.PositiveSmallIntegerField(
        _("where people differ or doubt, ask up to"),
        default=0,
        validators=[MaxValueValidator(20)],
        help_text=_(
            "One more person at a time, until a majority stands or so many have answered; before that no case is opened. 0: nobody more is asked."
        ),
    )
    settle = models.CharField(_("settle by itself"), max_length=10, choices=Settle, default=Settle.UNANIMOUS)
    agreed_percent = models.PositiveSmallIntegerField(
        _("agreeing items that are looked at, in percent"),
        default=5,
        validators=[MaxValueValidator(100)],
        help_text=_(
            "So many items that would settle by themselves go to the adjudicator, always the same: agreed is not right. 5 to 10 is usual; 0: none."
        ),
    )
    second_percent = models.PositiveSmallIntegerField(
        _("decisions that are made twice, in percent"),
        default=5,
        validators=[MaxValueValidator(100)],
        help_text=_(
            "So many decided cases go to a second adjudicator, who does not see the first decision: then adjudication has an agreement, too. 5 is usual; 0: none."
        ),
    )
    discussion_names = models.BooleanField(
        _("names in discussions"),
        default=False,
        help_text=_("Whether those who discuss a case read each other's names; if not, they are A, B, C."),
    )
    lease_minutes = models.PositiveSmallIntegerField(
        _("lease in minutes"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(1440)],
        help_text=_("How long an item stays with a person who does not answer."),
    )
    undecided = models.BooleanField(
        _("“cannot decide” can be answered"),
        default=False,
        help_text=_("Beside skipping: the item was read, and no label can be given, for a reason from a list."),
    )
    confidence = models.CharField(_("how sure people are"), max_length=5, choices=Confidence, default=Confidence.NONE)
    suggestions = models.CharField(
        _("a model's suggestions"),
        max_length=7,
        choices=Suggestions,
        default=Suggestions.NEVER,
        help_text=_("Items that came in for the test split never get one: a test must not know any model's opinion."),
    )
    suggest_undivided = models.BooleanField(
        _("suggestions for items without a split, too"),
        default=False,
        help_text=_(
            "An item that came in without a split may be drawn for the test later, resting on a suggestion. Leave this off where the test is drawn at random."
        ),
    )
    suggestion_control = models.PositiveSmallIntegerField(
        _("items without a suggestion, in percent"),
        default=20,
        validators=[MaxValueValidator(90)],
        help_text=_(
            "So many items show no suggestion although there is one, always the same: what people say of them shows how far suggestions sway the others."
        ),
    )
    again_share = models.PositiveSmallIntegerField(
        _("own items that come back, in percent"),
        default=0,
        validators=[MaxValueValidator(50)],
        help_text=_(
            "So many of the items that somebody has answered are given to them once more, as if new: how often they say the same again is their self-agreement. It changes no other figure. 0: none."
        ),
    )
    again_days = models.PositiveSmallIntegerField(
        _("after at least so many days"),
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("Long enough that nobody remembers what they said."),
    )
    # Whether somebody labels only some languages or kinds of text: then slots are sorted into pools.
    pooled = models.BooleanField(default=False, editable=False)
    control_share = models.PositiveSmallIntegerField(
        _("control items in percent"),
        default=5,
        validators=[MaxValueValidator(50)],
        help_text=_(
            "So much of what each person gets are control items, where there are any: their gold is known, and nobody can tell them from the others."
        ),
    )
    # Whether there are control items: only then a claim looks for one.
    controlled = models.BooleanField(default=False, editable=False)
    qualification = models.CharField(_("who labels"), max_length=7, choices=Qualification, default=Qualification.NONE)
    pass_mark = models.PositiveSmallIntegerField(
        _("pass mark in percent"), default=80, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    pass_least = models.PositiveSmallIntegerField(
        _("training items in an attempt"), default=10, validators=[MinValueValidator(1), MaxValueValidator(200)]
    )
    attempts = models.PositiveSmallIntegerField(
        _("attempts"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("How often a person may try; a manager can give one more."),
    )
    # When what counts changed in another way than by an answer: figures from before are old.
    recounted_at = models.DateTimeField(null=True, editable=False)
    coverage_by = models.CharField(max_length=7, choices=Period, default=Period.YEAR, editable=False)
    # Whether some slots come before the usual ones: then a claim looks for them first.
    raised = models.BooleanField(default=False, editable=False)
    # kind of private data -> "mask" or "allow": what becomes of it without anybody's look; others wait for a review.
    private_policy = models.JSONField(default=dict, editable=False)
    # Since when people may have seen suggestions; None: never so far.
    suggested_since = models.DateTimeField(null=True, editable=False)
    version = models.ForeignKey(
        "GuidelineVersion", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, editable=False, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A name that reads as it is stored, and a description that every page of the project can bear."""
        wrong: dict[str, str] = {}
        try:
            check_name(self.name)
        except ValueError as error:
            wrong["name"] = str(error)
        # A browser sends each line end as two characters and counts it as one.
        length = len(self.description.replace("\r\n", "\n"))
        if length > LONGEST_DESCRIPTION:
            sentence = gettext("A description has at most %(most)d characters; this one has %(length)d.")
            wrong["description"] = sentence % {"most": LONGEST_DESCRIPTION, "length": length}
        if wrong:
            raise ValidationError(wrong)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """The one question that every page asks first."""

    def of(self, user: Any, slug: str) -> "Membership | None":
        """The user's membership with project and guideline version, in one query; None for a stranger."""
        rows = self.select_related("project", "project__version", "user")
        return rows.filter(project__slug=slug, user_id=user.pk or 0).first()

    def locked(self, membership: "Membership") -> "Membership":
        """The same row, locked until the commit, so that one person's claims happen one after the other.

        Publishing locks all memberships of its project, so no answer comes in halfway through. Raises PermissionDenied
        where the person was removed, or may not label any more.
        """
        row = self.select_for_update(no_key=True).filter(pk=membership.pk).first()
        if row is None or not row.can_label:
            raise PermissionDenied(_("You do not label in this project any more."))
        row.project = membership.project
        return row


class Membership(models.Model):
    """A person's role in a project; a manager may also label where `labels` says so."""

    class GoalPer(models.TextChoices):
        """The time for which a goal is set."""

        DAY = "day", pgettext_lazy("goal", "in 24 hours")
        SESSION = "session", _("in a session")

    class Role(models.TextChoices):
        """The four roles."""

        MANAGER = "manager", _("manager")
        ADJUDICATOR = "adjudicator", _("adjudicator")
        ANNOTATOR = "annotator", _("annotator")
        RESEARCHER = "researcher", _("researcher")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role)
    labels = models.BooleanField(
        _("also labels"), default=False, help_text=_("Gets items to label, beside the rights of the role.")
    )
    daily_limit = models.PositiveIntegerField(
        _("at most in 24 hours"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text=_("Answers that this person gets to give; empty for no limit."),
    )
    # The languages and source types that the person labels; empty: all.
    languages = models.JSONField(default=list, blank=True, editable=False)
    skills = models.JSONField(default=list, blank=True, editable=False)
    # Up to when their answers were looked through for items to come back.
    returned_until = models.DateTimeField(null=True, editable=False)
    # How many items the person wants to do, for their own eyes; None: no goal.
    goal = models.PositiveSmallIntegerField(null=True, editable=False)
    goal_per = models.CharField(max_length=7, choices=GoalPer, default=GoalPer.DAY, editable=False)
    # The number of the guideline version under which this person last passed the qualification, or was let off it.
    qualified = models.PositiveIntegerField(null=True, editable=False)
    # Until when this person read others' answers or gold without having to answer first; None: never so far.
    read_until = models.DateTimeField(null=True, editable=False)
    # The number of the guideline version whose changes this person has confirmed to know; None: of none yet.
    told = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["role", "user__username"]
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_membership_per_person")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"

    @property
    def is_manager(self) -> bool:
        """Imports, publishes, invites, freezes, exports."""
        return self.role == self.Role.MANAGER

    @property
    def can_label(self) -> bool:
        """Gets items to label."""
        return self.role == self.Role.ANNOTATOR or self.labels

    @property
    def is_qualified(self) -> bool:
        """Whether the project asks for no qualification, or this person has passed what it asks for."""
        wanted, version = self.project.qualification, self.project.version
        if wanted == Project.Qualification.NONE:
            return True
        if wanted == Project.Qualification.ONCE or version is None:
            return self.qualified is not None
        return self.qualified == version.number

    @property
    def must_qualify(self) -> bool:
        """Would label, and has to pass the qualification first."""
        return self.can_label and not self.is_qualified

    @property
    def can_calibrate(self) -> bool:
        """Takes part in calibration rounds, or reads what they say."""
        return self.can_label or self.can_adjudicate

    @property
    def can_adjudicate(self) -> bool:
        """Sees differing answers and settles them."""
        return self.role in {self.Role.MANAGER, self.Role.ADJUDICATOR}

    @property
    def can_research(self) -> bool:
        """Sees frozen versions and boards, starts runs, submits predictions."""
        return self.role in {self.Role.MANAGER, self.Role.RESEARCHER}

    @property
    def can_see_boards(self) -> bool:
        """Sees frozen versions and boards; annotators do not (a board names hard examples)."""
        return self.role != self.Role.ANNOTATOR

    @property
    def is_restricted(self) -> bool:
        """Gets items of some languages or source types alone."""
        return bool(self.languages or self.skills)


def token_digest(token: str) -> str:
    """What is stored of a secret link: its SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_deadline() -> Any:
    """An invitation lives two weeks."""
    return timezone.now() + timedelta(days=14)


class Invitation(models.Model):
    """A secret link that makes its bearer a member once; only the token's digest is stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail"), blank=True)
    role = models.CharField(_("role"), max_length=12, choices=Membership.Role)
    labels = models.BooleanField(_("also labels"), default=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=invitation_deadline)
    accepted_at = models.DateTimeField(null=True, editable=False)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email or '-'} · {self.role}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return self.accepted_at is None and self.expires_at > timezone.now()


class Guideline(models.Model):
    """The rules of a project as a draft that people edit; publishing copies it into a GuidelineVersion."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="guideline")
    text = models.TextField(_("guideline"), blank=True)
    schema = models.JSONField(default=dict)
    edited_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, editable=False, related_name="+")

    def __str__(self) -> str:
        return f"{self.project} · draft"


class GuidelineVersion(models.Model):
    """One published, immutable state of a guideline: words, examples and schema."""

    class Earlier(models.TextChoices):
        """What becomes of answers given under the version before."""

        STAND = "stand", _("earlier answers stand")
        ASK = "ask", _("all items are asked again")
        PLAN = "plan", _("kept, renamed or asked again, question by question")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    schema = models.JSONField()
    # What `guiding.as_published` copies of the draft's examples, the text included.
    examples = models.JSONField(default=list)
    # Who reviewed the draft: [{user, name, verdict, at, same}], `same`: the draft was published as it was reviewed.
    reviews = models.JSONField(default=list)
    change_note = models.TextField(_("what changed"), blank=True)
    earlier = models.CharField(max_length=5, choices=Earlier, default=Earlier.STAND)
    # question -> what became of its earlier answers, where `earlier` is "plan" (see planning.py).
    plan = models.JSONField(default=dict)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_number_per_guideline_version")]

    def __str__(self) -> str:
        return f"v{self.number}"


class GuidelineExampleQuerySet(models.QuerySet["GuidelineExample"]):
    """Which examples the draft has."""

    def in_draft(self) -> Self:
        """Those of the next version; one that was taken out after a publication stays as a row that says so."""
        return self.filter(removed_at=None)


class GuidelineExample(models.Model):
    """An item that the draft shows as an example, or counter-example, of an answer; a publication copies it.

    A row is deleted only where no version has shown it; else it is `removed` and its item stays known to everybody.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="examples")
    item = models.ForeignKey("Item", on_delete=models.RESTRICT, related_name="examples")
    question = models.CharField(max_length=60)
    # A label of the question by its name, or a whole answer in stored form.
    value = models.JSONField()
    # The part of the text that shows it; empty: the whole text.
    words = models.TextField(blank=True)
    why = models.TextField(blank=True)
    # Whether it shows what is not such an answer.
    counter = models.BooleanField(default=False)
    place = models.PositiveIntegerField(default=0)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)
    published = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True)

    objects = GuidelineExampleQuerySet.as_manager()

    class Meta:
        ordering = ["place", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "item", "question"],
                condition=Q(removed_at=None),
                name="one_example_per_item_and_question",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.question}"


class Review(models.Model):
    """A draft on its way through other eyes; one at a time, over when the draft is published or the review withdrawn."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reviews")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # None: any manager or adjudicator.
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=Q(closed_at=None), name="one_open_review_per_draft"),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.asked_at:%F}"


class ReviewRemark(models.Model):
    """What a reviewer, or whoever asked, said of the draft; `digest` names the state of the draft that was read."""

    class Verdict(models.TextChoices):
        """What follows from it."""

        COMMENT = "comment", pgettext_lazy("review", "comment")
        APPROVE = "approve", _("approved")
        CHANGE = "change", _("asks for changes")

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="remarks")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=7, choices=Verdict, default=Verdict.COMMENT)
    text = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.review_id} · {self.verdict}"


class Publication(Job):
    """A draft on its way to being a version: what was asked for, and what became of the earlier answers."""

    TASK = "annotation.publish"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="publications")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # The draft as it was when this was asked for.
    text = models.TextField(blank=True)
    schema = models.JSONField()
    examples = models.JSONField(default=list)
    reviews = models.JSONField(default=list)
    change_note = models.TextField(blank=True)
    earlier = models.CharField(max_length=5, choices=GuidelineVersion.Earlier)
    plan = models.JSONField(default=dict)
    # The version that it is published over; another one in between, and it is refused.
    before = models.ForeignKey(GuidelineVersion, on_delete=models.CASCADE, null=True, related_name="+")
    version = models.ForeignKey(GuidelineVersion, on_delete=models.CASCADE, null=True, related_name="publications")
    # What was kept, mapped and asked again, in numbers.
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(state__in=["queued", "running"]), name="one_publication_at_work"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.created_at:%F}"


class Errand(Job):
    """A look or an act that a manager asked for and that is too long for a page: what, with what, what came of it."""

    TASK = "annotation.errand"

    class What(models.TextChoices):
        """What the worker does."""

        PREVIEW = "preview", _("what publishing would do")
        LOOK = "look", _("what setting aside would change")
        ASIDE = "aside", _("setting work aside")
        RESTORE = "restore", _("taking work back that was set aside")
        RULE = "rule", _("deciding about duplicates by a rule")
        UNDO = "undo", _("taking decisions about duplicates back")
        FRAME = "frame", _("what a sample would draw")
        SAMPLE = "sample", _("drawing a sample")
        CLEAN = "clean", _("cleaning the texts of an import anew")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="errands")
    what = models.CharField(max_length=7, choices=What)
    asked = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.project_id} · {self.what}"


def import_path(instance: "Import", filename: str) -> str:
    """Uploads are stored under a random name; the name they came with is only shown."""
    return f"imports/{instance.project_id}/{uuid.uuid4().hex}"


class Import(Job):
    """One file on its way into a project, with its mapping and its report."""

    TASK = "annotation.import"

    class What(models.TextChoices):
        """What the rows are."""

        ITEMS = "items", _("documents (with or without labels)")
        ANNOTATIONS = "annotations", _("answers for items that are here already")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    what = models.CharField(max_length=12, choices=What, default=What.ITEMS)
    file = models.FileField(upload_to=import_path, max_length=200)
    filename = models.CharField(max_length=255)
    options = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    refused = models.FileField(upload_to=import_path, max_length=200, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.filename


def move_path(instance: "Move", filename: str) -> str:
    """As import_path."""
    return f"moves/{uuid.uuid4().hex}"


class Move(models.Model):
    """What was exported from another tool, looked at and not brought in yet; afterwards, which project came of it."""

    file = models.FileField(upload_to=move_path, max_length=200, blank=True)
    filename = models.CharField(max_length=255)
    # See annotation.moving.look.
    found = models.JSONField(default=dict)
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, related_name="moves")
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.filename


class Document(models.Model):
    """A source text as it came; `text` is its normal form, `raw` what it was where that differs."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="documents")
    external_id = models.CharField(max_length=200)
    title = models.CharField(max_length=500, blank=True)
    text = models.TextField()
    raw = models.TextField(null=True)
    # How the text came to differ: {"steps": {name: places}, "language": "detected" or "unknown"}, without what is not so.
    cleaning = models.JSONField(default=dict)
    text_key = models.CharField(max_length=32)
    source_type = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=20, blank=True)
    published_at = models.CharField(max_length=40, blank=True)
    issuer = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    metadata = models.JSONField(default=dict)
    # Responses to compare, {name, text, model}; who labels never sees the models.
    candidates = models.JSONField(default=list)
    reference = models.TextField(blank=True)
    given_split = models.CharField(max_length=5, blank=True)
    imported_in = models.ForeignKey(Import, on_delete=models.SET_NULL, null=True, related_name="documents")
    # The state of the recognisers that have looked for private data in it; 0: none so far.
    screened = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "external_id"], name="one_document_per_external_id")]
        indexes = [models.Index(fields=["project", "text_key"])]

    def __str__(self) -> str:
        return self.title or self.external_id


def blind(user: Any, item: str = "item") -> Q:
    """Whether the row's item is one that this person labels, that waits for answers, and has none of theirs yet.

    `item` is the row's field. A slot in another's hand counts as waiting, because leases run out; a skip is no answer,
    because it can still be turned into one.
    """
    slots = Assignment.objects.filter(item=OuterRef(item))
    # Whoever could read its gold gets no control item.
    waits = Q(Exists(slots.filter(state__in=Assignment.WAITING, item__role=Item.Role.WORK)))
    # What is in the pool may be drawn any day.
    pooled = Q(Exists(Item.objects.filter(pk=OuterRef(item), in_pool=True)))
    answered = Q(Exists(slots.filter(annotator=user.pk or 0, state=Assignment.State.DONE)))
    return Q(project__in=Project.objects.labelled_by(user)) & (waits | pooled) & ~answered


class ItemQuerySet(models.QuerySet["Item"]):
    """Items and who may see them."""

    def visible_to(self, user: Any) -> Self:
        """Items of projects where the user adjudicates or manages; annotators see items only through assignments."""
        return self.filter(project__in=Project.objects.adjudicated_by(user))

    def blind_for(self, user: Any) -> Self:
        """Items that this person may still be asked to label: what others said of them stays hidden until then."""
        return self.filter(blind(user, "pk"))

    def not_left_out(self) -> Self:
        """Items that no decision about duplicates has left out."""
        return self.filter(left_out=None)

    def not_asked(self) -> Self:
        """Items that nobody is asked about: in the pool, or no more: shown as examples, or left out as duplicates."""
        shown = Exists(GuidelineExample.objects.filter(item=OuterRef("pk")))
        return self.filter(Q(left_out__isnull=False) | Q(in_pool=True) | shown)

    def shown_as_examples(self) -> Self:
        """Items whose text and answer the guideline shows to everybody, or did once, or will by its draft.

        They are known for good, so nobody is asked about them any more, and they can test neither people nor models.
        """
        return self.filter(Exists(GuidelineExample.objects.filter(item=OuterRef("pk"))))


class Item(models.Model):
    """The unit a person labels: a document, or the passage [start, end) of one in code points."""

    class Role(models.TextChoices):
        """What an item is for; people who label never see it."""

        WORK = "work", pgettext_lazy("item", "work")
        CONTROL = "control", _("control item")
        TRAINING = "training", _("training item")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="items")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="items")
    start = models.PositiveIntegerField(null=True)
    end = models.PositiveIntegerField(null=True)
    role = models.CharField(max_length=8, choices=Role, default=Role.WORK, editable=False)
    # Since when it has that role; None: always. Answers from before were given to an item of work.
    role_since = models.DateTimeField(null=True, editable=False)
    # Stands in the dev or test split of a frozen version: it must never be shown with its gold.
    held_out = models.BooleanField(default=False, editable=False)
    # The decision about duplicates that keeps another item in its place: no more answers are asked for, and no version
    # that is frozen from then on has it. Answers and gold stay.
    left_out = models.ForeignKey(
        "Verdict", on_delete=models.SET_NULL, null=True, editable=False, related_name="left_out_items"
    )
    # In the pool: it came in without slots, and nobody is asked about it until a sample draws it.
    in_pool = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ItemQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project"], condition=Q(in_pool=True), name="items_in_the_pool"),
            models.Index(fields=["project", "role"], condition=~Q(role="work"), name="items_for_measuring_people"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def text(self) -> str:
        """The words to label."""
        whole: str = self.document.text
        return whole if self.start is None else whole[self.start : self.end]

    @property
    def around(self) -> tuple[str, str]:
        """What stands before and behind a passage in its document, at most AROUND characters of each."""
        if self.start is None or self.end is None:
            return "", ""
        whole = self.document.text
        return whole[max(0, self.start - AROUND) : self.start], whole[self.end : self.end + AROUND]

    @property
    def about(self) -> About:
        """What answers to it are checked against."""
        document = self.document
        names = tuple(entry["name"] for entry in document.candidates)
        missing = partial(Company.objects.missing, self.project_id)
        return About(self.text, document.published_at, names, document.language, missing)


class Sample(models.Model):
    """One draw of items from the pool: out of which frame, by which design and seed, and what came of each stratum."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="samples")
    name = models.CharField(_("name"), max_length=120)
    # As `frames.Frame` and `designs.Design` tell themselves.
    frame = models.JSONField(default=dict)
    design = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    # [{stratum, frame, available, wanted, got}]; a stratum is the list of its values, in the order of the design.
    strata = models.JSONField(default=list)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    # Taken back: its items are in the pool again.
    reverted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reverted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def size(self) -> int:
        """How many items it drew."""
        return sum(row["got"] for row in self.strata)

    @property
    def framed(self) -> int:
        """How many items it was drawn from."""
        return sum(row["frame"] for row in self.strata)


class Sampled(models.Model):
    """An item that a sample drew, once and for all others not: from which stratum, and how likely that was."""

    sample = models.ForeignKey(Sample, on_delete=models.CASCADE, related_name="drawn")
    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="sampled")
    # Its place in the sample's list of strata.
    stratum = models.PositiveIntegerField()
    probability = models.FloatField()

    def __str__(self) -> str:
        return f"{self.sample_id} · {self.item_id}"


class CoverageTarget(models.Model):
    """How many labelled items a manager wants of one cell: source type, language and period (year, quarter or month)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="coverage_targets")
    source_type = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=20, blank=True)
    period = models.CharField(max_length=7, blank=True)
    wanted = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "source_type", "language", "period"], name="one_target_per_cell"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_type or '-'} · {self.language or '-'} · {self.period or '-'}"


class Batch(models.Model):
    """Items assigned to certain people at one time: work that is pushed, or a round that all label."""

    class Purpose(models.TextChoices):
        """Why the items were assigned."""

        WORK = "work", pgettext_lazy("batch", "work")
        CALIBRATION = "calibration", _("calibration round")
        AGAIN = "again", _("asked again")

    # What a batch that the site made is about -> its name.
    MADE = {
        "version": _("Guideline version %(version)s asks again"),
        "round": _("Calibration round %(round)s"),
        "item": _("Item %(item)s: a question"),
        "day": _("asked again, %(day)s"),
        "handed": _("handed to you, %(handed)s"),
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    # Empty where the site made the batch: `title` then says in the reader's language what it is about.
    name = models.CharField(_("name"), max_length=120, blank=True)
    # One of MADE with its value, such as {"version": 3}; empty where a person gave the name.
    about = models.JSONField(default=dict, editable=False)
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.WORK)
    note = models.TextField(_("what these people are to know"), blank=True, max_length=2000)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """The name that a person gave it, else what it is about, in the language of whoever reads."""
        return self.name or next((str(self.MADE[what]) % self.about for what in self.MADE if what in self.about), "")


class Pool(models.Model):
    """The items of one language and one source type, from which people who label only some of them draw."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pools")
    language = models.CharField(max_length=20, blank=True)
    source_type = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "language", "source_type"], name="one_pool_per_sort_of_item")
        ]

    def __str__(self) -> str:
        return f"{self.language or '-'} · {self.source_type or '-'}"


class Slots(models.Manager["Assignment"]):
    """All slots, those beside the ones that count, too."""

    def number_of(self, user: Any, item: str = "item") -> models.Subquery:
        """By which number this person knows the item of an outer row: that of their own slot, None without one.

        An item's own number would tell how old it is, and so which ones are control items.
        """
        mine = self.filter(item=OuterRef(item), annotator=user.pk or 0).exclude(again=Assignment.RETURNED)
        return models.Subquery(mine.order_by("-again").values("pk")[:1])


class SlotsThatCount(Slots):
    """The slots of the answers that count; `every` has those beside them, too."""

    def get_queryset(self) -> models.QuerySet["Assignment"]:
        """Without items that came back, and without what was taken back."""
        return super().get_queryset().filter(again=Assignment.COUNTS)


class SetAsideQuerySet(models.QuerySet["SetAside"]):
    """What was set aside."""

    def standing(self) -> Self:
        """Those that were not taken back."""
        return self.filter(reverted_at=None)


class SetAside(models.Model):
    """One act of a manager: a person's work of a time does not count any more; it can be taken back."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="set_aside")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # None: all of the answer, or answers under every version.
    question = models.CharField(max_length=60, blank=True)
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField()
    reason = models.TextField()
    # What it changed: answers, items, gold, cases, slots, and agreement before and after.
    effect = models.JSONField(default=dict)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    reverted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reverted_at = models.DateTimeField(null=True)

    objects = SetAsideQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.person} {self.since:%F} - {self.until:%F}"


class Assignment(models.Model):
    """A slot: the k-th answer wanted for an item. Overlap is a constraint here, not a hope."""

    class State(models.TextChoices):
        """open -> leased -> done or skipped; a lease that runs out is open again without any write.

        A slot of a batch is assigned to one person: assigned -> leased, and assigned again when the lease runs out.
        """

        OPEN = "open", _("open")
        ASSIGNED = "assigned", _("assigned to a person")
        LEASED = "leased", _("leased")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")
        # Its answer does not count any more, and the person is not asked again.
        ASIDE = "aside", _("answer set aside")

    # The states in which an answer is still wanted.
    WAITING = (State.OPEN, State.ASSIGNED, State.LEASED)
    # Waiting for an answer of a certain person.
    GIVEN = (State.ASSIGNED, State.LEASED)
    ANSWERED = (State.DONE, State.SKIPPED)
    CLOSED = (*ANSWERED, State.ASIDE)
    # Beside the slot that counts a person may have one of the same item that came back to them, and one whose answer was
    # taken back: neither is a slot of the overlap, and the second keeps the item from being given to them again.
    COUNTS, RETURNED, WITHDRAWN = 0, 1, -1

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="assignments")
    slot = models.PositiveSmallIntegerField()
    again = models.SmallIntegerField(default=COUNTS)
    annotator = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="assignments")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    priority = models.IntegerField(default=0)
    key = models.BigIntegerField(default=random_key)
    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # Given to `annotator` by a manager or by the course of things; nobody else gets it until it is taken back.
    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="assignments")
    # Asked for in place of an answer that was set aside.
    instead = models.ForeignKey(SetAside, on_delete=models.SET_NULL, null=True, related_name="slots")
    # Who had it before: their late answer may still come, nobody else's is taken.
    held_before = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+")
    # Made for a batch beyond what the overlap asks for: given back, it is gone.
    extra = models.BooleanField(default=False)
    # Only where the project is pooled.
    pool = models.ForeignKey(Pool, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+")

    objects = SlotsThatCount()
    every = Slots()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "slot"], condition=Q(again=0), name="one_row_per_slot"),
            models.UniqueConstraint(fields=["item", "annotator", "again"], name="nobody_twice_on_an_item"),
        ]
        indexes = [
            models.Index(
                fields=["project", "priority", "key"],
                condition=Q(state__in=["open", "leased"], batch=None, again=0),
                name="slots_to_give",
            ),
            models.Index(
                fields=["pool", "priority", "key"],
                condition=Q(state__in=["open", "leased"], batch=None, again=0, pool__isnull=False),
                name="slots_to_give_of_a_pool",
            ),
            models.Index(
                fields=["annotator", "project", "key"],
                condition=Q(state__in=["assigned", "leased"], again=1),
                name="slots_that_came_back",
            ),
            models.Index(
                fields=["annotator", "project", "priority", "key"],
                condition=Q(state__in=["assigned", "leased"], batch__isnull=False),
                name="slots_set_aside",
            ),
            models.Index(
                fields=["annotator", "project", "lease_until"], condition=Q(state="leased"), name="slots_in_hand"
            ),
            # Control items that are ready for a person, in the order in which they come.
            models.Index(
                fields=["annotator", "project", "key"],
                condition=Q(state="assigned", batch=None, again=0),
                name="controls_ready",
            ),
            models.Index(fields=["project", "state"]),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}/{self.slot}"

    def afresh(self, **changes: Any) -> "Assignment":
        """An open slot for the same answer, not stored: what it is asked for, without who had it and when."""
        same = ("project_id", "item_id", "slot", "priority", "instead_id", "extra", "pool_id")
        return Assignment(**{name: getattr(self, name) for name in same}, **changes)


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    """Which answers count."""

    def current(self) -> Self:
        """Answers that were not replaced by a question asked again, nor set aside."""
        return self.filter(superseded_at=None, set_aside=None)

    def submitted(self) -> Self:
        """Answers that count in agreement and gold."""
        return self.current().filter(status=Annotation.Status.SUBMITTED)

    def standing_under(self, version: GuidelineVersion) -> Self:
        """Submitted answers that stand under a version: given under it, or before and carried over.

        Of a version that is not in force any more those that stood when the next one was published. What was set aside
        never stands; what waits to be asked again does not. At most one query more.
        """
        rows = self.filter(project=version.project_id, status=Annotation.Status.SUBMITTED, set_aside=None)
        versions = GuidelineVersion.objects.filter(project=version.project_id)
        following = versions.filter(number__gt=version.number).order_by("number").first()
        if following is None:
            return rows.filter(superseded_at=None)
        stood = Q(superseded_at=None) | Q(superseded_at__gte=following.published_at)
        return rows.filter(stood, guideline_version__in=versions.filter(number__lte=version.number))

    def of_the_day(self, membership: "Membership") -> Self:
        """Answers and skips of this person in the last 24 hours; an index scan over that day's work alone."""
        since = timezone.now() - timedelta(days=1)
        mine = self.filter(project=membership.project_id, annotator=membership.user_id, updated_at__gte=since)
        # What a publication carried over to other labels is no work of that day.
        return mine.filter(mapped=False).exclude(status=Annotation.Status.DRAFT)

    def visible_to(self, user: Any) -> Self:
        """One's own; for adjudicators and managers everybody's, where they need not answer the item themselves."""
        mine = Q(annotator_id=user.pk or 0, project__in=Project.objects.visible_to(user))
        return self.filter(mine | Q(project__in=Project.objects.adjudicated_by(user)) & ~blind(user))


def was_swayed(suggested: dict[str, Any], question: str) -> bool:
    """Whether a model's proposal was in sight before this question was answered; by `Annotation.suggested`.

    Such an answer counts as gold's do, but says nothing of how far people agree by themselves.
    """
    return bool(suggested.get(question, {}).get("moment") == "before")


class AnswersThatCount(models.Manager.from_queryset(AnnotationQuerySet)):  # type: ignore[misc]
    """Everybody's first answers; `every` has the second ones to items that came back, too."""

    def get_queryset(self) -> AnnotationQuerySet:
        """Without answers to items that came back: they are for the self-agreement alone."""
        rows: AnnotationQuerySet = super().get_queryset().filter(again=Assignment.COUNTS)
        return rows


class Annotation(models.Model):
    """One person's answer to one item under one guideline version."""

    class Status(models.TextChoices):
        """A draft counts nowhere; a skip and “cannot decide” have a reason instead of an answer."""

        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        SKIPPED = "skipped", _("skipped")
        UNDECIDED = "undecided", _("cannot decide")

    class Confidence(models.IntegerChoices):
        """How sure a person is of an answer."""

        UNSURE = 1, _("unsure")
        FAIRLY = 2, _("fairly sure")
        SURE = 3, _("sure")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="annotations")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="annotations")
    annotator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="annotations")
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="annotations")
    # 1: the second answer of the same person, to an item that came back.
    again = models.SmallIntegerField(default=0)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    answer = models.JSONField(default=dict)
    # Why there is no label: a code of a skip, or of "cannot decide".
    skip_reason = models.CharField(max_length=40, blank=True)
    confidence = models.PositiveSmallIntegerField(choices=Confidence, null=True)
    flagged = models.BooleanField(default=False)
    comment = models.TextField(blank=True)
    seconds = models.FloatField(null=True)
    # False where the person had seen another answer or the gold before: agreement leaves it out.
    independent = models.BooleanField(default=True)
    # question -> {"suggestion": id, "source": model, "moment": before or after the first answer, "outcome"}: what a
    # model proposed in this person's sight; agreement leaves the answer to such a question out.
    suggested = models.JSONField(default=dict)
    # The answer under an earlier version that this one was made of by a mapping, or that was asked again. Never
    # deleted alone, so the database checks nothing and keeps no index.
    earlier = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    # Whether publishing made it by mapping labels; false again once the person answers anew.
    mapped = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True)
    # A manager has set it aside: it does not count, and stays in the history.
    set_aside = models.ForeignKey(SetAside, on_delete=models.PROTECT, null=True, related_name="annotations")
    # question -> {"value": what was answered, "set_aside": id}: single answers that were set aside.
    withheld = models.JSONField(default=dict)

    objects = AnswersThatCount()
    every = AnnotationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "annotator", "guideline_version", "again"], name="one_answer_per_person_and_version"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "annotator", "-updated_at"]),
            models.Index(fields=["project", "status"], condition=Q(superseded_at=None), name="annotations_that_count"),
            models.Index(fields=["project"], condition=Q(flagged=True), name="annotations_flagged"),
            models.Index(
                fields=["project", "superseded_at", "id"],
                condition=Q(superseded_at__isnull=False),
                name="annotations_set_aside",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.annotator_id} · {self.status}"


class Revision(models.Model):
    """Append-only history of an annotation: every accepted submission, by its client-made id."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="revisions")
    # Of the annotation, for the indexes of the history.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, db_index=False, related_name="+")
    # Whether it changes what the person had said of the item before.
    corrects = models.BooleanField(default=False)
    client_id = models.UUIDField(unique=True)
    status = models.CharField(max_length=9, choices=Annotation.Status)
    answer = models.JSONField(default=dict)
    skip_reason = models.CharField(max_length=40, blank=True)
    confidence = models.PositiveSmallIntegerField(choices=Annotation.Confidence, null=True)
    flagged = models.BooleanField(default=False)
    comment = models.TextField(blank=True)
    seconds = models.FloatField(null=True)
    suggested = models.JSONField(default=dict)
    # Written by a mapping at publication and not by the person: no work of theirs.
    mapped = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["project", "at", "id"], name="revisions_in_time"),
            models.Index(fields=["person", "project", "at", "id"], name="revisions_of_a_person"),
            models.Index(fields=["project", "at", "id"], condition=Q(corrects=True), name="corrections_in_time"),
        ]

    def __str__(self) -> str:
        return f"{self.annotation_id} @ {self.at:%F %T}"


class Act(models.Model):
    """Append-only: what was done in a project that no other row tells for good (`recording.record` writes it)."""

    # PROTECT and no constraint: what has happened outlives what it happened to.
    project = models.ForeignKey(Project, on_delete=models.PROTECT, db_index=False, related_name="acts")
    kind = models.CharField(max_length=30)
    # Who did it; None: the site by itself, or a command in nobody's name.
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    # Whom it was done to.
    about = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    item = models.ForeignKey(
        Item, on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    question = models.CharField(max_length=60, blank=True)
    guideline_version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    details = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["project", "at", "id"], name="acts_in_time"),
            models.Index(fields=["by", "project", "at", "id"], condition=Q(by__isnull=False), name="acts_by_a_person"),
            models.Index(
                fields=["about", "project", "at", "id"], condition=Q(about__isnull=False), name="acts_about_a_person"
            ),
            models.Index(fields=["item", "at", "id"], condition=Q(item__isnull=False), name="acts_about_an_item"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} @ {self.at:%F %T}"


class GoldQuerySet(models.QuerySet["Gold"]):
    """Which gold counts."""

    def current(self) -> Self:
        """The settled answers of today; replaced ones stay as history."""
        return self.filter(superseded_at=None)

    def decisions(self) -> Self:
        """What people decided, replaced ones too; what a publication mapped to other labels is no decision of its own."""
        return self.filter(method=Gold.Method.ADJUDICATED, earlier=None)

    def visible_to(self, user: Any) -> Self:
        """Gold of projects where the user adjudicates, where they need not answer the item themselves.

        Not what waits for a second decision: nobody but who made the first one reads it before.
        """
        second = Case.objects.open().filter(item=OuterRef("item"), question=OuterRef("question"), why=Case.Why.SECOND)
        open_to_me = ~Exists(second) | Q(settled_by=user.pk or 0)
        return self.filter(~blind(user), open_to_me, project__in=Project.objects.adjudicated_by(user))


class Gold(models.Model):
    """The settled answer to one question about one item: what, by whom, when, how and why."""

    class Method(models.TextChoices):
        """How it was settled."""

        SINGLE = "single", _("single answer")
        UNANIMOUS = "unanimous", _("unanimous")
        MAJORITY = "majority", _("majority")
        ADJUDICATED = "adjudicated", _("adjudicated")
        IMPORTED = "imported", _("imported")

    # Settled by the answers alone, so that it falls where they do.
    BY_ANSWERS = (Method.SINGLE, Method.UNANIMOUS, Method.MAJORITY)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="gold")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="gold")
    question = models.CharField(max_length=60)
    value = models.JSONField()
    method = models.CharField(max_length=11, choices=Method)
    # Where the text is ambiguous: [{"value", "n"}] of the independent answers, the most frequent first; None elsewhere.
    distribution = models.JSONField(null=True)
    reason = models.CharField(max_length=20, blank=True)
    # What of the guideline is at issue: "label:NAME", "heading:WORDS" or "rule:NUMBER"; empty where nobody said.
    rule = models.CharField(max_length=200, blank=True)
    # The case that it settled; None where no person was asked.
    case = models.ForeignKey("Case", on_delete=models.SET_NULL, null=True, related_name="decisions")
    note = models.TextField(blank=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="settled")
    settled_at = models.DateTimeField(default=timezone.now)
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="gold")
    # The gold under an earlier version that publishing has mapped to this one.
    earlier = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    superseded_at = models.DateTimeField(null=True)

    objects = GoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "question"], condition=Q(superseded_at=None), name="one_current_gold_per_question"
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "question", "settled_at"], condition=Q(superseded_at=None), name="gold_that_counts"
            ),
            models.Index(fields=["project", "settled_at", "id"], name="gold_in_time"),
            models.Index(
                fields=["project", "superseded_at", "id"],
                condition=Q(superseded_at__isnull=False),
                name="gold_replaced",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.question} = {self.value}"


class CaseQuerySet(models.QuerySet["Case"]):
    """The adjudicator's queue."""

    def open(self) -> Self:
        """Cases that wait for a decision."""
        return self.filter(closed_at=None)

    def visible_to(self, user: Any) -> Self:
        """Cases of projects where the user adjudicates, where they need not answer the item themselves."""
        return self.filter(~blind(user), project__in=Project.objects.adjudicated_by(user))


class Case(models.Model):
    """A complete item whose answers to one question differ (or that the project wants seen): to be adjudicated."""

    class Why(models.TextChoices):
        """Why a person is to look."""

        DIFFER = "differ", _("people differ")
        AGREED = "agreed", _("a sample of what agrees")
        SECOND = "second", _("a second decision")
        DISCUSS = "discuss", _("two adjudicators differ")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cases")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="cases")
    question = models.CharField(max_length=60)
    why = models.CharField(max_length=7, choices=Why, default=Why.DIFFER)
    disagreement = models.FloatField(default=0.0)
    # The probability that the likeliest answer is wrong (see Belief); 0 before the worker has looked at the answers.
    doubt = models.FloatField(default=0.0)
    # When an adjudicator asked for the proposal before deciding; None where nobody did.
    proposed_at = models.DateTimeField(null=True, editable=False)
    # What is confused with what: "\nONE\tOTHER\n" pairs of labels; an empty one stands for "not given".
    pairs = models.TextField(blank=True)
    # What the rule would have made gold, where agreeing answers are looked at.
    agreed = models.JSONField(null=True)
    # The decision that is made a second time, or that the two adjudicators differ in.
    first = models.ForeignKey(Gold, on_delete=models.SET_NULL, null=True, related_name="looked_at_again")
    # The batch by which its people are asked again; the case waits until they have answered or it is overdue.
    sent_back = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="cases")
    # Since when its people may read and write in its discussion.
    discussed_at = models.DateTimeField(null=True)
    # Who has it open; nobody is locked out by it.
    held_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    held_until = models.DateTimeField(null=True)
    key = models.BigIntegerField(default=random_key)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "question"], condition=Q(closed_at=None), name="one_open_case_per_question"
            ),
        ]
        indexes = [
            models.Index(
                F("project"), F("disagreement").desc(), F("key"), condition=Q(closed_at=None), name="cases_to_settle"
            ),
            models.Index(fields=["project", "opened_at", "id"], name="cases_opened"),
            models.Index(
                fields=["project", "closed_at", "id"], condition=Q(closed_at__isnull=False), name="cases_closed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.question}"

    @property
    def is_agreed(self) -> bool:
        """Whether all answers say the same: then there is no reason why people differed."""
        return self.agreed is not None and not self.disagreement


class SecondOpinion(models.Model):
    """What a second adjudicator decided, without having seen the first decision; it is never changed."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="second_opinions")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="second_opinions")
    gold = models.ForeignKey(Gold, on_delete=models.CASCADE, related_name="second_opinions")
    value = models.JSONField()
    ambiguous = models.BooleanField(default=False)
    # Of the two decisions, in [0, 1]; 1 where only one of them says that the text is ambiguous.
    distance = models.FloatField()
    reason = models.CharField(max_length=20, blank=True)
    rule = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["case"], name="one_second_opinion_per_case")]

    def __str__(self) -> str:
        return f"{self.gold_id} = {self.value}"


class CaseRemark(models.Model):
    """One thing said in the discussion of a case, under the guideline of that time."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="remarks")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="+")
    client_id = models.UUIDField(unique=True)
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.case_id} @ {self.at:%F %T}"


class ThreadQuerySet(models.QuerySet["Thread"]):
    """Who may read what was asked."""

    def visible_to(self, user: Any) -> Self:
        """One's own; for adjudicators and managers all, where they need not answer the item themselves.

        Who labels reads the others' about items that they have answered and that are settled: before that a question
        tells what somebody thinks of an item.
        """
        mine = Q(asker_id=user.pk or 0, project__in=Project.objects.visible_to(user))
        slots = Assignment.objects.filter(item=OuterRef("item"))
        answered = Exists(slots.filter(annotator=user.pk or 0, state=Assignment.State.DONE))
        complete = ~Exists(slots.filter(state__in=Assignment.WAITING))
        settled = Exists(Gold.objects.current().filter(item=OuterRef("item")))
        contested = Exists(Case.objects.open().filter(item=OuterRef("item")))
        # A control item is settled before it is answered: reading on would tell which items are.
        work = Q(item__role=Item.Role.WORK)
        over = Q(project__in=Project.objects.labelled_by(user)) & answered & complete & settled & ~contested & work
        return self.filter(mine | Q(project__in=Project.objects.adjudicated_by(user)) & ~blind(user) | over)

    def waiting(self) -> Self:
        """Those in which whoever asked had the last word."""
        return self.filter(answered_at=None)

    def unseen(self, user: Any) -> Self:
        """One's own with an answer that one has not seen."""
        return self.filter(asker_id=user.pk or 0, answered_at__isnull=False, seen_at=None)


class Thread(models.Model):
    """What one person asked about an item, and what was said to it since."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="threads")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="threads")
    asker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="threads")
    opened_at = models.DateTimeField(default=timezone.now)
    # None while the asker waits for an answer.
    answered_at = models.DateTimeField(null=True)
    # When the asker has seen the answer.
    seen_at = models.DateTimeField(null=True)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "asker"], name="one_thread_per_person_and_item")]
        indexes = [
            models.Index(fields=["project"], condition=Q(answered_at=None), name="threads_waiting"),
            models.Index(fields=["asker", "project"], name="threads_of_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.asker_id}"


class Remark(models.Model):
    """One thing said in a thread, under the guideline of that time."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="remarks")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="remarks")
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="remarks")
    client_id = models.UUIDField(unique=True)
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.thread_id} @ {self.at:%F %T}"


class SuggestionQuerySet(models.QuerySet["Suggestion"]):
    """Who may read what models propose."""

    def visible_to(self, user: Any) -> Self:
        """Those of projects that the user manages, where they need not answer the item themselves."""
        return self.filter(~blind(user), project__in=Project.objects.with_role(user, Membership.Role.MANAGER))


class Suggestion(models.Model):
    """What a model proposes as the answer to one question about one item; it is never changed, because it is seen."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="suggestions_made")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="suggestions")
    question = models.CharField(max_length=60)
    value = models.JSONField()
    # The model and its version.
    source = models.CharField(max_length=150)
    score = models.FloatField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SuggestionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "question", "source"], name="one_suggestion_per_source"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.question} · {self.source}"


class Showing(models.Model):
    """That a suggestion was sent to a person's page, written before it leaves the server."""

    suggestion = models.ForeignKey(Suggestion, on_delete=models.CASCADE, related_name="showings")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["suggestion", "person"], name="one_showing_per_person")]

    def __str__(self) -> str:
        return f"{self.suggestion_id} -> {self.person_id}"


class CompanyQuerySet(models.QuerySet["Company"]):
    """The lists of companies."""

    def missing(self, project: int, keys: Collection[str]) -> set[str]:
        """Those of the keys that the project does not have."""
        return set(keys) - set(self.filter(project=project, key__in=keys).values_list("key", flat=True))


class Company(models.Model):
    """An entry of the project's list of companies, which marks in the text may be linked with by its key."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="companies")
    key = models.CharField(max_length=100)
    name = models.CharField(max_length=300)
    ticker = models.CharField(max_length=40, blank=True)
    lei = models.CharField(max_length=20, blank=True)
    aliases = models.JSONField(default=list)
    # Name, codes and aliases as they are searched: folded, a blank before each word.
    words = models.TextField()
    # Not offered any more; what is linked with it stays linked.
    retired = models.BooleanField(default=False)

    objects = CompanyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="one_company_per_key")]
        indexes = [models.Index(fields=["project", "name"])]

    def __str__(self) -> str:
        return self.name


class BeliefQuerySet(models.QuerySet["Belief"]):
    """Who may read what the answers make of an item."""

    def visible_to(self, user: Any) -> Self:
        """Of projects where the user adjudicates, where they need not answer the item themselves."""
        return self.filter(~blind(user), project__in=Project.objects.adjudicated_by(user))

    def undecided(self) -> Self:
        """Of items with an open case of the question: nobody is told a proposal before they have decided."""
        cases = Case.objects.open().filter(item=OuterRef("item"), question=OuterRef("question"))
        return self.filter(Exists(cases))


class Belief(models.Model):
    """What the answers to one question about an item make likely, as the worker last computed it: a proposal, no gold."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="beliefs")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="beliefs")
    question = models.CharField(max_length=60)
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.CASCADE, related_name="+")
    # The likeliest answer; None where two are equally likely.
    value = models.JSONField(null=True)
    # label -> its probability
    posterior = models.JSONField(default=dict)
    # The probability that the likeliest answer is wrong.
    error = models.FloatField()

    objects = BeliefQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "question"], name="one_belief_per_question")]
        indexes = [models.Index(F("project"), F("question"), F("error").desc(), name="least_certain_first")]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.question}"

    @property
    def chances(self) -> dict[str, float]:
        """Label -> its probability, the likeliest first: PostgreSQL keeps no order of its own."""
        return dict(sorted(self.posterior.items(), key=lambda entry: (-entry[1], entry[0])))


class AgreementReport(Job):
    """The agreement of one question under one guideline version, as the worker last computed it, and of when it is."""

    TASK = "annotation.agreement"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="agreement_reports")
    question = models.CharField(max_length=60)
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.CASCADE, related_name="+")
    # The newest annotation change that the figures know of; older than the project's newest means stale.
    as_of = models.DateTimeField(null=True)
    figures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["guideline_version", "question"],
                condition=Q(state__in=["queued", "running"]),
                name="one_report_at_work",
            ),
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.project} · {self.question}"


class WorkDay(models.Model):
    """What a person did in a project on one day by the site's clock, summed from the revisions of that day."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="work_days")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    # First answers to items of work; those to control items and corrections are counted by themselves, and their time
    # with the others'.
    answered = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    undecided = models.PositiveIntegerField(default=0)
    controls = models.PositiveIntegerField(default=0)
    corrected = models.PositiveIntegerField(default=0)
    flagged = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    timed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["project", "day", "person"], name="one_row_per_day_of_work"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} · {self.day}"


class AgreementPoint(models.Model):
    """The agreement on one question over the items that were first answered in one period, a day or a week."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="agreement_points")
    question = models.CharField(max_length=60)
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.CASCADE, related_name="+")
    period = models.DateField()
    figure = models.CharField(max_length=40)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    # Items with two or more answers.
    n = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["period"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "question", "guideline_version", "period"], name="one_point_per_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question} · {self.period}"


class QualityReport(Job):
    """The figures of a project's quality page as the worker last made them, and of when they are."""

    TASK = "annotation.quality"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="quality_reports")
    # Everything anew; else only what changed since the newest finished one.
    full = models.BooleanField(default=False)
    # What was done up to then is in the figures.
    as_of = models.DateTimeField(null=True)
    figures = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(state__in=["queued", "running"]), name="one_quality_report_at_work"
            ),
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.project} · {self.as_of}"


class Explanation(models.Model):
    """What a training item teaches: why its gold is right, and the rule of the guideline that says so."""

    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="explanation")
    text = models.TextField(blank=True)
    rule = models.TextField(blank=True)
    place = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.item_id}"


class Attempt(models.Model):
    """One person's go at the qualification, or a manager's word that they need none (`waived_by`)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="qualification_attempts")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="+")
    # Of the training items in this order.
    items = models.JSONField(default=list)
    pass_mark = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    passed = models.BooleanField(null=True)
    waived_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # A manager gave another go: it is not counted among the attempts.
    forgiven = models.BooleanField(default=False)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "person"], condition=Q(ended_at=None), name="one_attempt_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} · {self.person_id}"


class TrainingAnswer(models.Model):
    """An answer to a training item in an attempt; it counts nowhere else."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="answers")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="training_answers")
    client_id = models.UUIDField(unique=True)
    answer = models.JSONField(default=dict)
    right = models.BooleanField()
    # 1 less the distance to the gold, the mean over the questions.
    score = models.FloatField()
    seconds = models.FloatField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["attempt", "item"], name="one_answer_per_attempt_and_item")]

    def __str__(self) -> str:
        return f"{self.attempt_id} · {self.item_id}"


class RoundQuerySet(models.QuerySet["Round"]):
    """Who may read of a round."""

    def visible_to(self, user: Any) -> Self:
        """Those that the user took part in; for adjudicators and managers all."""
        mine = Q(people=user.pk or 0, batch__project__in=Project.objects.visible_to(user))
        return self.filter(mine | Q(batch__project__in=Project.objects.adjudicated_by(user))).distinct()


class Round(models.Model):
    """A calibration round: the same items for all of some people, blind until the discussion opens."""

    batch = models.OneToOneField(Batch, on_delete=models.CASCADE, related_name="round")
    number = models.PositiveIntegerField()
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="+")
    people = models.ManyToManyField(User, related_name="+")
    # Their numbers, as they were set aside: a later guideline may ask for them again.
    items = models.JSONField(default=list)
    names_shown = models.BooleanField(default=False)
    # When those who took part could see each other's answers; None: not yet.
    opened_at = models.DateTimeField(null=True)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # question -> figures of agreement as they were when the discussion opened.
    figures = models.JSONField(default=dict)

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}"


class RoundComment(models.Model):
    """What somebody who took part, or who leads the round, says of an item once the discussion is open."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="comments")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.round_id} · {self.item_id}"


class Visit(models.Model):
    """When somebody last read a discussion: of a case, or of a calibration round."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, null=True, related_name="visits")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, null=True, related_name="visits")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(case=None, round__isnull=False) | Q(case__isnull=False, round=None), name="visit_of_one"
            ),
            models.UniqueConstraint(fields=["person", "case"], condition=Q(round=None), name="one_visit_per_case"),
            models.UniqueConstraint(fields=["person", "round"], condition=Q(case=None), name="one_visit_per_round"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} @ {self.at:%F %T}"


class Alarm(models.Model):
    """Something about a person's work that a manager is to look at; dismissed with a note."""

    class Kind(models.TextChoices):
        """What was seen."""

        CONTROL = "control", _("control accuracy is low or has dropped")
        FAST = "fast", _("too fast")
        ONE_LABEL = "one_label", _("one label only")
        MASHING = "mashing", _("a pattern of keys")
        DRIFT = "drift", _("drifts away from the others")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="alarms")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=Kind)
    question = models.CharField(max_length=60, blank=True)
    # The numbers that the sentence tells, n among them.
    seen = models.JSONField(default=dict)
    # Of the answers behind it.
    rows = models.JSONField(default=list)
    since = models.DateTimeField()
    until = models.DateTimeField()
    raised_at = models.DateTimeField(default=timezone.now)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "person", "kind", "question"],
                condition=Q(dismissed_at=None),
                name="one_open_alarm_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} · {self.kind}"


class Watch(Job):
    """The search for alarms in one project, as the worker last made it."""

    TASK = "annotation.watch"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="watches")
    # The newest change of an answer that it knows of.
    as_of = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(state__in=["queued", "running"]), name="one_watch_at_work"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id}"


class Scan(Job):
    """A search of a project's texts, as the worker made it: for duplicates, or for private data."""

    TASK = "annotation.scan"

    class What(models.TextChoices):
        """What is looked for."""

        DUPLICATES = "duplicates", _("duplicates")
        PRIVATE = "private", _("private data")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scans")
    what = models.CharField(max_length=10, choices=What)
    # Other projects whose texts are compared with, by number.
    across = models.JSONField(default=list)
    # What was found, in numbers; never a text.
    figures = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "what"], condition=Q(state__in=["queued", "running"]), name="one_scan_at_work"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} · {self.what}"


class VerdictQuerySet(models.QuerySet["Verdict"]):
    """Decisions about duplicates."""

    def standing(self) -> Self:
        """Those that were not taken back."""
        return self.filter(undone_at=None)


class Verdict(models.Model):
    """A decision about items that are duplicates of each other; it outlives the scan that found them."""

    class What(models.TextChoices):
        """What becomes of them."""

        KEEP = "keep", _("keep one")
        GROUP = "group", _("keep all as a group")
        APART = "apart", _("not duplicates")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="verdicts")
    what = models.CharField(max_length=5, choices=What)
    # The item that is kept, where one is.
    kept = models.ForeignKey(Item, on_delete=models.SET_NULL, null=True, related_name="+")
    # The numbers of the items that it is about, those of other projects too.
    items = models.JSONField(default=list)
    # The rule that chose, where many were decided at once; empty: a person looked at this one.
    rule = models.CharField(max_length=60, blank=True)
    # The same for all that one act decided, so that they are taken back together.
    act = models.UUIDField(default=uuid.uuid4)
    reason = models.CharField(max_length=500, blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    objects = VerdictQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["project"], condition=Q(undone_at=None), name="verdicts_that_stand"),
            models.Index(fields=["project", "act"], name="verdicts_of_an_act"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {len(self.items)}"


class Cluster(models.Model):
    """Items that hang together as duplicates, as the last scan of the project found them."""

    class Kind(models.TextChoices):
        """How alike its least alike link is, the closest first."""

        EXACT = "exact", _("the same text")
        NORMALISED = "normalised", _("the same but for case, width and white space")
        NEAR = "near", _("nearly the same")
        TEMPLATE = "template", _("the same but for its numbers")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="clusters")
    kind = models.CharField(max_length=10, choices=Kind)
    size = models.PositiveIntegerField()
    # Of the least alike member with the first, in [0, 1].
    similarity = models.FloatField()
    verdict = models.ForeignKey(Verdict, on_delete=models.SET_NULL, null=True, related_name="clusters")

    class Meta:
        ordering = ["-size", "pk"]
        indexes = [models.Index(fields=["project", "kind"], name="clusters_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.size}"


class ClusterMember(models.Model):
    """An item of a cluster; the first one is what the others are compared with."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="members")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="memberships_in_clusters")
    place = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Cluster.Kind, blank=True)
    # With the first member, by what the kind compares.
    similarity = models.FloatField(default=1.0)
    # Came after the cluster was decided.
    fresh = models.BooleanField(default=False)

    class Meta:
        ordering = ["place"]
        constraints = [models.UniqueConstraint(fields=["cluster", "item"], name="once_in_a_cluster")]
        indexes = [models.Index(fields=["cluster", "place"], name="members_in_order")]

    def __str__(self) -> str:
        return f"{self.cluster_id}/{self.place}"


class PrivateHitQuerySet(models.QuerySet["PrivateHit"]):
    """Private data and what was decided about it."""

    def open(self) -> Self:
        """What waits for a look."""
        return self.filter(state=PrivateHit.State.OPEN)


class PrivateHit(models.Model):
    """A place in a document that is private data; what stands there is stored nowhere but in the document."""

    class State(models.TextChoices):
        """What becomes of it when a version is frozen."""

        OPEN = "open", _("waits for a look")
        MASK = "mask", _("masked")
        KEEP = "keep", _("kept as it is")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="private_hits")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="private_hits")
    # Where in the document: empty for its text, else such as title, reference, candidates/0 or metadata/author.
    part = models.CharField(max_length=250, blank=True)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    # The same for the same value in a project, so that its placeholder is the same wherever it stands.
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=4, choices=State, default=State.OPEN)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(null=True)

    objects = PrivateHitQuerySet.as_manager()

    class Meta:
        ordering = ["document", "part", "start"]
        constraints = [models.UniqueConstraint(fields=["document", "part", "start", "end"], name="one_hit_per_place")]
        indexes = [
            models.Index(fields=["project", "kind", "state"], name="hits_of_a_kind"),
            models.Index(fields=["project"], condition=Q(state="open"), name="hits_that_wait"),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}: {self.kind} [{self.start}, {self.end})"
