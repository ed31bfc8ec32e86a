// What the stylesheet cannot do: let the keyboard reach whatever scrolls inside itself, and open on paper what is folded.
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

let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((details) => { details.open = true; });
});
window.addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
