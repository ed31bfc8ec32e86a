// Does ./lstm.js still give what it gave when the tests of lstm.js held it against NumPy? golden.json, beside this file, has
// the cases of these tests: the body of a function, what it was given, and what came out. Ends with 1 at the first difference.
import { readFileSync } from "node:fs";
import * as js from "./lstm.js";

const TOLERANCE = 1e-10;            // that of the tests for gradients; the numbers are of the order of 1

const typed = (v) => (Array.isArray(v) ? (typeof v[0] === "number" || !v.length ? Float64Array.from(v) : v.map(typed))
  : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, typed(x)])) : v);
const plain = (value) => JSON.parse(JSON.stringify(value, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v)));

function same(found, wanted) {
  if (typeof wanted === "number") return Math.abs(found - wanted) <= TOLERANCE * (1 + Math.abs(wanted));
  if (wanted === null || typeof wanted !== "object") return found === wanted;
  const keys = Object.keys(wanted);
  return found !== null && typeof found === "object" && Object.keys(found).length === keys.length
    && keys.every((key) => key in found && same(found[key], wanted[key]));
}

const record = process.argv[2] === "--record";      // then the answers are written instead
const cases = JSON.parse(readFileSync(record ? 0 : new URL("golden.json", import.meta.url), "utf-8"));
const answers = cases.map(({ body, given }) => plain(new Function("js", "given", body)(js, typed(given))));
if (record) console.log(JSON.stringify(answers));
else if (!answers.every((answer, k) => same(answer, cases[k].answer))) process.exit(1);
