// Who is remembered? The gradient of one prediction in every earlier character, for an RNN, a GRU and an LSTM.
import { crossEntropy, denseBackward, denseForward, lstmBackward, rnnBackward, zeros } from "./lstm.js";
import { gruBackward } from "./gru.js";
import { PIECE, charactersOf, makeLetters, makeReader, named } from "./characters.js";
import { element, legend, makeWidget, plot, show } from "./ui.js";

const BACKWARD = { RNN: rnnBackward, GRU: gruBackward, LSTM: lstmBackward };
const LOOKS = { RNN: { dash: [2, 2], width: 2 }, GRU: { dash: [7, 3], width: 2 }, LSTM: { dash: [], width: 2.5 } };
const LONGEST_REMEMBERED = 400;
const readersOfAll = new WeakMap();

function readersOf(model) {
  if (!readersOfAll.has(model)) {
    const { characters, weights } = model.get("_models");
    readersOfAll.set(model, Object.fromEntries(Object.keys(BACKWARD).map((kind) => [kind, makeReader(kind, weights[kind], characters)])));
  }
  return readersOfAll.get(model);
}

/** The text after a line end, which is read first, so that there is always something to remember. */
const withStart = (text) => ["\n", ...charactersOf(text).slice(0, LONGEST_REMEMBERED)];

/** Norms of d loss / d X_t for the characters before the predicted one, and the loss in nats. */
function* remembered(kind, reader, characters, predicted) {
  const { indices, trace } = yield* reader.read(characters);
  const H = trace.H[predicted - 1];
  const { loss, d_Y } = crossEntropy(denseForward(reader.params, H), indices[predicted]);
  const norms = [];
  let d_state;
  for (let end = predicted; end > 0; end -= PIECE) {                    // back in time, a piece of the trace after the other
    const start = Math.max(0, end - PIECE);
    const steps = { state: reader.stateAfter(start - 1) };
    for (const name in trace) steps[name] ??= trace[name].slice(start, end);
    const d_H = steps.H.map((h) => zeros(h.length));
    if (end === predicted) d_H[end - start - 1] = denseBackward(reader.params, H, d_Y).d_H;
    const back = BACKWARD[kind](reader.params, steps, d_H, d_state, null);
    norms.unshift(...back.d_X.map((d) => Math.sqrt(d.reduce((sum, v) => sum + v * v, 0))));
    d_state = back.d_state;
    yield;
  }
  return { loss, norms };
}

function* compute({ text, position }, api) {
  const characters = withStart(text);
  const predicted = Math.min(position, characters.length - 1);
  const answer = { losses: [] };
  for (const [kind, reader] of Object.entries(readersOf(api.model))) {
    const { loss, norms } = yield* reader.once("norms", [text, predicted], () => remembered(kind, reader, characters, predicted));
    answer[kind] = norms;
    answer.losses.push(loss);
  }
  return answer;
}

/** How many of the last characters hold a share of the sum of all norms. */
function reach(norms, share) {
  const total = norms.reduce((a, b) => a + b, 0);
  let [count, sum] = [0, 0];
  while (count < norms.length && sum < share * total) sum += norms[norms.length - ++count];
  return count;
}

function draw(figure, trace, { text, position, logarithmic }, width, api) {
  const characters = withStart(text);
  const predicted = Math.min(position, characters.length - 1);
  if (!figure.firstChild) {
    const row = () => [element("p", { class: "lstm-row" }), makeLetters(0, (t) => api.set({ position: t }))];
    figure.append(...Object.keys(BACKWARD).flatMap(row), element("div"));
  }
  Object.keys(BACKWARD).forEach((kind, row) => {
    const norms = trace[kind];
    const most = Math.max(...norms);
    const strength = (v) => (logarithmic ? Math.max(0, 1 + Math.log10(v / most) / 4) : v / most) || 0;
    figure.children[2 * row].replaceChildren(element("strong", {}, kind),
      ` gives ${named(characters[predicted])} a probability of ${show(100 * Math.exp(-trace.losses[row]), 1)} %`);
    figure.children[2 * row + 1].write(characters, (t) => (t < predicted ? [strength(norms[t])] : [0, t > predicted ? "lstm-later" : "lstm-chosen"]),
      (t) => (t < predicted ? `${named(characters[t])}  ${norms[t].toExponential(2)}` : ""));
  });
  const shown = Math.min(predicted, 100);
  const lines = Object.entries(LOOKS).map(([kind, look]) => ({ values: trace[kind].slice(-shown).reverse(), label: kind, ...look }));
  figure.lastChild.replaceChildren(
    plot(width, { lines, log: true, height: 210, axes: ["characters back", "norm of the gradient"] }), legend(lines));
}

export default makeWidget({
  name: "WhoIsRemembered",
  role: "group",                    // its text is to be heard; what the shades and a click do, sentence and slider do
  title: "Who is remembered? The gradient of one prediction in each earlier character",
  controls: [
    { key: "text", kind: "text", label: `text to read: type your own; the first ${LONGEST_REMEMBERED} characters are read`, rows: 4, wide: true },
    { key: "position", kind: "range", label: "predicted character", min: 1, max: ({ text }) => withStart(text).length - 1, most: LONGEST_REMEMBERED, step: 1 },
    { key: "logarithmic", kind: "check", label: "shade by the logarithm, down to a ten-thousandth of the largest" },
  ],
  values: ({ text, position }) => {
    const characters = withStart(text);
    const predicted = Math.min(position, characters.length - 1);
    return { position: `${predicted} of ${characters.length - 1}: ${named(characters[predicted])}` };
  },
  compute,
  keeps: true,
  draw,
  describe: (trace, { text, position }) => {
    const characters = withStart(text);
    const predicted = Math.min(position, characters.length - 1);
    const part = (kind) => `${kind} ${reach(trace[kind], 0.5)} and ${reach(trace[kind], 0.9)}`;
    return `Predicting character ${predicted}, ${named(characters[predicted])}. This many of the characters before it hold half and nine tenths of the gradient, by its norm: `
      + `${part("RNN")}, ${part("GRU")}, ${part("LSTM")}.`;
  },
  table: (trace, { text, position }) => {
    const characters = withStart(text);
    const predicted = Math.min(position, characters.length - 1);
    return {
      head: ["before it, character", "RNN", "GRU", "LSTM"],
      rows: Array.from({ length: Math.min(predicted, 60) }, (_, k) => predicted - 1 - k)
        .map((t) => [`${predicted - t}: ${named(characters[t])}`, ...Object.keys(BACKWARD).map((kind) => trace[kind][t])]),
    };
  },
  numpy: ({ text, position }) => {
    const characters = withStart(text);
    return `import numpy as np
from d2l_utils.character_models import fold, load
from d2l_utils.losses import cross_entropy

models, vocab, _ = load()
text = ${JSON.stringify(characters.join(""))}      # a line end, which is read first, and the text
predicted = ${Math.min(position, characters.length - 1)}
X = vocab.encode(fold(text, vocab))[:, None]
norms, losses = {}, []
for kind, model in models.items():
    Y, trace, _ = model.forward(X[:predicted], model.begin_state(1))
    loss, d_Y = cross_entropy(Y[-1], X[predicted])
    d_H = np.zeros_like(trace.H)
    _, d_H[-1] = model.dense.backward(trace.H[-1], d_Y)
    _, d_X, _ = model.cell.backward(trace, d_H)
    norms[kind] = np.linalg.norm(d_X[:, 0], axis=1)
    losses.append(loss)
RNN, GRU, LSTM = norms.values()
print(losses, norms)`;
  },
});
