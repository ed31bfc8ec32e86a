// The book's character models in the page: weights from base64, any text as numbers, and a reading that goes on where the
// last one stopped. Names are those of d2l_utils.character_models and d2l_utils.datasets.patterns.
import { denseForward, lstmForward, rnnForward, softmax } from "./lstm.js";
import { gruForward } from "./gru.js";
import { element } from "./ui.js";

const FORWARD = { RNN: rnnForward, GRU: gruForward, LSTM: lstmForward };
const LONGEST = 2000;               // characters of a text that are read
export const PIECE = 50;                   // characters, of which a reading takes one or two milliseconds

/** A number from the 16 bits of a float16 that is finite. */
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, (bits & 1023) / 1024];
  return (bits & 0x8000 ? -1 : 1) * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
}

function fromText(encoded) {
  const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
  return Float64Array.from({ length: bytes.length / 2 }, (_, k) => half(bytes[2 * k] | (bytes[2 * k + 1] << 8)));
}

/** The characters of a text as Python counts them, LONGEST at most; a line end where there is no text. */
export const charactersOf = (text) => (text ? Array.from(text.replace(/\r\n?/g, "\n")).slice(0, LONGEST) : ["\n"]);

/** A reader of texts: {model: {kind, weights, characters}} of the Python side as params and read(characters). */
export function makeReader(kind, weights, alphabet) {
  const params = Object.fromEntries(Object.entries(weights).map(([name, text]) => [name, fromText(text)]));
  const known = Array.from(alphabet);
  const indexOf = new Map(known.map((c, k) => [c, k]));
  const oneHot = known.map((_, k) => Float64Array.from(known, (__, j) => (j === k ? 1 : 0)));
  const answers = {};
  let indices = [];
  let trace;                        // of the characters in indices

  function stateAfter(t) {
    if (t < 0) return trace?.state;
    return kind === "LSTM" ? [trace.H[t], trace.C[t]] : [trace.H[t]];
  }

  return {
    params,
    stateAfter,
    alphabet: known,
    /** Returns {indices, trace}; what the text has in common with the last one from its start is not computed again. Like
        all that takes long here, it yields between pieces of work. */
    *read(characters) {
      const wanted = characters.map((c) => indexOf.get(c) ?? indexOf.get("\ufffd"));
      let same = 0;
      while (same < indices.length && indices[same] === wanted[same]) same += 1;
      for (const name in trace) if (name !== "state") trace[name].length = same;
      indices.length = same;
      while (indices.length < wanted.length) {
        const next = wanted.slice(indices.length, indices.length + PIECE);
        const piece = FORWARD[kind](params, next.map((k) => oneHot[k]), stateAfter(indices.length - 1));
        trace ??= Object.fromEntries(Object.entries(piece).map(([name, list]) => [name, name === "state" ? list : []]));
        for (const name in piece) if (name !== "state") trace[name].push(...piece[name]);
        indices.push(...next);
        yield;
      }
      return { indices, trace };
    },
    /** What the generator make() comes to, computed again when what it depends on has changed. */
    *once(name, dependsOn, make) {
      if (answers[name]?.dependsOn.some((value, k) => value !== dependsOn[k]) ?? true) answers[name] = { dependsOn, value: yield* make() };
      return answers[name].value;
    },
    /** Probabilities of the next character from a hidden state. */
    next: (H, temperature = 1) => softmax(denseForward(params, H).map((y) => y / temperature)),
    /** Indices of numChars characters that the model writes on from the state after step t, drawn with `random`. */
    *write(t, numChars, temperature, random) {
      const written = [];
      let state = stateAfter(t);
      for (let k = 0; k < numChars; k++) {
        yield;
        const p = this.next(state[0], temperature);
        const u = random();
        let [index, sum] = [0, p[0]];
        while (sum <= u && index < p.length - 1) sum += p[++index];
        written.push(index);
        const step = FORWARD[kind](params, [oneHot[index]], state);
        state = kind === "LSTM" ? [step.H[0], step.C[0]] : [step.H[0]];
      }
      return written;
    },
  };
}

/** A character as it can be seen and heard: white space by name, others in quotation marks. */
export const named = (c) => ({ " ": "space", "\n": "line end", "\ufffd": "any other" })[c] ?? `“${c}”`;

/** A paragraph with a text to be shaded and clicked, a span for each character, numbered from `first`. Its write(characters,
    look, title) touches only what has changed since the last time: look(t) is [shade from 0 to 1, class], and title(t) the
    words for the character under the pointer: thousands of titles that nobody reads would take their time. */
export function makeLetters(first, choose) {
  let [pointed, titleOf] = [];
  const entitle = () => { if (pointed) pointed.title = titleOf(pointed.dataset.t - first); };
  const point = ({ target }) => { pointed = target.dataset.t && target; entitle(); };
  const click = ({ target }) => { if (target.dataset.t > 0) choose(Number(target.dataset.t)); };
  const place = element("p", { class: "lstm-reading", "aria-hidden": "true", onclick: click, onmouseover: point });
  const letters = [];
  place.write = (characters, look, title) => {
    const rest = document.createRange();                              // to remove letters one by one would take twenty times as long
    rest.selectNodeContents(place);
    rest.setStart(place, letters.splice(characters.length).length ? characters.length : letters.length);
    rest.deleteContents();
    const words = characters.map((c) => (c === "\n" ? "↵\n" : c));
    const made = words.slice(letters.length).map((word, k) => element("span", { "data-t": first + letters.length + k }, word));
    letters.push(...made);
    letters.forEach((letter, t) => {
      const [shade, className = ""] = look(t);
      const style = `--s: ${shade.toFixed(3)}`;
      if (letter.firstChild.data !== words[t]) letter.firstChild.data = words[t];
      if (letter.className !== className) letter.className = className;
      if (letter.getAttribute("style") !== style) letter.setAttribute("style", style);
    });
    place.append(...made);
    titleOf = title;
    entitle();
  };
  return place;
}

const isLetter = (c) => c !== undefined && /\p{L}/u.test(c);
const isSpace = (c) => /^[\s\x1c-\x1f\x85]$/u.test(c) && c !== "\ufeff";

function insideQuotes(characters) {
  let [single, double] = [false, false];
  return characters.map((c, t) => {
    const [before, after] = [characters[t - 1], characters[t + 1]];
    if (c === "'") {
      if (before === undefined || isSpace(before) || ("-(\"".includes(before) && isLetter(after))) single = true;
      else if (!isLetter(after)) single = false;
    } else if (c === '"') double = !double;
    else if (c === "\n" && before === "\n") single = double = false;
    return Number(single || double);
  });
}

function countSince(characters, ends) {
  let count = 0;
  return characters.map((c) => { count = ends(c) ? 0 : count + 1; return count; });
}

export const PATTERNS = {
  "inside quotes": insideQuotes,
  "position in line": (characters) => countSince(characters, (c) => c === "\n"),
  "position in word": (characters) => countSince(characters, (c) => !isLetter(c)),
  "white space": (characters) => characters.map((c) => Number(isSpace(c))),
  "capital letters": (characters) => characters.map((c) => Number(/\p{Lu}/u.test(c))),
};

/** Pearson's correlation of each unit of a sequence of vectors with a pattern; 0 for what hardly moves. */
export function correlations(series, pattern) {
  const [steps, n] = [series.length, series[0].length];
  const mean = new Float64Array(n);
  for (const values of series) for (let j = 0; j < n; j++) mean[j] += values[j] / steps;
  const [squares, products] = [new Float64Array(n), new Float64Array(n)];
  const middle = pattern.reduce((a, b) => a + b, 0) / steps;
  let spread = 0;
  pattern.forEach((p, t) => {
    spread += (p - middle) ** 2 / steps;
    for (let j = 0; j < n; j++) {
      const off = series[t][j] - mean[j];
      squares[j] += off * off / steps;
      products[j] += off * (p - middle) / steps;
    }
  });
  return products.map((product, j) => (squares[j] > 1e-8 && spread > 1e-8 ? product / Math.sqrt(squares[j] * spread) : 0));
}
