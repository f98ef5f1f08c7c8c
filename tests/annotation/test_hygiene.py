"""What cleaning would do is told before it is done, by the first rows of the file."""

import pytest

from annotation import hygiene
from annotation import models as a
from tests.annotation.worlds import lines, upload
from tests.conftest import make_project

pytestmark = pytest.mark.django_db
ROWS = [
    {"id": "1", "text": "<p>Profit &amp; loss</p>"},
    {"id": "2", "text": "Itâ€™s a good year, said the company that was sold"},
    {"id": "3", "text": "净利润同比增长。收入下降！", "language": "zh"},
    {"id": "4", "text": "Plain.\nRead more"},
]


@pytest.fixture
def project(cast):
    return make_project(cast)


def test_each_step_tells_how_many_rows_it_changes_and_shows_some_before_and_after(project):
    found = hygiene.look(upload(project, lines(*ROWS)))
    assert found.rows == 4
    assert {proposal.name: proposal.texts for proposal in found.proposals} == {
        "mojibake": 1,
        "html": 1,
        "boilerplate": 1,
        "private": 0,
    }
    before, after = found.proposals[0].examples[0]
    assert before[:2] == [(False, "It"), (True, "â€™")]
    assert after[:2] == [(False, "It"), (True, "’")]
    assert found.percent(1) == 25
    assert (found.sentences, found.passages) == (5, 4)
    assert found.languages == {"": 2, "en": 1}
    assert not a.Document.objects.exists()


def test_the_page_shows_it_and_starts_with_what_was_ticked(client, cast, project):
    client.force_login(cast["dave"])
    row = upload(project, lines(*ROWS))
    page = client.get(f"/p/{project.slug}/imports/{row.pk}/").content.decode()
    assert "&lt;p&gt;" in page
    assert "<ins>’</ins>" in page
    assert 'name="clean" value="html" checked' not in page
    assert 'name="detect_language" checked' in page
    data = {"format": "jsonl", "header": "on", "map_text": "text", "map_id": "id", "clean": ["html"], "segment": "sentence", "passage_size": "", "labels": "auto", "duplicates": "keep", "encoding": "utf-8", "do": "look"}  # fmt: skip
    page = client.post(f"/p/{project.slug}/imports/{row.pk}/", data).content.decode()
    assert 'name="clean" value="html" checked' in page
    assert 'name="detect_language" checked' not in page
    client.post(f"/p/{project.slug}/imports/{row.pk}/", {**data, "do": "start"})
    row.refresh_from_db()
    assert (row.options["clean"], row.options["segment"], row.options["detect_language"]) == (
        ["html"],
        "sentence",
        False,
    )


def test_a_file_without_a_column_for_the_text_is_no_reason_to_fail(client, cast, project):
    client.force_login(cast["dave"])
    row = upload(project, "a,b\n1,2\n", "x.csv")
    row.options["mapping"] = {}
    row.save()
    assert client.get(f"/p/{project.slug}/imports/{row.pk}/").status_code == 200
