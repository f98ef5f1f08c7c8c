"""The guideline: versions and draft."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import delegating, effects, guiding, jobs, publishing, reviewing, telling
from annotation.access import refuse_blind
from annotation.api.base import JobSerializer, MemberView, errors
from annotation.api.errands import ErrandSerializer, accepted
from annotation.models import Errand, Guideline, GuidelineExample, GuidelineVersion, Item, Publication, ReviewRemark
from annotation.states import DRAFT, found_between
from config.api import Ended
from config.scopes import LABELLING, OPEN

# Guideline


class GuidelineVersionSerializer(serializers.ModelSerializer[GuidelineVersion]):
    """A published guideline with its schema; answers name it by its `id`."""

    class Meta:
        model = GuidelineVersion
        fields = (
            "id", "number", "text", "schema", "examples", "change_note", "earlier", "plan", "reviews", "published_at",
        )  # fmt: skip
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
    earlier = serializers.ChoiceField(choices=GuidelineVersion.Earlier.choices, required=False, default="")
    plan = serializers.JSONField(
        required=False, default=None, help_text="question -> {to, labels, ask}: see docs/guidelines.md"
    )
    preview = serializers.BooleanField(
        required=False, default=False, help_text="tell what the plan would do, and do nothing"
    )


class EffectSerializer(serializers.Serializer[Any]):
    """One question that was asked again: how many answers are in, and what share of them changed."""

    question = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    asked = serializers.IntegerField(read_only=True)
    answered = serializers.IntegerField(read_only=True)
    changed = serializers.JSONField(read_only=True, allow_null=True)
    labels = serializers.JSONField(read_only=True)


class PublicationSerializer(JobSerializer):
    """A publication that a worker does, or has done: `figures` tell what became of earlier answers."""

    version = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField()
    effects = serializers.SerializerMethodField()

    @extend_schema_field(GuidelineVersionSerializer(allow_null=True))
    def get_version(self, row: Publication) -> Any:
        """The version, once it is there."""
        return GuidelineVersionSerializer(row.version).data if row.version else None

    @extend_schema_field(serializers.JSONField())
    def get_figures(self, row: Publication) -> dict[str, Any]:
        """Numbers alone, not the items that they count."""
        return {name: value for name, value in row.figures.items() if name != "chosen"}

    @extend_schema_field(EffectSerializer(many=True))
    def get_effects(self, row: Publication) -> list[dict[str, Any]]:
        """What asking again has changed so far."""
        return effects.of_version(row.version) if row.version else []


class GuidelineView(MemberView):
    """The guideline in force."""

    scopes = OPEN
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

    @extend_schema(
        request=PublishSerializer,
        responses={
            200: OpenApiTypes.OBJECT,
            201: GuidelineVersionSerializer,
            202: PolymorphicProxySerializer(
                component_name="PublicationOrErrand",
                serializers=[PublicationSerializer, ErrandSerializer],
                resource_type_field_name=None,
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Publish the draft as the next version (201), or have a worker do it where that takes long (202).

        With `preview` (200) the numbers of what the plan would do, and nothing is done; where there is much to be counted
        a worker does that, too (202), and the numbers are the `result` of the errand.
        """
        sent = PublishSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        if given.pop("preview"):
            found = delegating.preview(project=self.project, plan=given["plan"] or {}, user=self.membership.user)
            return accepted(found) if isinstance(found, Errand) else Response(found)
        row = publishing.ask(project=self.project, user=request.user, **given)
        if row.version is None:
            return Response(PublicationSerializer(row).data, status=status.HTTP_202_ACCEPTED)
        return Response(GuidelineVersionSerializer(row.version).data, status=status.HTTP_201_CREATED)


class Publications(MemberView):
    """One publication."""

    right = "manager"

    @extend_schema(responses={200: PublicationSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """How it goes, and what came of it."""
        rows = Publication.objects.select_related("version").filter(project=self.project)
        return Response(PublicationSerializer(get_object_or_404(rows, pk=pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop one that is not done yet; nothing of it is left."""
        if not jobs.cancel(get_object_or_404(Publication, project=self.project, pk=pk)):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)


class Compare(MemberView):
    """What differs between two states of the guideline."""

    @extend_schema(
        parameters=[
            OpenApiParameter("old", str, required=True, description="the number of a version, or draft"),
            OpenApiParameter("new", str, required=True, description="the number of a version, or draft"),
        ],
        responses={200: OpenApiTypes.OBJECT, **errors(403, 404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Prose paragraph by paragraph, questions and labels fact by fact, examples; pieces are [differs, words]."""
        names = [request.query_params.get(name, "") for name in ("old", "new")]
        if DRAFT in names and not self.membership.can_adjudicate:
            raise PermissionDenied
        found = found_between(self.project, *names)
        return Response({name: found[name] for name in ("prose", "schema", "examples")})


class ToldSerializer(serializers.Serializer[Any]):
    """The number of the version that one has read what changed up to."""

    number = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class Told(MemberView):
    """What changed since one last labelled; before it is read no answer is taken."""

    scopes = LABELLING
    right = "label"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """`number` of the version in force, the `notes` of the versions since, what differs, and how many items are asked again.

        `number` is null where there is nothing that one does not know.
        """
        found = telling.news(self.membership)
        if found is None or self.project.version is None:
            return Response({"number": None, "notes": [], "prose": [], "schema": [], "examples": [], "asked": 0})
        differs = {name: found["found"][name] for name in ("prose", "schema", "examples")}
        return Response({"number": self.project.version.number, "notes": found["notes"], **differs, "asked": found["asked"]})  # fmt: skip

    @extend_schema(request=ToldSerializer, responses={204: None, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Say that one has read what changed, up to the version of this number."""
        sent = ToldSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        telling.tell(membership=self.membership, number=sent.validated_data["number"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class GuidelineExampleSerializer(serializers.ModelSerializer[GuidelineExample]):
    """An example, or with `counter` a counter-example, in the draft."""

    # A number that is looked up in the project alone: others must not tell which items there are.
    item = serializers.IntegerField(source="item_id", min_value=1, max_value=2**63 - 1)
    external_id = serializers.CharField(source="item.document.external_id", read_only=True)
    value = serializers.JSONField(help_text="the name of a label, or a whole answer")

    class Meta:
        model = GuidelineExample
        fields = ("id", "item", "external_id", "question", "value", "words", "why", "counter", "added_at")
        read_only_fields = ("id", "external_id", "added_at")
        validators: list[Any] = []


class Examples(MemberView):
    """The examples of the draft, in order."""

    right = "adjudicate"

    @extend_schema(responses={200: GuidelineExampleSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """All of them."""
        return Response(GuidelineExampleSerializer(guiding.drafted(self.project), many=True).data)

    @extend_schema(
        request=GuidelineExampleSerializer, responses={201: GuidelineExampleSerializer, **errors(400, 403, 404)}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Put an item into the draft; its answers must all be in."""
        sent = GuidelineExampleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        item = get_object_or_404(Item.objects.select_related("document"), pk=given.pop("item_id"), project=self.project)
        refuse_blind(self.membership, item.pk)
        row = guiding.add_example(project=self.project, item=item, user=request.user, **given)
        return Response(GuidelineExampleSerializer(row).data, status=status.HTTP_201_CREATED)


class ExampleChangeSerializer(serializers.Serializer[Any]):
    """What may be said anew of an example; `move` is -1 for up and 1 for down."""

    value = serializers.JSONField(required=False)
    words = serializers.CharField(required=False, allow_blank=True)
    why = serializers.CharField(required=False, allow_blank=True)
    counter = serializers.BooleanField(required=False)
    move = serializers.ChoiceField(choices=[-1, 1], required=False)


class OneExample(MemberView):
    """One example of the draft."""

    right = "manager"

    def _row(self, pk: int) -> GuidelineExample:
        rows = GuidelineExample.objects.in_draft().filter(project=self.project)
        return get_object_or_404(rows.select_related("item__document", "project__version"), pk=pk)

    @extend_schema(
        request=ExampleChangeSerializer, responses={200: GuidelineExampleSerializer, **errors(400, 403, 404)}
    )
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Change it, or move it."""
        row = self._row(pk)
        sent = ExampleChangeSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        if move := given.pop("move", None):
            guiding.move_example(example=row, by=move)
        if given:
            said = {name: given.get(name, getattr(row, name)) for name in ("value", "words", "why", "counter")}
            guiding.change_example(example=row, **said)
        return Response(GuidelineExampleSerializer(self._row(pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take it out of the draft; versions that have it keep it."""
        guiding.remove_example(example=self._row(pk), user=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AskReviewSerializer(serializers.Serializer[Any]):
    """Whom to ask (a user name; empty: any manager or adjudicator), and what to look at."""

    reviewer = serializers.CharField(required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")


class VerdictSerializer(serializers.Serializer[Any]):
    """What a reviewer says."""

    verdict = serializers.ChoiceField(choices=ReviewRemark.Verdict.choices)
    text = serializers.CharField(required=False, allow_blank=True, default="")


class Reviews(MemberView):
    """The review of the draft."""

    right = "adjudicate"
    rights = {"POST": "manager", "DELETE": "manager"}

    def _told(self) -> dict[str, Any]:
        found = reviewing.standing(self.project)
        if found is None:
            raise Http404
        return {
            "asked_by": str(found.review.asked_by),
            "reviewer": str(found.review.reviewer) if found.review.reviewer else None,
            "note": found.review.note,
            "asked_at": found.review.asked_at,
            "approved": found.approved,
            "changes": found.changes,
            "remarks": [
                {"author": str(row.author), "verdict": row.verdict, "text": row.text, "at": row.at, "same": same}
                for row, same in found.remarks
            ],
        }

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """The open review with what was said; 404 where none is open."""
        return Response(self._told())

    @extend_schema(request=AskReviewSerializer, responses={201: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for a review."""
        sent = AskReviewSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        name = sent.validated_data["reviewer"]
        reviewer = None
        if name:
            reviewer = next((one for one in reviewing.reviewers(self.project) if one.username == name), None)
            if reviewer is None:
                raise ValueError(_("A review is done by another manager or adjudicator of the project."))
        reviewing.ask(project=self.project, user=request.user, reviewer=reviewer, note=sent.validated_data["note"])
        return Response(self._told(), status=status.HTTP_201_CREATED)

    @extend_schema(request=VerdictSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str) -> Response:
        """Comment, approve or ask for changes."""
        sent = VerdictSerializer(data=request.data)
        found = reviewing.standing(self.project)
        if found is None:
            raise Http404
        sent.is_valid(raise_exception=True)
        reviewing.remark(review=found.review, author=request.user, **sent.validated_data)
        return Response(self._told())

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, slug: str) -> Response:
        """Withdraw it; what was said stays."""
        if not reviewing.close(project=self.project):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


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
