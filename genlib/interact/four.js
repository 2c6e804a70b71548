// Four models that train in the plane, on the kernel of nn.js and the densities of density.js; all that they can do
// without a page.
//   modelOf[name](plan, seed)                        nets, step(x, share), and `yield* sample(normal, n)`
// x holds points row by row in units of the data's standard deviation. share: how much of the plan is done, 0 to 1.

// --- the models ------------------------------------------------------------------------------------------------

const cosine = (share, last) => last + ((1 - last) * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2;
const PIECE = 250; // rows of one pass when samples are drawn: a page must answer in between
const hiddenOf = ({ layers, width }) => Array(layers).fill(width);
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
  autoencoder({ batch: B, rates, last, ...plan }, seed) {
    const next = uniforms(seed), sizes = [2, ...hiddenOf(plan), 2], encoder = mlp(sizes, "silu", next), decoder = mlp(sizes, "silu", next);
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
  vae({ batch: B, rates, last, sd, ...plan }, seed) {
    const next = uniforms(seed), normal = normals(seed + 1), hidden = hiddenOf(plan);
    const encoder = mlp([2, ...hidden, 4], "silu", next), decoder = mlp([2, ...hidden, 2], "silu", next);
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
  gan({ batch: B, rates, last, signs, octaves, blur, ...plan }, seed) {
    const next = uniforms(seed), normal = normals(seed + 1), Z = signs + 2, F = 2 + 4 * octaves;
    const hidden = hiddenOf(plan), G = mlp([Z, ...hidden, 2], "relu", next), D = mlp([F, ...hidden, 1], "silu", next);
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
  flow({ batch: B, rates, last, waves: octaves, average, walk, ...plan }, seed) {
    const next = uniforms(seed), normal = normals(seed + 1), F = 2 + 4 * octaves, D = F + 7, sizes = [D, ...hiddenOf(plan), 2];
    const net = mlp(sizes, "silu", next), smooth = mlp(sizes, "silu", next), move = adam(net);
    const x_t = new Float64Array(2 * B), target = new Float64Array(2 * B), t = new Float64Array(B), told = {}, g = new Float64Array(2 * B);
    for (const part of ["w", "b"]) net.layers.at(-1)[part].fill(0); // it starts with no velocity at all
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
