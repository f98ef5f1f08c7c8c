"""An archive gives a document per text file, and names those that it cannot give."""

from annotation.reading import guess_mapping, sniff
from tests.annotation.reading.files import CHINESE, make_zip, problems, read, values


def test_an_archive_gives_a_document_per_text_file(tmp_path):
    members = {
        "a.txt": "one\ntwo",
        "folder/b.txt": "三\n",
        "__MACOSX/a.txt": "x",
        ".hidden.txt": "x",
        "c.csv": "x",
        "empty.txt": "",
    }
    path = make_zip(tmp_path / "a.zip", members)
    sniffed = sniff(path)
    assert (sniffed.format, sniffed.columns, sniffed.encoding) == ("zip", ["file", "text"], "utf-8")
    found = read(path, "zip", encoding="utf-8")
    assert values(found) == [{"file": "a.txt", "text": "one\ntwo"}, {"file": "folder/b.txt", "text": "三\n"}]
    assert problems(found) == [
        (3, 'File "c.csv": not a .txt file. Import it on its own.'),
        (4, 'File "empty.txt": empty. Leave it out.'),
    ]
    assert guess_mapping(sniffed.columns, sniffed.preview) == {"text": "text", "id": "file"}


def test_an_archive_from_a_chinese_windows_keeps_names_and_texts(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"AAAA.txt": "\n".join(CHINESE).encode("gb18030")})
    path.write_bytes(path.read_bytes().replace(b"AAAA", "年报".encode("gb18030")))
    sniffed = sniff(path)
    assert sniffed.encoding == "gb18030"
    assert sniffed.preview == [{"file": "年报.txt", "text": "\n".join(CHINESE)}]


def test_a_member_that_is_larger_than_its_archive_says_is_damaged(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a.txt": b"0" * 5_000_000, "b.txt": b"fine"})
    content = path.read_bytes()
    path.write_bytes(content.replace((5_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    found = read(path, "zip", encoding="utf-8")
    assert values(found) == [{"file": "b.txt", "text": "fine"}]
    assert problems(found) == [(1, 'File "a.txt": damaged in the archive. Pack it again.')]
