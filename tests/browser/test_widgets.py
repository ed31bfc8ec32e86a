"""The widgets on the built pages: by mouse, touch and keyboard, over HTTP and from disk, against NumPy."""
import contextlib
import functools
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import numpy as np
import pytest
import traitlets

from d2l_utils import widgets
from d2l_utils.checks import memory_cell
from d2l_utils.datasets.patterns import PATTERNS

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
def open_page(open_page):
    """The pages without their mathematics: a widget has none, and here each test opens a page of its own. Whatever a test does
    with a widget, it asks no other address for anything, and the console says no error but of the mathematics left out."""
    visit = SimpleNamespace(blocked=[], errors=[])
    yield functools.partial(open_page, visit=visit, mathematics=False)
    assert visit.blocked == []
    assert [error for error in visit.errors if "net::ERR_FAILED" not in error] == []


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


def until(place, condition, given=None):
    """Waits until condition(place, given), in JavaScript, is true of the widget's element."""
    place.page.wait_for_function(f"([place, given]) => ({condition})(place, given)", arg=[place.element_handle(), given])


def model_of(place):
    """The model's state, once all that was asked of the widget is computed and drawn."""
    until(place, "place => !place.querySelector('[aria-busy=true]')")
    return place.evaluate(MODEL)


def until_said(place, words):
    until(place, "(place, words) => place.querySelector('.lstm-sentence').textContent.includes(words)", words)


def numbers_of_numpy(place):
    """What the code under “The same in NumPy” computes, by the name of its variables."""
    # opened by script: a click may miss it, when the sentence above it changes and everything below moves
    place.locator("summary", has_text="The same in NumPy").evaluate("summary => { summary.parentElement.open = true; }")
    model_of(place)
    until(place, "place => place.querySelector('pre').textContent")         # it is written when the fold has opened
    namespace = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(place.locator("pre").inner_text(), namespace)
    return namespace


def assert_numpy_agrees(place):
    trace = model_of(place)["trace"]
    assert trace
    namespace = numbers_of_numpy(place)
    for name, value in trace.items():
        numpys, pages = np.asarray(namespace[name], float), np.asarray(value, float)
        np.testing.assert_allclose(pages, numpys, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_link_opens_the_widget_in_a_state_and_numpy_gives_its_numbers(place, cls, seed):
    state = random_state(cls, np.random.default_rng(seed))
    widget = place(state=state)
    now = model_of(widget)
    assert {name: now[name] for name in state} == state
    assert_numpy_agrees(widget)


def test_a_broken_link_leaves_the_widget_as_the_page_has_it(open_page, cls):
    for rubbish in ("%7B", quote('{"no_such_trait": 1, "_esm": "alert(1)", "trace": 3}'), quote("[]"), quote("null")):
        tab = open_page("http", f"{page_of(cls)}#{cls.__name__}={rubbish}")
        tab.wait_for_selector("[data-widget=ready]")
        assert tab.locator("[data-widget=failed]").count() == 0


def test_python_brings_no_state_that_a_control_does_not_know(cls):
    """What a link brings, the page itself brings into range; this is what somebody writes in a notebook."""
    for name, trait in state_traits(cls).items():
        wrong = [None, []]
        if isinstance(trait, (traitlets.Int, traitlets.Float)):
            wrong += [np.nan, np.inf, trait.min - 1, trait.max + 1, "1"]
        elif isinstance(trait, traitlets.Enum):
            wrong += ["__proto__", ""]
        for value in wrong:
            with pytest.raises(traitlets.TraitError, match=name):
                cls(**{name: value})


def test_it_starts_from_disk_and_every_control_answers_the_keyboard(place, cls):
    widget = place("file")
    before = model_of(widget)
    for control in widget.locator(".lstm-controls :is(input, select)").all():
        control.focus()
        kind, was = control.evaluate("e => [e.type, e.type === 'checkbox' ? e.checked : e.value]")
        control.press({"checkbox": "Space", "select-one": "ArrowDown"}.get(kind, "ArrowRight"))
        widget.page.wait_for_function("([e, was]) => (e.type === 'checkbox' ? e.checked : e.value) !== was",
                                      arg=[control.element_handle(), was])
    after = model_of(widget)
    changed = {name for name in state_traits(cls) if before[name] != after[name]}
    assert len(changed) >= widget.locator(".lstm-controls :is(input, select)").count()
    assert_numpy_agrees(widget)


def test_every_control_has_a_label_and_the_change_is_said_in_a_sentence(place):
    widget = place()
    for control in widget.locator(".lstm-controls :is(input, select, textarea)").all():
        assert control.evaluate("e => e.labels.length && e.labels[0].textContent.trim().length") > 0
    until(widget, """place => place.querySelector(".lstm-sentence[aria-live=polite]").textContent.length > 20
        && place.querySelector(".lstm-figure").ariaLabel === place.querySelector(".lstm-sentence").textContent""")


def test_a_slider_answers_mouse_and_touch_and_reset_takes_it_back(place):
    for settings in ({}, {"has_touch": True, "viewport": {"width": 320, "height": 700}}):
        widget = place(**settings)
        before = model_of(widget)
        slider = widget.locator("input[type=range]").first
        slider_before = slider.input_value()
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        spot = {"x": box["width"] * 0.85, "y": box["height"] / 2}
        slider.tap(position=spot) if settings else slider.click(position=spot)
        until(widget, "(place, was) => place.querySelector('input[type=range]').value !== was", slider_before)
        assert model_of(widget) != before
        widget.get_by_role("button", name="Reset").click()
        assert model_of(widget) == before


def test_the_numbers_stand_in_a_table(place):
    widget = place()
    widget.locator("summary", has_text="The numbers").press("Enter")
    widget.locator("table").wait_for()                                      # it is filled when the fold has opened
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
    wanted = model_of(widget)
    tab = widget.page.context.new_page()
    tab.goto(address)
    again = tab.locator(f"[data-widget=ready][data-name={cls.__name__}]")
    again.wait_for()
    assert model_of(again) == wanted


@pytest.mark.parametrize("cls", [widgets.GradientHighway])
@pytest.mark.parametrize("radius", [0.05, 0.9, 1.0, 1.5])
def test_without_input_the_slopes_are_the_logarithms_of_radius_and_forget_gate(place, cls, radius):
    trace = model_of(place(state={"strength": 0, "radius": radius, "forget_bias": 3}))["trace"]
    slopes = np.array(trace["slopes"])
    np.testing.assert_allclose(trace["rnn_h"], np.log(radius) * np.arange(60), rtol=0, atol=1e-11)
    np.testing.assert_allclose(slopes[[0, 3]], [np.log(radius), -np.log1p(np.exp(-3))], rtol=0, atol=1e-12)


@pytest.mark.parametrize("cls", [widgets.GradientHighway])
def test_the_half_life_is_said_and_the_lines_differ_in_their_dash(place, cls):
    widget = place(state={"strength": 0, "radius": 0.9})
    widget.get_by_text("the RNN's gradient halves every 6.6 steps").wait_for()     # log 2 / -log 0.9
    model_of(widget)
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
        trace = model_of(place(state={"radius": radius, "forget_bias": 6}))["trace"]
        shares[radius] = np.exp(np.array(trace["direct"]) - trace["lstm_c"])
    assert np.all(np.abs(shares[0.05] - 1) < 0.2)
    assert shares[1.5][-1] < 0.1


READERS = [widgets.ReadACell, widgets.WhoIsRemembered]


@pytest.mark.parametrize("cls", READERS)
@pytest.mark.parametrize("text", [
    "", "\n", "'", "na\u00efve \U0001f600\u202e\u200b \u201cquoted\u201d\t\u00a0\u2028 end", "It's 'odd'. " * 1000,
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\"> & </pre>",
], ids=["empty", "line end", "quote", "unicode", "13,000 characters", "markup"])
def test_any_text_at_all_is_read_and_shown_as_text(place, cls, text):
    widget = place("file")
    title = widget.page.title()
    widget.locator("textarea").fill(text)
    longest = 2000 if cls is widgets.ReadACell else 400
    model_of(widget)
    shown = widget.locator(".lstm-reading").first.evaluate("e => e.textContent").replace("↵", "").lstrip("\n")
    assert shown == text[:longest].lstrip("\n")
    assert widget.locator("script, img, pre pre").count() == 0
    assert widget.page.title() == title
    assert_numpy_agrees(widget)
    for slider in widget.locator("input[type=range]").all():        # the ends of every slider are inside the text
        slider.press("End")
    assert_numpy_agrees(widget)


def test_a_link_brings_its_text_as_text_and_its_numbers_to_the_nearest_that_there_is(place, cls):
    """Also a number that has no control, and one whose slider ends where the text ends; of words that there are, the first."""
    traits = state_traits(cls)
    numbers = sorted(name for name, trait in traits.items() if isinstance(trait, (traitlets.Int, traitlets.Float)))
    words = [name for name, trait in traits.items() if isinstance(trait, traitlets.Enum)]
    text = {name: "<img src=x onerror='a'>" for name, trait in traits.items() if isinstance(trait, traitlets.Unicode)}
    huge = {name: sign * 1e300 for name, sign in zip(numbers, [1, -1] * 9)}
    nearest = {name: traits[name].max if huge[name] > 0 else traits[name].min for name in numbers}
    widget = place(state={**text, **huge, **dict.fromkeys(words, "__proto__")})
    state = model_of(widget)
    assert {name: state[name] for name in (*text, *numbers)} == {**text, **nearest}
    assert [state[name] for name in words] == [traits[name].values[0] for name in words]
    assert widget.locator("img").count() == 0


@pytest.mark.parametrize("cls", READERS)
def test_a_text_changed_in_places_is_read_as_if_afresh(place, cls):
    """Only what differs is computed again, so each way of changing a text could leave something stale."""
    widget = place()
    box = widget.locator("textarea")
    for change in ("box.fill(was.replace('gynaeceum', 'geranium'))", "box.press('End'); box.type(' yes')",
                   "box.fill(was[:40])", "box.fill('Z' + was)", "box.fill(was)"):
        was = box.input_value()
        exec(change, {"box": box, "was": was})
        assert_numpy_agrees(widget)


@pytest.mark.parametrize("cls", READERS)
def test_a_character_is_chosen_by_a_click_or_a_tap(place, cls):
    for settings in ({}, {"has_touch": True, "viewport": {"width": 320, "height": 700}}):
        widget = place(**settings)
        letter = widget.locator(".lstm-reading").first.locator("span[data-t='33']")
        letter.hover()
        until(widget, "place => /\\S  .*\\d/.test(place.querySelector('span[data-t=\"33\"]').title)")
        letter.tap() if settings else letter.click()
        until(widget, "place => place.model.state.position === 33")
        assert model_of(widget)["position"] == 33
        assert widget.locator(".lstm-reading").first.locator(".lstm-chosen").get_attribute("data-t") == "33"
        assert widget.locator("input[type=range]").nth(1 if cls is widgets.ReadACell else 0).input_value() == "33"


@pytest.mark.parametrize("cls", READERS)
def test_what_the_figure_says_in_words_is_to_be_heard_and_the_shaded_letters_are_not(place, cls):
    widget = place()
    model_of(widget)
    text = widget.locator(".lstm-figure[role=group]").aria_snapshot()
    assert ("Next character: “h” 84 %" if cls is widgets.ReadACell else "gives “i” a probability of") in text
    assert not re.search("gynaeceum|Plenty", text)                  # the text box has them


@pytest.mark.parametrize("cls", [widgets.ReadACell])
def test_nothing_follows_a_pattern_that_never_changes(place):
    widget = place()
    widget.locator("textarea").fill("nobody speaks")
    widget.get_by_label("pattern to look for").select_option(label="inside quotes")
    before = model_of(widget)
    widget.get_by_role("button", name="Find the unit").click()
    assert model_of(widget) == before
    until_said(widget, "Nothing can follow “inside quotes”")


@pytest.mark.parametrize("cls", [widgets.ReadACell])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_search_finds_the_unit_that_numpy_finds(place, pattern):
    widget = place(state={"pattern": pattern, "unit": 63})
    namespace = numbers_of_numpy(widget)
    widget.get_by_role("button", name="Find the unit").click()
    state, best = model_of(widget), int(np.abs(namespace["r"]).argmax())
    assert (state["quantity"], state["unit"]) == (("I", "F", "O", "C_tilde", "C", "H")[best // 64], best % 64)
    words = f"{namespace['r'][best]:.2f}".replace("-", "\u2212")
    until_said(widget, f"“{pattern}” is {words}")


@pytest.mark.parametrize("cls", [widgets.ReadACell])
def test_another_sample_is_another_text_and_a_low_temperature_makes_them_alike(place, cls):
    widget = place(state={"temperature": 1.0})
    another = widget.get_by_role("button", name="Let it write")
    first = model_of(widget)["trace"]["written"]
    another.click()
    assert model_of(widget)["trace"]["written"] != first
    assert_numpy_agrees(widget)
    widget.get_by_label("temperature").fill("0.1")
    for _ in range(3):
        another.click()
        trace = model_of(widget)["trace"]
        assert trace["written"][0] == np.argmax(trace["probabilities"])


@pytest.mark.parametrize("cls", [widgets.WhoIsRemembered])
def test_the_more_a_character_counts_the_more_it_is_shaded(place, cls):
    shade = "e => [...e.querySelectorAll('span')].map(s => Number(s.style.getPropertyValue('--s')))"
    for logarithmic in (False, True):
        widget = place(state={"position": 60, "logarithmic": logarithmic})
        trace = model_of(widget)["trace"]
        for row, kind in enumerate(("RNN", "GRU", "LSTM")):
            shades, norms = np.array(widget.locator(".lstm-reading").nth(row).evaluate(shade)), np.array(trace[kind])
            assert len(norms) == 60
            letters = widget.locator(".lstm-reading").nth(row).locator("span")
            ends = [letters.nth(int(k)) for k in (norms.argmin(), norms.argmax())]
            seen = [letter.evaluate("e => getComputedStyle(e).backgroundColor") for letter in ends]
            assert seen[0] != seen[1]
            assert (shades[60:] == 0).all()
            share = norms / norms.max()
            wanted = np.clip(1 + np.log10(share) / 4, 0, 1) if logarithmic else share
            np.testing.assert_allclose(shades[:60], wanted, atol=5.1e-4)


def test_weights_that_two_widgets_share_travel_once_and_are_light(site):
    html = (site / page_of(widgets.ReadACell)).read_text(encoding="utf-8")
    state = json.loads(re.search(r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', html, re.S)[1])
    weights = [text for text in state["texts"] if re.fullmatch(r"[A-Za-z0-9+/=]+", text)]
    assert len(weights) == 3 + 7 + 9                                # matrices of RNN, GRU and LSTM, with their output layers
    assert len(set(state["texts"])) == len(state["texts"])
    assert sum(map(len, weights)) <= 250_000
    assert all(html.count(text) == 1 for text in weights)


# Sets a control and counts the work, as calls of Math.tanh, that each slice of the computation does if every piece of it
# seems to take a second. Also says whether the old trace stood when the first slice was over.
SLICES = """async (place, [selector, value]) => {
    const [now, tanh, later] = [performance.now, Math.tanh, window.setTimeout];
    const [slices, before] = [[], place.model.state.trace];
    let [time, work] = [0, 0];
    const counted = begin => { work = 0; begin(); slices.push(work); };
    performance.now = () => (time += 1000);
    Math.tanh = x => { work += 1; return tanh(x); };
    window.setTimeout = (begin, wait, ...given) => later(() => counted(() => begin(...given)), wait);
    const control = place.querySelector(selector);
    control.value = value;
    counted(() => control.dispatchEvent(new Event("input")));
    const stood = place.model.state.trace === before;
    while (place.querySelector("[aria-busy=true]")) await new Promise(done => later(done));
    [performance.now, Math.tanh, window.setTimeout] = [now, tanh, later];
    return { slices, stood };
}"""
LONG = "The 'odd' time was late. " * 80                         # 2,000 characters


@pytest.mark.parametrize(("cls", "state", "selector", "value", "wanted"), [
    (widgets.TrainIt, {"num_steps": 30}, "input[max='200']", "200", 200 * 16 * 30 * 4 * 5),       # 16 sequences an update
    (widgets.ReadACell, {}, "textarea", LONG, 2000 * 64 * 5),
    (widgets.WhoIsRemembered, {"position": 400}, "textarea", LONG, 400 * 64 * (1 + 3 + 5)),
], ids=["TrainIt", "ReadACell", "WhoIsRemembered"])
def test_what_takes_long_is_done_in_slices_while_the_old_numbers_stand(place, state, selector, value, wanted):
    widget = place(state=state)
    done = widget.evaluate(SLICES, [selector, value])
    assert sum(done["slices"]) >= wanted
    assert max(done["slices"]) <= 20_000                        # 50 steps of an LSTM take 16,000, an update of TrainIt 13,440
    assert done["stood"]
    assert_numpy_agrees(widget)


SET = """const set = (selector, value) => {
    const control = place.querySelector(selector);
    control.value = value;
    control.dispatchEvent(new Event("input"));
};"""


@pytest.mark.parametrize("cls", [widgets.TrainIt])
def test_what_is_asked_for_last_takes_the_place_of_what_is_unfinished(place):
    widget = place()
    widget.evaluate(f"""place => {{ {SET} set("input[max='200']", 200); set("input[max='19']", 3); set("input[max='200']", 150);
        set("input[max='200']", 20); }}""")
    now = model_of(widget)
    assert (now["seed"], now["updates"], len(now["trace"]["losses"])) == (3, 20, 20)
    assert_numpy_agrees(widget)
    widget.evaluate(f"""place => {{ {SET} set("input[max='200']", 200);
        [...place.querySelectorAll("button")].find(button => button.textContent === "Reset").click(); }}""")
    assert model_of(widget) == model_of(place())


@pytest.mark.parametrize("cls", [widgets.ReadACell])
def test_a_button_pressed_too_early_acts_on_the_text_that_is_being_read(place):
    widget = place()
    state = widget.evaluate(f"""place => {{ {SET} performance.now = () => (place.time = (place.time ?? 0) + 1000);
        set("textarea", {json.dumps(LONG)}); place.querySelector(".lstm-buttons button").click();
        return place.model.state; }}""")
    assert state["unit"] == 28                                  # not yet
    found, r = model_of(widget), numbers_of_numpy(widget)["r"]
    best = int(np.abs(r).argmax())
    assert (found["quantity"], found["unit"]) == (("I", "F", "O", "C_tilde", "C", "H")[best // 64], best % 64)


RULES = {                                                       # what each task asks for, from the target before
    "latch": lambda c, value, command: c if command else value,
    "count": lambda c, value, command: c + command,
    "reset": lambda c, value, command: 0 if command else c + value,
    "ignore": lambda c, value, command: c if command else c + value,
}


@pytest.fixture
def cell_program(open_page):
    """cell_program(task, weights) is the widget on its page, and a function that runs its code in NumPy."""
    def cell_program(task, weights=None):
        state = json.dumps({"task": task, **(weights or {})})
        address = f"{page_of(widgets.ProgramACell)}#ProgramACell={quote(state)}"
        widget = open_page("http", address).locator("[data-widget=ready][data-name=ProgramACell]")
        widget.wait_for()
        return widget, functools.partial(numbers_of_numpy, widget)
    return cell_program


@pytest.mark.parametrize("task", RULES)
def test_a_solution_passes_and_does_not_when_any_of_its_weights_is_wrong(cell_program, task):
    widget, numpy = cell_program(task)
    assert not numpy()["passed"]
    solve = widget.get_by_role("button", name="Show a solution")
    solve.click()
    solution = {key: value for key, value in model_of(widget).items() if key[:2] in ("b_", "w_")}
    wrong = [key for key, value in solution.items() if value]
    assert len(wrong) >= 4
    for key in [None, *wrong]:
        solve.click()
        if key is not None:
            slider = widget.locator("input[type=range]").nth(["b_i", "w_i", "b_f", "w_f", "b_c", "w_c"].index(key))
            slider.press("Home" if solution[key] > 0 else "End")
        state, numpys = model_of(widget), numpy()
        assert {k for k in solution if state[k] != solution[k]} == ({key} if key else set())
        assert state["trace"]["score"] == numpys["score"]
        assert state["trace"]["passed"] is bool(numpys["passed"]) is (key is None), key
        until_said(widget, f": {round(20 * numpys['score'])} of 20 steps")
        assert ("Passed" in widget.locator(".lstm-sentence").inner_text()) is (key is None)


@pytest.mark.parametrize("task", RULES)
def test_the_target_is_what_the_task_says(cell_program, task):
    widget, numpy = cell_program(task)
    numpys, c, target = numpy(), 0, []
    for value, command in zip(numpys["value"], numpys["command"]):
        c = RULES[task](c, value, command)
        target.append(c)
    assert model_of(widget)["trace"]["target"] == target == numpys["target"].tolist()
    assert set(numpys["value"]) == {-1, 1}
    assert set(numpys["command"]) == {0, 1}


def test_what_chapter_5_gives_to_try_comes_out_as_it_says(cell_program):
    counting = {"b_i": -6, "w_i": 12, "b_f": 7, "w_f": 0, "b_c": 3, "w_c": 0}       # the solutions of count, of reset
    adding = {"b_i": 6, "w_i": -12, "b_f": 7, "w_f": -14, "b_c": 0, "w_c": 3}
    for task, weights, steps, last in [
        ("count", counting, 20, 9), ("count", {**counting, "b_f": 6}, 19, None), ("count", {**counting, "b_f": 4}, 9, None),
        ("count", {**counting, "w_c": 3}, 2, 5), ("reset", adding, 20, 3), ("ignore", {**adding, "w_f": 0}, 20, 3),
        ("ignore", {**adding, "w_f": 0, "b_f": 4}, 20, None),
    ]:
        trace = model_of(cell_program(task, weights)[0])["trace"]
        assert (round(20 * trace["score"]), trace["passed"]) == (steps, steps == 20), (task, weights)
        assert last is None or trace["C"][-1] == pytest.approx(last, abs=0.25)


def test_the_latch_of_the_widget_is_not_yet_the_one_of_the_exercise(cell_program):
    widget, numpy = cell_program("latch")
    widget.get_by_role("button", name="Show a solution").click()
    params = numpy()["cell"].params
    names = ("W_xi", "W_xf", "W_xc", "b_i", "b_f", "b_c")
    same = {name: params[name] for name in names}
    turned = {name: params[name] * (1 if name == "W_xc" else -1) for name in names}      # store where it held
    for answer in (same, turned):
        assert not memory_cell.latch_weights(lambda answer=answer: answer).passed


@pytest.mark.parametrize("cls", [widgets.TrainIt])
def test_the_first_twenty_losses_are_numpys(place):
    for state in ({"forget_bias": 3.0, "seed": 0}, {"forget_bias": 1.0, "seed": 7, "num_steps": 30}):
        widget = place(state={**state, "updates": 20})
        losses = model_of(widget)["trace"]["losses"]
        assert len(losses) == 20
        np.testing.assert_allclose(losses, numbers_of_numpy(widget)["losses"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("cls", [widgets.TrainIt])
def test_it_learns_with_a_high_forget_bias_and_not_with_a_low_one(place):
    for forget_bias, learns in ((3.0, True), (0.0, False)):
        trace = model_of(place(state={"forget_bias": forget_bias, "updates": 200}))["trace"]
        assert (min(trace["losses"]) < 0.05) == learns
        assert (min(trace["P"]) > 0.95) == learns


@pytest.mark.parametrize("cls", [widgets.TrainIt])
def test_one_update_more_is_the_next_of_the_same_run_and_the_slider_goes_back(place):
    widget = place(state={"updates": 10})
    ten = model_of(widget)["trace"]
    widget.get_by_role("button", name="One update").click()
    eleven = model_of(widget)
    assert eleven["updates"] == 11
    assert eleven["trace"]["losses"][:10] == ten["losses"]
    assert eleven["trace"]["C"] != ten["C"]
    widget.get_by_label("updates made").fill("10")
    assert model_of(widget)["trace"] == ten


@pytest.mark.parametrize("cls", [widgets.TrainIt])
@pytest.mark.parametrize(("label", "value"), [("forget bias", "1"), ("seed", "4"), ("length of a sequence", "25")])
def test_another_setting_starts_anew(place, label, value):
    widget = place(state={"updates": 30})
    widget.get_by_label(label, exact=True).fill(value)
    now = model_of(widget)
    assert (now["updates"], now["trace"]["losses"]) == (0, [])
    widget.get_by_label("unit shown").select_option("2")
    widget.get_by_role("button", name="One update").click()
    assert model_of(widget)["updates"] == 1
    assert_numpy_agrees(widget)


@pytest.mark.parametrize("cls", [widgets.TrainIt])
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_it_runs_by_itself_until_it_is_told_to_stop(place, motion):
    updates = "place => place.model.state.updates"
    drawings = """place => { window.drawings = 0;
        new MutationObserver(() => window.drawings++).observe(place.querySelector(".lstm-figure"), { childList: true }); }"""
    widget = place(reduced_motion=motion)
    run = widget.get_by_role("button", name="Run")
    widget.evaluate(drawings)
    run.click()
    until(widget, "place => place.model.state.updates >= 50")
    for stop in ("Pause", "Reset"):
        widget.get_by_role("button", name=stop).click()
        stopped = widget.evaluate(updates)
        widget.page.wait_for_timeout(300)
        assert widget.evaluate(updates) == stopped
        run.click()
    assert stopped == 0                                                 # Reset is the last
    until(widget, "place => place.model.state.updates === 200")
    counted = widget.page.evaluate("window.drawings")
    assert counted <= 12 if motion == "reduce" else counted >= 120
    assert_numpy_agrees(widget)


@pytest.mark.parametrize("cls", [widgets.TrainIt])
@pytest.mark.parametrize(("motion", "label", "value", "left_at"), [
    ("no-preference", "seed", "5", 0), ("reduce", "seed", "5", 0), ("no-preference", "updates made", "3", 3),
])
def test_a_run_ends_where_the_reader_sets_something_else(place, motion, label, value, left_at):
    widget = place(reduced_motion=motion)
    widget.get_by_role("button", name="Run").click()
    if motion != "reduce":                                              # there it would show nothing before update 50
        until(widget, "place => place.model.state.updates >= 4")
    widget.get_by_label(label, exact=True).fill(value)
    widget.page.wait_for_timeout(800)
    assert model_of(widget)["updates"] == left_at


@pytest.mark.parametrize("cls", [widgets.TrainIt])
def test_gates_that_forget_leave_the_sign_to_the_hidden_state_as_the_chapter_says(place):
    for forget_bias, low, high in ((1.0, 0, 0.05), (5.0, 0.85, 0.95)):
        trace = model_of(place(state={"forget_bias": forget_bias, "seed": 3, "updates": 200}))["trace"]
        C, F = np.array(trace["C"]), np.array(trace["F"])
        unit = np.abs(C[-1, 0] - C[-1, 1]).argmax()
        assert min(trace["P"]) > 0.95
        assert low <= F[3:, 0, unit].prod() <= high


def test_a_control_that_needs_a_kernel_says_so(open_page):
    tab = open_page("file", "chapters/07-from-scratch.html")
    tab.locator("[data-widget=needs-kernel]").get_by_text("needs a running kernel").wait_for()
