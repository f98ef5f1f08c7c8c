"""Leaks: pairs, time, words that give a label away; real published sets with known leaks, and splits made here with none."""

import json
import random
import zipfile
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from scipy.stats import fisher_exact

from annotation.text import duplicates
from evaluation.giveaways import Giveaways, stands, terms
from evaluation.leaks import Placed, alike, find_leaks, pairs, time_travel
from evaluation.splits import Unit, assign
from evaluation.uploads import split_of_name

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}


def leaks(*arguments: Any) -> tuple[dict[str, Any], bool]:
    """The command's result, and whether it failed."""
    out = StringIO()
    failed = False
    try:
        call_command("leaks", *map(str, arguments), "--json", stdout=out)
    except CommandError:
        failed = True
    return json.loads(out.getvalue()), failed


def by_code(result: dict[str, Any]) -> dict[str, Any]:
    return {entry["code"]: entry for entry in result["findings"]}


def normalised(shared: Path, name: str) -> list[dict[str, Any]]:
    path = shared / "data" / "normalised" / "dev" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


# -- Pure ---------------------------------------------------------------------------------------------------------


def test_a_pair_is_shown_with_what_is_trained_on_first() -> None:
    rows = [Placed("b", "test", "t"), Placed("a", "train", "t"), Placed("c", "dev", "t"), Placed("d", "test", "t")]
    split = {row.key: row.split for row in rows}
    assert list(pairs(find_leaks(rows)[0], split, {})) == [("a", "c"), ("a", "b"), ("a", "d")]


def test_conflicting_gold_pairs_each_other_label_once() -> None:
    rows = [
        Placed(key, "train", "t", gold=gold) for key, gold in (("a", "up"), ("b", "up"), ("c", "down"), ("d", "down"))
    ]
    found = find_leaks(rows)
    assert list(pairs(found[0], {}, {row.key: row.gold for row in rows})) == [("a", "c")]


def test_near_and_template_groups_are_told_apart() -> None:
    texts = [
        "The company said its profit rose by 5 percent in the year 2020.",
        "The company said its profit rose by 7 percent in the year 2021.",
        "A bank cut its forecast for growth in the coming quarter again today.",
        "A bank cut its forecast for growth in the coming quarter again today !",
        "Something else entirely happened here on this day in town.",
    ]
    found = alike(duplicates.find(texts), ["a", "b", "c", "d", "e"])
    assert found["a"] == found["b"] == ["template:a"]
    assert found["c"] == found["d"] == ["near:c"]
    assert "e" not in found


def test_time_travel_counts_tests_older_than_train_and_by_issuer() -> None:
    rows = [
        Placed("a", "train", "1", ("issuer:x",), day=date(2026, 1, 5)),
        Placed("b", "train", "2", ("issuer:y",), day=date(2026, 3, 1)),
        Placed("c", "test", "3", ("issuer:x",), day=date(2026, 2, 1)),
        Placed("d", "test", "4", ("issuer:x",), day=date(2026, 1, 1)),
        Placed("e", "test", "5", ("issuer:z",)),
    ]
    travel = time_travel(rows)
    assert (travel.tested, travel.dated, travel.pairs) == (2, 2, [("b", "c"), ("b", "d")])
    assert time_travel(rows, within="issuer:").pairs == [("a", "d")]


def test_label_words_have_the_p_of_fishers_exact_test() -> None:
    look = Giveaways({"q": {"merger": ["merger"], "other": ["other"]}})
    for n in range(60):
        said = n < 20 or n in (40, 41)
        label = "merger" if n < 25 else "other"
        look.look(f"k{n}", "The Merger is on." if said else "Nothing at all.", {"q": [label]}, {})
    [word] = look.words()
    assert (word.label, word.inside, word.labelled, word.outside, word.others) == ("merger", 20, 25, 2, 35)
    table = [[20, 5], [2, 33]]
    assert word.p == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-9)


def test_words_stand_as_words_and_in_chinese_anywhere() -> None:
    assert stands("merger", "a merger!")
    assert not stands("merger", "mergers")
    assert stands("并购", "公司并购案")
    assert terms([("m_a", "Mergers"), ("x", "")]) == {"m_a": ["m a", "mergers"], "x": []} or terms([("x", "")]) == {
        "x": []
    }


def test_a_column_an_id_and_an_order_that_tell_the_label_are_found() -> None:
    look = Giveaways({})
    for n in range(100):
        label = "up" if n < 50 else "down"
        look.look(
            f"{label[0]}-{n}", "Words.", {"q": [label]}, {"source": label + "!", "day": str(n % 7), "row": str(n)}
        )
    assert {teller.what for teller in look.tellers()} == {"source", "id", "order"}


def test_labels_by_chance_give_nothing_away() -> None:
    random_ = random.Random(5)
    look = Giveaways({"q": {"up": ["up"], "down": ["down"]}})
    for n in range(500):
        words = random_.sample(["up", "down", "left", "right", "profit"], 3)
        look.look(f"x{n}", " ".join(words), {"q": [random_.choice(["up", "down"])]}, {"c": str(random_.randrange(20))})
    assert look.words() == []
    assert look.tellers() == []


@pytest.mark.parametrize(
    ("name", "split"),
    [("validation.jsonl", "dev"), ("data/train-00000-of-1.parquet", "train"), ("my_test.csv", "test"), ("all.csv", ""), ("train_test.csv", "")],
)  # fmt: skip
def test_a_file_name_tells_its_split(name: str, split: str) -> None:
    assert split_of_name(name) == split


# -- Files --------------------------------------------------------------------------------------------------------


def test_the_published_split_of_fomc_leaks(shared: Path) -> None:
    folder = shared / "data" / "files" / "fomc_stance"
    result, failed = leaks(*sorted(folder.glob("*.xlsx")), "--pairs", 1)
    assert failed
    assert result["n"] == {"train": 1984, "dev": 0, "test": 496}
    found = by_code(result)
    assert found["text"]["count"] == 16
    assert found["near"]["count"] >= 5
    assert found["gold"]["values"]["texts"] == 5
    assert result["pairs"]["text"][0]["left"]["split"] == "train"


def test_a_set_joined_with_itself_leaks_as_much_as_a_plain_count_says(shared: Path, tmp_path: Path) -> None:
    random_ = random.Random(1)
    rows = [{**row, "id": f"{row['id']}-{copy}"} for row in normalised(shared, "fincuge_finfe_train") for copy in "ab"]
    rows = [{**row, "split": "test" if random_.random() < 0.2 else "train"} for row in rows]
    result, failed = leaks(written(tmp_path / "joined.jsonl", rows))
    assert failed
    trained = {row["text"] for row in rows if row["split"] == "train"}
    tested = [row for row in rows if row["split"] == "test"]
    assert by_code(result)["text"]["count"] >= sum(row["text"] in trained for row in tested)
    assert by_code(result)["text"]["share"] > 75


def test_phrasebank_has_its_conflicting_texts(shared: Path, tmp_path: Path) -> None:
    rows = [
        {**row, "split": "train" if n % 5 else "test"}
        for n, row in enumerate(normalised(shared, "financial_phrasebank"))
    ]
    result, failed = leaks(written(tmp_path / "phrasebank.jsonl", rows))
    assert failed
    assert by_code(result)["gold"]["values"]["texts"] >= 1


@pytest.mark.parametrize("name", ["fomc_stance", "fincuge_finfe_train"])
def test_a_split_made_here_has_no_leak(shared: Path, tmp_path: Path, name: str) -> None:
    rows = normalised(shared, name)
    found = duplicates.find([row["text"] for row in rows])
    groups = alike(found, [row["id"] for row in rows])
    units = [
        Unit(row["id"], duplicates.text_key(row["text"]), row["label"], tuple(groups.get(row["id"], ())))
        for row in rows
    ]
    placed = assign(units, shares=SHARES, seed=13)
    result, _failed = leaks(
        written(tmp_path / "made.jsonl", [{**row, "split": placed.split[row["id"]]} for row in rows])
    )
    assert not {"text", "near", "template"} & set(by_code(result))


def test_a_zip_and_files_with_named_splits_are_read(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\nProfit rose today,up\nSales fell a lot,down\n", encoding="utf-8")
    (tmp_path / "x.csv").write_text("text,label\nProfit rose today,up\nOther words here,down\n", encoding="utf-8")
    result, failed = leaks(f"train={tmp_path / 'train.csv'}", f"test={tmp_path / 'x.csv'}")
    assert (failed, by_code(result)["text"]["count"]) == (True, 1)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(tmp_path / "train.csv", "data/train.csv")
        archive.write(tmp_path / "x.csv", "data/test.csv")
        archive.writestr("README.md", "words")
    assert by_code(leaks(tmp_path / "set.zip")[0])["text"]["share"] == 50.0


def test_files_without_splits_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\na b c,up\n", encoding="utf-8")
    with pytest.raises(CommandError, match="Name the column of the split"):
        call_command("leaks", str(path))
    with pytest.raises(CommandError, match="All rows are in one split"):
        call_command("leaks", f"train={path}")
