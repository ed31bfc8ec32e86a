// What the stylesheet cannot do: let the keyboard reach whatever scrolls inside itself, turn the pages with the arrow keys,
// and open on paper what is folded.
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

document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector(".bd-article");
  // The article's size changes with the window, with the mathematics when it is set, and with each answer that unfolds.
  if (article) new ResizeObserver(() => reachWhatScrolls(article)).observe(article);
});

// The arrow keys turn the pages as long as nothing on the page has the focus, and so a use for them.
document.addEventListener("keydown", (event) => {
  const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
  const modified = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
  if (side && !modified && document.activeElement === document.body) {
    document.querySelector(`.prev-next-footer a.${side}-${side === "left" ? "prev" : "next"}`)?.click();
  }
});

let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((details) => { details.open = true; });
});
window.addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
