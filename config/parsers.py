"""How the API reads JSON: what cannot be stored or would exhaust the stack is refused with a sentence."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEPTH = 64


class StrictJSON(JSONParser):
    """JSON of at most 64 levels, without halves of surrogate pairs."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The data; raises ParseError with a sentence."""
        try:
            data = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(_("The JSON is nested too deeply.")) from None
        check(data)
        return data


class ObjectField(serializers.JSONField):
    """An object in a field of a form, read as strictly as a body."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The object; raises ValidationError with a sentence."""
        try:
            found = super().to_internal_value(data)
            check(found)
        except RecursionError:
            raise serializers.ValidationError(_("The JSON is nested too deeply.")) from None
        except ParseError as error:
            raise serializers.ValidationError(str(error.detail)) from None
        if not isinstance(found, dict):
            raise serializers.ValidationError(_("This must be a JSON object: names and their values in braces."))
        return found


def check(data: Any) -> None:
    """Raise ParseError for what is nested too deeply or holds half a character; walks without recursion."""
    layer, depth = [data], 0
    while layer:
        depth += 1
        if depth > DEPTH:
            raise ParseError(_("The JSON is nested too deeply."))
        following: list[Any] = []
        for value in layer:
            if isinstance(value, dict):
                following += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                following += value
            elif isinstance(value, str):
                try:
                    value.encode()
                except UnicodeEncodeError:
                    raise ParseError(_("The JSON holds half of a character (a lone surrogate).")) from None
        layer = following
