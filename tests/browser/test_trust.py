"""Duplicates and private data in a browser: found by the worker, decided on their pages, taken back."""

import pytest

from annotation import models as a
from annotation import scanning
from tests.browser.pages import Window
from tests.browser.test_people_quality import pictures
from tests.conftest import make_gold, make_items

pytestmark = pytest.mark.browser
LONG = "The board of Acme approved a dividend of two euros per share for the financial year just ended, payable in May"
ZH = "公司预计全年净利润同比增长百分之八，主要由于海外市场需求恢复以及原材料价格下降所致。"


def test_a_manager_decides_about_duplicates_and_takes_it_back(
    window: Window, project: a.Project, cast: dict[str, a.User]
) -> None:
    items = make_items(project, [f"{LONG}.", f"{LONG} or June.", ZH, ZH.replace("八", "九"), *["Profit rose."] * 30])
    make_gold(items[0])
    make_gold(items[1], "negative")
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/duplicates/")
    pictures(window, "duplicates-none")
    window.driver.find_element("css selector", "main form button.primary").click()
    scanning.at_once(project=project, what="duplicates")
    window.open(f"/p/{project.slug}/duplicates/")
    assert "different gold" in window.words()
    pictures(window, "duplicates")
    near = a.Cluster.objects.get(members__item=items[0])
    window.open(f"/p/{project.slug}/duplicates/{near.pk}/")
    assert window.text("ins").strip() == "or June"
    pictures(window, "cluster")
    window.driver.find_elements("css selector", "input[name=kept]")[1].click()
    window.driver.find_element("css selector", "input[name=reason]").send_keys("It is newer.")
    window.follow("button[value=keep]")
    assert list(a.Item.objects.filter(left_out__isnull=False)) == [items[0]]
    window.driver.find_element("css selector", "#by-rule summary").click()
    window.follow("#by-rule button")
    assert "Decide 1 cluster" in window.words()
    pictures(window, "duplicates-rule")
    window.driver.find_element("css selector", "#rule-reason").send_keys("The first came from the exchange.")
    window.follow("#rule-reason ~ * button, form:has(#rule-reason) button.primary")
    assert a.Item.objects.filter(left_out__isnull=False).count() == 30


def test_a_manager_looks_at_private_data_in_its_context(
    window: Window, project: a.Project, cast: dict[str, a.User]
) -> None:
    make_items(
        project, [f"Write to jane.doe@example.org {n} times." for n in range(3)] + ["联系人张三，手机13812345678。"]
    )
    scanning.at_once(project=project, what="private")
    window.sign_in(cast["dave"])
    window.open(f"/p/{project.slug}/private-data/?state=open")
    assert window.text("mark") == "jane.doe@example.org"
    pictures(window, "private-data")
    window.follow(".hit button[value^='mask value']")
    assert a.PrivateHit.objects.filter(state="mask").count() == 3
    window.driver.find_element("css selector", "#many summary").click()
    window.driver.find_element("css selector", "#many-reason").send_keys("It is the company's own number.")
    window.follow("#many button[value=keep]")
    assert a.PrivateHit.objects.open().count() == 0
    window.open(f"/p/{project.slug}/private-data/")
    window.driver.find_element("css selector", "#policy summary").click()
    pictures(window, "private-data-decided")
