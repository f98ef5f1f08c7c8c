"""The API of annotation: serializers map and check fields, the domain functions do the work."""

from datetime import UTC
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    inline_serializer,
)
from rest_framework import generics, serializers, status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import (
    adjudicating,
    annotating,
    asking,
    assigning,
    candidates,
    choosing,
    importing,
    inviting,
    jobs,
    measuring,
    progress,
    publishing,
)
from annotation import schema as schemas
from annotation.access import membership_of, refuse_blind
from annotation.jobs import State
from annotation.models import (
    Annotation,
    Case,
    Gold,
    Guideline,
    GuidelineVersion,
    Import,
    Item,
    Membership,
    Project,
    Thread,
    User,
    blind,
)
from config.api import Ended, Paging, Problem
from config.parsers import ObjectField


def errors(*codes: int) -> dict[int, Any]:
    """The error answers of an endpoint, for the schema."""
    return {code: OpenApiResponse(Problem) for code in codes}


class MemberView(APIView):
    """An endpoint of one project; `right` is what its caller needs."""

    right = "member"
    rights: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """404 for strangers, 403 for members without the right, before anything else happens."""
        super().initial(request, *args, **kwargs)
        right = self.rights.get(request.method or "", self.right)
        self.membership: Membership = membership_of(request.user, kwargs["slug"], right)
        self.project: Project = self.membership.project


class MemberList(MemberView, generics.ListAPIView[Any]):
    """A paged list of a project's rows."""

    right = "adjudicate"


class JobSerializer(serializers.Serializer[Any]):
    """The life of a long job."""

    id = serializers.IntegerField(source="pk", read_only=True)
    state = serializers.CharField(read_only=True)
    percent = serializers.IntegerField(read_only=True)
    note = serializers.CharField(read_only=True)
    attempt = serializers.IntegerField(read_only=True)
    reason = serializers.CharField(read_only=True)
    message = serializers.CharField(read_only=True)
    queued_at = serializers.DateTimeField(read_only=True)
    started_at = serializers.DateTimeField(read_only=True, allow_null=True)
    ended_at = serializers.DateTimeField(read_only=True, allow_null=True)


# People and projects


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller; `keys` are the keys of the labelling page that the caller has changed, {action: key}."""

    keys = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=1), required=False)

    class Meta:
        model = User
        fields = ("id", "username", "name", "email", "language", "keys")
        read_only_fields = ("id", "username", "name", "email", "language")


class Me(APIView):
    """Who the token belongs to."""

    @extend_schema(responses={200: MeSerializer})
    def get(self, request: Request) -> Response:
        """The caller's account."""
        return Response(MeSerializer(request.user).data)

    @extend_schema(request=MeSerializer, responses={200: MeSerializer, **errors(400)})
    def patch(self, request: Request) -> Response:
        """Change the keys of one's labelling page: all that are other than they come."""
        sent = MeSerializer(request.user, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        if "keys" in sent.validated_data:
            choosing.choose_keys(user=request.user, chosen=sent.validated_data["keys"])
        return Response(MeSerializer(request.user).data)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project; `overlap` is how many people label each item."""

    guideline_version = serializers.IntegerField(source="version.number", read_only=True, allow_null=True, default=None)
    slug = serializers.SlugField(max_length=60, required=False)

    class Meta:
        model = Project
        fields = (
            "id", "slug", "name", "description", "overlap", "settle", "lease_minutes", "undecided", "confidence",
            "guideline_version", "created_at",
        )  # fmt: skip
        read_only_fields = ("id", "created_at")


class Projects(generics.ListCreateAPIView[Project]):
    """The caller's projects; a new one."""

    serializer_class = ProjectSerializer
    queryset = Project.objects.none()

    def get_queryset(self) -> QuerySet[Project]:
        """Those that the caller is a member of."""
        return Project.objects.visible_to(self.request.user).select_related("version")

    def perform_create(self, serializer: serializers.BaseSerializer[Project]) -> None:
        """The maker becomes manager."""
        if not User.objects.can_create_projects(self.request.user):
            self.permission_denied(self.request)
        serializer.instance = inviting.create_project(user=self.request.user, **serializer.validated_data)


class OneProject(MemberView):
    """One project."""

    rights = {"PATCH": "manager"}

    @extend_schema(responses={200: ProjectSerializer, **errors(404)})
    def get(self, request: Request, slug: str) -> Response:
        """The project."""
        return Response(ProjectSerializer(self.project).data)

    @extend_schema(request=ProjectSerializer, responses={200: ProjectSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str) -> Response:
        """Change settings; the address stays."""
        sent = ProjectSerializer(self.project, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        changes = {name: value for name, value in sent.validated_data.items() if name in inviting.SETTINGS}
        return Response(ProjectSerializer(inviting.configure(project=self.project, **changes)).data)


class ProgressView(MemberView):
    """How far a project is."""

    right = "adjudicate"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Counts of items, answers, gold and cases; `days_left` at the pace of the last week, where there is one."""
        overview = progress.overview(self.project)
        return Response({**overview, "days_left": progress.forecast(self.project, overview)})


class PersonSerializer(serializers.Serializer[Any]):
    """What one person gave; `imported` where the answers came in a file."""

    annotator = serializers.CharField(source="user.__str__", read_only=True)
    imported = serializers.BooleanField(read_only=True)
    submitted = serializers.IntegerField(read_only=True)
    skipped = serializers.IntegerField(read_only=True)
    undecided = serializers.IntegerField(read_only=True)
    flagged = serializers.IntegerField(read_only=True)
    seconds_each = serializers.FloatField(read_only=True, allow_null=True)
    last = serializers.DateTimeField(read_only=True)


class People(MemberView):
    """How far each person is."""

    right = "adjudicate"

    @extend_schema(responses={200: PersonSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Everybody who has answered, the most answers first."""
        return Response(PersonSerializer(progress.people(self.project), many=True).data)


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A member and their role; `held` is how many items they have in hand without an answer."""

    held = serializers.IntegerField(read_only=True)
    username = serializers.CharField(source="user.username", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "username", "name", "role", "labels", "held", "created_at")
        read_only_fields = ("id", "created_at")


class Members(MemberView):
    """The members of a project."""

    right = "manager"

    @extend_schema(responses={200: MemberSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """All members."""
        return Response(MemberSerializer(inviting.people(self.project), many=True).data)


class OneMember(MemberView):
    """One member."""

    right = "manager"

    def _row(self, pk: int) -> Membership:
        row: Membership = get_object_or_404(inviting.people(self.project), pk=pk)
        return row

    @extend_schema(request=MemberSerializer, responses={200: MemberSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Give another role."""
        row = self._row(pk)
        sent = MemberSerializer(row, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        wanted = {"role": row.role, "labels": row.labels, **sent.validated_data}
        inviting.change_role(membership=row, role=wanted["role"], labels=wanted["labels"])
        return Response(MemberSerializer(self._row(pk)).data)

    @extend_schema(responses={204: None, **errors(400, 403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take the member out; their answers stay."""
        inviting.remove(membership=self._row(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReleaseMember(MemberView):
    """What a member holds."""

    right = "manager"

    @extend_schema(
        request=None,
        responses={
            200: inline_serializer("Released", {"released": serializers.IntegerField()}),
            **errors(403, 404),
        },
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Take the items back that they have not answered."""
        row = get_object_or_404(self.project.memberships, pk=pk)
        return Response({"released": assigning.release(project=self.project, annotator=row.user_id)})


class InvitationSerializer(serializers.Serializer[Any]):
    """Whom to invite, as what."""

    id = serializers.IntegerField(read_only=True)
    email = serializers.EmailField(required=False, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=Membership.Role.choices)
    labels = serializers.BooleanField(default=False)
    invited_by = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)


class Invitations(MemberView):
    """Secret links that make members."""

    right = "manager"

    @extend_schema(responses={200: InvitationSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Those that can still be accepted; their links are not told again."""
        return Response(InvitationSerializer(inviting.waiting(self.project), many=True).data)

    @extend_schema(
        request=InvitationSerializer,
        responses={
            201: inline_serializer(
                "InvitationLink",
                {
                    "id": serializers.IntegerField(),
                    "link": serializers.URLField(),
                    "mailed": serializers.BooleanField(),
                },
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """A new link, told this once."""
        sent = InvitationSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        invitation, token = inviting.invite(project=self.project, by=request.user, **sent.validated_data)
        link = request.build_absolute_uri(f"/join/{token}/")
        mailed = inviting.send(invitation, link=link)
        return Response({"id": invitation.pk, "link": link, "mailed": mailed}, status=status.HTTP_201_CREATED)


class OneInvitation(MemberView):
    """One invitation."""

    right = "manager"

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Withdraw it: its link opens nothing any more."""
        inviting.withdraw(get_object_or_404(inviting.waiting(self.project), pk=pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


# Guideline


class GuidelineVersionSerializer(serializers.ModelSerializer[GuidelineVersion]):
    """A published guideline with its schema; answers name it by its `id`."""

    class Meta:
        model = GuidelineVersion
        fields = ("id", "number", "text", "schema", "change_note", "earlier", "published_at")
        read_only_fields = fields


class DraftSerializer(serializers.Serializer[Any]):
    """The draft: Markdown and schema."""

    text = serializers.CharField(allow_blank=True, trim_whitespace=False)
    schema = serializers.JSONField()
    edited_at = serializers.CharField(
        required=False, help_text="as it was read; a draft that somebody saved since is then not replaced"
    )
    edited_by = serializers.CharField(read_only=True, allow_null=True)

    def to_representation(self, draft: Guideline) -> dict[str, Any]:
        """The moment as it is compared: to the microsecond."""
        by = str(draft.edited_by) if draft.edited_by else None
        return {"text": draft.text, "schema": draft.schema, "edited_at": draft.edited_at.isoformat(), "edited_by": by}


class PublishSerializer(serializers.Serializer[Any]):
    """How to publish."""

    change_note = serializers.CharField(required=False, allow_blank=True, default="")
    earlier = serializers.ChoiceField(choices=GuidelineVersion.Earlier.choices, default="stand")


class GuidelineView(MemberView):
    """The guideline in force."""

    rights = {"POST": "manager"}

    @extend_schema(
        parameters=[OpenApiParameter("version", int, description="a version's number; the one in force without")],
        responses={200: GuidelineVersionSerializer, **errors(404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The version in force, or ?version=N."""
        number = request.query_params.get("version", "")
        if number:
            wanted = int(number) if number.isdecimal() and len(number) < 9 else 0
            return Response(GuidelineVersionSerializer(get_object_or_404(self.project.versions, number=wanted)).data)
        if self.project.version is None:
            raise Http404
        return Response(GuidelineVersionSerializer(self.project.version).data)

    @extend_schema(request=PublishSerializer, responses={201: GuidelineVersionSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Publish the draft as the next version."""
        sent = PublishSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        version = publishing.publish(project=self.project, user=request.user, **sent.validated_data)
        return Response(GuidelineVersionSerializer(version).data, status=status.HTTP_201_CREATED)


class Draft(MemberView):
    """What the next version of the guideline will say."""

    right = "manager"

    @extend_schema(responses={200: DraftSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """As it was last saved."""
        rows = Guideline.objects.select_related("edited_by")
        return Response(DraftSerializer(get_object_or_404(rows, project=self.project)).data)

    @extend_schema(request=DraftSerializer, responses={200: DraftSerializer, **errors(400, 403, 404)})
    def put(self, request: Request, slug: str) -> Response:
        """Replace it."""
        sent = DraftSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        draft = publishing.save_draft(
            project=self.project,
            text=given["text"],
            schema=given["schema"],
            user=request.user,
            opened_at=given.get("edited_at"),
        )
        return Response(DraftSerializer(draft).data)


# Import


class ImportSerializer(JobSerializer):
    """An import with its report."""

    what = serializers.CharField(read_only=True)
    filename = serializers.CharField(read_only=True)
    options = serializers.JSONField(read_only=True)
    report = serializers.JSONField(read_only=True)


class UploadSerializer(serializers.Serializer[Any]):
    """A file with what is known about it; everything else is guessed from its first rows."""

    file = serializers.FileField()
    what = serializers.ChoiceField(choices=Import.What.choices, default="items")
    options = ObjectField(required=False, default=dict, help_text="format, encoding, mapping, labels, …")


class Imports(MemberList):
    """The files of a project and what came of them; a new one."""

    right = "manager"
    serializer_class = ImportSerializer
    queryset = Import.objects.none()
    parser_classes = (MultiPartParser, FormParser)

    def get_queryset(self) -> QuerySet[Import]:
        """Of this project."""
        return Import.objects.filter(project=self.project)

    @extend_schema(request=UploadSerializer, responses={202: ImportSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Send a file; the worker brings it in."""
        sent = UploadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        importing.check_names(sent.validated_data["options"])
        upload = sent.validated_data["file"]
        row = importing.send(
            project=self.project,
            file=upload,
            filename=upload.name,
            user=request.user,
            what=sent.validated_data["what"],
            **sent.validated_data["options"],
        )
        return Response(ImportSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class OneImport(MemberView):
    """One import."""

    right = "manager"

    @extend_schema(responses={200: ImportSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State and report."""
        return Response(ImportSerializer(get_object_or_404(self.project.imports, pk=pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop it; what has come in stays. One that has not been started is thrown away."""
        row = get_object_or_404(self.project.imports, pk=pk)
        if row.state == State.PREPARED:
            importing.discard(row)
        elif not jobs.cancel(row):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)


class RefusedRows(MemberView):
    """The refused rows of an import."""

    right = "manager"

    @extend_schema(responses={200: OpenApiTypes.BINARY, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> FileResponse:
        """As a file to mend and send again."""
        row = get_object_or_404(self.project.imports, pk=pk)
        if not row.refused:
            raise Http404
        return FileResponse(row.refused.open("rb"), as_attachment=True, filename=f"refused-{row.pk}")


# Items, answers, gold


class ItemSerializer(serializers.ModelSerializer[Item]):
    """An item with its document's fields."""

    external_id = serializers.CharField(source="document.external_id", read_only=True)
    text = serializers.CharField(read_only=True)
    title = serializers.CharField(source="document.title", read_only=True)
    source_type = serializers.CharField(source="document.source_type", read_only=True)
    language = serializers.CharField(source="document.language", read_only=True)
    published_at = serializers.CharField(source="document.published_at", read_only=True)
    issuer = serializers.CharField(source="document.issuer", read_only=True)
    url = serializers.CharField(source="document.url", read_only=True)
    metadata = serializers.SerializerMethodField()
    candidates = serializers.SerializerMethodField()
    reference = serializers.CharField(source="document.reference", read_only=True)

    def get_candidates(self, item: Item) -> list[dict[str, str]]:
        """The responses to compare, name and text; in an order of their own for the person who labels."""
        person = self.context.get("person")
        return candidates.shuffled(item.document.candidates, item=item.pk, person=person)

    def get_metadata(self, item: Item) -> dict[str, Any] | None:
        """What else the file had; it may hold labels or hints, so null where the caller may still label the item."""
        return None if getattr(item, "hidden", False) else item.document.metadata

    class Meta:
        model = Item
        fields = (
            "id", "external_id", "text", "title", "source_type", "language", "published_at", "issuer", "url", "metadata",
            "candidates", "reference",
        )  # fmt: skip
        read_only_fields = fields


class Items(MemberList):
    """The items of a project."""

    serializer_class = ItemSerializer
    queryset = Item.objects.none()

    def get_queryset(self) -> QuerySet[Item]:
        """With their documents."""
        rows = Item.objects.filter(project=self.membership.project).annotate(hidden=blind(self.request.user, "pk"))
        return rows.select_related("document")


class AnnotationSerializer(serializers.ModelSerializer[Annotation]):
    """One person's answer."""

    external_id = serializers.CharField(source="item.document.external_id", read_only=True)
    annotator = serializers.SerializerMethodField()
    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True)

    def get_annotator(self, annotation: Annotation) -> str | None:
        """The name once the item is settled; before that only the writer sees their own."""
        known = getattr(annotation, "settled", False) or annotation.annotator_id == self.context["request"].user.pk
        return str(annotation.annotator) if known else None

    class Meta:
        model = Annotation
        fields = (
            "id", "item", "external_id", "annotator", "guideline_version", "status", "answer", "skip_reason",
            "confidence", "flagged", "comment", "seconds", "independent", "updated_at", "superseded_at",
        )  # fmt: skip
        read_only_fields = fields


class Annotations(MemberList):
    """All answers of a project (one's own only, for an annotator)."""

    right = "member"
    serializer_class = AnnotationSerializer
    queryset = Annotation.objects.none()

    def get_queryset(self) -> QuerySet[Annotation]:
        """Drafts stay with their writers."""
        rows = Annotation.objects.visible_to(self.request.user).filter(project=self.membership.project)
        rows = rows.exclude(status=Annotation.Status.DRAFT)
        here = OuterRef("item")
        settled = Exists(Gold.objects.current().filter(item=here)) & ~Exists(Case.objects.open().filter(item=here))
        return rows.annotate(settled=settled).select_related("item__document", "annotator", "guideline_version")


class GoldSerializer(serializers.ModelSerializer[Gold]):
    """A settled answer."""

    external_id = serializers.CharField(source="item.document.external_id", read_only=True)
    settled_by = serializers.CharField(source="settled_by.__str__", read_only=True, default=None)
    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True)

    class Meta:
        model = Gold
        fields = (
            "id", "item", "external_id", "question", "value", "method", "reason", "note", "settled_by", "settled_at",
            "guideline_version",
        )  # fmt: skip
        read_only_fields = fields


class GoldList(MemberList):
    """The gold of a project as it stands."""

    serializer_class = GoldSerializer
    queryset = Gold.objects.none()

    def get_queryset(self) -> QuerySet[Gold]:
        """Current gold only."""
        rows = Gold.objects.current().visible_to(self.request.user).filter(project=self.membership.project)
        return rows.select_related("item__document", "settled_by", "guideline_version")


# Labelling


class SentSerializer(serializers.Serializer[Any]):
    """An answer, a skip or “cannot decide”; `client_id` is a UUID made by the caller, a repeat of it changes nothing."""

    client_id = serializers.UUIDField()
    assignment = serializers.IntegerField()
    token = serializers.UUIDField(required=False, allow_null=True)
    version = serializers.IntegerField(help_text="id of the guideline version the answer was given under")
    status = serializers.ChoiceField(choices=["submitted", "skipped", "undecided"], default="submitted")
    answer = serializers.JSONField(default=dict)
    skip_reason = serializers.CharField(required=False, allow_blank=True, default="")
    confidence = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=3,
        help_text="1 unsure to 3 sure, where the project asks",
    )
    flagged = serializers.BooleanField(default=False)
    comment = serializers.CharField(required=False, allow_blank=True, default="")
    seconds = serializers.FloatField(required=False, allow_null=True)


class SaidSerializer(serializers.Serializer[Any]):
    """What somebody said of an item."""

    answer = serializers.JSONField(read_only=True)
    status = serializers.CharField(read_only=True)
    comment = serializers.CharField(read_only=True)
    flagged = serializers.BooleanField(read_only=True)
    skip_reason = serializers.CharField(read_only=True)
    confidence = serializers.IntegerField(read_only=True, allow_null=True)


class ConflictSerializer(Problem):
    """Why an answer was not taken, the answer that stands (or the draft that was kept), and whether to begin anew."""

    kept = SaidSerializer(allow_null=True, help_text="what is stored of yours; null where nothing is")
    reload = serializers.BooleanField(help_text="get items again: what you hold is out of date")


class Labelling(MemberView):
    """Items to label, and answers."""

    right = "label"

    @extend_schema(
        parameters=[OpenApiParameter("count", int, description="how many, 1 to 10")],
        responses={200: OpenApiTypes.OBJECT, **errors(403, 404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Lease the next items."""
        raw = request.query_params.get("count", "1")
        count = min(10, max(1, int(raw))) if raw.isdecimal() and len(raw) < 4 else 1
        slots = assigning.with_items(assigning.take(membership=self.membership, count=count))
        version = self.project.version
        drafts = progress.given(self.membership, slots)
        found = [
            {
                "assignment": slot.pk,
                "token": str(slot.token),
                "lease_until": slot.lease_until,
                # Metadata may hold labels or hints; whoever labels must not see it.
                "item": {
                    key: value
                    for key, value in ItemSerializer(slot.item, context={"person": slot.annotator_id}).data.items()
                    if key != "metadata"
                },
                "draft": annotating.told(drafts[slot.item_id]) if slot.item_id in drafts else None,
            }
            for slot in slots
        ]
        return Response({"version": version.pk if version else None, "items": found})

    @extend_schema(
        request=SentSerializer,
        responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404), 409: OpenApiResponse(ConflictSerializer)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Store one answer; one without a token corrects the answer that was given to this assignment before."""
        try:
            annotation, _next = annotating.submit(
                membership=self.membership, sent=annotating.read(request.data), more=False
            )
        except annotating.Conflict as conflict:
            kept = annotating.told(conflict.kept) if conflict.kept else None
            told = {"error": str(conflict), "kept": kept, "reload": conflict.reload}
            return Response(told, status=status.HTTP_409_CONFLICT)
        return Response({"saved": True, "annotation": annotation.pk})


class UnfinishedSerializer(serializers.Serializer[Any]):
    """An answer that is not given yet: as much of it as there is."""

    assignment = serializers.IntegerField()
    answer = serializers.JSONField(default=dict)
    flagged = serializers.BooleanField(default=False)
    comment = serializers.CharField(required=False, allow_blank=True, default="")


class LabelDraft(MemberView):
    """Unfinished answers."""

    right = "label"

    @extend_schema(
        request=UnfinishedSerializer,
        responses={200: inline_serializer("Kept", {"saved": serializers.BooleanField()}), **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Keep one, to be given again with its item; `saved` is false where the item is not leased to you (any more)."""
        return Response({"saved": annotating.draft(membership=self.membership, data=request.data)})


class MineSerializer(serializers.ModelSerializer[Annotation]):
    """One's own answer, with the assignment that a correction of it names."""

    assignment = serializers.IntegerField(read_only=True, allow_null=True)
    external_id = serializers.CharField(source="item.document.external_id", read_only=True)
    text = serializers.CharField(source="item.text", read_only=True)
    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True)

    class Meta:
        model = Annotation
        fields = (
            "id", "assignment", "item", "external_id", "text", "guideline_version", "status", "answer", "skip_reason",
            "confidence", "flagged", "comment", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class ByTime(Paging):
    """The last changed first; of the same moment the newer row."""

    ordering = ("-updated_at", "-pk")

    def is_place(self, text: str) -> bool:
        """A place is a moment; one that is none, or lies beyond the calendar in UTC, is no place."""
        try:
            moment = parse_datetime(text)
            return moment is not None and moment.tzinfo is not None and bool(moment.astimezone(UTC))
        except (ValueError, OverflowError):
            return False


class Mine(MemberList):
    """One's own answers and skips that stand, the last given first."""

    right = "label"
    serializer_class = MineSerializer
    pagination_class = ByTime
    queryset = Annotation.objects.none()

    def get_queryset(self) -> QuerySet[Annotation]:
        """The same as under "my last answers" on the page."""
        return progress.own(self.membership).select_related("guideline_version")


class DaySerializer(serializers.Serializer[Any]):
    """What one did on a day by the site's clock; `hours` of attention, idle time left out."""

    day = serializers.DateField(read_only=True)
    items = serializers.IntegerField(read_only=True)
    skipped = serializers.IntegerField(read_only=True)
    undecided = serializers.IntegerField(read_only=True)
    corrected = serializers.IntegerField(read_only=True)
    hours = serializers.FloatField(read_only=True)
    median_seconds = serializers.FloatField(read_only=True, allow_null=True)


class WorkSerializer(serializers.Serializer[Any]):
    """One's own work: the goal (null: none) and what was done on each of the last 30 days."""

    goal = serializers.IntegerField(min_value=1, max_value=choosing.MOST, allow_null=True, required=False)
    goal_per = serializers.ChoiceField(choices=Membership.GoalPer.choices, required=False)
    done_today = serializers.IntegerField(read_only=True, help_text="in the last 24 hours")
    days = DaySerializer(many=True, read_only=True)


class Work(MemberView):
    """One's own work, shown to nobody else."""

    right = "label"

    def _told(self) -> dict[str, Any]:
        mine = self.membership
        told = {"goal": mine.goal, "goal_per": mine.goal_per, "done_today": progress.done_today(mine)}
        return WorkSerializer({**told, "days": progress.work(mine)}).data

    @extend_schema(responses={200: WorkSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """What one did, day by day."""
        return Response(self._told())

    @extend_schema(request=WorkSerializer, responses={200: WorkSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str) -> Response:
        """Set or take away one's goal."""
        sent = WorkSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        wanted = {"goal": self.membership.goal, "goal_per": self.membership.goal_per, **sent.validated_data}
        choosing.set_goal(membership=self.membership, goal=wanted["goal"], per=wanted["goal_per"])
        return Response(self._told())


# Questions to those who keep the guideline


class RemarkSerializer(serializers.Serializer[Any]):
    """One thing said; `by` is null while the name of who asked is hidden."""

    by = serializers.CharField(read_only=True, allow_null=True)
    mine = serializers.BooleanField(read_only=True)
    asked = serializers.BooleanField(read_only=True, help_text="said by whoever asked")
    text = serializers.CharField(read_only=True)
    guideline_version = serializers.IntegerField(read_only=True)
    at = serializers.DateTimeField(read_only=True)


class ThreadSerializer(serializers.Serializer[Thread]):
    """A question about an item and what was said to it."""

    id = serializers.IntegerField(source="pk", read_only=True)
    item = serializers.IntegerField(source="item_id", read_only=True)
    opened_at = serializers.DateTimeField(read_only=True)
    answered_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="null while it waits")
    remarks = serializers.SerializerMethodField()

    @extend_schema_field(RemarkSerializer(many=True))
    def get_remarks(self, thread: Thread) -> Any:
        """As the caller may read them."""
        return RemarkSerializer(asking.told(thread, self.context["request"].user), many=True).data


class AskSerializer(serializers.Serializer[Any]):
    """A question about an item that one holds or has answered; `client_id` makes a repeat harmless."""

    assignment = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    text = serializers.CharField(max_length=asking.LONGEST)
    client_id = serializers.UUIDField(required=False)


class SaySerializer(serializers.Serializer[Any]):
    """What to add to a thread."""

    text = serializers.CharField(max_length=asking.LONGEST)
    client_id = serializers.UUIDField(required=False)


class Threads(MemberList):
    """Questions about items: one's own; everybody's for those who adjudicate, and once an item is settled."""

    right = "member"
    rights = {"POST": "label"}
    serializer_class = ThreadSerializer
    queryset = Thread.objects.none()

    def get_queryset(self) -> QuerySet[Thread]:
        """Those that the caller may read; ?waiting=true: without an answer."""
        rows = asking.threads(project=self.project, user=self.request.user)
        return rows.waiting() if self.request.query_params.get("waiting") == "true" else rows

    @extend_schema(parameters=[OpenApiParameter("waiting", bool, description="true: only those without an answer")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(request=AskSerializer, responses={201: ThreadSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Ask."""
        sent = AskSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = asking.ask(membership=self.membership, **sent.validated_data)
        return Response(_thread(self, made.pk), status=status.HTTP_201_CREATED)


def _thread(view: MemberView, pk: int) -> Any:
    row = get_object_or_404(asking.threads(project=view.project, user=view.request.user), pk=pk)
    return ThreadSerializer(row, context={"request": view.request}).data


class OneThread(MemberView):
    """One question and what was said to it."""

    @extend_schema(responses={200: ThreadSerializer, **errors(404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """All that was said."""
        return Response(_thread(self, pk))

    @extend_schema(
        operation_id="projects_threads_reply",
        request=SaySerializer,
        responses={201: ThreadSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Answer, or ask on."""
        row = get_object_or_404(asking.threads(project=self.project, user=request.user), pk=pk)
        sent = SaySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asking.reply(membership=self.membership, thread=row, **sent.validated_data)
        return Response(_thread(self, pk), status=status.HTTP_201_CREATED)


# Agreement and adjudication


class AgreementView(MemberView):
    """Agreement of one question."""

    right = "adjudicate"

    @extend_schema(
        parameters=[OpenApiParameter("question", str, required=True), OpenApiParameter("guideline_version", int)],
        responses={200: OpenApiTypes.OBJECT, 202: JobSerializer, **errors(400, 403, 404, 409)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The newest figures of a guideline version (default: the newest with answers).

        202 with the job while the first ones are being made; the failed job where they could not be made.
        """
        question = request.query_params.get("question", "")
        number = serializers.IntegerField(required=False, allow_null=True, default=None, max_value=2**31 - 1)
        version = measuring.chosen(self.project, number.run_validation(request.query_params.get("guideline_version")))
        schemas.question(version.schema, question)
        now = measuring.standing(version=version, question=question)
        if now.done is None:
            code = status.HTTP_202_ACCEPTED if now.at_work else status.HTTP_200_OK
            return Response(JobSerializer(now.at_work or now.failed).data, status=code)
        told = {"as_of": now.done.as_of, "refreshing": now.at_work is not None}
        return Response({**told, "figures": measuring.shown_to(request.user, now.done.figures)})


class CaseSerializer(serializers.ModelSerializer[Case]):
    """A case of the adjudicator's queue."""

    external_id = serializers.CharField(source="item.document.external_id", read_only=True)

    class Meta:
        model = Case
        fields = ("id", "item", "external_id", "question", "disagreement", "opened_at")
        read_only_fields = fields


class Cases(MemberList):
    """Open cases."""

    serializer_class = CaseSerializer
    queryset = Case.objects.none()

    def get_queryset(self) -> QuerySet[Case]:
        """Of this project."""
        return adjudicating.queue(project=self.project, user=self.membership.user)


class DecisionSerializer(serializers.Serializer[Any]):
    """The adjudicator's decision."""

    value = serializers.JSONField()
    reason = serializers.ChoiceField(choices=list(adjudicating.REASONS))
    note = serializers.CharField(required=False, allow_blank=True, default="")


def said(case: Case, *, named: bool = False) -> list[dict[str, Any]]:
    """The answers to a case; with `named` who gave them."""
    names = ("value", "status", "skip_reason", "confidence", "comment", "flagged")
    return [
        {**{name: entry[name] for name in names}, **({"annotator": str(entry["annotator"])} if named else {})}
        for entry in adjudicating.answers(case)
    ]


class OneCase(MemberView):
    """One case, with the answers but without names."""

    right = "adjudicate"

    def _row(self, pk: int) -> Case:
        rows = Case.objects.open().select_related("item__document", "project__version")
        row = get_object_or_404(rows, pk=pk, project=self.project)
        refuse_blind(self.membership, row.item_id)
        return row

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The text and what was said about it."""
        row = self._row(pk)
        return Response({**CaseSerializer(row).data, "text": row.item.text, "answers": said(row)})

    @extend_schema(request=DecisionSerializer, responses={201: GoldSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Settle it."""
        row = self._row(pk)
        sent = DecisionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        gold = adjudicating.decide(case=row, user=request.user, **sent.validated_data)
        return Response(GoldSerializer(gold).data, status=status.HTTP_201_CREATED)


class OneGold(MemberView):
    """One settled answer; it can be settled anew."""

    right = "adjudicate"

    def _row(self, pk: int) -> Gold:
        rows = Gold.objects.select_related("item__document", "project__version", "settled_by", "guideline_version")
        row = get_object_or_404(rows, pk=pk, project=self.project)
        refuse_blind(self.membership, row.item_id)
        return row

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The text and who said what about it; without names while a case of the item is open."""
        row = self._row(pk)
        named = not Case.objects.open().filter(item=row.item_id).exists()
        given = said(adjudicating.case_of(row), named=named)
        return Response({**GoldSerializer(row).data, "text": row.item.text, "answers": given})

    @extend_schema(request=DecisionSerializer, responses={201: GoldSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Settle it anew; the earlier decision stays as history."""
        row = self._row(pk)
        sent = DecisionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        gold = adjudicating.redecide(gold=row, user=request.user, **sent.validated_data)
        return Response(GoldSerializer(gold).data, status=status.HTTP_201_CREATED)


class RuleSerializer(serializers.Serializer[Any]):
    """What to settle by which rule: without them every question, by the project's own rule."""

    rule = serializers.ChoiceField(choices=Project.Settle.choices, required=False)
    question = serializers.CharField(required=False)


class Settle(MemberView):
    """Items that have all their answers and lack gold."""

    right = "manager"

    @extend_schema(
        request=RuleSerializer,
        responses={
            200: inline_serializer(
                "Settled", {name: serializers.IntegerField() for name in ("gold", "cases", "closed")}
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Gold where the rule gives an answer, cases for the rest; how many of each, and how many cases that closed."""
        sent = RuleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = adjudicating.settle_all(project=self.project, **sent.validated_data)
        return Response({name: made[name] for name in ("gold", "cases", "closed")})
