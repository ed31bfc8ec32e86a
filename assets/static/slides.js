/* Starts a chapter's slides: mathematics is set, each slide is made to fit, then reveal.js takes over. */
addEventListener("load", async () => {
  const WIDTH = 1280, HEIGHT = 720, LARGEST = 30, SMALLEST = 20;        // pixels
  await MathJax.startup.promise;
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  // The speaker's window has none of MathJax's styles, but it can show MathML.
  for (const formula of document.querySelectorAll(".notes mjx-container")) formula.replaceWith(formula.querySelector("math"));

  const tooLarge = slide => {
    const page = slide.getBoundingClientRect();
    return [...slide.querySelectorAll(".body, .body :is(p, li, table, pre, figure, figcaption, img, .right, mjx-math)")].some(part => {
      const { right, bottom } = part.getBoundingClientRect();
      return right > page.right - 60 || bottom > page.bottom - 36 || part.matches("pre") && part.scrollWidth > part.clientWidth;
    });
  };
  document.body.classList.add("fitting");
  for (const slide of document.querySelectorAll(".slides > section")) {
    let size = LARGEST;
    do slide.style.fontSize = `${size}px`; while (tooLarge(slide) && --size >= SMALLEST);
  }
  document.body.classList.remove("fitting");
  await Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0, center: false, display: "flex", hash: true, slideNumber: "c/t",
    transition: "none", plugins: [RevealNotes],
  });
  document.body.dataset.slides = "ready";
});
