// A small kernel for networks that train in the page: no library, float64, one core. What it offers:
//   normals(seed)                     a function; each call gives one standard normal number
//   mlp(sizes, bend, next)            a network of dense layers; bend: "relu", "silu", "tanh" or "sigmoid"
//   forward(net, x, B)                outputs (B, last size) for inputs (B, first size), row by row in one array
//   backward(net, g, B)               after forward: gradients of g's loss, added to net.grad; returns those of x
//   adam(net, betas)                  a function (rate): one step of Adam on net.theta, after which net.grad is 0
//   dense(x, w, b, B, n, m)           x (B, n) times w (m, n), as torch stores it, plus b: (B, m)
//   multiply(C, A, B, sizes, ...)     the product under all of these
// tests/test_train_here.py compares all of it with torch.

// Normal numbers from uniforms(seed), in pairs (Box and Muller).
function normals(seed) {
  const next = uniforms(seed);
  let other = null;
  return () => {
    if (other !== null) { const z = other; other = null; return z; }
    const radius = Math.sqrt(-2 * Math.log(1 - next())), angle = 2 * Math.PI * next();
    other = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

// C[i, j] += sum over k of A[i, k] B[k, j], where A[i, k] stands at i * ai + k * ak, and B[k, j] at k * bk + j * bj;
// C is stored row by row. Sixteen sums at a time stay in registers: four times as fast as the plain loop.
function multiply(C, A, B, [I, J, K], [ai, ak], [bk, bj]) {
  const I4 = I - (I % 4), J4 = J - (J % 4);
  for (let i = 0; i < I4; i += 4) {
    for (let j = 0; j < J4; j += 4) {
      let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
      let c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
      for (let k = 0, p = i * ai, q = j * bj; k < K; k++, p += ak, q += bk) {
        const a0 = A[p], a1 = A[p + ai], a2 = A[p + 2 * ai], a3 = A[p + 3 * ai];
        const b0 = B[q], b1 = B[q + bj], b2 = B[q + 2 * bj], b3 = B[q + 3 * bj];
        c00 += a0 * b0; c01 += a0 * b1; c02 += a0 * b2; c03 += a0 * b3;
        c10 += a1 * b0; c11 += a1 * b1; c12 += a1 * b2; c13 += a1 * b3;
        c20 += a2 * b0; c21 += a2 * b1; c22 += a2 * b2; c23 += a2 * b3;
        c30 += a3 * b0; c31 += a3 * b1; c32 += a3 * b2; c33 += a3 * b3;
      }
      let c = i * J + j;
      C[c] += c00; C[c + 1] += c01; C[c + 2] += c02; C[c + 3] += c03; c += J;
      C[c] += c10; C[c + 1] += c11; C[c + 2] += c12; C[c + 3] += c13; c += J;
      C[c] += c20; C[c + 1] += c21; C[c + 2] += c22; C[c + 3] += c23; c += J;
      C[c] += c30; C[c + 1] += c31; C[c + 2] += c32; C[c + 3] += c33;
    }
  }
  for (let i = 0; i < I; i++) { // what is left over at the edges
    for (let j = i < I4 ? J4 : 0; j < J; j++) {
      let sum = 0;
      for (let k = 0, p = i * ai, q = j * bj; k < K; k++, p += ak, q += bk) sum += A[p] * B[q];
      C[i * J + j] += sum;
    }
  }
}

function dense(x, w, b, B, n, m, y = new Float64Array(B * m)) {
  for (let i = 0; i < B; i++) y.set(b, i * m);
  multiply(y, x, w, [B, m, n], [n, 1], [1, n]);
  return y;
}

// The activation, in place, and its slope.
function activate(bend, y, slope) {
  for (let i = 0; i < y.length; i++) {
    const z = y[i];
    if (bend === "relu") {
      slope[i] = z > 0 ? 1 : 0;
      y[i] = z > 0 ? z : 0;
    } else if (bend === "tanh") {
      y[i] = Math.tanh(z);
      slope[i] = 1 - y[i] * y[i];
    } else {
      const s = 1 / (1 + Math.exp(-z));
      y[i] = bend === "silu" ? z * s : s;
      slope[i] = bend === "silu" ? s * (1 + z * (1 - s)) : s * (1 - s);
    }
  }
}

// Layers of the given sizes with a bend after each but the last. All weights lie in one array, theta, and their
// gradients in another, grad: for each layer w (m, n), then b (m). They start as torch starts them, uniform between
// -1 and 1 over the root of n; `next` gives numbers in [0, 1).
function mlp(sizes, bend, next) {
  const count = sizes.slice(1).reduce((all, m, l) => all + m * (sizes[l] + 1), 0);
  const theta = new Float64Array(count), grad = new Float64Array(count), layers = [];
  let at = 0;
  for (let l = 0; l + 1 < sizes.length; l++) {
    const n = sizes[l], m = sizes[l + 1], mid = at + m * n, end = mid + m;
    for (let i = at; i < end; i++) theta[i] = (2 * next() - 1) / Math.sqrt(n);
    layers.push({ n, m, w: theta.subarray(at, mid), b: theta.subarray(mid, end), dw: grad.subarray(at, mid), db: grad.subarray(mid, end) });
    at = end;
  }
  return { sizes, bend, theta, grad, layers, rooms: {} };
}

// The arrays of a pass with B rows, made once: what forward returns holds until the next forward with the same B.
function roomOf(net, B) {
  return (net.rooms[B] ??= net.layers.map(({ n, m }) => ({ x: null, y: new Float64Array(B * m), slope: new Float64Array(B * m), dx: new Float64Array(B * n) })));
}

function forward(net, x, B) {
  const room = roomOf(net, B);
  net.layers.forEach(({ w, b, n, m }, l) => {
    const r = room[l];
    r.x = x;
    dense(x, w, b, B, n, m, r.y);
    if (l + 1 < net.layers.length) activate(net.bend, r.y, r.slope);
    x = r.y;
  });
  return x;
}

// g: the gradient of a loss by the outputs, (B, last size). With learn = false the weights get no gradient: what a
// loss asks of the inputs alone, as G's loss does of D.
function backward(net, g, B, learn = true) {
  const room = roomOf(net, B);
  for (let l = net.layers.length - 1; l >= 0; l--) {
    const { w, dw, db, n, m } = net.layers[l], r = room[l];
    if (l + 1 < net.layers.length) for (let i = 0; i < g.length; i++) g[i] *= r.slope[i]; // g is room's own here
    if (learn) {
      multiply(dw, g, r.x, [m, n, B], [1, m], [n, 1]);
      for (let i = 0; i < B; i++) for (let j = 0; j < m; j++) db[j] += g[i * m + j];
    }
    r.dx.fill(0);
    multiply(r.dx, g, w, [B, n, m], [m, 1], [n, 1]);
    g = r.dx;
  }
  return g;
}

// Adam (Kingma and Ba 2015), as torch.optim.Adam without decay.
function adam(net, [beta1, beta2] = [0.9, 0.999], eps = 1e-8) {
  const { theta, grad } = net, mean = new Float64Array(theta.length), square = new Float64Array(theta.length);
  let power1 = 1, power2 = 1;
  return (rate) => {
    power1 *= beta1;
    power2 *= beta2;
    const size = rate / (1 - power1), unbias = 1 / Math.sqrt(1 - power2);
    for (let i = 0; i < theta.length; i++) {
      const g = grad[i];
      mean[i] += (1 - beta1) * (g - mean[i]);
      square[i] += (1 - beta2) * (g * g - square[i]);
      theta[i] -= (size * mean[i]) / (Math.sqrt(square[i]) * unbias + eps);
    }
    grad.fill(0);
  };
}
