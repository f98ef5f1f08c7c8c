"""Errors that no view of an app tells: a form that was open too long, an address that the API does not have."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open too long or in another browser: go back, reload, send again."""
    return render(request, "403_csrf.html", status=403)


@extend_schema(exclude=True)
class Nowhere(APIView):
    """An address that the API does not have: said in its own form, too."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Whoever asks, and with whatever verb."""
        raise NotFound
