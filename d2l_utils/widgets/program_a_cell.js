// Program a cell: the weights of one LSTM cell by slider, four tasks, and its trace against what the task asks for.
import { lstmForward, zeros } from "./lstm.js";
import { element, legend, makeWidget, plot, show } from "./ui.js";

const TOLERANCE = 0.25;
// the same twenty steps for every task: a value, +1 or -1, and a command, 0 or 1
const VALUES = [1, 1, -1, -1, -1, -1, -1, -1, 1, 1, 1, -1, 1, 1, 1, 1, -1, 1, 1, 1];
const COMMANDS = [0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0];
const STEPS = VALUES.length;

// command: what a 1 means. next: the target after a step from the one before it. solution: weights that pass.
const TASKS = {
  latch: {
    words: "Take over the value at every step; while the command is 1, hold what you have.",
    command: "hold", axis: [-1.5, 1.5], next: (c, value, command) => (command ? c : value),
    solution: { b_i: 5, w_i: -10, b_f: -5, w_f: 10, b_c: 0, w_c: 3 },
  },
  count: {
    words: "Count the steps at which the command is 1; the values do not matter.",
    command: "count", axis: [-1, 10], next: (c, value, command) => c + command,
    solution: { b_i: -6, w_i: 12, b_f: 7, w_f: 0, b_c: 3, w_c: 0 },
  },
  reset: {
    words: "Add up the values; where the command is 1, go back to 0.",
    command: "reset", axis: [-5, 4], next: (c, value, command) => (command ? 0 : c + value),
    solution: { b_i: 6, w_i: -12, b_f: 7, w_f: -14, b_c: 0, w_c: 3 },
  },
  ignore: {
    words: "Add up the values; where the command is 1, leave the value out.",
    command: "ignore", axis: [-3, 4], next: (c, value, command) => (command ? c : c + value),
    solution: { b_i: 6, w_i: -12, b_f: 7, w_f: 0, b_c: 0, w_c: 3 },
  },
};

const near = (c, target) => Math.abs(c - target) <= TOLERANCE;

function compute({ task, b_i, w_i, b_f, w_f, b_c, w_c }) {
  const params = { W_xo: zeros(2), b_o: zeros(1) };
  for (const [gate, weights, bias] of [["i", [0, w_i], b_i], ["f", [0, w_f], b_f], ["c", [w_c, 0], b_c]]) {
    params[`W_x${gate}`] = Float64Array.from(weights);
    params[`b_${gate}`] = Float64Array.of(bias);
  }
  for (const gate of "ifco") params[`W_h${gate}`] = zeros(1);
  const whole = lstmForward(params, VALUES.map((value, t) => [value, COMMANDS[t]]));
  const [I, F, C_tilde, C, H] = ["I", "F", "C_tilde", "C", "H"].map((name) => whole[name].map(([number]) => number));
  const target = [];
  VALUES.forEach((value, t) => target.push(TASKS[task].next(target[t - 1] ?? 0, value, COMMANDS[t])));
  const score = C.filter((c, t) => near(c, target[t])).length / STEPS;
  return { I, F, C_tilde, C, H, target, score, passed: score === 1 };
}

/** The two inputs, the cell among the boxes of its target, and below them the gates, step under step. */
function draw(figure, { I, F, C_tilde, C, target }, { task }, width) {
  const { command, axis } = TASKS[task];
  const hue = "currentColor";
  const text = (x, y, words, anchor = "middle") => element("text", { x, y, "text-anchor": anchor }, words);
  const box = (x, y, w, h, fill = "none") => element("rect", { x: x - w / 2, y, width: w, height: h, fill, stroke: hue });
  const cell = { values: C, part: "cell", label: "C, what the cell holds" };
  const axes = ["time step", "memory cell"];
  const held = plot(width, { lines: [cell], y: [Math.min(axis[0], ...C), Math.max(axis[1], ...C)], axes, height: 230 });
  const [[first], [last]] = [held.at(0, 0), held.at(STEPS - 1, 0)];
  const inputs = element("svg", { width, height: 44, "aria-hidden": "true" },
    text(36, 15, "value", "end"), text(36, 37, command, "end"),
    element("line", { x1: first, x2: last, y1: 11, y2: 11, stroke: hue }));
  target.forEach((wanted, t) => {
    const [x, top] = held.at(t, wanted + TOLERANCE);
    const bottom = held.at(t, wanted - TOLERANCE)[1];
    inputs.append(box(x, VALUES[t] > 0 ? 3 : 11, 5, 8, hue));                 // a bar up or down
    if (COMMANDS[t]) inputs.append(box(x, 25, 10, 16), text(x, 37, "1"));
    held.append(box(x, top, 7, bottom - top));
    if (!near(C[t], wanted)) held.append(text(x, (top + bottom) / 2 + 4, "×"));
  });
  const key = legend([cell]);
  const sample = element("svg", { width: 12, height: 16, "aria-hidden": "true" }, box(6, 1, 7, 14));
  key.append(element("span", {}, sample, ` target ± ${TOLERANCE}`), element("span", {}, "× missed"));
  const gates = [
    { part: "input_gate", label: "I, input gate", letter: "I", at: 2, values: I },
    { part: "forget_gate", label: "F, forget gate", letter: "F", at: 10, values: F },
    { part: "candidate", label: "C̃, candidate", letter: "C̃", at: 6, values: C_tilde },
  ];
  figure.append(inputs, held, key,
    plot(width, { lines: gates, y: [-1, 1.3], axes: ["time step", "gate"], height: 160 }), legend(gates));
}

function describe({ I, F, C_tilde, C, target, score, passed }, { task }) {
  const name = task[0].toUpperCase() + task.slice(1);
  const verdict = `${name}: ${Math.round(score * STEPS)} of ${STEPS} steps are within ${TOLERANCE} of the target`;
  if (passed) return `${verdict}. Passed.`;
  const t = C.findIndex((c, k) => !near(c, target[k]));
  return `${verdict}. The first miss is step ${t + 1}, value ${VALUES[t] > 0 ? "+1" : "−1"}, command ${COMMANDS[t]}: `
    + `with the input gate at ${show(I[t], 2)}, the forget gate at ${show(F[t], 2)} and the candidate at `
    + `${show(C_tilde[t], 2)} the cell comes to ${show(C[t], 2)}, and the target is ${show(target[t], 0)}.`;
}

/** A weight as wide for -16 as for 0, so that nothing jumps, and where the gate stands with it. */
const stands = (weight, gate) => `${show(weight, 1).padStart(5, "\u2007")} → ${show(gate, 2)}`;

const slider = (key, label, part, most) => ({ key, label, part, kind: "range", min: -most, max: most, step: 0.5 });

export default makeWidget({
  name: "ProgramACell",
  title: "Program a cell: one cell, four tasks",
  controls: [
    { key: "task", kind: "choice", wide: true, label: "task", options: Object.keys(TASKS).map((task) => [task]) },
    slider("b_i", "input bias", "input_gate", 8),
    slider("w_i", "input × command", "input_gate", 16),
    slider("b_f", "forget bias", "forget_gate", 8),
    slider("w_f", "forget × command", "forget_gate", 16),
    slider("b_c", "candidate bias", "candidate", 4),
    slider("w_c", "candidate × value", "candidate", 4),
  ],
  buttons: [{ label: "Show a solution", press: (api) => api.set(TASKS[api.state.task].solution) }],
  values: ({ task, b_i, w_i, b_f, w_f, b_c, w_c }, { I, F }) => {
    const [off, on] = [0, 1].map((command) => COMMANDS.indexOf(command));     // a bias shows off, a weight shows on
    return {
      task: TASKS[task].words,
      b_i: stands(b_i, I[off]), w_i: stands(w_i, I[on]), b_f: stands(b_f, F[off]), w_f: stands(w_f, F[on]),
      b_c: show(b_c, 1), w_c: show(w_c, 1),
    };
  },
  compute,
  draw,
  describe,
  table: ({ I, F, C_tilde, C, H, target }) => ({
    head: ["step", "value", "command", "input gate I", "forget gate F", "candidate C̃", "cell C", "target", "hidden H"],
    rows: VALUES.map((value, t) => [
      String(t + 1), show(value, 0), String(COMMANDS[t]), I[t], F[t], C_tilde[t], C[t], show(target[t], 0), H[t],
    ]),
  }),
  numpy: (state) => `import numpy as np
from d2l_utils.cells import LSTM

value = np.array([${VALUES.join(", ")}])
command = np.array([${COMMANDS.join(", ")}])     # 1: ${TASKS[state.task].command}
target = np.array([${compute(state).target.join(", ")}])

cell = LSTM(num_inputs=2, num_hiddens=1, sigma=0.0)      # every weight is 0
cell.params["W_xi"][:, 0], cell.params["b_i"][0] = (0, ${state.w_i}), ${state.b_i}
cell.params["W_xf"][:, 0], cell.params["b_f"][0] = (0, ${state.w_f}), ${state.b_f}
cell.params["W_xc"][:, 0], cell.params["b_c"][0] = (${state.w_c}, 0), ${state.b_c}

X = np.stack([value, command], axis=-1)[:, np.newaxis]   # (num_steps, batch_size, num_inputs)
trace, _ = cell.forward(X, cell.begin_state(1))
I, F, C_tilde, C, H = (getattr(trace, name)[:, 0, 0] for name in ("I", "F", "C_tilde", "C", "H"))
score = np.mean(np.abs(C - target) <= ${TOLERANCE})
passed = score == 1
print(C, score)`,
});
