"""A file as a download that goes on where it broke off: Range and If-Range by its checksum, HEAD, 206 and 416 (RFC 9110)."""

import re
from collections.abc import Iterator
from typing import IO

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags

CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def serve(
    request: HttpRequest, file: IO[bytes], *, size: int, checksum: str, filename: str, content_type: str
) -> HttpResponseBase:
    """The file, or the part that is asked for. `checksum` is its ETag; the file is closed with the answer."""
    etag = f'"{checksum}"'
    unchanged = etag in parse_etags(request.headers.get("If-None-Match", ""))
    wanted = None if unchanged else _part(request, size, etag)
    response: HttpResponseBase
    if unchanged:
        response = HttpResponseNotModified()
    elif wanted == ():
        response = HttpResponse(status=416, content_type="text/plain")
        response["Content-Range"] = f"bytes */{size}"
    else:
        start, end = wanted or (0, size)
        # A body that nobody reads would keep the file open.
        status = 206 if wanted else 200
        if request.method == "HEAD":
            response = HttpResponse(status=status, content_type=content_type)
        else:
            response = StreamingHttpResponse(_bytes(file, start, end), status=status, content_type=content_type)
        response["Content-Length"] = str(end - start)
        if wanted:
            response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    if not isinstance(response, StreamingHttpResponse):
        file.close()
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    # Whoever has fetched it may keep it; nobody between may.
    response["Cache-Control"] = "private, no-transform"
    return response


def _part(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | tuple[()] | None:
    """[start, end) that is asked for; None for the whole, () for what is not there."""
    given = request.headers.get("Range", "").strip()
    only_if = request.headers.get("If-Range", "").strip()
    # A file that is another one by now is sent whole; so is what is asked for in several parts, or in other units.
    if request.method != "GET" or (only_if and only_if != etag):
        return None
    found = _RANGE.fullmatch(given)
    if not found or not (found[1] or found[2]):
        return None
    first, last = (int(part[:18]) if part else None for part in found.groups())
    if first is None:
        start, end = max(0, size - (last or 0)), size
    else:
        start, end = first, size if last is None else min(last + 1, size)
        if last is not None and last < first:
            return None
    return (start, end) if start < end else ()


def _bytes(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < end and (chunk := file.read(min(CHUNK, end - start))):
            start += len(chunk)
            yield chunk
