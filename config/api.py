"""What the three api.py share: paging and the shape of errors."""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Paging(CursorPagination):
    """Pages by cursor: page a million costs what page one costs, and new rows shift nothing."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    ordering = "-pk"


class Problem(serializers.Serializer[Any]):
    """What went wrong, as a sentence; `fields` names the fields where there are any."""

    error = serializers.CharField()
    fields = serializers.DictField(required=False)  # type: ignore[assignment]


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as {"error": sentence, "fields": {...}}; domain ValueErrors are bad requests."""
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(error.messages)
    elif isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        error = exceptions.ValidationError(str(error))
    elif not isinstance(error, (exceptions.APIException, Http404, PermissionDenied)):
        return None
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = _shape(response.data)
    return response


def _shape(data: Any) -> dict[str, Any]:
    if isinstance(data, dict) and set(data) == {"detail"}:
        return {"error": str(data["detail"])}
    if isinstance(data, list):
        return {"error": " ".join(str(entry) for entry in data)}
    if isinstance(data, dict):
        first = next(iter(data.items()), ("", ""))
        words = first[1][0] if isinstance(first[1], list) and first[1] else first[1]
        return {"error": f"{first[0]}: {words}", "fields": data}
    return {"error": str(data)}
