"""One's own tokens: made with a session alone, so that no token can make a wider one."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import granting, tokens
from annotation.api.base import errors
from annotation.models import Project
from config.scopes import SCOPES


class TokenSerializer(serializers.Serializer[Any]):
    """A token without its secret; `used` is when it was last used, to within some minutes."""

    id = serializers.CharField(read_only=True)
    key = serializers.CharField(read_only=True, help_text="how it begins")
    user = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=60)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(SCOPES)), min_length=1)
    project = serializers.SlugField(required=False, allow_null=True, default=None, help_text="good for it alone")
    created = serializers.DateTimeField(read_only=True)
    expires = serializers.DateTimeField(read_only=True, allow_null=True)
    ended = serializers.BooleanField(read_only=True)
    used = serializers.DateTimeField(read_only=True, allow_null=True)


class NewTokenSerializer(TokenSerializer):
    """What to make; the answer has the `token`, this once."""

    days = serializers.IntegerField(min_value=1, max_value=granting.MOST_DAYS, default=granting.DAYS, write_only=True)
    token = serializers.CharField(read_only=True)


class Tokens(APIView):
    """The caller's tokens."""

    of_account = True

    @extend_schema(responses={200: TokenSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """All of them, ended ones too for some weeks."""
        return Response(TokenSerializer([tokens.told(row) for row in tokens.listed(request.user)], many=True).data)

    @extend_schema(request=NewTokenSerializer, responses={201: NewTokenSerializer, **errors(400, 403)})
    def post(self, request: Request) -> Response:
        """Make one; a browser's session is needed."""
        if request.auth is not None:
            raise exceptions.PermissionDenied(_("A token cannot make tokens. Make one on your account page."))
        sent = NewTokenSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        project = None
        if given["project"] is not None:
            project = Project.objects.visible_to(request.user).filter(slug=given["project"]).first()
            if project is None:
                raise ValueError(_("There is no such project among yours."))
        terms, secret = granting.grant(
            user=request.user, name=given["name"], scopes=given["scopes"], days=given["days"], project=project
        )
        return Response({**tokens.told(terms.token), "token": secret}, status=status.HTTP_201_CREATED)


class OneToken(APIView):
    """One of the caller's tokens."""

    of_account = True

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, digest: str) -> Response:
        """End it at once."""
        row = tokens.found(digest, request.user)
        if row is None:
            raise Http404
        granting.revoke(token=row)
        return Response(status=status.HTTP_204_NO_CONTENT)
