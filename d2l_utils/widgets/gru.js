// The GRU, which one widget sets beside the LSTM: like lstm.js, pure functions in double precision that tests hold against
// d2l_utils.cells.
import { sigmoid, sigmoidPrime, tanhPrime, undoWeightedSum, vector, weightedSum, zeros, zerosLike } from "./lstm.js";

/** Run a GRU from state [H]: the reset gate R acts on H before the product. Returns the trace with R, Z, H_tilde, H.
    Cho et al. (2014). */
export function gruForward(p, X, state = [zeros(p.b_h.length)]) {
  const trace = { X, state, R: [], Z: [], H_tilde: [], H: [] };
  let [H_before] = state;
  for (const x of X) {
    const [R, Z] = ["r", "z"].map((gate) => weightedSum(p, gate, x, H_before).map(sigmoid));
    const H_tilde = weightedSum(p, "h", x, R.map((r, j) => r * H_before[j])).map(Math.tanh);
    const H = Z.map((z, j) => z * H_before[j] + (1 - z) * H_tilde[j]);
    Object.entries({ R, Z, H_tilde, H }).forEach(([name, values]) => trace[name].push(values));
    H_before = H;
  }
  return trace;
}

/** Its backpropagation through time: as lstmBackward, with R, Z, H_tilde and H in d_trace. */
export function gruBackward(p, trace, d_H, d_state, grads = zerosLike(p)) {
  const n = p.b_h.length;
  const d_trace = { R: [], Z: [], H_tilde: [], H: [] };
  const d_X = [];
  let [d_H_next] = d_state ?? [zeros(n)];
  for (let t = trace.X.length - 1; t >= 0; t--) {
    const [R, Z, H_tilde] = [trace.R[t], trace.Z[t], trace.H_tilde[t]];
    const H_before = t > 0 ? trace.H[t - 1] : trace.state[0];
    const d_H_t = vector(n, (j) => d_H[t][j] + d_H_next[j]);
    const d_Z = vector(n, (j) => d_H_t[j] * (H_before[j] - H_tilde[j]));           // H = Z * H_before + (1 - Z) * H_tilde
    const d_H_tilde = vector(n, (j) => d_H_t[j] * (1 - Z[j]));
    d_H_next = vector(n, (j) => d_H_t[j] * Z[j]);
    d_X[t] = zeros(trace.X[t].length);
    const d_RH = zeros(n);
    const RH = vector(n, (j) => R[j] * H_before[j]);
    undoWeightedSum(p, grads, "h", vector(n, (j) => d_H_tilde[j] * tanhPrime(H_tilde[j])), trace.X[t], RH, d_X[t], d_RH);
    const d_R = vector(n, (j) => d_RH[j] * H_before[j]);
    for (let j = 0; j < n; j++) d_H_next[j] += d_RH[j] * R[j];
    undoWeightedSum(p, grads, "z", vector(n, (j) => d_Z[j] * sigmoidPrime(Z[j])), trace.X[t], H_before, d_X[t], d_H_next);
    undoWeightedSum(p, grads, "r", vector(n, (j) => d_R[j] * sigmoidPrime(R[j])), trace.X[t], H_before, d_X[t], d_H_next);
    Object.entries({ R: d_R, Z: d_Z, H_tilde: d_H_tilde, H: d_H_t }).forEach(([name, d]) => { d_trace[name][t] = d; });
  }
  return { grads, d_X, d_state: [d_H_next], d_trace };
}
