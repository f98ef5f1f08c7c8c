"""A passage of a document in a browser: what stands around it is shown and cannot be marked; offsets count in the passage."""

import pytest

from annotation import models as a
from annotation import schema as schemas
from tests.browser.pages import Keys
from tests.browser.test_kind_spans import SPANS, drag, mark, save, stored
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.browser


@pytest.fixture
def project(cast):
    return make_project(cast)


def test_a_passage_has_its_context_and_offsets_of_its_own(window, project, cast):
    set_schema(project, schemas.check({"questions": [SPANS]}))
    before, passage, after = "🚀 Beta was here.\n", "Acme bought Beta.", "\n<b>Gamma</b> came after."
    [item] = make_items(project, [before + passage + after])
    a.Item.objects.filter(pk=item.pk).update(start=len(before), end=len(before) + len(passage))
    window.sign_in(cast["alice"])
    window.label(project)
    assert window.item() == passage
    assert window.js("return document.getElementById('before').textContent") == before
    assert window.js("return document.getElementById('after').textContent") == after
    assert window.faults() == []
    drag(window, passage.index("Beta"), passage.index("Beta") + 4)
    window.press("1", Keys.ESCAPE)
    save(window)
    assert stored() == [[mark(passage, "Beta", "ORG")]]
