"""The report of tests/site_report.py says what is over its budget, and nothing of the rest."""
import pytest
import site_report

COVERAGE = {"files": {"d2l_utils/x.py": {"summary": {"num_statements": 40, "missing_lines": 1, "percent_covered": 97.5}}},
            "totals": {"percent_covered": 97.5}}


def test_a_page_within_its_budget_is_in_the_table():
    html, over = site_report.report({"chapters/a": 12.5}, {"chapters/a": 1.25, "index": 1.0}, COVERAGE)
    assert over == []
    assert '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; ' in html
    assert '<tr><th scope="row">chapters/a</th><td>12.5</td><td>1.25</td></tr>' in html
    assert '<tr><th scope="row">index</th><td></td><td>1.00</td></tr>' in html
    assert '<tr><th scope="row">d2l_utils/x.py</th><td>40</td><td>1</td><td>98</td></tr>' in html


@pytest.mark.parametrize(("seconds", "megabytes", "percent", "words"), [
    (60.5, 1.0, 97.5, "chapters/a took"), (12.5, 3.01, 97.5, "chapters/a weighs"), (12.5, 1.0, 94.9, "the tests run"),
])
def test_what_is_over_its_budget_is_named(seconds, megabytes, percent, words):
    coverage = {**COVERAGE, "totals": {"percent_covered": percent}}
    [fault] = site_report.report({"chapters/a": seconds}, {"chapters/a": megabytes}, coverage)[1]
    assert fault.startswith(words)
