// What the figures with a plane of digits' codes share: a decoder that runs here, and how digits and codes are drawn.

// One colour for each class, on light and on dark ground; the numeral itself says the class.
const INKS = {
  light: ["#0b62a8", "#b34a00", "#1b7a48", "#a1257d", "#6448bd", "#7d6200", "#0e7280", "#bb2735", "#55606b", "#6b4226"],
  dark: ["#74bdf5", "#f6a163", "#6fd39b", "#f09ad6", "#b9a8ff", "#e0c45c", "#5fd0de", "#ff9399", "#c3ccd6", "#d8b294"],
};

// Codes packed as pairs of whole hundredths: the columns of their table.
function columnsOf(packed) {
  const flat = unpack(packed, Int16Array);
  return [0, 1].map((k) => Float64Array.from({ length: flat.length / 2 }, (_, i) => flat[2 * i + k] / 100));
}

// The decoder: linear layers with int8 weights, SiLU between them, a sigmoid at the end.
function decoderOf(packed) {
  const layers = packed.map(({ weight, scale, bias }) => ({ weight: unpack(weight, Int8Array), scale, bias }));
  return (z) => {
    let x = z;
    layers.forEach(({ weight, scale, bias }, n) => {
      const inputs = x.length, last = n === layers.length - 1;
      x = bias.map((b, i) => {
        let sum = 0;
        for (let j = 0, at = i * inputs; j < inputs; j++) sum += weight[at + j] * x[j];
        const a = sum * scale[i] + b;
        return (last ? 1 : a) / (1 + Math.exp(-a));
      });
    });
    return x;
  };
}

// The k nearest codes of z: pairs of distance and row, nearest first.
const nearestIn = (cx, cy) => (z, k = 1) => {
  const best = [];
  for (let i = 0; i < cx.length; i++) {
    const square = (cx[i] - z[0]) ** 2 + (cy[i] - z[1]) ** 2;
    if (best.length === k && square >= best[k - 1][0]) continue;
    let at = best.length;
    while (at && best[at - 1][0] > square) at--;
    best.splice(at, 0, [square, i]);
    if (best.length > k) best.pop();
  }
  return best.map(([square, i]) => [Math.sqrt(square), i]);
};

// --- images: ink with the value of the pixel as its opacity, so that they fit a light and a dark page ----------------

const IMAGE_STYLE = `
.gl-interact .gl-digit { display: block; width: 100%; aspect-ratio: 1; margin: 0; background: none; filter: none; image-rendering: pixelated; box-shadow: 0 0 0 1px var(--gl-line); border-radius: 2px; }`;

const digitCanvas = (attributes) => node("canvas.digit", { width: 8, height: 8, ...attributes });

function ink(root, target, values) {
  const pen = target.getContext("2d"), image = pen.createImageData(8, 8), [r, g, b] = rgb(getComputedStyle(root).color);
  values.forEach((v, i) => image.data.set([r, g, b, 255 * v], 4 * i));
  pen.putImageData(image, 0, 0);
}

// What the decoder draws at the middle of each cell of a square of `width`; images[row * across + column].
function thumbnails(root, pen, images, across, width) {
  const cell = width / across, size = cell * 0.86, small = node("canvas", { width: 8, height: 8 });
  pen.imageSmoothingEnabled = false;
  images.forEach((values, at) => {
    small.getContext("2d").clearRect(0, 0, 8, 8);
    ink(root, small, values);
    pen.drawImage(small, (at % across) * cell + (cell - size) / 2, Math.floor(at / across) * cell + (cell - size) / 2, size, size);
  });
}

// --- the cross in the plane --------------------------------------------------------------------------------

// The cross follows the mouse through the plane: `hover(z)`, and `hover(null)` when it leaves. A press pins it, and
// it goes along until the button is let go. Touch and keyboard move it as any handle; a tap pins it too.
function explore(plane, cross, { where, place, hover, pin, step }) {
  let held = false;
  movable(cross, place, { where, move: (x, y) => pin([x, y]), step });
  plane.addEventListener("pointerenter", (event) => { // or the cross would lie between the mouse and the plane
    if (event.pointerType === "mouse") cross.style.pointerEvents = "none";
  });
  plane.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button) return;
    held = true;
    plane.setPointerCapture(event.pointerId);
    cross.focus({ preventScroll: true });
    event.preventDefault();
    pin(where(event));
  });
  plane.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") (held ? pin : hover)(where(event));
  });
  for (const end of ["pointerup", "pointercancel"]) plane.addEventListener(end, () => { held = false; });
  plane.addEventListener("pointerleave", () => { cross.style.pointerEvents = ""; hover(null); });
  plane.addEventListener("click", (event) => {
    if (event.pointerType !== "mouse" && !event.target.closest(".gl-handle")) pin(where(event));
  });
}

// --- marks in the plane ------------------------------------------------------------------------------------

function crossHandle(attributes) {
  const cross = node("div.handle", { role: "slider", tabindex: 0, ...attributes });
  const plus = node("svg:svg", { viewBox: "-22 -22 44 44", "aria-hidden": "true", style: "overflow:visible" });
  for (const style of ["stroke:var(--gl-surface);stroke-width:6.5", "stroke:currentColor;stroke-width:2.5"])
    plus.append(node("svg:path", { d: "M-15 0H-5M5 0H15M0-15V-5M0 5V15", style: style + ";fill:none;stroke-linecap:round" }));
  cross.append(plus);
  return cross;
}

const tickLabel = (x, y, what, anchor) =>
  node("svg:text", { x, y, "text-anchor": anchor, style: "fill:var(--gl-muted);font-size:11px" }, what);
const stroke = (d, style) => node("svg:path.curve", { d, style });
const halo = (d, style, thick) =>
  [stroke(d, `stroke:var(--gl-surface);stroke-width:${thick + 3};opacity:0.9`), stroke(d, `${style};stroke-width:${thick}`)];
const ring = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

// A random code at (left, top) of a square of `width`: a circle, a diamond in a hole, an arrow to one beyond the edge.
function codeMark(left, top, width, hole, filled, r = 4.6) {
  const edge = 9, x = clamp(left, edge, width - edge), y = clamp(top, edge, width - edge);
  let d = ring(x, y, r);
  if (hole) d = `M${x} ${y - r - 1.5}L${x + r + 1.5} ${y}L${x} ${y + r + 1.5}L${x - r - 1.5} ${y}Z`;
  if (Math.hypot(left - x, top - y) > 1) {
    const t = Math.atan2(top - y, left - x), tip = (a, far) => `${x + far * Math.cos(t + a)} ${y + far * Math.sin(t + a)}`;
    d = `M${tip(0, 8)}L${tip(2.4, 8)}L${tip(-2.4, 8)}Z`;
  }
  return halo(d, (hole ? "stroke:var(--gl-1)" : "") + (filled ? ";fill:currentColor" : ""), hole ? 2.2 : 1.8);
}

// From a code at (x, y) to the nearest one at (a, b): a dotted line and a ring.
function nearestMark(x, y, a, b) {
  const line = Math.hypot(a - x, b - y) > 3 ? halo(`M${x} ${y}L${a} ${b}`, "stroke-dasharray:1 4", 2) : [];
  return [...line, ...halo(ring(a, b, 8), "", 1.6)];
}
