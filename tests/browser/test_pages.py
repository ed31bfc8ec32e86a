"""What every page owes its reader: no network, no error, mathematics, words for each picture, a narrow screen, WCAG."""
import re
import sys
from types import SimpleNamespace

import pytest
from fontTools.ttLib import TTFont

pytestmark = pytest.mark.browser
MAX_MEGABYTES = 3.0
our_icons = pytest.mark.skipif(sys.version_info < (3, 11), reason="for Python 3.9 and 3.10 there is only an older theme, "
                               "which brings its own icons: 1.8 MB, and a script that the console complains about")


def test_there_are_pages(site):
    assert (site / "search.html").exists()
    assert len(list(site.glob("chapters/*.html"))) == len(list(site.parents[1].glob("chapters/*.md"))) > 0


def test_a_page_asks_no_other_address_for_anything(visit, origin, page):
    assert visit(origin, page).blocked == []


@our_icons
def test_the_console_says_no_error(visit, origin, page):
    assert visit(origin, page).errors == []


def test_the_policy_refuses_what_somebody_planted(open_page, origin):
    seen = SimpleNamespace(blocked=[], errors=[])
    tab = open_page(origin, "index.html", seen, mathematics=False)
    tab.evaluate("""() => {
        window.refused = [];
        document.addEventListener("securitypolicyviolation", event => window.refused.push(event.effectiveDirective));
        const plant = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
        plant("img", { src: "https://elsewhere.test/picture.png" });
        plant("script", { src: "https://elsewhere.test/script.js" });
        plant("script", { textContent: "window.taken = true" });
        plant("link", { rel: "stylesheet", href: "https://elsewhere.test/style.css" });
        plant("iframe", { src: "https://elsewhere.test/" });
        plant("div", { innerHTML: "<img src='data:,' onerror='window.taken = true'>" });
        fetch("https://elsewhere.test/said").catch(() => {});
    }""")
    wanted = ["connect-src", "frame-src", "img-src", "script-src-attr", "script-src-elem", "script-src-elem", "style-src-elem"]
    tab.wait_for_function("wanted => JSON.stringify([...window.refused].sort()) === JSON.stringify(wanted)", arg=wanted)
    assert seen.blocked == []                   # not one request came as far as the network
    assert tab.evaluate("window.taken") is None


def test_all_mathematics_is_set(visit, origin, page):
    assert visit(origin, page).unset_mathematics == []


def test_a_number_in_the_prose_has_a_minus_sign_that_is_read_out(site):
    numbers = [number for path in sorted(site.glob("chapters/*.html"))
               for number in re.findall(r'<span class="pasted-text">(.[\d.]+)', path.read_text(encoding="utf-8"))]
    assert any(number.startswith("\N{MINUS SIGN}") for number in numbers)
    assert not any(number.startswith("-") for number in numbers)


def test_first_mentions_lead_to_the_glossary_and_each_of_its_words_is_mentioned_somewhere(site):
    mentioned, words = set(), []
    for path in sorted(site.glob("chapters/*.html")):
        html = path.read_text(encoding="utf-8")
        places = re.findall(r'<a class="in-glossary[^>]*#(term-[\w-]+)" title="[^"]{20,}">', html)
        assert len(places) == len(set(places)) >= 3, path.stem
        assert not re.search(r"<h[1-6][^>]*>(?:(?!</h[1-6]>).)*in-glossary", html), path.stem
        assert not any("in-glossary" in fold for fold in re.findall(r"<details.*?</details>", html, re.DOTALL)), path.stem
        mentioned |= set(places)
        words += re.findall(r'<a class="in-glossary[^>]*>([^<]*)</a>', html)
    glossary = (site / "appendices/glossary.html").read_text(encoding="utf-8")
    assert mentioned == set(re.findall(r'<dt id="(term-[\w-]+)"', glossary))
    assert any("\n" in word for word in words), "words that a line of the source breaks in two are mentions too"


def test_every_picture_is_put_into_words(visit, page):
    file_name = re.compile(r"\.(svg|png|jpe?g|gif|webp)$|^[0-9a-f]{16,}")
    assert [image for alt, image in visit("http", page).images if not alt.strip() or file_name.search(alt)] == []


@our_icons
def test_every_icon_is_in_the_fonts_that_were_cut_down(visit, site, page):
    fonts = {"solid": "fa-solid-900.woff", "brands": "fa-brands-400.woff"}
    known = {name: TTFont(site / "_static/vendor/fontawesome/webfonts" / file).getBestCmap() for name, file in fonts.items()}
    icons = visit("http", page).icons
    assert icons
    assert [icon for name, icon in icons if ord(icon) not in known[name]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_320_pixels_nothing_scrolls_sideways_but_inside_itself(visit, page, scheme):
    assert visit("http", page).too_wide[scheme] == []


@pytest.mark.parametrize("look", ["light, wide", "dark, narrow"])
def test_axe_finds_no_violation_of_wcag_2_1_a_and_aa(visit, page, look):
    assert visit("http", page).violations[look] == []


@our_icons
def test_a_page_weighs_at_most_three_megabytes(visit, page, record_property):
    megabytes = sum(visit("http", page).weights.values()) / 1e6
    record_property("weight", (megabytes, page))
    assert megabytes <= MAX_MEGABYTES
