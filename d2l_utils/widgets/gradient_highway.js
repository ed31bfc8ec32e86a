// Gradient highway: how much of a gradient arrives how many steps back, in an RNN, in an LSTM, and on its direct path.
import { GATES, lstmBackward, lstmForward, mulberry32, rnnBackward, rnnForward, zeros } from "./lstm.js";
import { element, legend, makeWidget, plot, show } from "./ui.js";

const INPUTS = 4;
const HIDDENS = 16;
const LINES = [
  { name: "rnn_h", label: "RNN: ∂L/∂H", letter: "RNN", place: 0.85, dash: [2, 4] },
  { name: "lstm_h", label: "LSTM: ∂L/∂H", letter: "H", place: 0.95, dy: 15, part: "hidden" },
  { name: "lstm_c", label: "LSTM: the whole ∂L/∂C", letter: "C", place: 0.5, part: "cell" },
  { name: "direct", label: "LSTM: direct path alone", letter: "direct", place: 0.7, part: "cell", dash: [9, 3, 2, 3], width: 1.5 },
];

/** Numbers of mean 0 and standard deviation 1. */
const uniform = (random, n) => Float64Array.from({ length: n }, () => Math.sqrt(3) * (2 * random() - 1));

/** A product of n reflections, so an orthogonal matrix: each turns over one random direction u. */
function orthogonal(random, n) {
  const Q = zeros(n * n);
  for (let j = 0; j < n; j++) Q[j * n + j] = 1;
  for (let k = 0; k < n; k++) {
    const u = uniform(random, n);
    const length2 = u.reduce((sum, x) => sum + x * x, 0);
    for (let i = 0; i < n; i++) {
      let along = 0;
      for (let j = 0; j < n; j++) along += Q[i * n + j] * u[j];
      for (let j = 0; j < n; j++) Q[i * n + j] -= (2 * along * u[j]) / length2;
    }
  }
  return Q;
}

/** Natural logarithms of the norms of vectors in the order of their distance, relative to the first. */
function logNorms(vectors) {
  const logs = vectors.map((d) => Math.log(Math.hypot(...d)));
  return logs.map((log) => log - logs[0]);
}

/** Slope of the straight line through values at distance 1, 2, ... */
function slope([, ...values]) {
  const middle = (values.length - 1) / 2;
  let [up, along] = [0, 0];
  values.forEach((value, k) => { up += (k - middle) * value; along += (k - middle) ** 2; });
  return up / along;
}

function compute({ forget_bias, radius, num_steps, strength, seed }) {
  const random = mulberry32(seed);
  const params = {};
  for (const gate of ["h", ...GATES]) {
    params[`W_x${gate}`] = uniform(random, INPUTS * HIDDENS).map((w) => 0.5 * w);
    params[gate === "h" ? "W_hh" : `W_h${gate}`] = orthogonal(random, HIDDENS).map((w) => radius * w);
    params[`b_${gate}`] = zeros(HIDDENS).fill(gate === "f" ? forget_bias : 0);
  }
  const d_last = uniform(random, HIDDENS);
  const X = Array.from({ length: num_steps }, () => uniform(random, INPUTS).map((x) => strength * x));
  const d_H = X.map((_, t) => (t === num_steps - 1 ? d_last : zeros(HIDDENS)));

  const { W_xh, W_hh, b_h, ...lstm } = params;
  const rnn = { W_xh, W_hh, b_h };
  const d_rnn = rnnBackward(rnn, rnnForward(rnn, X), d_H).d_trace;
  const trace = lstmForward(lstm, X);
  const d_lstm = lstmBackward(lstm, trace, d_H).d_trace;
  const direct = [d_lstm.C[num_steps - 1]];
  for (let t = num_steps - 1; t > 0; t--) direct.push(direct.at(-1).map((d, j) => d * trace.F[t][j]));
  const logs = {
    rnn_h: logNorms(d_rnn.H.slice().reverse()), lstm_h: logNorms(d_lstm.H.slice().reverse()),
    lstm_c: logNorms(d_lstm.C.slice().reverse()), direct: logNorms(direct),
  };
  return { ...logs, slopes: LINES.map(({ name }) => slope(logs[name])) };
}

/** What a slope means: after how many steps half is left, or twice as much. */
function halfLife(perStep) {
  const steps = Math.LN2 / Math.abs(perStep);
  return steps > 999 ? "stays level" : `${perStep < 0 ? "halves" : "doubles"} every ${show(steps, 1)} steps`;
}

function draw(figure, trace, _, width) {
  const shortest = 1e-8;                          // less is lost when it is added, in float32, to what the last step sends
  const longest = Math.max(...LINES.flatMap(({ name }) => trace[name])) / Math.LN10;
  const lines = LINES.map((line) => {
    const values = trace[line.name].map((log) => (Math.exp(log) < shortest ? NaN : Math.exp(log)));
    return { ...line, values, at: Math.round(line.place * values.findLastIndex(Number.isFinite)) };
  });
  const y = [shortest, 10 ** Math.max(2, 2 * Math.ceil(longest / 2))];
  figure.append(plot(width, { lines, y, log: true, first: 0, height: 270, axes: ["distance in steps", "length, relative"] }),
    legend(lines));
}

function describe({ lstm_c, direct, slopes }) {
  const [rnn, , whole, alone] = slopes.map(halfLife);
  const share = Math.exp(direct.at(-1) - lstm_c.at(-1));
  return `Going back ${direct.length - 1} steps, the RNN's gradient ${rnn}. The LSTM's whole gradient ${whole}; what its direct path alone `
    + `brings ${alone}, and at the far end is ${share < 1e-4 ? "less than 0.0001" : show(share, share < 0.01 ? 4 : 2)} times as long as the whole.`;
}

const scientific = (log) => {
  const [digits, exponent] = (log / Math.LN10 < -300 ? "0e0" : Math.exp(log).toExponential(3)).split("e");
  return `${digits} × 10^${show(Number(exponent), 0)}`;
};

export default makeWidget({
  name: "GradientHighway",
  title: "Gradient highway: what arrives how far back",
  controls: [
    { key: "forget_bias", kind: "range", label: "forget bias", part: "forget_gate", min: -2, max: 6, step: 0.1 },
    { key: "radius", kind: "range", label: "spectral radius ρ", min: 0.05, max: 1.5, step: 0.05 },
    { key: "strength", kind: "range", label: "size of the input", min: 0, max: 2, step: 0.1 },
    { key: "num_steps", kind: "range", label: "length of the sequence", min: 10, max: 80, step: 1 },
    { key: "seed", kind: "range", label: "seed of weights and input", min: 0, max: 99, step: 1 },
  ],
  values: ({ forget_bias, radius, strength, num_steps, seed }) => ({
    forget_bias: `${show(forget_bias, 1)}: log σ = ${show(-Math.log1p(Math.exp(-forget_bias)))}`,
    radius: `${show(radius, 2)}: log ρ = ${show(Math.log(radius))}`,
    strength: show(strength, 1),
    num_steps: `${num_steps} steps`,
    seed: String(seed),
  }),
  compute,
  draw,
  describe,
  table: (trace) => ({
    head: ["", ...LINES.map(({ label }) => label)],
    rows: [["slope", ...trace.slopes], ["half-life", ...trace.slopes.map(halfLife)],
      ...trace.rnn_h.map((_, k) => [`distance ${k}`, ...LINES.map(({ name }) => scientific(trace[name][k]))])],
  }),
  numpy: ({ forget_bias, radius, num_steps, strength, seed }) => `import numpy as np
from d2l_utils.cells import LSTM, RNN
from d2l_utils.widgets.random import Mulberry32

generator = Mulberry32(${seed})
rnn = RNN(${INPUTS}, ${HIDDENS})
lstm = LSTM(${INPUTS}, ${HIDDENS}, forget_bias=${forget_bias})

def uniform(*shape):               # mean 0, standard deviation 1
    return np.sqrt(3) * (2 * generator.random(shape) - 1)

def orthogonal(n):                 # a product of n reflections
    Q = np.eye(n)
    for u in uniform(n, n):
        Q -= 2 * np.outer(Q @ u, u) / (u @ u)
    return Q

for cell, gate in [(rnn, "h"), *((lstm, gate) for gate in "ifco")]:
    cell.params[f"W_x{gate}"] = 0.5 * uniform(${INPUTS}, ${HIDDENS})
    cell.params[f"W_h{gate}"] = ${radius} * orthogonal(${HIDDENS})
d_last = uniform(1, ${HIDDENS})
X = ${strength} * uniform(${num_steps}, 1, ${INPUTS})

def gradients(cell):
    trace, _ = cell.forward(X, cell.begin_state(1))
    d_H, d_trace = np.zeros_like(trace.H), trace.empty_like()
    d_H[-1] = d_last
    cell.backward(trace, d_H, d_trace=d_trace)
    return trace, d_trace

def log_norms(d):                  # by distance, relative to the first
    logs = np.log(np.linalg.norm(d[::-1, 0], axis=-1))
    return logs - logs[0]

def slope(logs):
    return np.polyfit(np.arange(1, len(logs)), logs[1:], 1)[0]

_, d_rnn = gradients(rnn)
trace, d_lstm = gradients(lstm)
d_direct = d_lstm.C.copy()
for t in reversed(range(${num_steps - 1})):
    d_direct[t] = d_direct[t + 1] * trace.F[t + 1]

rnn_h, lstm_h = log_norms(d_rnn.H), log_norms(d_lstm.H)
lstm_c, direct = log_norms(d_lstm.C), log_norms(d_direct)
slopes = np.array([slope(logs) for logs in (rnn_h, lstm_h, lstm_c, direct)])
print(slopes)                      # a half-life is -log(2) / slope`,
});
