"""The slides of the chapters: from disk, by keyboard, with nothing that does not fit its page."""
import re
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.browser
DECK = "slides/05-memory-cell.html"

# What stands on the slide that is shown, and is cut off by the page's edge.
CUT_OFF = """() => [...Reveal.getCurrentSlide().querySelectorAll("h1, h2, p, li, table, pre, figcaption, img, mjx-math")]
    .filter(element => !element.closest(".notes")).filter(element => {
        const { left, top, right, bottom } = element.getBoundingClientRect();
        const hidden = element.matches("pre") && element.scrollWidth > element.clientWidth + 1;
        return hidden || left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
    }).map(element => `${Reveal.getIndices().h + 1}: ${element.outerHTML.slice(0, 80)}`)"""
SMALLEST_TYPE = "() => Math.min(...Reveal.getSlides().map(slide => parseFloat(slide.style.fontSize)))"


def test_a_chapters_slides_fit_their_page_and_are_turned_by_the_arrow_keys(open_page):
    seen = SimpleNamespace(blocked=[], errors=[])
    tab = open_page("file", DECK, seen, viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    tab.locator("body[data-slides=ready]").wait_for(state="attached")
    count, cut_off = tab.evaluate("Reveal.getTotalSlides()"), []
    for number in range(count):
        tab.wait_for_function("number => Reveal.getIndices().h === number", arg=number)
        cut_off += tab.evaluate(CUT_OFF)
        tab.keyboard.press("ArrowRight")
    assert count > 15
    assert cut_off == []
    assert tab.evaluate(SMALLEST_TYPE) >= 20
    assert tab.evaluate("[...document.querySelectorAll('.math')].filter(each => !each.querySelector('math')).length") == 0
    assert tab.locator("mjx-merror").count() == 0
    assert (seen.blocked, seen.errors) == ([], [])
    tab.keyboard.press("Home")
    tab.wait_for_function("Reveal.isFirstSlide()")


def test_slides_ask_nobody_else_for_anything_and_the_speaker_has_a_window(open_page):
    """The window shows the slide and its notes in frames of the same folder, under the same policy."""
    seen = SimpleNamespace(blocked=[], errors=[])
    tab = open_page("http", DECK, seen)
    tab.locator("body[data-slides=ready]").wait_for(state="attached")
    tab.evaluate("Reveal.slide(4)")         # which has notes
    with tab.expect_popup() as opened:
        tab.keyboard.press("s")
    speaker = opened.value
    speaker.locator(".speaker-controls-notes .value p").first.wait_for(state="attached")
    speaker.wait_for_function("deck => [...document.querySelectorAll('iframe')].filter(frame => frame.src.includes(deck))"
                              ".length === 2", arg=DECK)
    assert (seen.blocked, seen.errors) == ([], [])
    for window in (tab, speaker):
        window.evaluate("""() => {
            window.refused = [];
            document.addEventListener("securitypolicyviolation", event => window.refused.push(event.effectiveDirective));
            document.body.append(Object.assign(document.createElement("img"), { src: "https://elsewhere.test/picture.png" }));
            fetch("https://elsewhere.test/said").catch(() => {});
        }""")
        window.wait_for_function("JSON.stringify([...window.refused].sort()) === '[\"connect-src\",\"img-src\"]'")
    assert seen.blocked == []


def test_slides_have_what_their_chapters_have_and_lead_back_to_them(site):
    decks = sorted(path.name for path in (site / "slides").glob("*.html"))
    pages = {path.name: path.read_text(encoding="utf-8") for path in (site / "chapters").glob("*.html")}
    assert decks == sorted(pages)
    plans = (site / "appendices/for-teachers.html").read_text(encoding="utf-8")
    folds = re.findall(r"<details.*?</details>", plans, re.DOTALL)
    assert [re.search(r"slides/([\w-]+\.html)", fold)[1] for fold in folds] == decks
    assert all(re.search(r"\d+ minutes to read, \d+ minutes of exercises", fold) for fold in folds)
    for name in decks:
        deck = (site / "slides" / name).read_text(encoding="utf-8")
        assert set(re.findall(r'<figure.*?src="(.*?)"', pages[name], re.DOTALL)) == set(re.findall(r'<img.*?src="(.*?)"', deck))
        assert len(re.findall('class="eqno"', deck)) == len(re.findall('class="eqno"', pages[name])), name
        assert len(re.findall('section class="answer"', deck)) >= 2, name
        assert len(re.findall('section class="answer"', deck)) == len(re.findall('class="question', pages[name])), name
        assert not re.search(r"<img(?![^>]*alt=\"[^\"]{20,})", deck), name
        for link in re.findall(r'(?:href|src)="(\.\./[^"]*)"', deck):
            address, _, place = link.partition("#")
            target = (site / "slides" / address).resolve()
            assert target.is_file(), (name, link)
            assert not place or f'id="{place}"' in target.read_text(encoding="utf-8"), (name, link)
