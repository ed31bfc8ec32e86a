// Gate lab: four weighted sums and the old cell by slider, and what one LSTM cell makes of them.
import { sigmoid } from "./lstm.js";
import { element, makeWidget, show } from "./ui.js";

const ROWS = [["i", "input gate", "I"], ["f", "forget gate", "F"], ["o", "output gate", "O"]];

function compute({ z_i, z_f, z_o, z_c, c }) {
  const [I, F, O] = [z_i, z_f, z_o].map(sigmoid);
  const C_tilde = Math.tanh(z_c);
  const C = F * c + I * C_tilde;
  return { I, F, O, C_tilde, C, H: O * Math.tanh(C) };
}

/** The cell as a line from left to right; each stream is as wide as what flows in it is large. */
function draw(figure, trace, state, width) {
  const { I, F, O, C_tilde, C, H } = trace;
  const narrow = width < 460;
  const at = (x) => (x * Math.min(width, 640)) / 560;
  const shown = (value) => (state.predict ? "?" : show(value, 2));
  const strength = (value) => (state.predict ? 0.2 : value);
  const svg = element("svg", { width: at(560), height: 225, "aria-hidden": "true" });
  const stream = (points, value, part) => svg.append(element("polyline", {
    points: points.map(([x, y]) => `${at(x)},${y}`).join(" "), fill: "none", stroke: PALETTE.hues[part],
    "stroke-width": 1 + 5 * Math.min(2, Math.abs(value)), "stroke-dasharray": PALETTE.dashes[part].join(" "),
  }));
  const node = (x, y, sign) => svg.append(
    element("circle", { cx: at(x), cy: y, r: 14, fill: "white", stroke: "currentColor", "stroke-width": 1.5 }),
    element("text", { x: at(x), y: y + 5, "text-anchor": "middle" }, sign));
  const words = (x, y, part, long, value) => svg.append(
    element("text", { x: Math.max(at(x), 17), y, "text-anchor": "middle" }, narrow ? part : long),
    element("text", { x: Math.max(at(x), 17), y: y + 17, "text-anchor": "middle", "font-weight": 600 }, value));

  stream([[62, 40], [150, 40]], state.c, "cell");
  stream([[150, 40], [290, 40]], strength(F * state.c), "cell");
  stream([[290, 40], [500, 40]], strength(C), "cell");
  stream([[150, 180], [150, 40]], F, "forget_gate");
  stream([[230, 180], [230, 110], [290, 110]], I, "input_gate");
  stream([[350, 180], [350, 110], [290, 110]], C_tilde, "candidate");
  stream([[290, 110], [290, 40]], strength(I * C_tilde), "cell");
  stream([[420, 40], [420, 145]], strength(Math.tanh(C)), "cell");
  stream([[420, 180], [420, 145]], O, "output_gate");
  stream([[420, 145], [500, 145]], strength(H), "hidden");
  node(150, 40, "×");
  node(290, 40, "+");
  node(290, 110, "×");
  svg.append(element("rect", { x: at(420) - 21, y: 68, width: 42, height: 22, rx: 5, fill: "white", stroke: "currentColor", "stroke-width": 1.5 }),
    element("text", { x: at(420), y: 83, "text-anchor": "middle" }, "tanh"));
  node(420, 145, "×");
  words(30, 36, "old C", "old cell", show(state.c, 2));
  words(530, 36, "C", "cell C", shown(C));
  words(530, 141, "H", "hidden H", shown(H));
  words(150, 197, "F", "forget gate F", show(F, 2));
  words(240, 197, "I", "input gate I", show(I, 2));
  words(345, 197, "C̃", "candidate C̃", show(C_tilde, 2));
  words(430, 197, "O", "output gate O", show(O, 2));
  figure.append(svg);
}

function describe({ I, F, O, C_tilde, C, H }, { c, predict }) {
  const made = `C = F × old cell + I × candidate = ${show(F, 2)} × ${show(c, 2)} + ${show(I, 2)} × ${show(C_tilde, 2)}`;
  const seen = `H = O × tanh(C) = ${show(O, 2)} × `;
  return predict
    ? `${made}. How large is C, and how much of it does H = O × tanh(C) show? Say it to yourself, then press “Look”.`
    : `${made} = ${show(C)}; ${seen}tanh(${show(C, 2)}) = ${show(H)}.`;
}

export default makeWidget({
  name: "GateLab",
  title: "Gate lab: one step of one cell",
  controls: [
    { key: "z_i", kind: "range", label: "sum into the input gate", part: "input_gate", min: -6, max: 6, step: 0.1 },
    { key: "z_f", kind: "range", label: "sum into the forget gate", part: "forget_gate", min: -6, max: 6, step: 0.1 },
    { key: "z_o", kind: "range", label: "sum into the output gate", part: "output_gate", min: -6, max: 6, step: 0.1 },
    { key: "z_c", kind: "range", label: "sum into the candidate", part: "candidate", min: -3, max: 3, step: 0.1 },
    { key: "c", kind: "range", label: "old cell", part: "cell", min: -2, max: 2, step: 0.1 },
    { key: "predict", kind: "check", label: "hide the result: predict first" },
  ],
  buttons: [{ label: "Look", press: (api) => api.set({ predict: false }) }],
  values: (state, trace) => ({
    ...Object.fromEntries(ROWS.map(([gate, , name]) => [`z_${gate}`, `σ(${show(state[`z_${gate}`], 1)}) = ${show(trace[name], 2)}`])),
    z_c: `tanh(${show(state.z_c, 1)}) = ${show(trace.C_tilde, 2)}`,
  }),
  compute,
  draw,
  describe,
  table: (trace, state) => ({
    head: ["", "weighted sum", "value"],
    rows: [...ROWS.map(([gate, words, name]) => [words, state[`z_${gate}`], trace[name]]), ["candidate", state.z_c, trace.C_tilde],
      ["old cell", "", state.c], ["cell", "", trace.C], ["hidden state", "", trace.H]],
  }),
  numpy: ({ z_i, z_f, z_o, z_c, c }) => `import numpy as np
from d2l_utils.cells import sigmoid

I, F, O = sigmoid(${z_i}), sigmoid(${z_f}), sigmoid(${z_o})
C_tilde = np.tanh(${z_c})
C = F * ${c < 0 ? `(${c})` : c} + I * C_tilde
H = O * np.tanh(C)
print(C, H)`,
});
