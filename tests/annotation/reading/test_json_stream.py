"""JSON read in pieces of any size equals JSON read whole."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.reading import limits
from tests.annotation.reading.files import read, values


@given(st.integers(1, 40), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_json_read_in_pieces_of_any_size_equals_json_read_whole(tmp_path, monkeypatch, size, data):
    leaf = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8)
    )
    value = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    )
    records = data.draw(st.lists(st.dictionaries(st.text(max_size=4), value, max_size=4), min_size=1, max_size=5))
    content = json.dumps(records, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    if "\\u0000" in content:
        return
    path = tmp_path / "a.json"
    path.write_text(content, "utf-8", newline="")
    monkeypatch.setattr(limits, "CHUNK", size)
    assert values(read(path, "json", encoding="utf-8")) == records
