"""People, projects, documents, items, guidelines, assignments, annotations and gold; permission is a query."""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Any, Self

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

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    overlap = models.PositiveSmallIntegerField(
        _("overlap"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("How many people label each item."),
    )
    settle = models.CharField(_("settle by itself"), max_length=10, choices=Settle, default=Settle.UNANIMOUS)
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
    # How many items the person wants to do, for their own eyes; None: no goal.
    goal = models.PositiveSmallIntegerField(null=True, editable=False)
    goal_per = models.CharField(max_length=7, choices=GoalPer, default=GoalPer.DAY, editable=False)
    # Until when this person read others' answers or gold without having to answer first; None: never so far.
    read_until = models.DateTimeField(null=True, editable=False)
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
    def reads_without_labelling(self) -> bool:
        """Sees answers or gold of items that they are not asked about, so that a later answer is no blind one."""
        return self.can_see_boards and not self.can_label


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

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    schema = models.JSONField()
    change_note = models.TextField(_("what changed"), blank=True)
    earlier = models.CharField(max_length=5, choices=Earlier, default=Earlier.STAND)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_number_per_guideline_version")]

    def __str__(self) -> str:
        return f"v{self.number}"


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


class Document(models.Model):
    """A source text as it came; `text` is its normal form, `raw` what it was where that differs."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="documents")
    external_id = models.CharField(max_length=200)
    title = models.CharField(max_length=500, blank=True)
    text = models.TextField()
    raw = models.TextField(null=True)
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
    waits = Exists(slots.filter(state__in=[Assignment.State.OPEN, Assignment.State.LEASED]))
    answered = Exists(slots.filter(annotator=user.pk or 0, state=Assignment.State.DONE))
    return Q(project__in=Project.objects.labelled_by(user)) & waits & ~answered


class ItemQuerySet(models.QuerySet["Item"]):
    """Items and who may see them."""

    def visible_to(self, user: Any) -> Self:
        """Items of projects where the user adjudicates or manages; annotators see items only through assignments."""
        return self.filter(project__in=Project.objects.adjudicated_by(user))

    def blind_for(self, user: Any) -> Self:
        """Items that this person may still be asked to label: what others said of them stays hidden until then."""
        return self.filter(blind(user, "pk"))


class Item(models.Model):
    """The unit a person labels: a document, or the passage [start, end) of one in code points."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="items")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="items")
    start = models.PositiveIntegerField(null=True)
    end = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ItemQuerySet.as_manager()

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def text(self) -> str:
        """The words to label."""
        whole: str = self.document.text
        return whole if self.start is None else whole[self.start : self.end]

    @property
    def about(self) -> About:
        """What answers to it are checked against."""
        document = self.document
        names = tuple(entry["name"] for entry in document.candidates)
        return About(text=self.text, published_at=document.published_at, candidates=names)


class Assignment(models.Model):
    """A slot: the k-th answer wanted for an item. Overlap is a constraint here, not a hope."""

    class State(models.TextChoices):
        """open -> leased -> done or skipped; a lease that runs out is open again without any write."""

        OPEN = "open", _("open")
        LEASED = "leased", _("leased")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="assignments")
    slot = models.PositiveSmallIntegerField()
    annotator = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="assignments")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    priority = models.IntegerField(default=0)
    key = models.BigIntegerField(default=random_key)
    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # Who had it before: their late answer may still come, nobody else's is taken.
    held_before = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "slot"], name="one_row_per_slot"),
            models.UniqueConstraint(fields=["item", "annotator"], name="nobody_twice_on_an_item"),
        ]
        indexes = [
            models.Index(
                fields=["project", "priority", "key"], condition=Q(state__in=["open", "leased"]), name="slots_to_give"
            ),
            models.Index(
                fields=["annotator", "project", "lease_until"], condition=Q(state="leased"), name="slots_in_hand"
            ),
            models.Index(fields=["project", "state"]),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}/{self.slot}"


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    """Which answers count."""

    def current(self) -> Self:
        """Answers that were not replaced by a question asked again."""
        return self.filter(superseded_at=None)

    def submitted(self) -> Self:
        """Answers that count in agreement and gold."""
        return self.current().filter(status=Annotation.Status.SUBMITTED)

    def visible_to(self, user: Any) -> Self:
        """One's own; for adjudicators and managers everybody's, where they need not answer the item themselves."""
        mine = Q(annotator_id=user.pk or 0, project__in=Project.objects.visible_to(user))
        return self.filter(mine | Q(project__in=Project.objects.adjudicated_by(user)) & ~blind(user))


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
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    answer = models.JSONField(default=dict)
    # Why there is no label: a code of a skip, or of "cannot decide".
    skip_reason = models.CharField(max_length=40, blank=True)
    confidence = models.PositiveSmallIntegerField(choices=Confidence, null=True)
    flagged = models.BooleanField(default=False)
    comment = models.TextField(blank=True)
    seconds = models.FloatField(null=True)
    # False where the person had seen another answer, a suggestion or the gold before: agreement leaves it out.
    independent = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True)

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "annotator", "guideline_version"], name="one_answer_per_person_and_version"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "annotator", "-updated_at"]),
            models.Index(fields=["project", "status"], condition=Q(superseded_at=None), name="annotations_that_count"),
            models.Index(fields=["project"], condition=Q(flagged=True), name="annotations_flagged"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.annotator_id} · {self.status}"


class Revision(models.Model):
    """Append-only history of an annotation: every accepted submission, by its client-made id."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="revisions")
    client_id = models.UUIDField(unique=True)
    status = models.CharField(max_length=9, choices=Annotation.Status)
    answer = models.JSONField(default=dict)
    skip_reason = models.CharField(max_length=40, blank=True)
    confidence = models.PositiveSmallIntegerField(choices=Annotation.Confidence, null=True)
    flagged = models.BooleanField(default=False)
    comment = models.TextField(blank=True)
    seconds = models.FloatField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.annotation_id} @ {self.at:%F %T}"


class GoldQuerySet(models.QuerySet["Gold"]):
    """Which gold counts."""

    def current(self) -> Self:
        """The settled answers of today; replaced ones stay as history."""
        return self.filter(superseded_at=None)

    def visible_to(self, user: Any) -> Self:
        """Gold of projects where the user adjudicates, where they need not answer the item themselves."""
        return self.filter(~blind(user), project__in=Project.objects.adjudicated_by(user))


class Gold(models.Model):
    """The settled answer to one question about one item: what, by whom, when, how and why."""

    class Method(models.TextChoices):
        """How it was settled."""

        SINGLE = "single", _("single answer")
        UNANIMOUS = "unanimous", _("unanimous")
        MAJORITY = "majority", _("majority")
        ADJUDICATED = "adjudicated", _("adjudicated")
        IMPORTED = "imported", _("imported")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="gold")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="gold")
    question = models.CharField(max_length=60)
    value = models.JSONField()
    method = models.CharField(max_length=11, choices=Method)
    reason = models.CharField(max_length=20, blank=True)
    note = models.TextField(blank=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="settled")
    settled_at = models.DateTimeField(default=timezone.now)
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="gold")
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
            )
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

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cases")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="cases")
    question = models.CharField(max_length=60)
    disagreement = models.FloatField(default=0.0)
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
            )
        ]

    def __str__(self) -> str:
        return f"{self.item_id} · {self.question}"


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
        complete = ~Exists(slots.filter(state__in=[Assignment.State.OPEN, Assignment.State.LEASED]))
        settled = Exists(Gold.objects.current().filter(item=OuterRef("item")))
        contested = Exists(Case.objects.open().filter(item=OuterRef("item")))
        over = Q(project__in=Project.objects.labelled_by(user)) & answered & complete & settled & ~contested
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
