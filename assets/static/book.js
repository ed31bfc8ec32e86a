// What the stylesheet cannot do: let the keyboard reach whatever scrolls inside itself, say what a word of the glossary means,
// show how far down a chapter one is, turn the pages with the arrow keys, and open on paper what is folded.
"use strict";

const WIDE = "mjx-container[display], .pst-scrollable-table-container, pre:not(.lstm-widget pre), .cell_output .output";

function reachWhatScrolls(article) {
  for (const box of article.querySelectorAll(WIDE)) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
}

// The meaning of a word stands under it while the pointer is on either or the keyboard at the word, and after a first touch,
// where the second follows the link. Escape puts it away. A screen reader reads it as the link's description.
function explain(word, number) {
  const tip = document.createElement("span");
  tip.id = `meaning-${number}`;
  tip.className = "meaning";
  tip.setAttribute("role", "tooltip");
  tip.textContent = word.title;
  tip.hidden = true;
  word.after(tip);
  word.removeAttribute("title");
  word.setAttribute("aria-describedby", tip.id);

  const show = () => {
    hideMeanings();
    tip.hidden = false;
    const line = [...word.getClientRects()].pop();
    const page = tip.offsetParent.getBoundingClientRect();
    const left = Math.max(8, Math.min(line.left, document.documentElement.clientWidth - tip.offsetWidth - 8));
    tip.style.left = `${left - page.left}px`;
    tip.style.top = `${line.bottom - page.top}px`;
  };
  for (const place of [word, tip]) {
    place.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") show(); });
    place.addEventListener("pointerleave", (event) => {
      const stays = [word, tip].includes(event.relatedTarget) || document.activeElement === word;
      if (event.pointerType !== "touch" && !stays) hideMeanings();
    });
  }
  let first = false;                // whether this is a touch while the meaning is away
  word.addEventListener("pointerdown", (event) => { first = event.pointerType === "touch" && tip.hidden; });
  word.addEventListener("click", (event) => {
    if (first) event.preventDefault();
    if (first) show();
    first = false;
  });
  word.addEventListener("focus", show);
  word.addEventListener("blur", hideMeanings);
}

const hideMeanings = () => document.querySelectorAll(".meaning").forEach((tip) => { tip.hidden = true; });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideMeanings(); });
document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".in-glossary, .meaning")) hideMeanings(); });

// How far down a chapter one is: a line under the bar on top. A meter, for screen readers read each change of a progress bar out.
function showPlace(facts) {
  const line = document.createElement("div");
  line.className = "place-in-chapter";
  line.setAttribute("role", "meter");
  line.setAttribute("aria-label", `Place in chapter ${facts.dataset.chapter} of ${facts.dataset.chapters}`);
  document.querySelector(".bd-header-article").append(line);
  const update = () => {
    const { scrollHeight, clientHeight } = document.documentElement;
    const share = scrollHeight > clientHeight ? Math.min(1, Math.max(0, scrollY / (scrollHeight - clientHeight))) : 1;
    line.style.setProperty("--share", share);
    line.setAttribute("aria-valuenow", Math.round(100 * share));
    line.setAttribute("aria-valuetext", `${Math.round(100 * share)} percent`);
  };
  document.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(document.body);
}

document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector(".bd-article");
  if (!article) return;
  // The article's size changes with the window, with the mathematics when it is set, and with each answer that unfolds.
  new ResizeObserver(() => reachWhatScrolls(article)).observe(article);
  article.querySelectorAll("a.in-glossary").forEach(explain);
  article.querySelectorAll(".chapter-facts").forEach(showPlace);
});

// The arrow keys turn the pages as long as nothing else has a use for them: nothing has the focus, no dialog is open, and the
// last click was not into a widget, whose sliders get no focus from a click in some browsers.
let busy = false;
document.addEventListener("pointerdown", (event) => { busy = event.target.closest(".lstm-widget") !== null; });

document.addEventListener("keydown", (event) => {
  const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
  const modified = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
  const free = document.activeElement === document.body && !busy && !document.querySelector("dialog[open]");
  if (side && !modified && free && !event.defaultPrevented) {
    document.querySelector(`.prev-next-footer a.${side}-${side === "left" ? "prev" : "next"}`)?.click();
  }
});

let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((details) => { details.open = true; });
});
window.addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
