"""The API of annotation: serializers map and check fields, the domain functions do the work."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import generics, serializers, status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import adjudicating, annotating, assigning, importing, inviting, jobs, measuring, progress, publishing
from annotation import schema as schemas
from annotation.access import membership_of
from annotation.models import (
    Annotation,
    Case,
    Gold,
    GuidelineVersion,
    Import,
    Item,
    Membership,
    Project,
    User,
)
from config.api import Problem
from config.parsers import check


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
    """The caller."""

    class Meta:
        model = User
        fields = ("id", "username", "name", "email", "language")
        read_only_fields = fields


class Me(APIView):
    """Who the token belongs to."""

    @extend_schema(responses={200: MeSerializer})
    def get(self, request: Request) -> Response:
        """The caller's account."""
        return Response(MeSerializer(request.user).data)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project; `overlap` is how many people label each item."""

    guideline_version = serializers.IntegerField(source="version.number", read_only=True, allow_null=True, default=None)
    slug = serializers.SlugField(max_length=60, required=False)

    class Meta:
        model = Project
        fields = (
            "id", "slug", "name", "description", "overlap", "settle", "lease_minutes", "guideline_version", "created_at",
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
        changes = {name: value for name, value in sent.validated_data.items() if name != "slug"}
        overlap = changes.pop("overlap", self.project.overlap)
        for name, value in changes.items():
            setattr(self.project, name, value)
        self.project.save(update_fields=list(changes)) if changes else None
        if overlap != self.project.overlap:
            assigning.set_overlap(project=self.project, overlap=overlap)
        return Response(ProjectSerializer(self.project).data)


class ProgressView(MemberView):
    """How far a project is."""

    right = "adjudicate"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Counts of items, answers, gold and cases."""
        return Response(progress.overview(self.project))


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A member and their role."""

    username = serializers.CharField(source="user.username", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "username", "name", "role", "labels", "created_at")
        read_only_fields = ("id", "created_at")


class Members(MemberView):
    """The members of a project."""

    right = "manager"

    @extend_schema(responses={200: MemberSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """All members."""
        return Response(MemberSerializer(self.project.memberships.select_related("user"), many=True).data)


class OneMember(MemberView):
    """One member."""

    right = "manager"

    def _row(self, pk: int) -> Membership:
        return get_object_or_404(Membership.objects.select_related("user", "project"), pk=pk, project=self.project)

    @extend_schema(request=MemberSerializer, responses={200: MemberSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Give another role."""
        row = self._row(pk)
        sent = MemberSerializer(row, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        wanted = {"role": row.role, "labels": row.labels, **sent.validated_data}
        inviting.change_role(membership=row, role=wanted["role"], labels=wanted["labels"])
        return Response(MemberSerializer(row).data)

    @extend_schema(responses={204: None, **errors(400, 403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take the member out; their answers stay."""
        inviting.remove(membership=self._row(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationSerializer(serializers.Serializer[Any]):
    """Whom to invite, as what."""

    email = serializers.EmailField(required=False, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=Membership.Role.choices)
    labels = serializers.BooleanField(default=False)


class Invitations(MemberView):
    """Secret links that make members."""

    right = "manager"

    @extend_schema(
        request=InvitationSerializer,
        responses={
            201: inline_serializer(
                "InvitationLink", {"link": serializers.URLField(), "mailed": serializers.BooleanField()}
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
        return Response({"link": link, "mailed": mailed}, status=status.HTTP_201_CREATED)


# Guideline


class GuidelineVersionSerializer(serializers.ModelSerializer[GuidelineVersion]):
    """A published guideline with its schema."""

    class Meta:
        model = GuidelineVersion
        fields = ("number", "text", "schema", "change_note", "earlier", "published_at")
        read_only_fields = fields


class DraftSerializer(serializers.Serializer[Any]):
    """The draft: Markdown and schema."""

    text = serializers.CharField(allow_blank=True, trim_whitespace=False)
    schema = serializers.JSONField()


class PublishSerializer(serializers.Serializer[Any]):
    """How to publish."""

    change_note = serializers.CharField(required=False, allow_blank=True, default="")
    earlier = serializers.ChoiceField(choices=GuidelineVersion.Earlier.choices, default="stand")


class GuidelineView(MemberView):
    """The guideline in force."""

    rights = {"PUT": "manager", "POST": "manager"}

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

    @extend_schema(request=DraftSerializer, responses={200: DraftSerializer, **errors(400, 403, 404)})
    def put(self, request: Request, slug: str) -> Response:
        """Replace the draft."""
        sent = DraftSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        draft = publishing.save_draft(project=self.project, user=request.user, **sent.validated_data)
        return Response({"text": draft.text, "schema": draft.schema})

    @extend_schema(request=PublishSerializer, responses={201: GuidelineVersionSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Publish the draft as the next version."""
        sent = PublishSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        version = publishing.publish(project=self.project, user=request.user, **sent.validated_data)
        return Response(GuidelineVersionSerializer(version).data, status=status.HTTP_201_CREATED)


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
    options = serializers.JSONField(required=False, default=dict, help_text="format, encoding, mapping, labels, …")


class Imports(MemberView):
    """Files on their way in."""

    right = "manager"
    parser_classes = (MultiPartParser, FormParser)

    @extend_schema(responses={200: ImportSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """The last hundred imports."""
        return Response(ImportSerializer(self.project.imports.all()[:100], many=True).data)

    @extend_schema(request=UploadSerializer, responses={202: ImportSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Send a file; the worker brings it in."""
        sent = UploadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        options = sent.validated_data["options"]
        check(options)
        if not isinstance(options, dict):
            raise serializers.ValidationError({"options": "must be an object"})
        upload = sent.validated_data["file"]
        row = importing.prepare(
            project=self.project,
            file=upload,
            filename=upload.name,
            user=request.user,
            what=sent.validated_data["what"],
            **options,
        )
        importing.start(row)
        return Response(ImportSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class OneImport(MemberView):
    """One import."""

    right = "manager"

    @extend_schema(responses={200: ImportSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State and report."""
        return Response(ImportSerializer(get_object_or_404(self.project.imports, pk=pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop it; what has come in stays."""
        jobs.cancel(get_object_or_404(self.project.imports, pk=pk))
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
    metadata = serializers.JSONField(source="document.metadata", read_only=True)

    class Meta:
        model = Item
        fields = (
            "id", "external_id", "text", "title", "source_type", "language", "published_at", "issuer", "url", "metadata",
        )  # fmt: skip
        read_only_fields = fields


class MemberList(generics.ListAPIView[Any]):
    """A paged list of a project's rows."""

    right = "adjudicate"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The same gate as MemberView."""
        super().initial(request, *args, **kwargs)
        self.membership = membership_of(request.user, kwargs["slug"], self.right)


class Items(MemberList):
    """The items of a project."""

    serializer_class = ItemSerializer
    queryset = Item.objects.none()

    def get_queryset(self) -> QuerySet[Item]:
        """With their documents."""
        return Item.objects.filter(project=self.membership.project).select_related("document")


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
            "id", "item", "external_id", "annotator", "guideline_version", "status", "answer", "skip_reason", "flagged",
            "comment", "seconds", "independent", "updated_at", "superseded_at",
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
        rows = Gold.objects.current().filter(project=self.membership.project)
        return rows.select_related("item__document", "settled_by", "guideline_version")


# Labelling


class SentSerializer(serializers.Serializer[Any]):
    """An answer or a skip; `client_id` is a UUID made by the caller, a repeat of it changes nothing."""

    client_id = serializers.UUIDField()
    assignment = serializers.IntegerField()
    token = serializers.UUIDField(required=False, allow_null=True)
    version = serializers.IntegerField(help_text="id of the guideline version the answer was given under")
    status = serializers.ChoiceField(choices=["submitted", "skipped"], default="submitted")
    answer = serializers.JSONField(default=dict)
    skip_reason = serializers.CharField(required=False, allow_blank=True, default="")
    flagged = serializers.BooleanField(default=False)
    comment = serializers.CharField(required=False, allow_blank=True, default="")
    seconds = serializers.FloatField(required=False, allow_null=True)


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
        found = [
            {
                "assignment": slot.pk,
                "token": str(slot.token),
                "lease_until": slot.lease_until,
                # Metadata may hold labels or hints; whoever labels must not see it.
                "item": {key: value for key, value in ItemSerializer(slot.item).data.items() if key != "metadata"},
            }
            for slot in slots
        ]
        return Response({"version": version.pk if version else None, "items": found})

    @extend_schema(request=SentSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404, 409)})
    def post(self, request: Request, slug: str) -> Response:
        """Store one answer."""
        try:
            annotation, _next = annotating.submit(
                membership=self.membership, sent=annotating.read(request.data), more=False
            )
        except annotating.Conflict as conflict:
            return Response({"error": str(conflict)}, status=status.HTTP_409_CONFLICT)
        return Response({"saved": True, "annotation": annotation.pk})


# Agreement and adjudication


class AgreementView(MemberView):
    """Agreement of one question."""

    right = "adjudicate"

    @extend_schema(
        parameters=[OpenApiParameter("question", str, required=True)],
        responses={200: OpenApiTypes.OBJECT, 202: JobSerializer, **errors(400, 403, 404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The newest figures; 202 with the job while the first ones are being made."""
        question = request.query_params.get("question", "")
        schemas.question(self.project.version.schema if self.project.version else {}, question)
        done, at_work = measuring.latest(project=self.project, question=question)
        if at_work is None and measuring.is_stale(done, self.project):
            at_work = measuring.refresh(project=self.project, question=question)
        if done is None:
            return Response(JobSerializer(at_work).data, status=status.HTTP_202_ACCEPTED)
        return Response({"as_of": done.as_of, "refreshing": at_work is not None, "figures": done.figures})


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
        return Case.objects.open().filter(project=self.membership.project).select_related("item__document")


class DecisionSerializer(serializers.Serializer[Any]):
    """The adjudicator's decision."""

    value = serializers.JSONField()
    reason = serializers.ChoiceField(choices=list(adjudicating.REASONS))
    note = serializers.CharField(required=False, allow_blank=True, default="")


class OneCase(MemberView):
    """One case, with the answers but without names."""

    right = "adjudicate"

    def _row(self, pk: int) -> Case:
        rows = Case.objects.open().select_related("item__document", "project__version")
        return get_object_or_404(rows, pk=pk, project=self.project)

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The text and what was said about it."""
        row = self._row(pk)
        given = [
            {name: entry[name] for name in ("value", "skip_reason", "comment", "flagged")}
            for entry in adjudicating.answers(row)
        ]
        return Response({**CaseSerializer(row).data, "text": row.item.text, "answers": given})

    @extend_schema(request=DecisionSerializer, responses={201: GoldSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Settle it."""
        row = self._row(pk)
        sent = DecisionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        gold = adjudicating.decide(case=row, user=request.user, **sent.validated_data)
        return Response(GoldSerializer(gold).data, status=status.HTTP_201_CREATED)
