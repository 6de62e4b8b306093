"""The page in a real browser: it sorts, filters and slides, by mouse and keyboard, without an error."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mambaad_cli.render.report import Report, ReportPicture, write_comparison, write_report

PATIENCE = 120_000  # milliseconds; a busy machine is slow to load the page
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Browser, page: Path) -> Iterator[Page]:
    """The report, opened from disk; afterwards: no error on the console, no request beyond its folder."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    problems: list[str] = []
    requests: list[str] = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(page.as_uri())
    yield tab
    context.close()
    assert problems == []
    assert [url for url in requests if not url.startswith((page.parent.as_uri(), "data:", "blob:"))] == []


def findings(tab: Page) -> list[tuple[str, list[str]]]:
    """What axe-core finds wrong, and where."""
    violations = Axe().run(tab).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in violations]


def first_column(tab: Page) -> list[str]:
    return tab.locator("#table tbody th").all_inner_texts()


def cards(tab: Page) -> list[str]:
    return [text.replace("\n", " ") for text in tab.locator("#cards .verdict").all_inner_texts()]


def counts(tab: Page) -> dict[str, int]:
    names = ("found", "missed", "alarm", "passed")
    return {name: int(tab.inner_text(f'[data-count="{name}"]')) for name in names}


def test_headings_sort_and_missing_values_stay_last(tab: Page) -> None:
    heading = tab.get_by_role("columnheader", name="I-AP")
    heading.get_by_role("button").click()
    assert first_column(tab) == ["bolts", "alloy", "nuts"]
    assert heading.get_attribute("aria-sort") == "descending"
    heading.get_by_role("button").press("Enter")
    assert first_column(tab) == ["alloy", "bolts", "nuts"]
    assert heading.get_attribute("aria-sort") == "ascending"
    name = tab.get_by_role("columnheader", name="category")
    name.get_by_role("button").click()
    assert first_column(tab) == ["alloy", "bolts", "nuts"]
    assert heading.get_attribute("aria-sort") == "none"
    assert tab.locator("#table tfoot th").inner_text() == "mean"


def test_verdicts_follow_the_threshold(tab: Page) -> None:
    assert counts(tab) == {"found": 37, "missed": 3, "alarm": 2, "passed": 39}
    tab.fill("#threshold-number", "0.25")
    assert counts(tab) == {"found": 40, "missed": 0, "alarm": 2, "passed": 39}
    assert "recall 100.0 %" in tab.inner_text("#verdict-line")
    tab.get_by_role("button", name="Back to the run's threshold").click()
    assert counts(tab)["missed"] == 3
    slider = tab.locator("#threshold")
    slider.focus()
    slider.press("End")
    assert counts(tab) == {"found": 0, "missed": 40, "alarm": 0, "passed": 41}
    slider.press("Home")
    assert counts(tab) == {"found": 40, "missed": 0, "alarm": 41, "passed": 0}


def test_filters_choose_the_pictures(tab: Page) -> None:
    assert tab.inner_text("#count") == "60 of 81 pictures shown."
    assert tab.locator("#cards li").count() == 60  # the others are not in the document yet
    tab.get_by_role("button", name="Show more").click()
    assert len(cards(tab)) == 81
    tab.select_option("#by-verdict", "missed")
    assert cards(tab) == ["\u2717 missed, 0.4009", "\u2717 missed, 0.3508", "\u2717 missed, 0.3007"]
    tab.select_option("#by-verdict", "alarm")
    assert len(cards(tab)) == 2
    tab.select_option("#by-verdict", "wrong")
    tab.select_option("#by-order", "low")
    assert cards(tab)[0] == "\u2717 missed, 0.3007"
    assert len(cards(tab)) == 5
    tab.select_option("#by-category", "bolts")
    assert tab.inner_text("#count") == "0 of 0 pictures shown (81 in all)."
    tab.select_option("#by-verdict", "")
    tab.select_option("#by-defect", "bent")
    assert tab.inner_text("#count") == "30 of 30 pictures shown (81 in all)."


def test_a_moved_threshold_changes_the_filtered_gallery(tab: Page) -> None:
    tab.select_option("#by-verdict", "missed")
    tab.fill("#threshold-number", "0.36")
    assert cards(tab) == ["\u2717 missed, 0.3508", "\u2717 missed, 0.3007"]


def test_thumbnails_load_only_when_they_come_into_view(browser: Browser, page: Path) -> None:
    tab = browser.new_page(viewport={"width": 400, "height": 500})
    tab.set_default_timeout(PATIENCE)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri(), wait_until="load")
    early = len([url for url in asked if url.endswith(".webp")])
    tab.locator("#cards li").last.scroll_into_view_if_needed()
    expect(tab.locator("#cards img").last).to_have_js_property("naturalWidth", 60)
    assert early < 20
    assert len([url for url in asked if url.endswith(".webp")]) > early
    tab.close()


def test_the_large_view_slides_between_picture_and_map(tab: Page) -> None:
    tab.select_option("#by-verdict", "missed")
    tab.locator("#cards button").first.press("Enter")
    assert tab.get_by_role("dialog").is_visible()
    assert "score 0.4009 < 0.5: missed. Picture 1 of 3." in tab.inner_text("#viewer-facts")
    slider, heat = tab.locator("#viewer-slider"), tab.locator("#viewer-map")
    for key, clip in (("Home", "inset(0px 0px 0px 100%)"), ("End", "inset(0px 0px 0px 0%)")):
        slider.press(key)
        assert heat.evaluate("node => getComputedStyle(node).clipPath") == clip
    for image in ("#viewer-picture", "#viewer-map", "#viewer-mask"):
        expect(tab.locator(image)).to_have_js_property("naturalWidth", 60)
    outline = tab.get_by_label("true defect")
    outline.uncheck()
    assert not tab.locator("#viewer-mask").is_visible()
    outline.check()
    assert tab.locator("#viewer-mask").is_visible()
    tab.get_by_role("button", name="Next").click()
    assert "Picture 2 of 3" in tab.inner_text("#viewer-facts")
    tab.keyboard.press("ArrowLeft")
    assert "Picture 1 of 3" in tab.inner_text("#viewer-facts")
    tab.keyboard.press("Escape")
    assert not tab.get_by_role("dialog").is_visible()
    assert tab.evaluate("document.activeElement.className") == "card"


def test_a_picture_that_is_gone_is_named(tab: Page) -> None:
    tab.select_option("#by-category", "nuts")
    tab.select_option("#by-order", "low")
    assert tab.locator("#cards .face").first.inner_text() == "picture not found: nuts/test/gone.png"
    tab.locator("#cards button").first.click()
    assert "not found when the report was written" in tab.inner_text("#viewer-facts")


def assert_charts_fit(tab: Page) -> None:
    """Every chart takes, sooner or later, the width of its box."""
    charts = tab.locator(".chart:visible")
    assert charts.count() > 0
    for chart in charts.all():
        width = chart.evaluate("box => box.clientWidth")
        expect(chart.locator("svg.main-svg").first).to_have_js_property("clientWidth", width)


def test_charts_show_the_chosen_category(tab: Page) -> None:
    shown = tab.locator(".charts .chart:visible")
    assert shown.count() == 3
    assert_charts_fit(tab)
    tab.select_option("#chart-category", "nuts")
    label = tab.get_attribute("#chart-histogram", "aria-label")
    assert label == "Histogram of the scores of 11 normal and 10 anomalous pictures of nuts, threshold 0.5."
    tab.select_option("#chart-category", "")
    assert shown.count() == 1
    assert_charts_fit(tab)
    bars = tab.evaluate("document.getElementById('chart-histogram').data.map(trace => trace.x.length)")
    assert bars == [41, 40]
    tab.fill("#threshold-number", "0.7")
    lines = tab.evaluate("document.getElementById('chart-histogram').layout.shapes.map(shape => shape.x0)")
    assert lines == [0.7]
    assert tab.evaluate("document.getElementById('chart-training').data[0].x.length") == 10


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_accessible_in_light_and_dark_on_desk_and_phone(tab: Page, theme: str, width: int) -> None:
    """No finding of axe-core, which checks names, roles, contrast and more; nothing wider than the screen."""
    tab.emulate_media(color_scheme=theme)
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.get_attribute("html", "data-theme") == theme
    tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    for opened in (False, True):
        if opened:
            tab.locator("#cards button").first.click()
        assert findings(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_reached_with_the_keyboard(tab: Page) -> None:
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Enter")
    reached = set()
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.id || document.activeElement.className"))
    wanted = {"threshold", "threshold-number", "threshold-reset", "chart-category", "by-category", "card"}
    assert wanted <= reached


def test_runs_side_by_side(browser: Browser, tmp_path: Path, report: Report) -> None:
    others = [replace(report, title=name) for name in ("second", "third")]
    tab = browser.new_page(viewport={"width": 360, "height": 800}, color_scheme="dark")
    tab.set_default_timeout(PATIENCE)
    problems: list[str] = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(write_comparison([report, *others], tmp_path / "compare.html").as_uri())
    assert (
        tab.evaluate("document.getElementById('chart-training').data.map(trace => trace.x.length)")
        == [10] * 3
    )
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert findings(tab) == []
    tab.get_by_role("button", name="Light").click()
    assert findings(tab) == []
    assert problems == []
    tab.close()


def test_one_file_works_alone(
    browser: Browser, tmp_path: Path, report: Report, pictures: list[ReportPicture]
) -> None:
    tab = browser.new_page()
    tab.set_default_timeout(PATIENCE)
    tab.goto(write_report(report, pictures[:4], tmp_path / "one.html", single_file=True).as_uri())
    images = tab.locator("#cards img")
    expect(images).to_have_count(4)
    for image in images.all():
        expect(image).to_have_js_property("naturalWidth", 60)
    tab.close()
