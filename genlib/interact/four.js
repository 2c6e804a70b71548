// Four models of points in the plane, on the kernel of nn.js; all that they can do without a page.
//   densityOf({ means, sd } or { corners, side })    draw(next, normal), near(x, y), guess(x, y, t)
//   modelOf[name](plan, seed)                        nets, step(x, share), and `yield* sample(normal, n)`
// x holds points row by row in units of the data's standard deviation. share: how much of the plan is done, 0 to 1.

// --- densities: mixtures of round Gaussians of equal weight, and the checkerboard ------------------------------

function mixture({ means, sd }) {
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
      const s = 1 - t, variance = s * s * sd * sd + t * t, gain = (sd * sd * s) / variance;
      const from = (a, b) => ((x - s * a) ** 2 + (y - s * b) ** 2) / (2 * variance);
      const least = means.reduce((low, [a, b]) => Math.min(low, from(a, b)), Infinity);
      let sum = 0, u = 0, v = 0;
      for (const [a, b] of means) {
        const p = Math.exp(least - from(a, b));
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

// --- the models ------------------------------------------------------------------------------------------------

const cosine = (share, last) => last + ((1 - last) * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2;
const PIECE = 250; // rows of one pass when samples are drawn: a page must answer in between
const gaussians = (normal, n) => Float64Array.from({ length: n }, normal);

// n rows of `width` numbers through a function of at most PIECE rows.
function* inPieces(z, width, pass) {
  const n = z.length / width, out = new Float64Array(2 * n);
  for (let i = 0; i < n; i += PIECE) {
    const rows = Math.min(PIECE, n - i);
    out.set(pass(z.subarray(i * width, (i + rows) * width), rows), 2 * i);
    yield;
  }
  return out;
}

// x, then sine and cosine of each coordinate at frequencies that double; finer ones are fainter, as in genlib.nets.
function waves(x, B, octaves, out, width) {
  for (let i = 0; i < B; i++) {
    let p = i * width;
    const a = x[2 * i], b = x[2 * i + 1];
    out[p++] = a;
    out[p++] = b;
    for (let k = 0, w = 1.5, size = 1; k < octaves; k++, w *= 2, size *= Math.SQRT1_2) {
      out[p++] = size * Math.sin(w * a);
      out[p++] = size * Math.sin(w * b);
      out[p++] = size * Math.cos(w * a);
      out[p++] = size * Math.cos(w * b);
    }
  }
  return out;
}

// The gradient by the points, where dy is that by their waves.
function wavesBack(dy, x, B, octaves, width) {
  return Float64Array.from({ length: 2 * B }, (_, i) => {
    const at = (i >> 1) * width + (i % 2);
    let sum = dy[at];
    for (let k = 0, w = 1.5, size = 1; k < octaves; k++, w *= 2, size *= Math.SQRT1_2) {
      const p = at + 2 + 4 * k;
      sum += w * size * (dy[p] * Math.cos(w * x[i]) - dy[p + 2] * Math.sin(w * x[i]));
    }
    return sum;
  });
}

const modelOf = {
  // Chapter 2: squared error; to draw, a Gaussian is fitted to the codes of the last batches and decoded.
  autoencoder({ width, batch: B, rates, last }, seed) {
    const next = uniforms(seed), encoder = mlp([2, width, width, 2], "silu", next), decoder = mlp([2, width, width, 2], "silu", next);
    const moves = [adam(encoder), adam(decoder)], g = new Float64Array(2 * B), codes = new Float64Array(2 * 16 * B);
    let turn = 0;
    return {
      nets: [encoder, decoder],
      step(x, share) {
        const z = forward(encoder, x, B), y = forward(decoder, z, B);
        codes.set(z, 2 * B * (turn++ % 16));
        for (let i = 0; i < 2 * B; i++) g[i] = (2 * (y[i] - x[i])) / B;
        backward(encoder, backward(decoder, g, B), B);
        for (const move of moves) move(rates.autoencoder * cosine(share, last));
      },
      *sample(normal, n) {
        const z = gaussians(normal, 2 * n), [a, b, aa, ab, bb] = turn ? gaussianOf(codes, Math.min(turn, 16) * B) : [0, 0, 1, 0, 1];
        for (let i = 0; i < n; i++) {
          const u = z[2 * i];
          z[2 * i] = a + aa * u;
          z[2 * i + 1] = b + ab * u + bb * z[2 * i + 1];
        }
        return yield* inPieces(z, 2, (part, k) => forward(decoder, part, k));
      },
    };
  },

  // Chapter 3: -ELBO with a Gaussian p(x | z) of fixed deviation; what is drawn is the mean of p(x | z).
  vae({ width, batch: B, rates, last, sd }, seed) {
    const next = uniforms(seed), normal = normals(seed + 1), encoder = mlp([2, width, width, 4], "silu", next), decoder = mlp([2, width, width, 2], "silu", next);
    const moves = [adam(encoder), adam(decoder)], g = new Float64Array(2 * B), z = new Float64Array(2 * B), h = new Float64Array(4 * B), noise = new Float64Array(2 * B);
    return {
      nets: [encoder, decoder],
      step(x, share) {
        const q = forward(encoder, x, B); // a row: two means, two log variances
        for (let i = 0; i < B; i++) for (let c = 0; c < 2; c++) {
          noise[2 * i + c] = Math.exp(q[4 * i + 2 + c] / 2) * normal();
          z[2 * i + c] = q[4 * i + c] + noise[2 * i + c];
        }
        const y = forward(decoder, z, B);
        for (let i = 0; i < 2 * B; i++) g[i] = (y[i] - x[i]) / (sd * sd * B);
        const dz = backward(decoder, g, B);
        for (let i = 0; i < B; i++) for (let c = 0; c < 2; c++) {
          h[4 * i + c] = dz[2 * i + c] + q[4 * i + c] / B;
          h[4 * i + 2 + c] = (dz[2 * i + c] * noise[2 * i + c] + (Math.exp(q[4 * i + 2 + c]) - 1) / B) / 2;
        }
        backward(encoder, h, B);
        for (const move of moves) move(rates.vae * cosine(share, last));
      },
      *sample(normal, n) {
        return yield* inPieces(gaussians(normal, 2 * n), 2, (part, k) => forward(decoder, part, k));
      },
    };
  },

  // Chapter 4: codes of eight random signs and two normal numbers, a D with Fourier features, instance noise that falls.
  gan({ width, batch: B, rates, last, signs, octaves, blur }, seed) {
    const next = uniforms(seed), normal = normals(seed + 1), Z = signs + 2, F = 2 + 4 * octaves;
    const G = mlp([Z, width, width, 2], "relu", next), D = mlp([F, width, width, 1], "silu", next);
    const betas = [0, 0.99], moveG = adam(G, betas), moveD = adam(D, betas);
    const both = new Float64Array(4 * B), seen = new Float64Array(2 * B * F), g = new Float64Array(2 * B);
    const prior = (normal, n) => gaussians(normal, n * Z).map((z, i) => (i % Z < signs ? Math.sign(z) : z));
    const blurred = (x, sigma) => x.map((v) => v + sigma * normal());
    return {
      nets: [G, D],
      step(x, share) {
        const sigma = blur[0] * (blur[1] / blur[0]) ** Math.min(1, share / 0.8), rate = rates.gan * cosine(share, last);
        both.set(x);
        both.set(forward(G, prior(normal, B), B), 2 * B);
        const logits = forward(D, waves(blurred(both, sigma), 2 * B, octaves, seen, F), 2 * B);
        for (let i = 0; i < 2 * B; i++) g[i] = (1 / (1 + Math.exp(-logits[i])) - (i < B ? 1 : 0)) / B;
        backward(D, g, 2 * B);
        moveD(rate);
        const fakes = blurred(forward(G, prior(normal, B), B), sigma);
        const said = forward(D, waves(fakes, B, octaves, seen, F), B);
        for (let i = 0; i < B; i++) g[i] = (1 / (1 + Math.exp(-said[i])) - 1) / B;
        const df = backward(D, g.subarray(0, B), B, false);
        backward(G, wavesBack(df, fakes, B, octaves, F), B);
        moveG(rate);
      },
      *sample(normal, n) {
        return yield* inPieces(prior(normal, n), Z, (part, k) => forward(G, part, k));
      },
    };
  },

  // Chapter 5: straight paths x_t = (1 - t) x_0 + t eps; the network learns their mean velocity eps - x_0. Times near
  // the data are drawn more often, t = u^2, and told to the network as log(t + 0.01), with waves of it.
  flow({ width, batch: B, rates, last, waves: octaves, average, walk }, seed) {
    const next = uniforms(seed), normal = normals(seed + 1), F = 2 + 4 * octaves, D = F + 7, sizes = [D, width, width, 2];
    const net = mlp(sizes, "silu", next), smooth = mlp(sizes, "silu", next), move = adam(net);
    const x_t = new Float64Array(2 * B), target = new Float64Array(2 * B), t = new Float64Array(B), told = {}, g = new Float64Array(2 * B);
    for (const part of ["w", "b"]) net.layers[2][part].fill(0); // it starts with no velocity at all
    smooth.theta.set(net.theta); // the average of the weights over the steps, which draws the samples
    let turn = 0;
    function see(x, t, n) {
      const out = waves(x, n, octaves, (told[n] ??= new Float64Array(n * D)), D);
      for (let i = 0; i < n; i++) {
        const u = Math.log(t[i] + 0.01) / 2;
        let p = i * D + F;
        out[p++] = u;
        for (let w = Math.PI / 2; w < 7; w *= 2) {
          out[p++] = Math.sin(w * u);
          out[p++] = Math.cos(w * u);
        }
      }
      return out;
    }
    const velocity = (x, t, n) => forward(smooth, see(x, t, n), n);
    return {
      nets: [net, smooth],
      velocity,
      step(x, share) {
        for (let i = 0; i < B; i++) {
          t[i] = ((i + next()) / B) ** 2; // one time in each of B parts
          for (let c = 2 * i; c < 2 * i + 2; c++) {
            const eps = normal();
            x_t[c] = (1 - t[i]) * x[c] + t[i] * eps;
            target[c] = eps - x[c];
          }
        }
        const y = forward(net, see(x_t, t, B), B);
        for (let i = 0; i < 2 * B; i++) g[i] = (2 * (y[i] - target[i])) / B;
        backward(net, g, B);
        move(rates.flow * cosine(share, last));
        const keep = Math.min(average, (turn + 1) / (turn + 10));
        turn++;
        for (let i = 0; i < net.theta.length; i++) smooth.theta[i] += (1 - keep) * (net.theta[i] - smooth.theta[i]);
      },
      // From noise at t = 1 to samples at t = 0 in even steps (Euler); `states`, where given, gets all that lies between.
      *sample(normal, n, states = []) {
        let x = gaussians(normal, 2 * n);
        states.push(x);
        for (let k = walk; k > 0; k--) {
          const u = yield* inPieces(x, 2, (part, rows) => velocity(part, new Float64Array(rows).fill(k / walk), rows));
          x = x.map((v, i) => v - u[i] / walk);
          states.push(x);
        }
        return x;
      },
    };
  },
};

// Mean of n points and the lower triangle whose square is their covariance.
function gaussianOf(z, n) {
  let a = 0, b = 0, aa = 0, ab = 0, bb = 0;
  for (let i = 0; i < n; i++) { a += z[2 * i] / n; b += z[2 * i + 1] / n; }
  for (let i = 0; i < n; i++) {
    const u = z[2 * i] - a, v = z[2 * i + 1] - b;
    aa += (u * u) / n; ab += (u * v) / n; bb += (v * v) / n;
  }
  const root = Math.sqrt(aa);
  return [a, b, root, ab / root, Math.sqrt(Math.max(0, bb - (ab * ab) / aa))];
}
