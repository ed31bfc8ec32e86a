"""The built book, opened in Chromium with every other address blocked."""
import functools
import os
import shutil
import threading
import time
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html")
    if path.relative_to(HTML).parts[0] not in ("slides", "report.html") and not path.relative_to(HTML).parts[0].startswith("_")
) or ["index.html"]     # not built: the tests then say so, instead of not being there
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "preload": False}

# Mathematics that was not set, and what is wider than a narrow window without scrolling inside itself.
UNSET_MATHEMATICS = """() => [...document.querySelectorAll(".math, mjx-merror")]
    .filter(element => element.matches("mjx-merror") || !element.querySelector("mjx-container"))
    .map(element => element.textContent.slice(0, 80))"""
WIDER_THAN_THE_WINDOW = """() => {
    const scrolls = element => ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX);
    const inside = element => element && element !== document.body && (scrolls(element) || inside(element.parentElement));
    const wide = [...document.querySelectorAll(".bd-article-container *")].filter(
        element => element.getBoundingClientRect().right > innerWidth + 1 && !inside(element.parentElement));
    if (document.documentElement.scrollWidth > innerWidth) wide.push(document.documentElement);
    return wide.map(element => element.outerHTML.slice(0, 100));
}"""
NAMES_OF_IMAGES = """() => [...document.querySelectorAll("img, article svg:not([aria-hidden=true]):not(button svg)")]
    .map(image => [image.alt ?? image.getAttribute("aria-label") ?? image.querySelector("title")?.textContent ?? "",
                   image.outerHTML.slice(0, 100)])"""
ICONS = """() => [...document.querySelectorAll("i[class*=fa-], p.admonition-title")]
    .flatMap(element => ["::before", "::after"].map(part => getComputedStyle(element, part)))
    .filter(style => style.fontFamily.includes("Font Awesome") && style.content.startsWith('"'))
    .map(style => [style.fontFamily.includes("Brands") ? "brands" : "solid", style.content.slice(1, -1)])"""
# A page has thousands of coloured words of code and of formulas, and axe takes minutes for the contrast of each: one of each
# kind in each kind of box stands for all.
HIDE_WHAT_REPEATS = """() => {
    const seen = new Set();
    for (const element of document.querySelectorAll(".highlight span, mjx-container")) {
        const box = element.closest(".cell_input, .cell_output, .admonition, details");
        const kind = [element.tagName, element.className, box?.className].join();
        if (seen.has(kind)) element.style.visibility = "hidden";
        seen.add(kind);
    }
}"""
# Every widget has started or said why not, and has drawn itself at the window's width: two frames after a change of it.
WIDGETS_STARTED = """() => [...document.querySelectorAll("script[type='application/vnd.jupyter.widget-view+json']")]
    .every(script => script.nextElementSibling?.dataset.widget) && !document.querySelector("[aria-busy=true]")"""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
PATIENCE = 300_000          # milliseconds; a machine that is busy with other things is no failure
expect.set_options(timeout=PATIENCE)
UNFOLD = """() => {
    document.querySelectorAll("details").forEach(details => { details.open = true; });
    document.querySelectorAll("button.toggle-button-hidden").forEach(button => button.click());
}"""


def wait_for_function(page, condition, arg=None):
    """Waits until the condition, in JavaScript, is true. Playwright's own asks inside the page, whose policy forbids it."""
    ask = f"arg => {{ const value = ({condition}); return Boolean(typeof value === 'function' ? value(arg) : value); }}"
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(ask, arg):
        assert time.monotonic() < end, f"this did not become true: {condition}"
        page.wait_for_timeout(50)


Page.wait_for_function = wait_for_function


@dataclass
class Visit:
    """What one look at a page showed."""
    blocked: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    weights: dict = field(default_factory=dict)
    unset_mathematics: list = field(default_factory=list)
    images: list = field(default_factory=list)
    icons: list = field(default_factory=list)
    too_wide: dict = field(default_factory=dict)
    violations: dict = field(default_factory=dict)


def pytest_generate_tests(metafunc):
    """A test that takes `page`, `chapter` or `origin` runs for each page, each chapter, over HTTP and from disk."""
    chapters = [page for page in PAGES if page.startswith("chapters/")]
    for name, values in {"origin": ["http", "file"], "page": PAGES, "chapter": chapters or PAGES}.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, values)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site():
    """The folder of the built pages."""
    if not (HTML / "index.html").exists():
        pytest.fail(f"{HTML} holds no built book: say make book first")
    return HTML


@pytest.fixture(scope="session")
def addresses(site):
    """Where the book is: {"http": ..., "file": ...}."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"http": f"http://127.0.0.1:{server.server_port}/", "file": f"{site.as_uri()}/"}
    server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), playwright.chromium.executable_path)
        if not Path(found).exists():
            reason = f"no Chromium was found ({', '.join(BROWSERS)}): install Debian's package chromium, for instance"
            if os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"):
                pytest.fail(reason)
            pytest.skip(reason)
        as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=found, args=["--disable-gpu", *as_root])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, addresses):
    """open_page("http", "index.html") gives the page, with its mathematics set and all other addresses blocked.

    mathematics=False leaves the mathematics out, which takes longer to set than all the rest of a page.
    """
    contexts = []

    def open_page(origin, page, visit=None, mathematics=True, **settings):
        context = chromium.new_context(**settings)
        contexts.append(context)
        visit = visit or Visit()
        tab = guarded_tab(context, addresses[origin], visit)
        if mathematics:
            go(tab, addresses[origin] + page)
        else:
            context.route("**/mathjax/**", lambda route: route.abort())
            tab.goto(addresses[origin] + page)
        return tab

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def visit(chromium, addresses):
    """visit("http", "index.html") looks at a page once and tells what it saw; a second call tells the same again."""
    @functools.cache
    def visit(origin, page):
        seen = Visit()
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce")
        tab = guarded_tab(context, addresses[origin], seen)
        responses: list = []
        tab.on("response", lambda response: responses.append(response))    # a built-in it refuses
        go(tab, addresses[origin] + page)
        seen.unset_mathematics = tab.evaluate(UNSET_MATHEMATICS)
        seen.images = tab.evaluate(NAMES_OF_IMAGES)
        seen.icons = tab.evaluate(ICONS)
        if origin == "http":
            seen.weights = {response.url: len(response.body()) for response in responses}
            tab.evaluate(UNFOLD)
            tab.evaluate(HIDE_WHAT_REPEATS)
            seen.violations["light, wide"] = violations(tab)
            tab.set_viewport_size({"width": 320, "height": 800})
            tab.evaluate(TWO_FRAMES)
            seen.too_wide["light"] = tab.evaluate(WIDER_THAN_THE_WINDOW)
            tab.emulate_media(color_scheme="dark")
            tab.wait_for_function("document.documentElement.dataset.theme === 'dark'")
            tab.evaluate(TWO_FRAMES)
            seen.too_wide["dark"] = tab.evaluate(WIDER_THAN_THE_WINDOW)
            seen.violations["dark, narrow"] = violations(tab)
        context.close()
        return seen

    return visit


def guarded_tab(context, address, visit):
    def gate(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            visit.blocked.append(route.request.url)
            route.abort()

    context.set_default_timeout(PATIENCE)
    context.route("**/*", gate)
    tab = context.new_page()
    tab.on("console", lambda message: message.type == "error" and visit.errors.append(message.text))
    tab.on("pageerror", lambda error: visit.errors.append(str(error)))
    tab.on("response", lambda answer: answer.status >= 400 and visit.errors.append(f"{answer.status} {answer.url}"))
    return tab


def go(tab, address):
    tab.goto(address, wait_until="load")
    if tab.locator("script[src*=mathjax]").count():
        tab.wait_for_function("window.MathJax?.startup?.promise")
        tab.evaluate("MathJax.startup.promise.then(() => true)")
    tab.evaluate("document.fonts.ready.then(() => true)")
    tab.wait_for_function(WIDGETS_STARTED)
    tab.wait_for_load_state("networkidle")


def violations(tab):
    found = Axe().run(tab, options=WCAG).response["violations"]
    return [f"{each['id']}: {node['html'][:120]} ({node['failureSummary']})" for each in found for node in each["nodes"]]
