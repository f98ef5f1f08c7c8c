"""Pages and API answers go out gzipped; files do not, because they are archives already or streamed."""

from typing import Any

from django.http import HttpRequest
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "application/json", "application/vnd.oai.openapi")


class Compression(GZipMiddleware):
    """Django's middleware, which pads against BREACH, for whole answers of text alone."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Compress what is text and not a stream."""
        if response.streaming or not response.get("Content-Type", "").startswith(COMPRESSED):
            return response
        return super().process_response(request, response)
