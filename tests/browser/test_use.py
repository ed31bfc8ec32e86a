"""What a reader does with the pages: search, dark mode, answering a question by keyboard, printing."""
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
CHAPTER = "chapters/05-memory-cell.html"


def test_search_finds_a_word_and_leads_to_it(open_page, origin):
    tab = open_page(origin, "index.html")
    tab.keyboard.press("Control+K")
    expect(tab.locator("input[type=search]:focus")).to_be_visible()
    tab.keyboard.type("vanishing")
    tab.keyboard.press("Enter")
    results = tab.locator("#search-results li a")
    expect(results.first).to_be_visible()
    expect(tab.locator("#search-results .search-summary")).to_contain_text("found")
    results.first.click()
    expect(tab.locator("article")).to_contain_text(re.compile("vanish", re.IGNORECASE))


def test_dark_mode_is_dark_and_stays(open_page, origin):
    tab = open_page(origin, CHAPTER, color_scheme="light")
    until_lightness(tab, "> 0.9")
    for _ in range(3):      # the button goes round: as the system says, light, dark
        if tab.evaluate("document.documentElement.dataset.mode") != "dark":
            tab.locator(".theme-switch-button:visible").first.click()
    until_lightness(tab, "< 0.15")
    tab.reload()
    until_lightness(tab, "< 0.15")
    figure = tab.locator(".cell_output img").first
    expect(figure).to_have_css("filter", re.compile("invert"))


def until_lightness(tab, condition):
    """Waits until the mean of the background's red, green and blue, from 0 to 1, is so."""
    colour = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)"
    tab.wait_for_function(f"() => {colour}.reduce((sum, part) => sum + Number(part), 0) / 765 {condition}")


def test_choices_of_a_question_open_and_close_by_keyboard(open_page, chapter):
    tab = open_page("file", chapter)
    choices = tab.locator(".question details")
    assert choices.count() >= 2, "a chapter has questions to check oneself"
    for number, key in enumerate(["Enter", "Space"]):
        choice = choices.nth(number)
        choice.locator("summary").focus()
        tab.keyboard.press(key)
        expect(choice).to_have_attribute("open", "")
        expect(choice.locator(".sd-summary-content")).to_be_visible()
        tab.keyboard.press(key)
        expect(choice).not_to_have_attribute("open", "")


def test_a_folded_solution_opens_by_keyboard(open_page):
    tab = open_page("file", CHAPTER)
    solution = tab.locator(".solution.admonition").first
    expect(solution).to_have_class(re.compile("toggle-hidden"))
    solution.locator("button.toggle-button").focus()
    tab.keyboard.press("Enter")
    expect(solution).not_to_have_class(re.compile("toggle-hidden"))


def test_the_keyboards_place_is_seen(open_page):
    tab = open_page("file", CHAPTER)
    tab.add_style_tag(content="* { transition: none !important; }")        # a ring that fades in would be missed
    unseen = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        unseen += tab.evaluate("""() => {
            const here = document.activeElement, style = getComputedStyle(here);
            const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
            return here === document.body || ring || style.boxShadow !== "none" ? [] : [here.outerHTML.slice(0, 100)];
        }""")
    assert unseen == []


def test_the_arrow_keys_turn_the_pages_unless_something_else_has_the_focus(open_page, origin):
    tab = open_page(origin, CHAPTER)
    tab.locator(".bd-article p a.reference").first.focus()
    tab.keyboard.press("ArrowRight")
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("Shift+ArrowRight")
    tab.keyboard.press("ArrowRight")
    tab.wait_for_url("**/06-hidden-state.html")             # one page on, and not two
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_url(f"**/{CHAPTER}")


def test_on_paper_everything_is_unfolded_and_the_sidebars_are_gone(open_page):
    tab = open_page("file", CHAPTER)
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(tab.locator("article details:not([open])")).to_have_count(0)
    expect(tab.locator(".solution.toggle-hidden")).to_have_count(0)
    for sidebar in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article"):
        expect(tab.locator(sidebar).first).to_be_hidden()
