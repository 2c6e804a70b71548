// Makes every slide fit, and starts reveal.js. No text here: all of it comes from Python.
"use strict";

const LEAST = 0.6; // letters are not made smaller than this; tests/site/test_slides.py names a slide that would need it

// Whether something of a slide runs out of its room.
function over(body) {
  const inside = body.getBoundingClientRect();
  const wide = [...body.querySelectorAll("mjx-container, table, pre, figure, img")].some((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth);
  return wide || body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1 || inside.width === 0;
}

// The letters of a slide with little on it grow, those of a full one shrink. Lines of code go on in the next row only
// where letters of a fair size would need it.
const MOST = { text: 1.2, code: 1.25, predict: 1.1, quiz: 1.15, table: 1.2, output: 1.2 };

function fitText(body, kind) {
  for (let width = 100; width >= 40 && body.querySelector(".gl-strip"); width -= 5) {
    body.style.setProperty("--strip", width + "%"); // rows of pictures become narrower, their names stay
    if (!over(body)) return;
  }
  const most = MOST[kind] || 1, code = body.querySelector(".highlight");
  for (const [from, to, wrapped] of code ? [[most, 0.85, false], [1, LEAST, true]] : [[most, LEAST, false]]) {
    body.classList.toggle("wrapped", wrapped);
    for (let size = from; size > to - 0.01; size -= 0.05) {
      body.style.setProperty("--fit", size.toFixed(2));
      if (!over(body)) return;
    }
  }
}

// A picture takes what room there is, but is not blown up until it is a blur.
function fitPicture(img) {
  const drawing = img.src.includes(".svg");
  img.style.width = drawing ? "100%" : Math.min(1150, 1.8 * img.naturalWidth) + "px";
  img.style.height = drawing ? "100%" : Math.min(560, 1.8 * img.naturalHeight) + "px";
}

// An interactive figure lays itself out by its width. Take a width at which its letters can be read and its main part
// is large; that part stands on top of the controls (share 0) or beside them.
const LAYOUTS = [1200, 1000, 860, 720, 600, 480].map((width) => ({ width, share: 0 }));
for (const share of [1.7, 1]) for (const width of [1500, 1350, 1200, 1080, 960, 840]) LAYOUTS.push({ width, share });

function lay(figure, { width, share, zoom = 1 }) {
  figure.classList.toggle("two-columns", share > 0);
  figure.style.setProperty("--share", share + "fr");
  figure.style.width = width + "px";
  figure.style.zoom = zoom.toFixed(3);
}

async function fitFigures(figures) {
  const best = new Map();
  for (const figure of figures) {
    const parts = [...figure.children].filter((e) => e.offsetHeight);
    if (parts.length) parts.reduce((a, b) => (b.offsetHeight > a.offsetHeight ? b : a)).classList.add("main-part");
    best.set(figure, { score: 0 });
  }
  for (const layout of LAYOUTS) {
    for (const figure of figures) lay(figure, layout);
    await drawn(); // a figure draws itself anew for its width
    for (const figure of figures) {
      const room = figure.closest(".body");
      const zoom = 0.98 * Math.min(1.25, room.clientWidth / layout.width, room.clientHeight / figure.offsetHeight);
      const main = figure.querySelector(":scope > .main-part")?.offsetWidth || layout.width;
      const score = Math.min(zoom, 0.95) + (0.3 * zoom * main) / room.clientWidth;
      if (score > best.get(figure).score) best.set(figure, { ...layout, zoom, score });
    }
  }
  for (const figure of figures) {
    lay(figure, best.get(figure));
    figure.closest(".body").style.setProperty("--fit", best.get(figure).zoom.toFixed(2));
  }
}

const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));

function fit(slide) {
  const body = slide.querySelector(".body");
  if (body.querySelector(".gl-interact")) return;
  const pictures = slide.querySelectorAll("figure img");
  pictures.forEach(fitPicture);
  const wide = slide.querySelectorAll("figure").length !== 1 || body.children.length > 4 || pictures[0].naturalWidth > 1.8 * pictures[0].naturalHeight;
  if (!wide && body.querySelector(".finding")) body.classList.add("beside"); // what it says, to the right of the picture
  fitText(body, slide.parentElement.classList[0]);
}

function theme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

// Arrow keys move a handle while a figure has the focus; the keys of a remote control turn pages all the same.
function isForSlides(event) {
  return !document.activeElement?.closest(".gl-interact") || ["PageUp", "PageDown"].includes(event.key);
}

async function start() {
  theme(new URLSearchParams(location.search).get("theme") === "dark");
  await Promise.all([...document.images].map((img) => img.decode().catch(() => {})));
  await drawn();
  await document.fonts.ready;
  document.querySelectorAll(".slide").forEach(fit);
  await fitFigures([...document.querySelectorAll(".interactive .gl-interact")]);
  document.documentElement.classList.add("ready");
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", controls: false,
    navigationMode: "linear", transition: "none", backgroundTransition: "none", pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
    keyboardCondition: isForSlides, plugins: [RevealNotes],
    keyboard: { 84: () => theme(document.documentElement.dataset.theme !== "dark") }, // T
  });
  document.querySelectorAll(".gl-interact").forEach((figure) => figure.setAttribute("data-prevent-swipe", ""));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") document.activeElement?.blur(); });
  document.documentElement.classList.add("started");
}

start();
