"""What a reader does with the pages: search, dark mode, answering a question by keyboard, meanings of words, printing."""
import re
from urllib.parse import quote, urljoin

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
    other = tab.context.new_page()      # the browser tells its processes a moment later, and a reload may be in a new one
    other.goto(urljoin(tab.url, "../_static/documentation_options.js"))
    other.wait_for_function("() => localStorage.getItem('mode') === 'dark'")
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


def test_the_arrow_keys_leave_the_page_alone_where_something_else_has_a_use_for_them(open_page):
    tab = open_page("file", CHAPTER, mathematics=False, viewport={"width": 320, "height": 700})
    tab.locator("[data-widget=ready]").first.wait_for()
    tab.evaluate("() => { window.same = true; document.body.append(document.createElement('textarea')); }")
    slider = tab.locator("input[type=range]").first
    scrolls = tab.locator(".bd-article pre[tabindex='0']").first
    for place in (slider, tab.locator("body > textarea"), scrolls, tab.locator("details summary").first):
        place.focus()
        tab.keyboard.press("ArrowRight")
    slider.click()                              # a browser that gives a slider no focus for this
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("ArrowRight")
    tab.locator(".bd-article h1").click()
    for held in ("Alt", "Control", "Meta", "Shift"):
        tab.keyboard.press(f"{held}+ArrowRight")
    assert tab.evaluate("window.same")
    assert tab.url.endswith(CHAPTER)
    tab.keyboard.press("ArrowRight")
    tab.wait_for_url("**/06-hidden-state.html")


def test_the_meaning_of_a_word_is_shown_to_pointer_keyboard_and_screen_reader_and_escape_puts_it_away(open_page):
    tab = open_page("file", CHAPTER, mathematics=False)
    word, shown = tab.locator("a.in-glossary").first, tab.locator(".meaning:visible")
    words = tab.evaluate("document.querySelector('.meaning').textContent")
    assert len(words) > 20
    expect(word).to_have_accessible_description(words)
    assert word.get_attribute("title") is None          # the browser would show it as well
    word.hover()
    expect(shown).to_have_text([words])
    shown.hover()                                       # one can go there, and read on
    expect(shown).to_have_text([words])
    tab.locator(".bd-article h1").hover()
    expect(shown).to_have_count(0)
    word.focus()
    expect(shown).to_have_text([words])
    tab.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    tab.locator("a.in-glossary").nth(1).focus()
    expect(shown).to_have_count(1)
    expect(shown).not_to_have_text([words])


def test_a_touch_shows_the_meaning_inside_a_narrow_window_and_a_second_follows_the_link(open_page):
    tab = open_page("file", CHAPTER, mathematics=False, has_touch=True, viewport={"width": 320, "height": 700})
    shown = tab.locator(".meaning:visible")
    for word in tab.locator("a.in-glossary:visible").all()[:4]:
        tab.keyboard.press("Escape")                    # the meaning of the last word may cover this one
        word.tap()
        expect(shown).to_have_count(1)
        box = shown.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
    assert tab.url.endswith(CHAPTER)
    word.tap()
    tab.wait_for_url("**/appendices/glossary.html#term-*")


def test_a_line_shows_how_far_down_a_chapter_one_is(open_page):
    tab = open_page("file", CHAPTER, mathematics=False)
    line = tab.get_by_role("meter")
    expect(line).to_have_accessible_name(re.compile(r"Place in chapter 5 of \d+"))
    expect(line).to_have_attribute("aria-valuenow", "0")
    kept = "JSON.stringify([localStorage, sessionStorage, document.cookie])"
    before = tab.evaluate(kept)
    tab.evaluate("scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })")
    expect(line).to_have_attribute("aria-valuenow", "100")
    expect(line).to_have_attribute("aria-valuetext", "100 percent")
    assert tab.evaluate(kept) == before


def test_a_citation_can_be_copied_by_keyboard(open_page):
    tab = open_page("http", CHAPTER, mathematics=False, permissions=["clipboard-read", "clipboard-write"])
    tab.locator(".cite-this-page summary").press("Enter")
    tab.locator(".cite-this-page .copybtn").nth(1).press("Enter")       # it copies before it returns
    assert tab.evaluate("navigator.clipboard.readText()").startswith("@incollection{")


def test_on_paper_everything_is_unfolded_and_the_sidebars_are_gone(open_page):
    tab = open_page("file", CHAPTER)
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(tab.locator("article details:not([open])")).to_have_count(0)
    expect(tab.locator(".solution.toggle-hidden")).to_have_count(0)
    for sidebar in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article"):
        expect(tab.locator(sidebar).first).to_be_hidden()


def test_a_link_cannot_give_a_widget_a_number_without_end(open_page):
    wanted = quote('{"position": 1e999, "logarithmic": true, "__proto__": {"text": "taken"}, "_models": {}}')
    tab = open_page("file", f"chapters/13-reading-cells.html#WhoIsRemembered={wanted}", mathematics=False)
    widget = tab.locator("[data-name=WhoIsRemembered][data-widget=ready]")
    widget.wait_for()
    position, logarithmic, models, text = widget.evaluate(
        "({ model: { state } }) => [state.position, state.logarithmic, Object.keys(state._models).length, state.text]")
    assert (position, logarithmic, models) == (60, True, 2)
    assert "taken" not in text
