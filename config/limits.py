"""How large a request may be, before any of it is read; and what no cache may keep."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _

# Beside the file an upload has its form.
SLACK = 2**20
# So much of a body that nobody wanted is read nevertheless, to keep the connection.
DRAINED = 2**20


class Limits:
    """Refuses a body that is too large by its own word. Stands behind authentication: strangers upload nothing.

    Django would put a body of any size on the disk first, to look for the token against forged requests in it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """413 for too much; private pages are marked as such."""
        in_api = request.path_info.startswith("/api/")  # it asks who is there before it reads
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if in_api or request.user.is_authenticated:
            most = settings.UPLOAD_LIMIT + SLACK
        if int(request.META.get("CONTENT_LENGTH") or 0) > most:
            response = self._too_large(most, as_json=in_api)
        else:
            response = self.get_response(request)
        # granian closes a connection whose body was not read, without a word: the next request on it would be lost.
        if not drained(request) and request.META.get("SERVER_SOFTWARE", "").startswith("Granian"):
            response["Connection"] = "close"
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    def _too_large(self, most: int, *, as_json: bool) -> HttpResponseBase:
        sentence = _("The request is larger than the %(most)d MB that are taken here.") % {"most": most // 2**20}
        if as_json:
            return JsonResponse({"error": sentence}, status=413)
        return HttpResponse(sentence, status=413, content_type="text/plain; charset=utf-8")


def drained(request: HttpRequest) -> bool:
    """Whether nothing of the body is left on the wire; a small rest is read and forgotten."""
    if "_body" in vars(request):
        return True
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        return False  # Django reads no body without a stated length
    begun = getattr(request, "_read_started", False)
    if not begun and int(request.META.get("CONTENT_LENGTH") or 0) > DRAINED:
        return False
    try:
        left = DRAINED
        while left > 0:
            chunk = request.read(min(left, 2**16))
            if not chunk:
                return True
            left -= len(chunk)
        return not request.read(1)
    except UnreadablePostError:
        return False
