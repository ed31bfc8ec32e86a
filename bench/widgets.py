"""How long a widget takes to answer, and how much JavaScript it is: times inside the page, in Chromium.

Needs the built pages (make book) and a Chromium. Everything that a reader can move, choose, tick, type or press is tried,
each slider from end to end in small steps and in one jump, a text also by pasting 2,000 characters. The time of a slice is
its JavaScript and the layout it causes: so long nothing else on the page answers. What takes longer than a slice goes on in
another, and the answer stands when the last is done. Goal: a median below 16 ms of JavaScript, and no slice above 50 ms,
its layout included. The first update after the page was opened is on its own; the others are measured when all has been
tried once. Other programs that run disturb the worst case above all: the load of the machine is printed.

    python bench/widgets.py --json FILE
"""
import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from d2l_utils import widgets

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "_build" / "html" / "chapters"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
STEPS = 60              # of a slider
CONTROLS = ":is(.lstm-controls :is(input, select, textarea), .lstm-buttons button)"
TEXT = "'The time is late,' he said. " * 80

# What to do with the controls of a widget, as [name, number of the control, value]; no value is a click.
ACTIONS = """(place, [selector, steps, text]) => {
    const all = [...place.querySelectorAll(selector)];
    const name = control => (control.labels?.[0] ?? control).textContent.split(":")[0];
    const each = (kinds, actions) => all.flatMap((control, number) => kinds.includes(control.type)
        ? actions(control).map(([what, value]) => [`${name(control)}${what}`, number, value]) : []);
    const along = Array.from({ length: steps }, (_, k) => k / (steps - 1));
    const press = all.flatMap((control, number) => control.type === "button" && !/^(Run|Pause|Copy)/.test(control.textContent)
        ? [[name(control), number]] : []);
    return [
        ...each(["range"], slider => along.map(share => ["", Number(slider.min) + (slider.max - slider.min) * share])),
        ...press.at(-1) ? [press.at(-1)] : [],
        ...each(["range"], slider => [[", to its end", 1e9]]),
        ...each(["select-one"], select => [...select.options].map(option => ["", option.value])),
        ...each(["checkbox"], () => [[""], [""]]),
        ...each(["textarea"], () => [[", 2,000 characters", text.slice(0, 2000)],
            [", one more at the front", `Z${text.slice(0, 1999)}`], [", another at the end", `Z${text.slice(0, 1998)}!`]]),
        ...press,
    ];
}"""
# Does it, and gives the milliseconds of each slice, of all its JavaScript, and until the answer stands.
MEASURE = """async (place, [selector, number, value]) => {
    const later = window.setTimeout;
    const control = place.querySelectorAll(selector)[number];
    const slices = [];
    let script = 0;
    const timed = work => {
        const start = performance.now();
        work();
        script += performance.now() - start;
        place.getBoundingClientRect();
        slices.push(performance.now() - start);
    };
    const begin = performance.now();
    window.setTimeout = (work, wait, ...given) => wait ? later(work, wait, ...given) : later(() => timed(() => work(...given)));
    timed(() => {
        if (value === undefined || value === null) return control.click();
        control.value = value;
        control.dispatchEvent(new Event(control.type === "select-one" ? "change" : "input"));
    });
    while (place.querySelector("[aria-busy=true]")) await new Promise(done => later(done));
    window.setTimeout = later;
    return [slices, script, performance.now() - begin];
}"""


def measure(browser, page):
    """A row for each widget of a page."""
    tab = browser.new_page()
    tab.route("**/mathjax/**", lambda route: route.abort())
    tab.goto(page.as_uri(), wait_until="networkidle")
    for widget in tab.locator("[data-widget=ready]").all():
        def answer(action, widget=widget):
            slices, script, stands = widget.evaluate(MEASURE, [CONTROLS, *action[1:]])
            return {"slice": max(slices), "script": script, "stands": stands, "what": action[0]}
        actions = widget.evaluate(ACTIONS, [CONTROLS, STEPS, TEXT])
        first, *_ = [answer(action) for action in actions]
        answers = [answer(action) for action in actions]
        slowest, last = (max(answers, key=lambda each: each[name]) for name in ("slice", "stands"))
        yield {"widget": widget.get_attribute("data-name"), "updates": len(answers), "first ms": round(first["slice"], 1),
               **{f"median {name} ms": round(statistics.median(each[name] for each in answers), 1)
                  for name in ("script", "stands")},
               "longest slice ms": round(slowest["slice"], 1), "of": slowest["what"],
               "longest answer ms": round(last["stands"], 1), "to": last["what"]}
    tab.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to write the table")
    arguments = parser.parse_args()
    if not PAGES.exists():
        sys.exit("No built pages: say make book first.")
    load = [round(os.getloadavg()[0], 1)]
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), playwright.chromium.executable_path)
        if not Path(found).exists():
            sys.exit("No Chromium was found.")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        rows = [row for page in sorted(PAGES.glob("*.html")) for row in measure(browser, page)]
        browser.close()
    load.append(round(os.getloadavg()[0], 1))
    print(f"{'':17s} {'updates':>7s} {'first':>7s} {'script':>7s} {'stands':>7s} "
          f"{'longest slice':>14s} {'longest answer':>15s}      (ms)")
    for row in rows:
        print(f"{row['widget']:17s} {row['updates']:7d} {row['first ms']:7.1f} {row['median script ms']:7.1f} "
              f"{row['median stands ms']:7.1f} "
              f"{row['longest slice ms']:14.1f} {row['longest answer ms']:15.1f}   {row['of']}; {row['to']}")
    print("script, stands: medians of all the JavaScript of an update, and of the time until its answer stands")
    print(f"Load of the machine before and after, on {os.cpu_count()} processors: {load[0]}, {load[1]}")
    sizes = {path.name: path.stat().st_size for path in sorted(Path(widgets.__file__).parent.glob("*.js"))}
    sizes["widgets.js"] = (ROOT / "assets" / "static" / "widgets.js").stat().st_size
    print("\nJavaScript, bytes before compression: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps({"widgets": rows, "load": load, "bytes": sizes}, indent=1) + "\n")


if __name__ == "__main__":
    main()
