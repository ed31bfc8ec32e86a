// What all widgets share: native controls with labels, a figure, a sentence that is read out, the numbers as a table, the
// same in NumPy, reset, and a copy of the state. A widget says what it has; see makeWidget.

const SVG = "http://www.w3.org/2000/svg";
const SLICE = 10;  // milliseconds of computing, after which the page may answer its reader

/** An element with attributes and children. Text is text: nothing is ever read as markup. */
export function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "rect", "circle", "text", "polyline"].includes(tag);
  const made = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** A number for people: three digits after the point, a true minus sign. */
export const show = (x, digits = 3) => (Number.isFinite(x) ? x.toFixed(digits).replace(/^-0\.?0*$/, (0).toFixed(digits)) : String(x))
  .replace("-", "−");

function control(spec, value, changed) {
  const id = `lstm-control-${Math.random().toString(36).slice(2)}`;  // modules do not know of each other
  const text = element("span", { class: "lstm-value" });
  const label = element("label", { for: id }, spec.label);
  let input;
  if (spec.kind === "range") {
    input = element("input", { id, type: "range", min: spec.min, max: spec.max, step: spec.step ?? "any", oninput: () => changed(Number(input.value)) });
  } else if (spec.kind === "choice") {
    const options = spec.options.map(([name, words], k) => element("option", { value: k }, words ?? String(name)));
    input = element("select", { id, onchange: () => changed(spec.options[input.value][0]) }, ...options);
  } else if (spec.kind === "check") {
    input = element("input", { id, type: "checkbox", onchange: () => changed(input.checked) });
  } else {
    input = element("textarea", { id, rows: spec.rows ?? 3, spellcheck: "false", oninput: () => changed(input.value) });
  }
  input.dataset.lmSuppressShortcuts = "true";  // JupyterLab would take the arrow keys for its own
  const row = element("div", { class: `lstm-control lstm-${spec.kind}${spec.wide ? " lstm-wide" : ""}` }, ...(spec.kind === "check" ? [input, label] : [label, input]), text);
  const inks = { cell: "var(--w-ink)", hidden: "var(--w-muted)" };  // the two greys have to show in the dark too
  if (spec.part) row.style.setProperty("--part", inks[spec.part] ?? PALETTE.hues[spec.part]);
  return {
    row,
    put(now, words, state) {
      if (typeof spec.max === "function") input.max = spec.max(state);
      if (spec.kind === "check") input.checked = now;
      else if (spec.kind === "choice") input.value = spec.options.findIndex(([name]) => name === now);
      else if (input.value !== String(now)) input.value = now;
      text.textContent = words ?? "";
      if (spec.kind === "range" && words !== undefined) input.setAttribute("aria-valuetext", words);
    },
  };
}

/** A widget as anywidget and the static page's host want it: {render({model, el})}.

    title: its name in words. controls: a list of {key, kind, label, ...}, where key is a trait of the Python class and kind
    is "range" (min, max, or max(state) and the most that it can ever be, step, part: whose hue it has), "choice" (options: [[value, words], ...]), "check" or "text"; wide: true gives it a row of its own, with room for words;
    hidden: the like for a key that has no control and still has a range;
    also: what else is set when the reader changes it.
    buttons: a list of {label, press(api)}. values(state, trace): words beside each control, by key.
    compute(state): the numbers, a plain object that becomes the model's `trace`. Where that takes long it is a generator that
    yields between pieces of work; until it ends the section is aria-busy and the old figure stays. draw(figure, trace,
    state, width): puts children into the element `figure`, which is `width` pixels wide and empty, unless keeps. describe(trace, state): one
    sentence, read out after a change. table(trace, state): {head: [...], rows: [[...], ...]}. numpy(state): Python code that gives each entry of
    the trace as a variable of its name. role: of the figure, if it is not "img", whose text nobody hears but in the sentence.
    The api given to a button, and after the other arguments to compute, draw, describe and table, has state, trace, model,
    set(changes): what it changes is drawn and sent to the kernel. */
export function makeWidget(spec) {
  return {
    render({ model, el }) {
      const keys = spec.keys ?? spec.controls.map((c) => c.key);
      const read = () => Object.fromEntries(keys.map((key) => [key, model.get(key)]));
      for (const c of [...spec.controls, ...(spec.hidden ?? [])]) {  // a link may ask for what no control can set
        const value = c.step === 1 ? Math.round(model.get(c.key)) : model.get(c.key);
        if (c.kind === "choice" && !c.options.some(([known]) => known === value)) model.set(c.key, c.options[0][0]);
        if (c.kind === "range") model.set(c.key, Math.min(c.most ?? c.max, Math.max(c.min, value)));
      }
      const beginning = read();
      let [state, trace, width, waiting, pending, pressed] = [];  // state: the one that trace belongs to
      let own = false;  // whether a change is the widget's, not Python's
      const controls = spec.controls.map((c) => [c, control(c, model.get(c.key), (value) => api.set({ [c.key]: value, ...c.also }))]);
      const figure = element("div", { class: "lstm-figure", role: spec.role ?? "img" });
      const sentence = element("p", { class: "lstm-sentence", "aria-live": "polite" });
      const code = element("pre");  // the theme takes a folded pre out of the tab order
      const fold = (words, label, content) => element("details", { ontoggle: unfold }, element("summary", {}, words),
        element("div", { class: "lstm-scroll", tabindex: "0", role: "region", "aria-label": label }, content));
      const numbers = fold("The numbers", `The numbers of ${spec.title}`);
      const numpy = fold("The same in NumPy", `${spec.title} in NumPy`, code);
      const said = element("span", { class: "lstm-said", role: "status" });
      const api = {
        get state() { return read(); },
        get trace() { return trace; },
        model,
        set(changes) {
          own = true;
          for (const key in changes) model.set(key, changes[key]);
          own = false;
          update();
        },
      };
      const button = (label, onclick) => element("button", { type: "button", onclick }, label);
      const buttons = [
        ...(spec.buttons ?? []).map((b) => button(b.label, () => {
          if (section.ariaBusy === "true") pressed = b;  // it acts on what is being computed
          else b.press(api);
        })),
        button("Reset", () => { pressed = undefined; spec.stop?.(api); api.set(beginning); }),
        button("Copy this state", () => copy(model, spec, read(), said)),
      ];
      const section = element("section", { class: "lstm-widget", "aria-label": spec.title },
        element("p", { class: "lstm-title", "aria-hidden": "true" }, spec.title),
        element("div", { class: "lstm-controls" }, ...controls.map(([, made]) => made.row)),
        figure, sentence, element("div", { class: "lstm-buttons" }, ...buttons, said), numbers, numpy);

      /** Begins to compute; what is asked for later takes the place of what is unfinished. */
      function update(slice = SLICE) {
        clearTimeout(pending);
        const asked = read();
        const work = spec.compute(asked, api);
        proceed(asked, work.next ? work : { next: () => ({ done: true, value: work }) }, slice);
      }

      function proceed(asked, work, slice) {
        const end = performance.now() + slice;
        let step;
        do step = work.next(); while (!step.done && performance.now() < end);
        section.ariaBusy = true;
        if (!step.done) pending = setTimeout(proceed, 0, asked, work, slice);
        else if (performance.now() > end - slice / 2) pending = setTimeout(answer, 0, asked, step.value);  // drawing takes its time too
        else answer(asked, step.value);
      }

      function answer(asked, made) {
        section.ariaBusy = false;
        [state, trace] = [asked, made];
        model.set("trace", plain(trace));
        model.save_changes();
        const words = spec.values?.(state, trace) ?? {};
        for (const [{ key, kind }, { put }] of controls) put(state[key], words[key] ?? (kind === "range" ? show(state[key], 2) : undefined), state);
        redraw();
        const now = spec.describe(trace, state, api);
        figure.setAttribute("aria-label", now);
        clearTimeout(waiting);  // a dragged slider is read out where it stops
        waiting = setTimeout(() => { sentence.textContent = now; }, sentence.textContent ? 300 : 0);
        unfold();
        const next = pressed;
        pressed = undefined;
        next?.press(api);
      }

      function redraw() {
        width = figure.clientWidth;
        if (!spec.keeps) figure.replaceChildren();
        spec.draw(figure, trace, state, width || 600, api);
      }

      function unfold() {
        if (numbers.open) numbers.lastChild.replaceChildren(asTable(spec.table(trace, state, api)));
        if (numpy.open) code.textContent = spec.numpy(state);
      }

      el.replaceChildren(section);
      update(Infinity);  // whoever finds it started finds its numbers
      const changed = () => own || update();  // changes that come from Python
      keys.forEach((key) => model.on(`change:${key}`, changed));
      const resized = new ResizeObserver(() => figure.clientWidth === width || redraw());
      resized.observe(figure);
      return () => {
        spec.stop?.(api);
        clearTimeout(pending);
        resized.disconnect();
        keys.forEach((key) => model.off(`change:${key}`, changed));
      };
    },
  };
}

/** Typed arrays as lists, all the way down, so that the numbers can travel to Python. */
function plain(value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Object ? Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plain(v)])) : value;
}

function asTable({ head, rows }) {
  const cell = (value) => (typeof value === "number" ? show(value, 6) : String(value));
  return element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((words) => element("th", { scope: "col" }, words)))),
    element("tbody", {}, ...rows.map(([first, ...rest]) => element("tr", {},
      element("th", { scope: "row" }, cell(first)), ...rest.map((value) => element("td", {}, cell(value)))))));
}

/** In the book a link that opens the page in this state; in Jupyter, where there is no such page, the state as Python. */
async function copy(model, spec, state, said) {
  const python = (value) => (typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value));
  const text = model.link?.(state)
    ?? `${spec.name}(${Object.entries(state).map(([key, value]) => `${key}=${python(value)}`).join(", ")})`;
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied.";
  } catch {  // no permission: let the reader copy it by hand
    const field = element("input", { type: "text", readonly: true, "aria-label": "This state, to copy", value: text });
    said.replaceChildren("Copy this: ", field);
    field.select();
  }
}

const stroke = ({ part, width, dash = PALETTE.dashes[part] ?? [] }, usual) => ({
  stroke: PALETTE.hues[part] ?? "currentColor", "stroke-width": width ?? usual, "stroke-dasharray": dash.join(" "),
});

/** Lines over steps first, first + 1, ... as an SVG. lines: [{values, part, label, dash, width, letter, at, dy}], where part gives
    hue and dash; letter is written at the value number `at`, dy pixels below the line (above it if left out).
    y: [smallest, largest], or left out. axes: the words under and beside the axes. marks: steps to mark with a rule. The svg's
    at(t, v) is the place [x, y] of the value v at entry t. */
export function plot(width, { lines, y, axes = ["time step", "value"], height = 220, marks = [], log = false, first = 1 }) {
  const [left, right, top, bottom] = [54, width - 12, 10, height - 38];
  const scale = log ? (v) => Math.log10(Math.max(v, Number.MIN_VALUE)) : (v) => v;
  const all = lines.flatMap((line) => Array.from(line.values, scale)).filter(Number.isFinite);
  let [low, high] = y ? y.map(scale) : [Math.min(...all), Math.max(...all)];
  if (!(high > low)) [low, high] = [low - 1, high + 1];
  const steps = Math.max(...lines.map((line) => line.values.length), 2);
  const px = (t) => left + ((right - left) * t) / (steps - 1);
  const py = (v) => bottom - ((bottom - top) * (scale(v) - low)) / (high - low);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  svg.at = (t, v) => [px(t), py(v)];
  const write = (x, y, words, more) => svg.append(element("text", { x, y, "text-anchor": "middle", ...more }, words));
  const size = 10 ** Math.floor(Math.log10((high - low) / 2));
  const step = log ? Math.max(1, Math.ceil((high - low) / 6)) : size * [1, 2, 5, 10].find((k) => (high - low) / (size * k) <= 5.5);
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + 1e-9; tick += step) {
    const at = log ? 10 ** tick : tick;
    svg.append(element("line", { x1: left, x2: right, y1: py(at), y2: py(at), class: "lstm-grid" }));
    write(left - 6, py(at) + 4, log ? power(tick) : show(tick, step < 0.1 ? 2 : step < 1 ? 1 : 0), { "text-anchor": "end" });
  }
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((k) => steps / k <= width / 50) ?? 1000;
  for (let t = first; t < first + steps; t++) {
    if (t === first || t % every === 0) write(px(t - first), bottom + 16, String(t));
  }
  write((left + right) / 2, height - 4, axes[0]);
  write(0, 0, axes[1], { transform: `translate(12 ${bottom / 2}) rotate(-90)` });
  for (const t of marks) svg.append(element("line", { x1: px(t), x2: px(t), y1: top, y2: bottom, class: "lstm-mark" }));
  for (const line of lines) {
    const points = Array.from(line.values, (v, t) => [px(t), py(v)]).filter((p) => p.every(Number.isFinite));
    svg.append(element("polyline", {
      points: points.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" "), fill: "none", ...stroke(line, line.part === "cell" ? 3 : 2),
    }));
  }
  for (const { letter, at, dy = -5, values } of lines) {  // above all lines
    if (letter && Number.isFinite(values[at])) write(px(at), py(values[at]) + dy, letter, { "paint-order": "stroke", stroke: "white", "stroke-width": 3 });
  }
  return svg;
}

const power = (exponent) => "10" + String(exponent).replace(/[-\d]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

/** The key to a plot, as text: a sample of each line and its name. lines: as for plot, with label. */
export function legend(lines) {
  return element("p", { class: "lstm-legend" }, ...lines.map((line) => element("span", {},
    element("svg", { width: 34, height: 10, "aria-hidden": "true" }, element("line", {
      x1: 0, x2: 34, y1: 5, y2: 5, ...stroke(line, 2.5),
    })), ` ${line.label}`)));
}
