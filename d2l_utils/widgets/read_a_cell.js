// Read a cell: a text coloured by one gate or state of one unit of the character LSTM, and the search for units that follow
// a pattern.
import { mulberry32 } from "./lstm.js";
import { PATTERNS, charactersOf, correlations, makeLetters, makeReader, named } from "./characters.js";
import { element, legend, makeWidget, plot, show } from "./ui.js";

const QUANTITIES = { I: "input_gate", F: "forget_gate", O: "output_gate", C_tilde: "candidate", C: "cell", H: "hidden" };
const SIGNS = { I: "I", F: "F", O: "O", C_tilde: "C̃", C: "C", H: "H" };
const NUM_WRITTEN = 80;
const readers = new WeakMap();
const percent = (p) => `${show(100 * p, p < 0.0995 ? 1 : 0)} %`;
const largest = (numbers) => numbers.reduce((best, value, k) => (Math.abs(value) > Math.abs(numbers[best]) ? k : best), 0);
const nameOf = (k) => { const name = Object.keys(QUANTITIES)[Math.floor(k / 64)]; return [name, k % 64]; };
const inWords = (name, unit) => `${PALETTE.names[QUANTITIES[name]]} ${SIGNS[name]} of unit ${unit}`;

function readerOf(model) {
  if (!readers.has(model)) {
    const { characters, weights } = model.get("_models");
    readers.set(model, makeReader("LSTM", weights.LSTM, characters));
  }
  return readers.get(model);
}

/** Correlations of all series with the pattern, and the strongest of them with the pattern shifted by half the text. */
function* search(characters, trace, pattern) {
  const wanted = PATTERNS[pattern](characters);
  const kept = wanted.length - Math.floor(wanted.length / 2);
  const shifted = [...wanted.slice(kept), ...wanted.slice(0, kept)];
  const [r, control] = [[], []];
  for (const name in QUANTITIES) {
    r.push(...correlations(trace[name], wanted));
    yield;
    control.push(...correlations(trace[name], shifted));
    yield;
  }
  return { r, shifted_best: Math.abs(control[largest(control)]) };
}

function* compute({ text, pattern, quantity, unit, position, temperature, seed }, api) {
  const reader = readerOf(api.model);
  const characters = charactersOf(text);
  const { trace } = yield* reader.read(characters);
  const last = Math.min(position, characters.length) - 1;
  const share = (name, test) => trace[name].filter((v) => test(v[unit])).length / characters.length;
  return {
    values: trace[quantity].map((v) => v[unit]),
    probabilities: reader.next(trace.H[last]),
    saturation: ["I", "F", "O"].map((name) => [share(name, (v) => v < 0.1), share(name, (v) => v > 0.9)]),
    ...yield* reader.once("search", [text, pattern], () => search(characters, trace, pattern)),
    written: yield* reader.once("written", [text, last, temperature, seed], () => reader.write(last, NUM_WRITTEN, temperature, mulberry32(seed))),
  };
}

/** The likeliest next characters: [[character, probability], ...]. */
function likeliest(trace, alphabet, count) {
  const order = Array.from(trace.probabilities.keys()).sort((a, b) => trace.probabilities[b] - trace.probabilities[a]);
  return order.slice(0, count).map((k) => [alphabet[k], trace.probabilities[k]]);
}

function draw(figure, trace, { text, pattern, quantity, unit, position }, width, api) {
  const { alphabet } = readerOf(api.model);
  const characters = charactersOf(text);
  const last = Math.min(position, characters.length) - 1;
  const part = QUANTITIES[quantity];
  const scale = quantity === "C" ? Math.max(1, ...trace.values.map(Math.abs)) : 1;
  if (!figure.firstChild) figure.append(makeLetters(1, (t) => api.set({ position: t })), element("div"));
  const [letters, rest] = figure.children;
  letters.style.setProperty("--shade", ["cell", "hidden"].includes(part) ? "currentColor" : PALETTE.hues[part]);
  letters.write(characters, (t) => [Math.abs(trace.values[t]) / scale,
    [trace.values[t] < 0 && "lstm-negative", t === last && "lstm-chosen"].filter(Boolean).join(" ")],
  (t) => `${named(characters[t])}  ${SIGNS[quantity]} = ${show(trace.values[t])}`);
  const bars = likeliest(trace, alphabet, 6).map(([c, p]) => element("span", { class: "lstm-bar" },
    element("span", { style: `width: ${(p * 5).toFixed(2)}rem` }), `${named(c)} ${percent(p)}`));
  const from = Math.max(0, Math.min(last - 60, characters.length - 121));        // the curve of the surroundings can be read
  const around = (values) => values.slice(from, from + 121);
  const wanted = PATTERNS[pattern](characters);
  const top = Math.max(...wanted, 1);
  const lines = [
    { values: around(wanted).map((v) => (v / top) * scale), label: `${pattern}, scaled`, dash: [1.5, 3], width: 1.5 },
    { values: around(trace.values), part, label: inWords(quantity, unit) },
  ];
  rest.replaceChildren(
    element("p", { class: "lstm-bars" }, "Next character: ", ...bars),
    plot(width, { lines, y: [Math.min(0, ...trace.values), scale], height: 150, first: from + 1, marks: [last - from], axes: ["character", "value"] }),
    legend(lines),
    element("p", {}, "It writes on:"),
    element("p", { class: "lstm-reading" }, characters.slice(Math.max(0, last - 30), last + 1).join(""),
      element("strong", {}, trace.written.map((k) => alphabet[k]).join(""))),
  );
}

function describe(trace, { text, pattern, quantity, unit, position }, api) {
  const { alphabet } = readerOf(api.model);
  const characters = charactersOf(text);
  const last = Math.min(position, characters.length) - 1;
  const next = likeliest(trace, alphabet, 3).map(([c, p]) => `${named(c)} ${percent(p)}`).join(", ");
  const [name, best] = nameOf(largest(trace.r));
  const own = trace.r[64 * Object.keys(QUANTITIES).indexOf(quantity) + unit];
  const row = ["I", "F", "O"].indexOf(quantity);
  const saturated = row < 0 ? "" : ` It is below 0.1 for ${percent(trace.saturation[row][0])} of the text and above 0.9 for ${percent(trace.saturation[row][1])}.`;
  const follows = trace.r[largest(trace.r)] === 0 ? `Nothing can follow “${pattern}”, which is the same all over this text.`
    : `Its correlation with “${pattern}” is ${show(own, 2)}. The strongest of all 384 is that of the ${inWords(name, best)}, ${show(trace.r[largest(trace.r)], 2)}; `
    + `with the pattern shifted by half the text the strongest is ${show(trace.shifted_best, 2)} in size.`;
  return `After character ${last + 1} of ${characters.length}, ${named(characters[last])}, the ${inWords(quantity, unit)} is ${show(trace.values[last])}; `
    + `next come ${next}.${saturated} ${follows}`;
}

export default makeWidget({
  name: "ReadACell",
  role: "group",                    // its text is to be heard; what the shades and a click do, sentence and slider do
  title: "Read a cell: what one unit of a trained LSTM does over a text",
  keys: ["text", "pattern", "quantity", "unit", "position", "temperature", "seed"],
  controls: [
    { key: "text", kind: "text", label: "text to read: type your own; the first 2,000 characters are read", rows: 5, wide: true },
    { key: "quantity", kind: "choice", label: "colour the text by", options: Object.keys(QUANTITIES).map((name) => [name, `${PALETTE.names[QUANTITIES[name]]} ${SIGNS[name]}`]) },
    { key: "pattern", kind: "choice", label: "pattern to look for", options: Object.keys(PATTERNS).map((name) => [name, name]) },
    { key: "unit", kind: "range", label: "unit", min: 0, max: 63, step: 1 },
    { key: "position", kind: "range", label: "character", min: 1, max: ({ text }) => charactersOf(text).length, most: 2000, step: 1 },
    { key: "temperature", kind: "range", label: "temperature of what it writes on", min: 0.1, max: 2, step: 0.1 },
  ],
  hidden: [{ key: "seed", kind: "range", min: 0, max: 999, step: 1 }],
  buttons: [
    { label: "Find the unit that follows the pattern", press: (api) => {
      const best = largest(api.trace.r);
      const [quantity, unit] = nameOf(best);
      if (api.trace.r[best] !== 0) api.set({ quantity, unit });
    } },
    { label: "Let it write something else", press: (api) => api.set({ seed: (api.state.seed + 1) % 1000 }) },
  ],
  values: ({ text, unit, position, temperature }) => {
    const characters = charactersOf(text);
    const last = Math.min(position, characters.length);
    return { unit: String(unit), position: `${last} of ${characters.length}: ${named(characters[last - 1])}`, temperature: show(temperature, 1) };
  },
  compute,
  keeps: true,
  draw,
  describe,
  table: (trace, { unit, pattern, position }, api) => ({
    head: ["", "number"],
    rows: [
      ...Array.from(trace.r.keys()).sort((a, b) => Math.abs(trace.r[b]) - Math.abs(trace.r[a])).slice(0, 8)
        .map((k) => [`correlation with “${pattern}”: ${inWords(...nameOf(k))}`, trace.r[k]]),
      [`strongest with the pattern shifted by half the text`, trace.shifted_best],
      ...["I", "F", "O"].flatMap((name, k) => ["below 0.1", "above 0.9"].map((where, side) => [`share of the text with ${inWords(name, unit)} ${where}`, trace.saturation[k][side]])),
      ...likeliest(trace, readerOf(api.model).alphabet, 10).map(([c, p]) => [`probability that ${named(c)} comes next`, p]),
    ],
  }),
  numpy: ({ text, pattern, quantity, unit, position, temperature, seed }) => {
    const characters = charactersOf(text);
    const last = Math.min(position, characters.length) - 1;
    return `import numpy as np
from d2l_utils.character_models import fold, load
from d2l_utils.datasets.patterns import PATTERNS, correlations
from d2l_utils.losses import softmax
from d2l_utils.widgets.random import Mulberry32

models, vocab, _ = load()
lstm = models["LSTM"]
text = ${JSON.stringify(characters.join(""))}
X = vocab.encode(fold(text, vocab))[:, None]
Y, gates, _ = lstm.forward(X, lstm.begin_state(1))
I, F, O = gates.I[:, 0], gates.F[:, 0], gates.O[:, 0]
C_tilde, C, H = gates.C_tilde[:, 0], gates.C[:, 0], gates.H[:, 0]
values = ${quantity}[:, ${unit}]
saturation = [[(gate < 0.1).mean(), (gate > 0.9).mean()] for gate in (I[:, ${unit}], F[:, ${unit}], O[:, ${unit}])]
pattern = PATTERNS["${pattern}"](text)
series = np.concatenate([I, F, O, C_tilde, C, H], axis=1)
r = correlations(series, pattern)
shifted_best = np.abs(correlations(series, np.roll(pattern, len(text) // 2))).max()

Y, _, state = lstm.forward(X[:${last + 1}], lstm.begin_state(1))
probabilities = softmax(Y[-1, 0])
written, random = [], Mulberry32(${seed})
for _ in range(${NUM_WRITTEN}):
    p = softmax(Y[-1, 0] / ${temperature})
    written.append(int((np.cumsum(p) <= random.random()).sum()))
    Y, state = lstm.scores(np.array([[written[-1]]]), state)
print(text[:${last + 1}] + vocab.decode(written))`;
  },
});
