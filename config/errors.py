"""Errors that no view of an app tells: a form that was open too long, a form's address opened as a page, a strange one of the API."""

from collections.abc import Callable
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


def told_methods(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware: who opens the address of a form's button in the browser reads a sentence, not an empty page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != 405 or response.content or "text/html" not in request.headers.get("Accept", ""):
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response["Allow"]
        return page

    return middleware


@extend_schema(exclude=True)
class Nowhere(APIView):
    """An address that the API does not have: said in its own form, too."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Whoever asks, and with whatever verb."""
        raise NotFound
