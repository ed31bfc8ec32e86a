// What all widgets share: native controls with labels, a figure, a sentence that is read out, the numbers as a table, the
// same in NumPy, reset, and a copy of the state. A widget says what it has; see makeWidget.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children. Text is text: nothing is ever read as markup. */
export function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title", "polyline"].includes(tag);
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
  const id = `lstm-control-${Math.random().toString(36).slice(2)}`;     // modules do not know of each other
  const text = element("span", { class: "lstm-value" });
  const label = element("label", { for: id }, spec.label);
  let input;
  if (spec.kind === "range") {
    input = element("input", { id, type: "range", min: spec.min, max: spec.max, step: spec.step ?? "any" });
    input.addEventListener("input", () => changed(Number(input.value)));
  } else if (spec.kind === "choice") {
    const options = spec.options.map(([name, words], k) => element("option", { value: k }, words ?? String(name)));
    input = element("select", { id }, ...options);
    input.addEventListener("change", () => changed(spec.options[input.value][0]));
  } else if (spec.kind === "check") {
    input = element("input", { id, type: "checkbox" });
    input.addEventListener("change", () => changed(input.checked));
  } else {
    input = element("textarea", { id, rows: spec.rows ?? 3, spellcheck: "false" });
    input.addEventListener("input", () => changed(input.value));
  }
  input.dataset.lmSuppressShortcuts = "true";                             // JupyterLab would take the arrow keys for its own
  const row = element("div", { class: `lstm-control lstm-${spec.kind}${spec.wide ? " lstm-wide" : ""}` }, ...(spec.kind === "check" ? [input, label] : [label, input]), text);
  const inks = { cell: "var(--w-ink)", hidden: "var(--w-muted)" };       // the two greys have to show in the dark too
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
    is "range" (min, max, or max(state), step, part: whose hue it has), "choice" (options: [[value, words], ...]), "check" or "text"; wide: true gives it a row of its own, with room for words;
    also: what else is set when the reader changes it.
    buttons: a list of {label, press(api)}. values(state, trace): words beside each control, by key.
    compute(state): the numbers, a plain object that becomes the model's `trace`. draw(figure, trace, state, width): puts
    children into the element `figure`, which is `width` pixels wide. describe(trace, state): one sentence, read out after
    a change. table(trace, state): {head: [...], rows: [[...], ...]}. numpy(state): Python code that gives each entry of
    the trace as a variable of its name. role: of the figure, if it is not "img", whose text nobody hears but in the sentence.
    The api given to a button, and after the other arguments to compute, draw, describe and table, has state, trace, model,
    set(changes), update(): what it changes is drawn and sent to the kernel. */
export function makeWidget(spec) {
  return {
    render({ model, el }) {
      const keys = spec.keys ?? spec.controls.map((c) => c.key);
      const read = () => Object.fromEntries(keys.map((key) => [key, model.get(key)]));
      for (const c of spec.controls) {                               // a link may ask for what no control can set
        const value = c.step === 1 ? Math.round(model.get(c.key)) : model.get(c.key);
        if (c.kind === "choice" && !c.options.some(([known]) => known === value)) model.set(c.key, c.options[0][0]);
        if (c.kind === "range") model.set(c.key, Math.min(typeof c.max === "function" ? Infinity : c.max, Math.max(c.min, value)));
      }
      const beginning = read();
      let trace;
      let waiting;
      const controls = spec.controls.map((c) => [c, control(c, model.get(c.key), (value) => api.set({ [c.key]: value, ...c.also }))]);
      const figure = element("div", { class: "lstm-figure", role: spec.role ?? "img" });
      const sentence = element("p", { class: "lstm-sentence", "aria-live": "polite" });
      const table = element("div", { class: "lstm-scroll", tabindex: "0", role: "region", "aria-label": `The numbers of ${spec.title}` });
      const code = element("pre");                                       // the theme takes a folded pre out of the tab order
      const listing = element("div", { class: "lstm-scroll", tabindex: "0", role: "region", "aria-label": `${spec.title} in NumPy` }, code);
      const numbers = element("details", { ontoggle: () => update() }, element("summary", {}, "The numbers"), table);
      const numpy = element("details", { ontoggle: () => update() }, element("summary", {}, "The same in NumPy"), listing);
      const said = element("span", { class: "lstm-said", role: "status" });
      const api = {
        get state() { return read(); },
        get trace() { return trace; },
        model,
        set(changes) {
          for (const key in changes) model.set(key, changes[key]);
          update();
        },
        update: () => update(),
      };
      const buttons = [
        ...(spec.buttons ?? []).map((b) => element("button", { type: "button", onclick: () => b.press(api) }, b.label)),
        element("button", { type: "button", onclick: () => { spec.stop?.(api); api.set(beginning); } }, "Reset"),
        element("button", { type: "button", onclick: () => copy(model, spec, read(), said) }, "Copy this state"),
      ];

      function update() {
        const state = read();
        trace = spec.compute(state, api);
        model.set("trace", plain(trace));
        model.save_changes();
        const words = spec.values?.(state, trace) ?? {};
        for (const [c, made] of controls) made.put(state[c.key], words[c.key] ?? (c.kind === "range" ? show(state[c.key], 2) : undefined), state);
        const sentenceNow = spec.describe(trace, state, api);
        figure.replaceChildren();
        spec.draw(figure, trace, state, figure.clientWidth || 600, api);
        figure.setAttribute("aria-label", sentenceNow);
        clearTimeout(waiting);                                      // a dragged slider is read out where it stops
        waiting = setTimeout(() => { sentence.textContent = sentenceNow; }, sentence.textContent ? 300 : 0);
        if (numbers.open) table.replaceChildren(asTable(spec.table(trace, state, api)));
        if (numpy.open) code.textContent = spec.numpy(state);
      }

      el.replaceChildren(element("section", { class: "lstm-widget", "aria-label": spec.title },
        element("p", { class: "lstm-title", "aria-hidden": "true" }, spec.title),
        element("div", { class: "lstm-controls" }, ...controls.map(([, made]) => made.row)),
        figure, sentence, element("div", { class: "lstm-buttons" }, ...buttons, said), numbers, numpy));
      update();
      keys.forEach((key) => model.on(`change:${key}`, update));     // changes that come from Python
      const resized = new ResizeObserver(() => {
        if (figure.clientWidth !== Number(figure.dataset.width)) {
          figure.dataset.width = figure.clientWidth;
          update();
        }
      });
      resized.observe(figure);
      return () => {
        spec.stop?.(api);
        resized.disconnect();
        keys.forEach((key) => model.off(`change:${key}`, update));
      };
    },
  };
}

/** Typed arrays as lists, all the way down, so that the numbers can travel to Python. */
const plain = (value) => JSON.parse(JSON.stringify(value, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v)));

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
  } catch {                                                         // no permission: let the reader copy it by hand
    const field = element("input", { type: "text", readonly: true, "aria-label": "This state, to copy", value: text });
    said.replaceChildren("Copy this: ", field);
    field.select();
  }
}

/** Lines over steps first, first + 1, ... as an SVG. lines: [{values, part, label, dash, width, letter, at, dy}], where part gives
    hue and dash; letter is written at the value number `at`, dy pixels below the line (above it if left out).
    y: [smallest, largest], or left out. axes: the words under and beside the axes. marks: steps to mark with a rule. The svg's
    at(t, v) is the place [x, y] of the value v at entry t. */
export function plot(width, { lines, y, axes = ["time step", "value"], height = 220, marks = [], log = false, first = 1 }) {
  const margin = { left: 54, right: 12, top: 10, bottom: 38 };
  const scale = log ? (v) => Math.log10(Math.max(v, Number.MIN_VALUE)) : (v) => v;
  const all = lines.flatMap((line) => Array.from(line.values, scale)).filter(Number.isFinite);
  let [low, high] = y ? y.map(scale) : [Math.min(...all), Math.max(...all)];
  if (!(high > low)) [low, high] = [low - 1, high + 1];
  const steps = Math.max(...lines.map((line) => line.values.length), 2);
  const px = (t) => margin.left + ((width - margin.left - margin.right) * t) / (steps - 1);
  const py = (v) => height - margin.bottom - ((height - margin.top - margin.bottom) * (scale(v) - low)) / (high - low);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  svg.at = (t, v) => [px(t), py(v)];
  const size = 10 ** Math.floor(Math.log10((high - low) / 2));
  const step = log ? Math.max(1, Math.ceil((high - low) / 6)) : size * [1, 2, 5, 10].find((k) => (high - low) / (size * k) <= 5.5);
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + 1e-9; tick += step) {
    const at = log ? 10 ** tick : tick;
    svg.append(element("line", { x1: margin.left, x2: width - margin.right, y1: py(at), y2: py(at), class: "lstm-grid" }),
      element("text", { x: margin.left - 6, y: py(at) + 4, "text-anchor": "end" }, log ? power(tick) : show(tick, step < 0.1 ? 2 : step < 1 ? 1 : 0)));
  }
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((k) => steps / k <= width / 50) ?? 1000;
  for (let t = first; t < first + steps; t++) {
    if (t === first || t % every === 0) svg.append(element("text", { x: px(t - first), y: height - margin.bottom + 16, "text-anchor": "middle" }, String(t)));
  }
  svg.append(element("text", { x: (margin.left + width - margin.right) / 2, y: height - 4, "text-anchor": "middle" }, axes[0]),
    element("text", { transform: `translate(12 ${(height - margin.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, axes[1]));
  for (const t of marks) svg.append(element("line", { x1: px(t), x2: px(t), y1: margin.top, y2: height - margin.bottom, class: "lstm-mark" }));
  for (const line of lines) {
    const points = Array.from(line.values, (v, t) => [px(t), py(v)]).filter((p) => p.every(Number.isFinite));
    svg.append(element("polyline", {
      points: points.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" "), fill: "none",
      stroke: line.part ? PALETTE.hues[line.part] : "currentColor", "stroke-width": line.width ?? (line.part === "cell" ? 3 : 2),
      "stroke-dasharray": (line.dash ?? (line.part ? PALETTE.dashes[line.part] : [])).join(" "),
    }));
  }
  for (const { letter, at, dy = -5, values } of lines) {                          // above all lines
    if (letter && Number.isFinite(values[at])) svg.append(element("text", {
      x: px(at), y: py(values[at]) + dy, "text-anchor": "middle", "paint-order": "stroke", stroke: "white", "stroke-width": 3,
    }, letter));
  }
  return svg;
}

const power = (exponent) => "10" + String(exponent).replace(/[-\d]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

/** The key to a plot, as text: a sample of each line and its name. lines: as for plot, with label. */
export function legend(lines) {
  return element("p", { class: "lstm-legend" }, ...lines.map((line) => element("span", {},
    element("svg", { width: 34, height: 10, "aria-hidden": "true" }, element("line", {
      x1: 0, x2: 34, y1: 5, y2: 5, stroke: line.part ? PALETTE.hues[line.part] : "currentColor", "stroke-width": line.width ?? 2.5,
      "stroke-dasharray": (line.dash ?? (line.part ? PALETTE.dashes[line.part] : [])).join(" "),
    })), ` ${line.label}`)));
}
