"""Every link inside the book leads to a page that exists, and to a place on it that exists. No browser is needed."""
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.places = [], {"", "top"}

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name"):
                self.places.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


@cache
def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def leads_somewhere(page, link):
    address = urlsplit(link)
    if address.scheme or address.netloc:
        return True
    target = (page.parent / unquote(address.path)).resolve() if address.path else page
    return target.is_file() and (target.suffix != ".html" or unquote(address.fragment) in read(target).places)


def test_links_inside_the_book_lead_somewhere(site, page):
    page = site / page
    assert [link for link in read(page).links if not leads_somewhere(page, link)] == []


def test_the_launch_button_opens_the_chapter(site, chapter):
    buttons = [urlsplit(link) for link in read(site / chapter).links if "mybinder.org" in link]
    assert [parse_qs(button.query) for button in buttons] == [{"urlpath": [f"lab/tree/{chapter.replace('.html', '.md')}"]}]
    assert (ROOT / chapter).with_suffix(".md").is_file()
