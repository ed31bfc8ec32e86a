// Train it: an LSTM of four units learns in the page to keep a marked sign until the end of a noisy sequence.
import { adam, crossEntropy, denseBackward, denseForward, lstmBackward, lstmForward, mulberry32, sigmoid, softmax, zeros } from "./lstm.js";
import { legend, makeWidget, plot, show } from "./ui.js";

const MOST = 200;  // updates
const HIDDENS = 4;
const BATCH = 16;
const RATE = 0.03;
const MARKED = 2;  // the test sequences' marker
const SOLVED = 0.05;
const NAMES = ["I", "F", "O", "C_tilde", "C", "H"];
const runs = new WeakMap();  // what each widget on the page has trained

const list = (n, entry) => Array.from({ length: n }, entry);

/** Pairs of value and marker: the bit as +1 or -1 where the marker is, at step `at`, and noise elsewhere. */
const sequence = (noise, bit, at) => noise.map((u, t) => Float64Array.of(t === at ? 2 * bit - 1 : u - 0.5, t === at ? 1 : 0));

/** A network before its first update. history: the weights after each. */
function begin({ forget_bias, seed, num_steps }, key) {
  const random = mulberry32(seed);
  const weights = (n) => zeros(n).map(() => random() - 0.5);
  const params = {};
  for (const gate of ["i", "f", "o", "c"]) {
    params[`W_x${gate}`] = weights(2 * HIDDENS);
    params[`W_h${gate}`] = weights(HIDDENS * HIDDENS);
    params[`b_${gate}`] = zeros(HIDDENS).fill(gate === "f" ? forget_bias : 0);
  }
  params.W_hq = weights(HIDDENS * 2);
  params.b_q = zeros(2);
  return { key, random, num_steps, history: [params], losses: [] };
}

/** One update. Rounded to single precision each time, the weights are the same on all machines; otherwise training would
    blow up what differs in the last digit. */
function learn(run) {
  const { random, num_steps, history } = run;
  const params = history.at(-1);
  const noise = list(num_steps, () => list(BATCH, random));
  const bits = list(BATCH, () => (random() < 0.5 ? 1 : 0));
  const places = list(BATCH, () => Math.floor(5 * random()));
  const sum = {};
  let total = 0;
  bits.forEach((bit, k) => {
    const trace = lstmForward(params, sequence(noise.map((row) => row[k]), bit, places[k]));
    const H = trace.H.at(-1);
    const { loss, d_Y } = crossEntropy(denseForward(params, H), bit);
    const dense = denseBackward(params, H, d_Y);
    const d_H = trace.H.map((h) => (h === H ? dense.d_H : zeros(HIDDENS)));
    const grads = { ...lstmBackward(params, trace, d_H).grads, ...dense.grads };
    for (const name in grads) sum[name] = grads[name].map((g, j) => (sum[name]?.[j] ?? 0) + g / BATCH);
    total += loss / BATCH;
  });
  const next = adam(params, sum, run.moments, RATE);
  for (const name in params) next.params[name] = next.params[name].map(Math.fround);
  history.push(next.params);
  run.moments = next.moments;
  run.losses.push(total);
}

function* compute(state, api) {
  const { forget_bias, seed, num_steps, updates } = state;
  const key = [forget_bias, seed, num_steps].join();
  if (runs.get(api)?.key !== key) runs.set(api, begin(state, key));
  const run = runs.get(api);
  while (run.losses.length < updates) {
    learn(run);
    yield;
  }
  const params = run.history[updates];
  const noise = list(num_steps, mulberry32(2026));
  const tests = [1, 0].map((bit) => lstmForward(params, sequence(noise, bit, MARKED)));
  const trace = Object.fromEntries(NAMES.map((name) => [name, noise.map((_, t) => tests.map((test) => test[name][t]))]));
  const P = [1, 0].map((bit, k) => softmax(denseForward(params, tests[k].H.at(-1)))[bit]);
  return { losses: run.losses.slice(0, updates), P, ...trace };
}

const stop = (api) => cancelAnimationFrame(runs.get(api)?.frame);

/** Two updates a frame, until the last one or until the reader sets something else. Who wants no motion sees every 50th. */
function start(api) {
  stop(api);
  const run = runs.get(api);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let made = api.state.updates;
  let shown = made;
  const frame = () => {
    if (runs.get(api) !== run || api.state.updates !== shown || made >= MOST) return;
    run.frame = requestAnimationFrame(frame);
    if (run.losses.length < shown) return;                             // what the slider asked for is not yet learned
    made = Math.min(made + 2, MOST);
    while (run.losses.length < made) learn(run);
    if (!still || made % 50 === 0) api.set({ updates: shown = made });
  };
  frame();
}

/** The unit shown, from 0: the one asked for, or the one whose cells end furthest apart. */
function unitOf({ C }, { unit }) {
  const [plus, minus] = C.at(-1);
  const apart = plus.map((c, j) => Math.abs(c - minus[j]));
  return unit > 0 ? unit - 1 : apart.indexOf(Math.max(...apart));
}

function draw(figure, trace, state, width) {
  const j = unitOf(trace, state);
  const seen = trace.losses.map((loss) => Math.min(2, Math.max(5e-4, loss)));
  const level = (value, letter) => ({ values: list(MOST, () => value), dash: [2, 4], width: 1, letter, at: 160 });
  const lines = [level(Math.LN2, "a guess"), level(SOLVED, "solved"), { values: seen }];
  const line = (name, k, place, more) => ({ values: trace[name].map((step) => step[k][j]), at: Math.round(state.num_steps * place), letter: name, ...more });
  const gates = ["input_gate", "forget_gate", "output_gate"].map((part, k) => line("IFO"[k], 0, 0.5 + 0.15 * k, { part, label: PALETTE.names[part], dy: k ? undefined : 15 }));
  const cells = [line("C", 0, 0.8, { part: "cell", letter: "+1", label: "cell, +1 marked" }),
    line("C", 1, 0.8, { part: "cell", letter: "−1", label: "cell, −1 marked", dash: [2, 4], width: 2 })];
  const reach = Math.ceil(Math.max(1, ...cells.flatMap(({ values }) => values.map(Math.abs))));
  const marks = [MARKED];
  figure.append(plot(width, { lines, y: [5e-4, 2], log: true, height: 190, axes: ["update", "loss in nats"] }),
    plot(width, { lines: gates, y: [0, 1.15], height: 150, axes: ["", `gates, unit ${j + 1}`], marks }),
    plot(width, { lines: cells, y: [-reach, reach], height: 160, axes: ["time step", `cell, unit ${j + 1}`], marks }),
    legend([...gates, ...cells]));
}

function describe({ losses, C, F, P }, state) {
  if (!losses.length) return "No update yet: the network guesses, at a loss of about 0.69 nats. Press “Run”, or “One update”. A new forget bias, seed or length starts anew at 0 updates.";
  const j = unitOf({ C }, state);
  const first = losses.findIndex((loss) => loss < SOLVED) + 1;
  const kept = F.slice(MARKED + 1).reduce((product, step) => product * step[0][j], 1);
  const [plus, minus] = C.at(-1).map((c) => show(c[j], 2));
  return `Loss after ${losses.length} of ${MOST} updates: ${show(losses.at(-1))} nats, ${first ? `below ${SOLVED} at update ${first}` : `never below ${SOLVED}`}. `
    + `The cell of unit ${j + 1} ends at ${plus} for +1 and ${minus} for −1; its forget gates after the marker multiply to ${show(kept)}. `
    + `Probability of the right sign: ${show(P[0], 2)} and ${show(P[1], 2)}.`;
}

function table(trace, state) {
  const j = unitOf(trace, state);
  const steps = trace.C.map(([, minus], t) => [`step ${t + 1}`, ...NAMES.map((name) => trace[name][t][0][j]), minus[j]]);
  return { head: [`unit ${j + 1}`, ...NAMES, "C for −1"], rows: [...steps, ...trace.losses.map((loss, k) => [`loss ${k + 1}`, loss])] };
}

const also = { updates: 0 };

export default makeWidget({
  name: "TrainIt",
  title: "Train it: four units learn to keep a sign",
  controls: [
    { key: "forget_bias", kind: "range", label: "forget bias", part: "forget_gate", min: -2, max: 5, step: 0.5, also },
    { key: "seed", kind: "range", label: "seed", min: 0, max: 19, step: 1, also },
    { key: "num_steps", kind: "range", label: "length of a sequence", min: 10, max: 30, step: 1, also },
    { key: "updates", kind: "range", label: "updates made", min: 0, max: MOST, step: 1 },
    { key: "unit", kind: "choice", label: "unit shown", options: [[0, "cells furthest apart"], [1], [2], [3], [4]] },
  ],
  buttons: [
    { label: "One update", press: (api) => { stop(api); api.set({ updates: Math.min(api.state.updates + 1, MOST) }); } },
    { label: "Run", press: start },
    { label: "Pause", press: stop },
  ],
  values: (state) => ({
    ...Object.fromEntries(["seed", "num_steps", "updates"].map((key) => [key, String(state[key])])),
    forget_bias: `${show(state.forget_bias, 1)}, σ = ${show(sigmoid(state.forget_bias), 2)}`,
  }),
  stop, compute, draw, describe, table,
  numpy: ({ forget_bias, seed, num_steps, updates }) => `import numpy as np
from d2l_utils.cells import LSTM
from d2l_utils.layers import Dense
from d2l_utils.losses import cross_entropy, softmax
from d2l_utils.optim import Adam
from d2l_utils.widgets.random import Mulberry32

T, B, rng, adam = ${num_steps}, ${BATCH}, Mulberry32(${seed}), Adam(lr=${RATE})
cell, dense = LSTM(2, ${HIDDENS}, forget_bias=${forget_bias}), Dense(${HIDDENS}, 2)
params = {**cell.params, **dense.params}
for name, w in params.items():
    if name.startswith("W"):
        w[:] = rng.random(w.shape) - 0.5

def sequences(noise, bits, at):
    marker = np.arange(T)[:, None] == at + 0 * bits
    return np.stack([np.where(marker, 2 * bits - 1, noise - 0.5), marker], -1)

losses = []
for _ in range(${updates}):
    noise, bits = rng.random((T, B)), (rng.random(B) < 0.5).astype(int)
    X = sequences(noise, bits, np.floor(5 * rng.random(B)))
    trace, _ = cell.forward(X, cell.begin_state(B))
    loss, d_Y = cross_entropy(dense.forward(trace.H[-1]), bits)
    d_H = np.zeros_like(trace.H)
    grads, d_H[-1] = dense.backward(trace.H[-1], d_Y)
    adam.step(params, {**cell.backward(trace, d_H)[0], **grads})
    for w in params.values():
        w[:] = w.astype(np.float32)
    losses.append(loss)

bits = np.array([1, 0])
X = sequences(Mulberry32(2026).random((T, 1)), bits, ${MARKED})
test, _ = cell.forward(X, cell.begin_state(2))
I, F, O, C_tilde, C, H = test.I, test.F, test.O, test.C_tilde, test.C, test.H
P = softmax(dense.forward(H[-1]))[[0, 1], bits]
print(losses[-1:], P)`,
});
