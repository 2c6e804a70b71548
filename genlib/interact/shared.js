// What every figure needs. The page wraps it and one figure into a function, so that figures do not meet.

// node("p.muted", {title: "..."}, child, "text"); a tag that starts with "svg:" makes an SVG element.
function node(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  if (classes.length) made.setAttribute("class", classes.map((c) => "gl-" + c).join(" "));
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Words may hold *stars* around what is set in italics, as in *p*(*x*).
function phrase(target, text) {
  const parts = text.split("*").map((part, i) => (i % 2 ? node("i", {}, part) : part));
  target.replaceChildren(...parts);
  return target;
}

// Words with numbers: each # stands for the next value.
const fill = (text, ...values) => values.reduce((all, value) => all.replace("#", value), text);

// --- random numbers: the 32-bit generator "mulberry32" of Tommy Ettinger; genlib.interact.base has its twin ---

function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// n rows of one uniform and two independent standard normal numbers (Box and Muller).
function draws(seed, n) {
  const next = uniforms(seed);
  return Array.from({ length: n }, () => {
    const u = next(), radius = Math.sqrt(-2 * Math.log(1 - next())), angle = 2 * Math.PI * next();
    return [u, radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

// The distribution function of the standard normal (Abramowitz and Stegun 7.1.26, error below 2e-7).
function Phi(x) {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const upper = 0.5 * poly * Math.exp((-x * x) / 2);
  return x > 0 ? 1 - upper : upper;
}

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const minus = (text) => text.replace("-", "\u2212"); // a real minus sign
const shown = (x, digits) => minus(x.toFixed(digits));

// The numbers in a text in base64.
const unpack = (text, Kind = Uint8Array) => new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

// --- colours -----------------------------------------------------------------------------------------------

function rgb(text) {
  const value = text.trim();
  if (value[0] === "#") return [1, 3, 5].map((i) => parseInt(value.slice(i, i + 2), 16)).concat(1);
  const numbers = (value.match(/-?[\d.]+(e-?\d+)?/g) || [0, 0, 0, 0]).map(Number);
  const scale = value.startsWith("color(") ? 255 : 1;
  return [...numbers.slice(0, 3).map((x) => x * scale), numbers.length > 3 ? numbers[3] : 1];
}
const luma = ([r, g, b]) => (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;

// What lies behind the figure: the first opaque ground among its ancestors, or null (as in a transparent frame).
function ground(element) {
  for (let e = element.parentElement; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (rgb(colour)[3] > 0.5) return colour;
  }
  return null;
}

function isDark(root, behind) {
  if (behind) return luma(rgb(behind)) < 0.5;
  const html = document.documentElement, body = document.body;
  const said = html.dataset.theme || html.getAttribute("theme") || body.dataset.jpThemeLight;
  if (said) return said === "dark" || said === "false";
  return luma(rgb(getComputedStyle(root.parentElement || root).color)) > 0.5;
}

// Call `redraw` now and whenever the page changes its colours. Returns nothing; colours are read by `palette`.
function followScheme(root, redraw) {
  let last = "";
  const look = () => {
    const behind = ground(root), dark = isDark(root, behind), now = dark + "|" + behind;
    if (now === last) return;
    last = now;
    root.dataset.scheme = dark ? "dark" : "light";
    if (behind) root.style.setProperty("--gl-surface", behind);
    else root.style.removeProperty("--gl-surface");
    redraw();
  };
  const soon = () => requestAnimationFrame(() => { look(); setTimeout(look, 400); });
  const watched = { attributes: true, attributeFilter: ["class", "style", "data-theme", "theme", "data-jp-theme-light"] };
  for (const e of [document.documentElement, document.body]) new MutationObserver(soon).observe(e, watched);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  look();
}

const palette = (root, name) => getComputedStyle(root).getPropertyValue("--gl-" + name);

// --- movement ----------------------------------------------------------------------------------------------

const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Call step(t) with t from 0 to 1; at once with 1 where the reader asked for less motion.
function glide(milliseconds, step) {
  if (lessMotion()) return step(1);
  const start = performance.now();
  const frame = (now) => {
    const t = clamp((now - start) / milliseconds, 0, 1);
    step(t * t * (3 - 2 * t));
    if (t < 1) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

// Many calls within one frame become one.
function oncePerFrame(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; work(); });
  };
}

// --- words and controls ------------------------------------------------------------------------------------

const question = (ask, ...rest) => node("div.question", {}, phrase(node("p.ask"), ask), ...rest);
const note = (what) => phrase(node("p.small.muted"), what);

let counter = 0;
const freshId = (root) => root.id + "-" + counter++;

function slider(label, { min, max, step, value, format }, onInput) {
  const input = node("input", { type: "range", min, max, step, value });
  const output = node("span.value", { "aria-hidden": "true" }); // an <output> would take the label
  const box = node("label.control", {}, node("span", {}, phrase(node("span"), label), output), input);
  const set = (x, moveThumb = true) => {
    if (moveThumb) input.value = x;
    output.textContent = format(x);
    input.setAttribute("aria-valuetext", format(x));
  };
  input.addEventListener("input", () => { set(+input.value, false); onInput(+input.value); });
  set(value);
  return { box, input, set };
}

function choice(root, legend, options, value, onChange) {
  const name = freshId(root);
  const box = node("fieldset.choice", {}, node("legend.hidden", {}, legend));
  for (const [key, text] of options) {
    const input = node("input", { type: "radio", name, value: key });
    input.checked = key === value;
    input.addEventListener("change", () => onChange(key));
    box.append(node("label", {}, input, phrase(node("span"), text)));
  }
  return box;
}

// kind: ".main" for the one that a reader should press first.
function button(text, onClick, kind = "") {
  const made = phrase(node("button" + kind, { type: "button" }), text);
  made.addEventListener("click", onClick);
  return made;
}

// A point that moves by mouse, by touch and by the arrow keys. `where(event)` turns a pointer into a place;
// `step` is the way of one key, a number or a function that knows it.
function movable(handle, place, { where, move, step = 0.1 }) {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  let grip = null; // where the pointer took hold, measured from the middle of the handle
  handle.addEventListener("pointerdown", (event) => {
    const [x, y] = where(event), [a, b] = place();
    grip = [x - a, y - b];
    handle.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    event.preventDefault();
    event.stopPropagation();
  });
  handle.addEventListener("pointermove", (event) => {
    event.stopPropagation();
    if (!grip) return;
    const [x, y] = where(event);
    move(x - grip[0], y - grip[1]);
  });
  for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => { grip = null; });
  handle.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    const one = typeof step === "function" ? step() : step, size = event.shiftKey ? 5 * one : one, [x, y] = place();
    move(x + way[0] * size, y + way[1] * size);
  });
}

// What the marks of a picture mean: pairs of a small SVG of 22 x 12 and words.
const swatch = (...pieces) => node("svg:svg", { viewBox: "0 0 22 12", "aria-hidden": "true" }, ...pieces);
const keyTo = (...rows) => node("ul.key", {}, ...rows.map(([what, ...pieces]) => node("li", {}, swatch(...pieces), phrase(node("span"), what))));

// --- drawing -----------------------------------------------------------------------------------------------

function chart(label = "") {
  const svg = node("svg:svg", { role: "img", "aria-label": label });
  return { svg, box: node("div.chart", {}, svg) };
}

// Pieces of an SVG; *stars* in a text stand for italics.
function text(x, y, what, anchor = "start", kind = "") {
  const made = node("svg:text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor });
  if (kind) made.setAttribute("class", kind);
  what.split("*").forEach((part, i) => made.append(i % 2 ? node("svg:tspan", { "font-style": "italic" }, part) : part));
  return made;
}
const line = (points, style) => node("svg:path.curve", { d: "M" + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L"), style });
function segment(x0, y0, x1, y1, style = "", kind = "") {
  const made = node("svg:line", { x1: x0, y1: y0, x2: x1, y2: y1, style });
  if (kind) made.setAttribute("class", kind);
  return made;
}

function fitCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

// Where f is zero in a rectangle: pairs of points, one short piece of the curve for each cell of a grid.
// Every point is polished on its edge of the grid, so that f there is zero to rounding.
function zeroSet(f, [x0, x1, y0, y1], columns, rows) {
  const at = (i, j) => [x0 + ((x1 - x0) * i) / columns, y0 + ((y1 - y0) * j) / rows];
  const values = [];
  for (let j = 0; j <= rows; j++) for (let i = 0; i <= columns; i++) values.push(f(...at(i, j)));
  const value = (i, j) => values[j * (columns + 1) + i];
  const crossing = ([i, j], [k, l]) => {
    let low = 0, high = 1, fLow = value(i, j), fHigh = value(k, l);
    if (fLow > 0 === fHigh > 0) return null;
    const [ax, ay] = at(i, j), [bx, by] = at(k, l);
    const point = (t) => [ax + t * (bx - ax), ay + t * (by - ay)];
    let t = 0;
    for (let n = 0; n < 20; n++) {
      t = n % 3 === 2 ? (low + high) / 2 : low + ((high - low) * fLow) / (fLow - fHigh);
      const ft = f(...point(t));
      if (Math.abs(ft) < 1e-9) break;
      if (ft > 0 === fLow > 0) [low, fLow] = [t, ft];
      else [high, fHigh] = [t, ft];
    }
    return point(t);
  };
  const pieces = [];
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const found = corners.map((c, n) => crossing(c, corners[(n + 1) % 4])).filter(Boolean);
      for (let n = 0; n + 1 < found.length; n += 2) pieces.push([found[n], found[n + 1]]);
    }
  }
  return pieces;
}

function onResize(element, work) {
  let last = 0;
  const look = () => {
    const width = element.clientWidth;
    if (width && width !== last) { last = width; work(width); }
  };
  new ResizeObserver(look).observe(element);
  look();
}
