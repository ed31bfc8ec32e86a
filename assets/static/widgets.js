// Starts the widgets of a page that has no kernel: reads the state that the notebook saved into the page, and gives each
// widget a model to read from and write to. The same modules run in JupyterLab, where anywidget is their host.
"use strict";

class StaticModel {
  constructor(name, state) {
    this.name = name;
    this.state = state;
  }

  get(key) { return this.state[key]; }

  set(key, value) { this.state[key] = value; }

  on() {}                           // nobody else sets anything, and what a widget sets itself it draws itself

  save_changes() {}                 // there is no kernel to save to

  // The address of this page with the widget in this state.
  link(state) { return `${location.href.split("#")[0]}#${this.name}=${encodeURIComponent(JSON.stringify(state))}`; }
}

// The state that a link asked for, if it is meant for this model: only known traits, and only values of the same kind; of
// numbers only finite ones, for JSON has 1e999.
function fromLink(model) {
  const [name, ...rest] = location.hash.slice(1).split("=");
  if (name !== model.name) return false;
  try {
    const wanted = JSON.parse(decodeURIComponent(rest.join("=")));
    for (const [key, value] of Object.entries(wanted)) {
      const known = Object.hasOwn(model.state, key) && !key.startsWith("_");
      const alike = typeof value === typeof model.state[key] && Array.isArray(value) === Array.isArray(model.state[key]);
      if (known && alike && (typeof value !== "number" || Number.isFinite(value))) model.state[key] = value;
    }
    return true;
  } catch {
    return false;                   // a link that was cut: the widget starts as the page has it
  }
}

const modules = new Map();          // one module a text, however many widgets share it

function load(text) {
  if (!modules.has(text)) {
    // a page opened from disk may import a blob, but no other file
    modules.set(text, import(URL.createObjectURL(new Blob([text], { type: "text/javascript" }))));
  }
  return modules.get(text);
}

async function start(script, states) {
  const place = document.createElement("div");
  script.after(place);
  const { state } = states[JSON.parse(script.textContent).model_id] ?? {};
  if (!state?._esm) {
    place.dataset.widget = "needs-kernel";
    place.className = "needs-kernel";
    place.textContent = "This control needs a running kernel: open the page as a notebook to use it.";
    return;
  }
  try {
    const model = new StaticModel(state._anywidget_id.split(".").pop(), state);
    const asked = fromLink(model);
    if (![...document.querySelectorAll("style")].some((style) => style.textContent === state._css)) {
      document.head.append(Object.assign(document.createElement("style"), { textContent: state._css }));
    }
    const { default: widget } = await load(state._esm);
    place.model = model;
    place.dataset.name = model.name;
    widget.render({ model, el: place });
    place.dataset.widget = "ready";
    if (asked) place.scrollIntoView();
  } catch (error) {
    place.dataset.widget = "failed";
    place.textContent = `This widget could not start: ${error.message}`;
    console.error(error);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const states = {};
  for (const script of document.querySelectorAll('script[type="application/vnd.jupyter.widget-state+json"]')) {
    let texts = [];             // what several widgets have in common stands in the page once: _ext/widgets.py
    const whole = (key, value) => {
      if (key === "texts") texts = value;
      return value?.$text === undefined ? value : texts[value.$text];
    };
    Object.assign(states, JSON.parse(script.textContent, whole).state);
  }
  for (const script of document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')) start(script, states);
});
