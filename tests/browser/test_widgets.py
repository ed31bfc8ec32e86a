"""The widgets on the built pages: by mouse, touch and keyboard, over HTTP and from disk, against NumPy."""
import contextlib
import io
import json
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import traitlets

from d2l_utils import widgets

pytestmark = pytest.mark.browser
CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"
MODEL = "place => ({ ...place.model.state, _esm: null, _css: null })"


def shown_classes():
    classes = [cls for cls in vars(widgets).values() if isinstance(cls, type) and issubclass(cls, widgets.Widget)]
    return [cls for cls in classes if cls is not widgets.Widget]


def page_of(cls):
    """The chapter whose source makes this widget."""
    pages = [path for path in sorted(CHAPTERS.glob("*.md")) if f"\n{cls.__name__}(" in path.read_text(encoding="utf-8")]
    assert pages, f"no chapter shows {cls.__name__}"
    return f"chapters/{pages[0].stem}.html"


@pytest.fixture(params=shown_classes(), ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


@pytest.fixture
def place(open_page, cls):
    """place(origin, **settings) is the widget's element on its page, once it has started."""
    def place(origin="http", state=None, **settings):
        address = page_of(cls) + (f"#{cls.__name__}={quote(json.dumps(state))}" if state else "")
        widget = open_page(origin, address, **settings).locator(f"[data-widget=ready][data-name={cls.__name__}]")
        widget.wait_for()
        return widget
    return place


def state_traits(cls):
    """The traits that are the widget's state: what a reader can set."""
    return {name: trait for name, trait in cls.class_own_traits(sync=True).items() if not name.startswith("_")}


def random_state(cls, rng):
    """Values that the traits allow, in the order of their names."""
    state = {}
    for name, trait in sorted(state_traits(cls).items()):
        if isinstance(trait, traitlets.Bool):
            state[name] = bool(rng.integers(2))
        elif isinstance(trait, traitlets.Int):
            state[name] = int(rng.integers(trait.min, trait.max + 1))
        elif isinstance(trait, traitlets.Float):
            state[name] = round(float(rng.uniform(trait.min, trait.max)), 2)
        elif isinstance(trait, traitlets.Enum):
            state[name] = trait.values[rng.integers(len(trait.values))]
    return state


def numbers_of_numpy(place):
    """What the code under “The same in NumPy” computes, by the name of its variables."""
    place.get_by_text("The same in NumPy").click()
    namespace = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(place.locator("pre").inner_text(), namespace)
    return namespace


def assert_numpy_agrees(place):
    trace = place.evaluate(MODEL)["trace"]
    assert trace
    namespace = numbers_of_numpy(place)
    for name, value in trace.items():
        numpys, pages = np.asarray(namespace[name], float), np.asarray(value, float)
        np.testing.assert_allclose(pages, numpys, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_link_opens_the_widget_in_a_state_and_numpy_gives_its_numbers(place, cls, seed):
    state = random_state(cls, np.random.default_rng(seed))
    widget = place(state=state)
    now = widget.evaluate(MODEL)
    assert {name: now[name] for name in state} == state
    assert_numpy_agrees(widget)


def test_a_broken_link_leaves_the_widget_as_the_page_has_it(open_page, cls):
    for rubbish in ("%7B", quote('{"no_such_trait": 1, "_esm": "alert(1)", "trace": 3}'), quote("[]"), quote("null")):
        tab = open_page("http", f"{page_of(cls)}#{cls.__name__}={rubbish}")
        tab.wait_for_selector("[data-widget=ready]")
        assert tab.locator("[data-widget=failed]").count() == 0


def test_it_starts_from_disk_and_every_control_answers_the_keyboard(place, cls):
    widget = place("file")
    before = widget.evaluate(MODEL)
    for control in widget.locator(".lstm-controls :is(input, select)").all():
        control.focus()
        kind = control.evaluate("e => e.type")
        control.press({"checkbox": "Space", "select-one": "ArrowDown"}.get(kind, "ArrowRight"))
    after = widget.evaluate(MODEL)
    changed = {name for name in state_traits(cls) if before[name] != after[name]}
    assert len(changed) >= widget.locator(".lstm-controls :is(input, select)").count()
    assert_numpy_agrees(widget)


def test_every_control_has_a_label_and_the_change_is_said_in_a_sentence(place):
    widget = place()
    for control in widget.locator(".lstm-controls :is(input, select, textarea)").all():
        assert control.evaluate("e => e.labels.length && e.labels[0].textContent.trim().length") > 0
    sentence = widget.locator(".lstm-sentence[aria-live=polite]")
    widget.page.wait_for_function("e => e.textContent.length > 20", arg=sentence.element_handle())
    assert widget.locator(".lstm-figure").get_attribute("aria-label") == sentence.inner_text().replace("\n", " ")


def test_a_slider_answers_mouse_and_touch_and_reset_takes_it_back(place):
    for settings in ({}, {"has_touch": True, "viewport": {"width": 320, "height": 700}}):
        widget = place(**settings)
        before = widget.evaluate(MODEL)
        slider = widget.locator("input[type=range]").first
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        spot = {"x": box["width"] * 0.85, "y": box["height"] / 2}
        slider.tap(position=spot) if settings else slider.click(position=spot)
        assert widget.evaluate(MODEL) != before
        widget.get_by_role("button", name="Reset").click()
        assert widget.evaluate(MODEL) == before


def test_the_numbers_stand_in_a_table(place):
    widget = place()
    widget.get_by_text("The numbers").click()
    assert widget.locator("table thead th[scope=col]").count() >= 2
    assert widget.locator("table tbody th[scope=row]").count() >= 2


@pytest.mark.parametrize("clipboard", ["works", "is refused"])
def test_a_copied_link_brings_the_state_back(place, cls, clipboard):
    widget = place(permissions=["clipboard-read", "clipboard-write"])
    if clipboard == "is refused":
        widget.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no leave')); }")
    control = widget.locator(".lstm-controls :is(input[type=range], select)").first
    control.focus()
    control.press("End")
    widget.get_by_role("button", name="Copy this state").click()
    if clipboard == "works":
        widget.get_by_text("Copied.").wait_for()
        address = widget.page.evaluate("navigator.clipboard.readText()")
    else:
        address = widget.get_by_label("This state, to copy").input_value()
    wanted = widget.evaluate(MODEL)
    tab = widget.page.context.new_page()
    tab.goto(address)
    tab.wait_for_selector("[data-widget=ready]")
    assert tab.locator(f"[data-name={cls.__name__}]").evaluate(MODEL) == wanted


@pytest.mark.parametrize("cls", [widgets.GradientHighway])
@pytest.mark.parametrize("radius", [0.05, 0.9, 1.0, 1.5])
def test_without_input_the_slopes_are_the_logarithms_of_radius_and_forget_gate(place, cls, radius):
    trace = place(state={"strength": 0, "radius": radius, "forget_bias": 3}).evaluate(MODEL)["trace"]
    slopes = np.array(trace["slopes"])
    np.testing.assert_allclose(trace["rnn_h"], np.log(radius) * np.arange(60), rtol=0, atol=1e-11)
    np.testing.assert_allclose(slopes[[0, 3]], [np.log(radius), -np.log1p(np.exp(-3))], rtol=0, atol=1e-12)


@pytest.mark.parametrize("cls", [widgets.GradientHighway])
def test_the_half_life_is_said_and_the_lines_differ_in_their_dash(place, cls):
    widget = place(state={"strength": 0, "radius": 0.9})
    widget.get_by_text("the RNN's gradient halves every 6.6 steps").wait_for()     # log 2 / -log 0.9
    dashes = [line.get_attribute("stroke-dasharray") for line in widget.locator(".lstm-figure polyline").all()]
    assert len(set(dashes)) == 4
    assert {"RNN", "H", "C", "direct"} <= set(widget.locator(".lstm-figure text").all_text_contents())
    slider = widget.get_by_label("spectral radius")
    slider.fill("1.5")
    widget.get_by_text("the RNN's gradient doubles every 1.7 steps").wait_for()
    slider.fill("1")
    widget.get_by_text("the RNN's gradient stays level").wait_for()


@pytest.mark.parametrize("cls", [widgets.GradientHighway])
def test_with_next_to_no_recurrent_weights_the_direct_path_is_the_whole_gradient(place, cls):
    shares = {}
    for radius in (0.05, 1.5):
        trace = place(state={"radius": radius, "forget_bias": 6}).evaluate(MODEL)["trace"]
        shares[radius] = np.exp(np.array(trace["direct"]) - trace["lstm_c"])
    assert np.all(np.abs(shares[0.05] - 1) < 0.2)
    assert shares[1.5][-1] < 0.1
