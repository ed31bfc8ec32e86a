"""The report that the site publishes: what each page takes to run and weighs, and how much of d2l_utils the tests run.

`make report` runs the tests, which leave their figures in _build, and then this: it writes _build/html/report.html, and
fails when a figure is over its budget. Seconds are those of the machine and the day: so they are no test's matter.
"""
import json
import sys
from pathlib import Path

BUILT = Path(__file__).resolve().parents[1] / "_build"
SECONDS, MEGABYTES, PERCENT = 60, 3.0, 95       # at most, at most, at least
PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What the book takes</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}
  div {{ overflow-x: auto; }}
  table {{ border-collapse: collapse; }}
  caption {{ text-align: left; padding: .5rem 0; }}
  th, td {{ padding: .15rem .75rem .15rem 0; text-align: right; border-bottom: 1px solid #8886; }}
  th:first-child {{ text-align: left; font-weight: normal; }}
</style>
<body>
<main>
<h1>What the book takes</h1>
<p><a href="index.html">Back to the book</a></p>
{tables}
</main>
</body>
</html>
"""


def table(caption, columns, rows):
    """An HTML table whose rows are (name, value, ...); a value is a string, a number, or None where there is none."""
    def cells(row):
        return "".join(f"<td>{'' if value is None else value}</td>" for value in row[1:])
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "".join(f'<tr><th scope="row">{row[0]}</th>{cells(row)}</tr>\n' for row in rows)
    return f"<div><table>\n<caption>{caption}</caption>\n<tr>{head}</tr>\n{body}</table></div>"


def report(seconds, megabytes, coverage):
    """The report as HTML, and a list of what is over its budget.

    seconds: {page: to run it}, without .html. megabytes: {page: what it loads, decoded}. coverage: as coverage.py's JSON.
    """
    pages = sorted(seconds.keys() | megabytes.keys())
    files = {name: entry["summary"] for name, entry in coverage["files"].items()}
    total = coverage["totals"]["percent_covered"]
    over = [f"{page} took {seconds[page]:.0f} s, more than {SECONDS}" for page in pages if seconds.get(page, 0) > SECONDS]
    over += [f"{page} weighs {megabytes[page]:.2f} MB, more than {MEGABYTES}"
             for page in pages if megabytes.get(page, 0) > MEGABYTES]
    over += [f"the tests run {total:.1f} % of d2l_utils, less than {PERCENT}"] if total < PERCENT else []
    tables = table(
        f"Each page: seconds to run it when it was built, at most {SECONDS}; megabytes that it loads, at most {MEGABYTES}.",
        ["page", "seconds", "MB"],
        [(page, seconds.get(page), f"{megabytes[page]:.2f}" if page in megabytes else None) for page in pages],
    ) + table(
        f"The share of the lines of d2l_utils that the tests run, without the adapters of other frameworks: "
        f"{total:.1f} %, at least {PERCENT} %.",
        ["module", "lines", "not run", "%"],
        [(name, of["num_statements"], of["missing_lines"], f"{of['percent_covered']:.0f}") for name, of in files.items()],
    )
    return PAGE.format(tables=tables), over


def main():
    seconds, weights, coverage = (
        json.loads((BUILT / name).read_text()) for name in ("execution-seconds.json", "weights.json", "coverage.json"))
    html, over = report(seconds, {page.removesuffix(".html"): value for page, value in weights.items()}, coverage)
    (BUILT / "html" / "report.html").write_text(html, encoding="utf-8")
    print(f"Wrote {BUILT / 'html' / 'report.html'}: {coverage['totals']['percent_covered']:.1f} % of d2l_utils is run")
    sys.exit("\n".join(over) or None)


if __name__ == "__main__":
    main()
