"""Values nested too deep are refused, in either form of JSON."""

import pytest

from tests.annotation.reading.files import problems, read, values


@pytest.mark.parametrize("depth", [100, 101, 5_000, 200_000])
def test_nesting_over_a_hundred_is_refused_and_a_hundred_is_not(make, depth):
    record = '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"
    for format, content in (("jsonl", f'{record}\n{{"text": "next"}}'), ("json", f'[{record}, {{"text": "next"}}]')):
        found = read(make("a", content), format)
        assert values(found)[-1] == {"text": "next"}
        assert len(values(found)) == (2 if depth == 100 else 1)
        assert all("more than 100 deep" in problem for _, problem in problems(found))
