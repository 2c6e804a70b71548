// The oracle of the drawn shapes, as genlib.evaluate.read_shapes: which drawing comes nearest to a picture?
//   const oracle = oracleOf(world)        world: side, palette, radii, edge, gap, clean, as genlib.data.shapes has them
//   while (!oracle.prepare(12)) ...       makes all drawings, for 12 ms a call; true once they are there
//   oracle.read(picture)                  picture: red, green and blue of all pixels, channel by channel, in [0, 1]
// Numbers are rounded as Python's float32 has them, so that a point on an edge lies on the same side of it.

const FINE = 4, PARTS = FINE * FINE; // points of a pixel along each side, and in all
const near32 = Math.fround;
const FORMS = [ // is the point inside? in radii, from the middle
  (x, y) => near32(near32(x * x) + near32(y * y)) < 1,
  (x, y) => Math.max(Math.abs(x), Math.abs(y)) < near32(0.86),
  (x, y) => y < near32(0.85) && y > 2 * Math.abs(x) - 1,
  (x, y) => Math.min(Math.abs(x), Math.abs(y)) < near32(0.38) && Math.max(Math.abs(x), Math.abs(y)) < 1,
];

function oracleOf({ side, palette: colours, radii, edge, gap, clean }) {
  const D = side * side, all = drawingsOf(radii, edge, gap), masks = new Uint8Array(all.length * D); // points in each pixel
  const sums = new Float64Array(all.length), squares = new Float64Array(all.length);
  const middles = Array.from({ length: side * FINE }, (_, i) => near32((i + 0.5) / (side * FINE)));
  let made = 0;

  function make(k) {
    const { shape, centre: [cx, cy], radius } = all[k], inside = FORMS[shape], n = side * FINE;
    const [x, y] = [cx, cy].map((c) => middles.map((m) => near32(near32(m - c) / radius)));
    for (let i = 0; i < n; i++) if (Math.abs(y[i]) < 1) for (let j = 0; j < n; j++)
      if (Math.abs(x[j]) < 1 && inside(x[j], y[i])) masks[k * D + ((i / FINE) | 0) * side + ((j / FINE) | 0)]++;
    for (let i = k * D; i < (k + 1) * D; i++) { sums[k] += masks[i] / PARTS; squares[k] += (masks[i] / PARTS) ** 2; }
  }
  function prepare(ms = Infinity) {
    for (const from = performance.now(); made < all.length && performance.now() - from < ms; made++) make(made);
    return made === all.length;
  }

  // A drawing with mask m in the colours a on m and b beside it is b + m (a - b); least squares gives both colours.
  function read(picture) {
    const means = [0, 1, 2].map((c) => mean(picture.subarray(c * D, (c + 1) * D))), rest = picture.map((v, i) => v - means[(i / D) | 0]);
    const total = rest.reduce((sum, v) => sum + v * v, 0);
    let best = 0, most = -1, together = [0, 0, 0];
    for (let k = 0; k < all.length; k++) {
      let r = 0, g = 0, b = 0;
      for (let i = 0, p = k * D; i < D; i++) {
        const m = masks[p + i];
        if (!m) continue;
        r += m * rest[i]; g += m * rest[D + i]; b += m * rest[2 * D + i];
      }
      const gain = (r * r + g * g + b * b) / (squares[k] - (sums[k] * sums[k]) / D);
      if (gain > most) { most = gain; best = k; together = [r, g, b]; }
    }
    const variance = squares[best] - (sums[best] * sums[best]) / D, contrast = together.map((v) => v / PARTS / variance);
    const ground = means.map((v, c) => v - (sums[best] / D) * contrast[c]), found = ground.map((v, c) => v + contrast[c]);
    const far = colours.map((colour) => Math.hypot(...colour.map((v, c) => v - found[c]))), off = Math.min(...far);
    const error = 1 - most / PARTS ** 2 / Math.max(1e-9, total), { shape, size, row, column } = all[best];
    const drawing = picture.map((_, i) => ground[(i / D) | 0] + (masks[best * D + (i % D)] / PARTS) * contrast[(i / D) | 0]);
    return { words: [far.indexOf(off), shape, size, row, column], error, off, clean: error <= clean.error && off <= clean.off, drawing };
  }
  return { prepare, read, masks };
}

// All shapes in four radii of each size, at centres 1/32 of the side apart, in the order of Python.
function drawingsOf(radii, edge, gap) {
  const found = [];
  radii.forEach(([low, high], size) => {
    for (let n = 0; n < 4; n++) {
      const radius = near32(low + ((high - low) * n) / 3), line = [];
      for (let c = radius + edge; c < 0.5 - gap + 1e-6; c = radius + edge + line.length / 32) line.push(near32(c));
      line.push(...line.map((c) => near32(1 - c)).reverse());
      for (let shape = 0; shape < FORMS.length; shape++) for (const x of line) for (const y of line)
        found.push({ shape, size, radius, centre: [x, y], column: +(x > 0.5), row: +(y > 0.5) });
    }
  });
  return found;
}
