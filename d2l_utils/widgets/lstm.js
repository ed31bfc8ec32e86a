// The mathematics of the widgets: pure functions in double precision, without a page around them. Names are those of
// d2l_utils.cells, and tests hold the numbers of both together. Here a batch is one sequence: a vector is a Float64Array,
// a matrix (rows, columns) is one too, row by row, and a sequence is an array of vectors.

export const sigmoid = (z) => 0.5 * (1 + Math.tanh(0.5 * z));
export const sigmoidPrime = (a) => a * (1 - a);
export const tanhPrime = (a) => 1 - a * a;

export const GATES = ["i", "f", "c", "o"];
export const zeros = (n) => new Float64Array(n);
export function vector(n, entry) {
  const v = zeros(n);
  for (let j = 0; j < n; j++) v[j] = entry(j);        // Float64Array.from would take twice the time
  return v;
}

/** Z += x W, for a vector x and a matrix W. */
function addProduct(Z, x, W) {
  const n = Z.length;
  for (let k = 0; k < x.length; k++) {
    if (x[k] !== 0) for (let j = 0; j < n; j++) Z[j] += x[k] * W[k * n + j];    // a one-hot x costs one row
  }
}

/** d_x += d W^T, which undoes addProduct for x. Four rows of W at a time: their sums need not wait for each other, and it
    takes less than half the time. */
function addProductBack(d_x, d, W) {
  const n = d.length;
  const [rows, rest] = [d_x.length, d_x.length % 4];
  for (let k = 0; k < rows - rest; k += 4) {
    let p = 0, q = 0, r = 0, s = 0;
    for (let j = 0, at = k * n; j < n; j++, at++) {
      const value = d[j];
      p += value * W[at];
      q += value * W[at + n];
      r += value * W[at + 2 * n];
      s += value * W[at + 3 * n];
    }
    d_x[k] += p;
    d_x[k + 1] += q;
    d_x[k + 2] += r;
    d_x[k + 3] += s;
  }
  for (let k = rows - rest; k < rows; k++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += d[j] * W[k * n + j];
    d_x[k] += sum;
  }
}

/** d_W += x^T d, which undoes addProduct for W. */
function addOuter(d_W, x, d) {
  const n = d.length;
  for (let k = 0; k < x.length; k++) {
    if (x[k] !== 0) for (let j = 0; j < n; j++) d_W[k * n + j] += x[k] * d[j];
  }
}

export const zerosLike = (params) => Object.fromEntries(Object.entries(params).map(([name, w]) => [name, zeros(w.length)]));

export function weightedSum(p, gate, x, H) {
  const Z = new Float64Array(p[`b_${gate}`]);
  addProduct(Z, x, p[`W_x${gate}`]);
  addProduct(Z, H, p[`W_h${gate}`]);
  return Z;
}

export function undoWeightedSum(p, grads, gate, d, x, H, d_x, d_H) {
  if (grads) {
    addOuter(grads[`W_x${gate}`], x, d);
    addOuter(grads[`W_h${gate}`], H, d);
    d.forEach((value, j) => { grads[`b_${gate}`][j] += value; });
  }
  addProductBack(d_x, d, p[`W_x${gate}`]);
  addProductBack(d_H, d, p[`W_h${gate}`]);
}

/** One step of an LSTM. Returns {I, F, O, C_tilde, C, H}. Gers, Schmidhuber & Cummins (2000). */
export function lstmStep(p, x, H_before, C_before) {
  const [I, F, O] = ["i", "f", "o"].map((gate) => weightedSum(p, gate, x, H_before).map(sigmoid));
  const C_tilde = weightedSum(p, "c", x, H_before).map(Math.tanh);
  const C = vector(I.length, (j) => F[j] * C_before[j] + I[j] * C_tilde[j]);
  const H = vector(I.length, (j) => O[j] * Math.tanh(C[j]));
  return { I, F, O, C_tilde, C, H };
}

/** Run an LSTM over X, a sequence, from state [H, C] (zeros if left out). Returns the trace: X, state, and by name the
    sequences I, F, O, C_tilde, C, H. */
export function lstmForward(p, X, state = [zeros(p.b_i.length), zeros(p.b_i.length)]) {
  const trace = { X, state, I: [], F: [], O: [], C_tilde: [], C: [], H: [] };
  let [H, C] = state;
  for (const x of X) {
    const step = lstmStep(p, x, H, C);
    ({ H, C } = step);
    for (const name in step) trace[name].push(step[name]);
  }
  return trace;
}

/** Backpropagation through time. d_H: for each step what the loss asks of H directly. d_state: of the last state.
    grads: null leaves the weights' out, and half of the work. Returns {grads, d_X, d_state, d_trace}; d_trace holds the whole gradient of I, F, O, C_tilde, C and H at each step. */
export function lstmBackward(p, trace, d_H, d_state, grads = zerosLike(p)) {
  const n = p.b_i.length;
  const d_trace = { I: [], F: [], O: [], C_tilde: [], C: [], H: [] };
  const d_X = [];
  let [d_H_next, d_C_next] = d_state ?? [zeros(n), zeros(n)];
  for (let t = trace.X.length - 1; t >= 0; t--) {
    const [I, F, O, C_tilde, C] = ["I", "F", "O", "C_tilde", "C"].map((name) => trace[name][t]);
    const [H_before, C_before] = t > 0 ? [trace.H[t - 1], trace.C[t - 1]] : trace.state;
    const d_H_t = vector(n, (j) => d_H[t][j] + d_H_next[j]);                      // H serves the loss and the next step
    const d_O = vector(n, (j) => d_H_t[j] * Math.tanh(C[j]));                     // H = O * tanh(C)
    const d_C = vector(n, (j) => d_C_next[j] + d_H_t[j] * O[j] * tanhPrime(Math.tanh(C[j])));
    const d_F = vector(n, (j) => d_C[j] * C_before[j]);                           // C = F * C_before + I * C_tilde
    const d_I = vector(n, (j) => d_C[j] * C_tilde[j]);
    const d_C_tilde = vector(n, (j) => d_C[j] * I[j]);
    d_C_next = vector(n, (j) => d_C[j] * F[j]);
    const d_Z = {
      i: vector(n, (j) => d_I[j] * sigmoidPrime(I[j])),
      f: vector(n, (j) => d_F[j] * sigmoidPrime(F[j])),
      c: vector(n, (j) => d_C_tilde[j] * tanhPrime(C_tilde[j])),
      o: vector(n, (j) => d_O[j] * sigmoidPrime(O[j])),
    };
    d_X[t] = zeros(trace.X[t].length);
    d_H_next = zeros(n);
    for (const gate of GATES) undoWeightedSum(p, grads, gate, d_Z[gate], trace.X[t], H_before, d_X[t], d_H_next);
    Object.entries({ I: d_I, F: d_F, O: d_O, C_tilde: d_C_tilde, C: d_C, H: d_H_t })
      .forEach(([name, d]) => { d_trace[name][t] = d; });
  }
  return { grads, d_X, d_state: [d_H_next, d_C_next], d_trace };
}

/** Run a plain RNN, H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h), from state [H]. Elman (1990). */
export function rnnForward(p, X, state = [zeros(p.b_h.length)]) {
  const trace = { X, state, H: [] };
  let [H] = state;
  for (const x of X) {
    H = weightedSum(p, "h", x, H).map(Math.tanh);
    trace.H.push(H);
  }
  return trace;
}

/** Its backpropagation through time: as lstmBackward, with d_trace.H alone. */
export function rnnBackward(p, trace, d_H, d_state, grads = zerosLike(p)) {
  const d_trace = { H: [] };
  const d_X = [];
  let [d_H_next] = d_state ?? [zeros(p.b_h.length)];
  for (let t = trace.X.length - 1; t >= 0; t--) {
    const d_H_t = d_H_next.map((d, j) => d_H[t][j] + d);
    const d_Z = d_H_t.map((d, j) => d * tanhPrime(trace.H[t][j]));
    d_X[t] = zeros(trace.X[t].length);
    d_H_next = zeros(d_Z.length);
    undoWeightedSum(p, grads, "h", d_Z, trace.X[t], t > 0 ? trace.H[t - 1] : trace.state[0], d_X[t], d_H_next);
    d_trace.H[t] = d_H_t;
  }
  return { grads, d_X, d_state: [d_H_next], d_trace };
}

/** Scores Y = H W_hq + b_q. */
export function denseForward(p, H) {
  const Y = Float64Array.from(p.b_q);
  addProduct(Y, H, p.W_hq);
  return Y;
}

/** Returns {grads, d_H}. */
export function denseBackward(p, H, d_Y) {
  const grads = { W_hq: zeros(p.W_hq.length), b_q: Float64Array.from(d_Y) };
  const d_H = zeros(H.length);
  addOuter(grads.W_hq, H, d_Y);
  addProductBack(d_H, d_Y, p.W_hq);
  return { grads, d_H };
}

export function softmax(Y) {
  const largest = Math.max(...Y);
  const E = Y.map((y) => Math.exp(y - largest));
  const sum = E.reduce((a, b) => a + b, 0);
  return E.map((e) => e / sum);
}

/** -log softmax(Y)[target] in nats, and its gradient: {loss, d_Y}. */
export function crossEntropy(Y, target) {
  const largest = Math.max(...Y);
  const sum = Y.reduce((total, y) => total + Math.exp(y - largest), 0);
  const d_Y = Y.map((y) => Math.exp(y - largest) / sum);
  d_Y[target] -= 1;
  return { loss: Math.log(sum) - (Y[target] - largest), d_Y };
}

/** One step of Adam with bias correction (Kingma & Ba 2015). moments: {t, m, v} from the step before, or undefined.
    Returns {params, moments}; what it is given stays as it is. */
export function adam(params, grads, moments, lr, beta1 = 0.9, beta2 = 0.999, eps = 1e-8) {
  const { t: before, m: m_old, v: v_old } = moments ?? { t: 0, m: zerosLike(params), v: zerosLike(params) };
  const next = { params: {}, moments: { t: before + 1, m: {}, v: {} } };
  const [fix_m, fix_v] = [1 - beta1 ** (before + 1), 1 - beta2 ** (before + 1)];
  for (const name in params) {
    const m = m_old[name].map((value, k) => beta1 * value + (1 - beta1) * grads[name][k]);
    const v = v_old[name].map((value, k) => beta2 * value + (1 - beta2) * grads[name][k] ** 2);
    next.params[name] = params[name].map((w, k) => w - lr * (m[k] / fix_m) / (Math.sqrt(v[k] / fix_v) + eps));
    next.moments.m[name] = m;
    next.moments.v[name] = v;
  }
  return next;
}

/** A small generator of random numbers, uniform from 0 to 1: mulberry32 by Tommy Ettinger, as in widgets/random.py. */
export function mulberry32(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
