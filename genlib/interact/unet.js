// The forward pass of the U-Net of genlib.nets, one image at a time, with weights that travel in 8 bits; after nn.js.
// const net = unetOf(packed, side); const at = net.told(t, y), once for all images; net.denoise(x, at) gives what the
// network says: v, or x_0. Images are channel by channel, row by row; side is theirs, in pixels.

// Weights by name, as torch stores them.
function weightsOf({ layers, whole, numbers }) {
  const bytes = unpack(whole, Int8Array), reals = unpack(numbers, Float32Array), found = {};
  let i = 0, j = 0;
  for (const [name, rows, columns] of layers) {
    const own = reals.subarray(j, (j += rows));
    const made = (found[name] = columns ? new Float32Array(rows * columns) : own);
    for (let k = 0; k < rows * columns; k++) made[k] = bytes[i++] * own[(k / columns) | 0];
  }
  return found;
}

const siluOf = (a) => a / (1 + Math.exp(-a));

function unetOf(packed, whole) {
  const w = weightsOf(packed), rooms = {}, { patch } = packed, side = whole / patch, parts = patch * patch;
  const room = (name, size) => (rooms[name] ??= new Float32Array(size)); // a place that every pass writes anew

  // A convolution, 3 x 3 with a border of zeros or 1 x 1, of size x size pixels: what each pixel sees is a column, and
  // the weights times the columns are one product.
  function conv(name, x, size, stride = 1) {
    const bias = w[name + ".bias"], weight = w[name + ".weight"], rows = bias.length, K = (weight.length / rows) | 0;
    const channels = (x.length / (size * size)) | 0, reach = K > channels ? 1 : 0, to = (size / stride) | 0, P = to * to;
    const seen = room("seen", 9 * 64 * side * side), out = room(name, rows * P);
    let at = 0;
    for (let c = 0; c < channels; c++) for (let dy = -reach; dy <= reach; dy++) for (let dx = -reach; dx <= reach; dx++)
      for (let i = dy; i < to * stride + dy; i += stride) for (let j = dx; j < to * stride + dx; j += stride)
        seen[at++] = i < 0 || j < 0 || i >= size || j >= size ? 0 : x[(c * size + i) * size + j];
    for (let r = 0; r < rows; r++) out.fill(bias[r], r * P, (r + 1) * P);
    multiply(out, weight, seen, [rows, P, K], [K, 1], [P, 1]);
    return out;
  }

  // SiLU of the group norm in 8 groups; `told` holds a scale and a shift for each channel.
  function normed(name, x, told) {
    const gamma = w[name + ".weight"], beta = w[name + ".bias"], channels = gamma.length;
    const P = (x.length / channels) | 0, n = x.length >> 3, out = room(name, x.length);
    for (let g = 0; g < 8; g++) {
      let sum = 0, squares = 0;
      for (let i = g * n; i < (g + 1) * n; i++) { sum += x[i]; squares += x[i] * x[i]; }
      const mean = sum / n, inverse = 1 / Math.sqrt(squares / n - mean * mean + 1e-5);
      for (let i = g * n, c = (i / P) | 0; i < (g + 1) * n; c++) {
        const scale = told ? 1 + told[c] : 1, factor = inverse * gamma[c] * scale;
        const rest = (beta[c] - mean * inverse * gamma[c]) * scale + (told ? told[channels + c] : 0);
        for (const end = i + P; i < end; i++) out[i] = siluOf(factor * x[i] + rest);
      }
    }
    return out;
  }

  function block(name, x, size, told) {
    const h = conv(name + ".conv_1", normed(name + ".norm_1", x), size);
    const out = conv(name + ".conv_2", normed(name + ".norm_2", h, told), size);
    const past = w[name + ".shortcut.weight"] ? conv(name + ".shortcut", x, size) : x;
    for (let i = 0; i < out.length; i++) out[i] += past[i];
    return out;
  }

  const layer = (name, x) => dense(x, w[name + ".weight"], w[name + ".bias"], 1, x.length, w[name + ".bias"].length);

  // Where each number of an image lies once patch x patch pixels are taken as one with more channels.
  function placeOf(i) {
    const column = i % whole, row = ((i / whole) | 0) % whole, c = (i / (whole * whole)) | 0;
    const channel = c * parts + (row % patch) * patch + (column % patch);
    return (channel * side + ((row / patch) | 0)) * side + ((column / patch) | 0);
  }

  // What the blocks are told: scales and shifts, from sines and cosines of t and from y: -1 for nothing, a label, or
  // the numbers of words.
  function told(t, y = -1) {
    const angles = Array.from(w["time.w"], (speed) => Math.fround(t * speed)), known = w["condition.label.weight"] || w["condition.word.weight"];
    const waves = [...angles.map(Math.sin), ...angles.map(Math.cos)];
    const e = layer("time.net.2", layer("time.net.0", waves).map(siluOf));
    for (const row of [y].flat()) if (row >= 0) e.forEach((_, k) => { e[k] += known[row * e.length + k]; });
    return Object.fromEntries(["down_1", "down_2", "up_2", "up_1"].map((name) => [name, layer(name + ".scale_shift", e.map(siluOf))]));
  }

  function denoise(image, at) {
    const x = room("image", image.length);
    for (let i = 0; i < image.length; i++) x[placeOf(i)] = image[i];
    const half = side >> 1, fine = block("down_1", conv("first", x, side), side, at.down_1);
    const coarse = block("up_2", block("down_2", conv("to_half", fine, side, 2), half, at.down_2), half, at.up_2);
    const small = conv("to_full.0", coarse, half), both = room("both", 2 * fine.length);
    for (let c = 0, i = 0; i < fine.length; c++) for (let row = 0; row < side; row++) for (let column = 0; column < side; column++, i++)
      both[i] = small[(c * half + (row >> 1)) * half + (column >> 1)];
    both.set(fine, fine.length);
    const out = conv("last.2", normed("last.0", block("up_1", both, side, at.up_1)), side);
    return image.map((_, i) => out[placeOf(i)]);
  }
  return { told, denoise };
}
