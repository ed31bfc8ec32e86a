"""How long a widget takes to answer, and how much JavaScript it is: median and worst time of an update, in Chromium.

Needs the built pages (make book) and a Chromium. Each slider of each widget is moved through its range, and the time from
the event to the end of the redrawing by JavaScript is taken inside the page. Goal: a median below 16 ms, none above 50 ms.

    python bench/widgets.py --json FILE
"""
import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from d2l_utils import widgets

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "_build" / "html" / "chapters"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
UPDATES = 100           # a slider
MEASURE = """(slider, updates) => {
    const [low, high] = [slider.min, slider.max].map(Number);
    const times = [];
    for (let k = 0; k < updates; k++) {
        slider.value = low + (high - low) * k / (updates - 1);
        const start = performance.now();
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        times.push(performance.now() - start);
    }
    return times;
}"""


def measure(tab, page):
    """A row for each widget of a page."""
    tab.goto(page.as_uri())
    for widget in tab.locator("[data-widget=ready]").all():
        times = [ms for slider in widget.locator("input[type=range]").all() for ms in slider.evaluate(MEASURE, UPDATES)]
        if times:
            yield {"widget": widget.get_attribute("data-name"), "page": page.stem, "updates": len(times),
                   "median ms": round(statistics.median(times), 2), "worst ms": round(max(times), 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to write the table")
    arguments = parser.parse_args()
    if not PAGES.exists():
        sys.exit("No built pages: say make book first.")
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), playwright.chromium.executable_path)
        if not Path(found).exists():
            sys.exit("No Chromium was found.")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        rows = [row for page in sorted(PAGES.glob("*.html")) for row in measure(tab, page)]
        browser.close()
    print(f"{'widget':20s} {'page':24s} {'updates':>7s} {'median ms':>9s} {'worst ms':>8s}")
    for row in rows:
        print(f"{row['widget']:20s} {row['page']:24s} {row['updates']:7d} {row['median ms']:9.2f} {row['worst ms']:8.2f}")
    sizes = {path.name: path.stat().st_size for path in sorted(Path(widgets.__file__).parent.glob("*.js"))}
    sizes["widgets.js"] = (ROOT / "assets" / "static" / "widgets.js").stat().st_size
    print("\nJavaScript, bytes before compression: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps({"widgets": rows, "bytes": sizes}, indent=1) + "\n")


if __name__ == "__main__":
    main()
