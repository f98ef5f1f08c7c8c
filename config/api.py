"""What the three api.py share: paging and the shape of errors."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.http import Http404
from django.utils.translation import gettext, gettext_lazy
from rest_framework import exceptions, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Paging(CursorPagination):
    """Pages by cursor: page a million costs what page one costs, and new rows shift nothing."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    ordering: str | tuple[str, ...] = "-pk"

    def decode_cursor(self, request: Request) -> Any:
        """The place that the cursor names; 404 for one that this list never gave."""
        cursor = super().decode_cursor(request)
        if cursor is None or not request.query_params[self.cursor_query_param]:
            return cursor
        # What is not read as base64 is passed over there, so that nonsense would lead to the first page.
        if not any(cursor) or (cursor.position is not None and not self.is_place(cursor.position)):
            raise exceptions.NotFound(self.invalid_cursor_message)
        return cursor

    def is_place(self, text: str) -> bool:
        """Whether the order can have come by this value: here the number of a row."""
        return text.isascii() and text.isdecimal() and len(text) < 19


class Problem(serializers.Serializer[Any]):
    """What went wrong, as a sentence; `fields` names the fields, `report` the rows, where there are any."""

    error = serializers.CharField()
    report = serializers.DictField(required=False)
    fields = serializers.DictField(required=False)  # type: ignore[assignment]


class Ended(exceptions.APIException):
    """What was to be cancelled is at its end already."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = gettext_lazy("It had ended already.")
    default_code = "ended"


class TooLarge(exceptions.APIException):
    """More than a request may hold in memory; files have a limit of their own."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self) -> None:
        sentence = gettext("The request has more than %(most)d MB. Send it in parts, or as a file where one is taken.")
        super().__init__(sentence % {"most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20})


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as {"error": sentence, "fields": {...}}; domain ValueErrors are bad requests."""
    report = getattr(error, "report", None)
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(error.messages)
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError(gettext("The request has too many fields or files, or names that cannot be."))
    elif isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        error = exceptions.ValidationError(str(error))
    elif not isinstance(error, (exceptions.APIException, Http404, PermissionDenied)):
        return None
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = _shape(response.data)
    if isinstance(report, dict):
        response.data["report"] = report
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
