"""What was disarmed for a spreadsheet is restored, in our own export alone."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from annotation.reading import neutralise, restore
from tests.annotation.reading.files import read, values


@given(st.text() | st.text(st.sampled_from("'=+-@\t\r\n＝＋－＠ab")))
def test_what_was_neutralised_is_restored(cell):
    assert restore(neutralise(cell)) == cell
    assert not neutralise(cell).startswith(tuple("=+-@\t\r\n＝＋－＠"))


def test_only_our_own_export_loses_its_apostrophes(make):
    cells = ["=1+1", "'quoted'", "'=x", "-5 %", "plain"]
    ours = io.StringIO()
    writer = csv.writer(ours)
    writer.writerow(["text", "_assay"])
    writer.writerows([neutralise(cell), "1"] for cell in cells)
    assert values(read(make("a.csv", ours.getvalue()), "csv")) == [{"text": cell} for cell in cells]
    foreign = make("b.csv", "text,n\n'=1+1,1\n")
    assert values(read(foreign, "csv")) == [{"text": "'=1+1", "n": "1"}]
