// Densities of the plane whose truth is known, and what is measured on samples; after nn.js.
//   densityOf({ means, sd } or { corners, side })    draw(next, normal), near(x, y), guess(x, y, t)
// x holds points row by row.

// --- densities: mixtures of round Gaussians of equal weight, and the checkerboard ------------------------------

function mixture({ means, sd }) {
  const from = new Float64Array(means.length);
  const nearest = (x, y) => {
    let best = Infinity, k = 0;
    means.forEach(([a, b], i) => {
      const d = (x - a) * (x - a) + (y - b) * (y - b);
      if (d < best) { best = d; k = i; }
    });
    return [Math.sqrt(best), k];
  };
  return {
    draw(next, normal) {
      const [a, b] = means[Math.floor(next() * means.length)];
      return [a + sd * normal(), b + sd * normal()];
    },
    // The mode within 3 sd of which a point lies, or -1.
    near(x, y) {
      const [distance, k] = nearest(x, y);
      return distance <= 3 * sd ? k : -1;
    },
    // E[x_0 | x_t] on a straight path: the modes are weighed by p(k | x_t), and within each the mean is linear.
    guess(x, y, t) {
      const s = 1 - t, variance = s * s * sd * sd + t * t, gain = (sd * sd * s) / variance, K = means.length;
      let least = Infinity, sum = 0, u = 0, v = 0;
      for (let k = 0; k < K; k++) {
        const a = x - s * means[k][0], b = y - s * means[k][1];
        from[k] = (a * a + b * b) / (2 * variance);
        if (from[k] < least) least = from[k];
      }
      for (let k = 0; k < K; k++) {
        const p = Math.exp(least - from[k]), a = means[k][0], b = means[k][1];
        sum += p;
        u += p * (a + gain * (x - s * a));
        v += p * (b + gain * (y - s * b));
      }
      return [u / sum, v / sum];
    },
  };
}

// Uniform on squares with sides along the axes; corners: the lower left ones.
function board({ corners, side }) {
  return {
    draw(next) {
      const [a, b] = corners[Math.floor(next() * corners.length)];
      return [a + side * next(), b + side * next()];
    },
    near: (x, y) => corners.findIndex(([a, b]) => x >= a && x < a + side && y >= b && y < b + side),
    // Given x_t, x_0 is Gaussian around x_t / (1 - t), cut off at the edges of a square: per axis, mass and moment.
    guess(x, y, t) {
      if (t >= 1) return [0, 1].map((d) => corners.reduce((sum, c) => sum + c[d], 0) / corners.length + side / 2);
      const sd = t / (1 - t), bell = (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
      const part = (centre, a) => {
        const low = (a - centre) / sd, high = (a + side - centre) / sd, mass = Phi(high) - Phi(low);
        return [mass, centre * mass - sd * (bell(high) - bell(low))];
      };
      let sum = 0, u = 0, v = 0;
      for (const [a, b] of corners) {
        const [p, px] = part(x / (1 - t), a), [q, qy] = part(y / (1 - t), b);
        sum += p * q;
        u += px * q;
        v += p * qy;
      }
      return [u / sum, v / sum];
    },
  };
}

const densityOf = (found) => (found.means ? mixture(found) : board(found));

function points(density, next, normal, B, x = new Float64Array(2 * B)) {
  for (let i = 0; i < B; i++) x.set(density.draw(next, normal), 2 * i);
  return x;
}

// --- what is measured ------------------------------------------------------------------------------------------

// Share of the points near a mode, and how many modes have at least 0.8 % of all points.
function coverage(density, x) {
  const count = {}, n = x.length / 2;
  let good = 0;
  for (let i = 0; i < n; i++) {
    const k = density.near(x[2 * i], x[2 * i + 1]);
    if (k < 0) continue;
    good++;
    count[k] = (count[k] || 0) + 1;
  }
  return { near: good / n, modes: Object.values(count).filter((c) => c >= 0.008 * n).length };
}

// Mean over 16 directions, evenly spread, of the distance of the two sorted shadows: sliced Wasserstein distance.
function sliced(x, y, directions = 16) {
  const n = x.length / 2, shadow = (z, c, s) => Float64Array.from({ length: n }, (_, i) => c * z[2 * i] + s * z[2 * i + 1]).sort();
  let sum = 0;
  for (let k = 0; k < directions; k++) {
    const c = Math.cos((Math.PI * k) / directions), s = Math.sin((Math.PI * k) / directions), a = shadow(x, c, s), b = shadow(y, c, s);
    for (let i = 0; i < n; i++) sum += Math.abs(a[i] - b[i]);
  }
  return sum / (n * directions);
}

// The best velocity at points x_t and one time, or a time each: E[eps - x_0 | x_t] = (x_t - E[x_0 | x_t]) / t.
function bestVelocity(density, x, t) {
  const u = new Float64Array(x.length);
  for (let i = 0; i < x.length / 2; i++) {
    const time = t.length ? t[i] : t, [a, b] = density.guess(x[2 * i], x[2 * i + 1], time);
    u[2 * i] = (x[2 * i] - a) / time;
    u[2 * i + 1] = (x[2 * i + 1] - b) / time;
  }
  return u;
}

// n points on straight paths at times that fill (0, 1), always the same, and the best velocity there.
function pathPoints(density, n) {
  const normal = normals(12), x = points(density, uniforms(11), normal, n), t = Float64Array.from({ length: n }, (_, i) => (i + 0.5) / n);
  for (let i = 0; i < 2 * n; i++) x[i] = (1 - t[i >> 1]) * x[i] + t[i >> 1] * normal();
  return { x, t, best: bestVelocity(density, x, t) };
}

// Mean squared distance of a velocity to the best one at those points.
function missOf(velocity, { x, t, best }) {
  const u = velocity(x, t, t.length);
  return best.reduce((sum, v, i) => sum + (u[i] - v) ** 2, 0) / t.length;
}
