// Two Gaussian classes in the plane: what a generative model keeps, and what a discriminative model keeps.
// State: mu = two means, sd = two spreads, rho = correlation (of both), prior = p(y = 1).
// Spreads multiply one matrix [[1, rho], [rho, 1]], so coordinates in which it is the identity make all exact.

function densities({ mu, sd, rho, prior }) {
  const r = Math.sqrt(1 - rho * rho);
  const white = ([x, y]) => [x, (y - rho * x) / r];
  const colour = ([a, b]) => [a, rho * a + r * b];
  const centre = mu.map(white);
  const logPrior = [Math.log(1 - prior), Math.log(prior)];
  const logDensity = (k, x, y) => {
    const [a, b] = white([x, y]), s = sd[k];
    const square = (a - centre[k][0]) ** 2 + (b - centre[k][1]) ** 2;
    return -Math.log(2 * Math.PI * s * s * r) - square / (2 * s * s);
  };
  const logJoint = (k, x, y) => logPrior[k] + logDensity(k, x, y);
  const logit = (x, y) => logJoint(1, x, y) - logJoint(0, x, y);
  const logMarginal = (x, y) => {
    const a = logJoint(0, x, y), b = logJoint(1, x, y), top = Math.max(a, b);
    return top + Math.log(Math.exp(a - top) + Math.exp(b - top));
  };
  return { r, white, colour, centre, logPrior, logDensity, logJoint, logit, logMarginal };
}

const logistic = (a) => 1 / (1 + Math.exp(-a));

// The smallest error that any rule can reach, and how far apart the classes are (null where spreads differ).
function bayesError(state) {
  const { sd: [s, t], prior } = state, { centre: [p, q], logPrior } = densities(state);
  const gap = Math.hypot(q[0] - p[0], q[1] - p[1]), odds = logPrior[1] - logPrior[0];
  if (s === t) {
    const delta = gap / s;
    if (delta < 1e-9) return { error: Math.min(prior, 1 - prior), delta };
    const error = (1 - prior) * Phi(odds / delta - delta / 2) + prior * Phi(-odds / delta - delta / 2);
    return { error, delta };
  }
  // The boundary is a circle around a point of the line through both means. Put that line on the first axis:
  // class 0 at 0, class 1 at `gap`. Across the line everything is symmetric, along it we add up.
  const k = 1 / (t * t) - 1 / (s * s), middle = gap / (t * t) / k;
  const level = 2 * (odds + 2 * Math.log(s / t)) - (gap * gap) / (t * t);
  const square = middle * middle + level / k;
  const inside = (mu, sigma) => {
    if (square <= 0) return 0;
    const radius = Math.sqrt(square), n = 2000;
    const low = Math.max(middle - radius, mu - 9 * sigma), high = Math.min(middle + radius, mu + 9 * sigma);
    if (low >= high) return 0;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const x = low + ((i + 0.5) * (high - low)) / n, half = Math.sqrt(Math.max(0, square - (x - middle) ** 2));
      sum += Math.exp(-((x - mu) ** 2) / (2 * sigma * sigma)) * (1 - 2 * Phi(-half / sigma));
    }
    return (sum * (high - low)) / n / (sigma * Math.sqrt(2 * Math.PI));
  };
  const in0 = inside(0, s), in1 = inside(gap, t);
  const oneIsInside = k > 0; // the narrower class has the inside
  const error = oneIsInside ? (1 - prior) * in0 + prior * (1 - in1) : (1 - prior) * (1 - in0) + prior * in1;
  return { error, delta: null };
}

// Other clouds with the same p(y | x) everywhere. In white coordinates the log odds are
// -k|z|^2/2 + v.z + c; keep k, v and c, choose the spread of class 0 anew, and solve for the means.
function otherClouds(state, seed, [halfWidth, halfHeight]) {
  const { sd: [s, t], prior } = state, { centre: [p, q], colour } = densities(state), next = uniforms(seed);
  const k = 1 / (t * t) - 1 / (s * s), gap = Math.hypot(q[0] - p[0], q[1] - p[1]);
  const v = [0, 1].map((i) => q[i] / (t * t) - p[i] / (s * s)), odds = Math.log(prior / (1 - prior));
  const norm2 = ([a, b]) => a * a + b * b;
  const c = odds - 2 * Math.log(t / s) - norm2(q) / (2 * t * t) + norm2(p) / (2 * s * s);
  // The first half of the trials asks for clouds that are easy to see; then anything within the sliders will do.
  for (let trial = 0; trial < 800; trial++) {
    const [least, most, margin] = trial < 400 ? [0.45, 1.2, 0.7] : [0.3, 1.4, 0.3];
    const a = least + (most - least) * next(), turn = 2 * next() - 1;
    let b = a, m, n;
    if (s === t) {
      const u = gap > 1e-9 ? [(q[0] - p[0]) / gap, (q[1] - p[1]) / gap] : [1, 0];
      const along = ((p[0] + q[0]) * u[0] + (p[1] + q[1]) * u[1]) / 2, half = (gap * a * a) / (2 * s * s);
      const place = (d) => [d * u[0] - 4 * turn * u[1], d * u[1] + 4 * turn * u[0]];
      [m, n] = [place(along - half), place(along + half)];
    } else {
      const precision = k + 1 / (a * a);
      if (precision <= 0) continue;
      b = 1 / Math.sqrt(precision);
      const w = [v[0] / k, v[1] / k], f = c - odds + 2 * Math.log(b / a) + (b * b * norm2(v)) / 2;
      const square = norm2(w) + (2 * a * a * f) / (b * b * k);
      if (square < 0) continue;
      const angle = Math.PI * turn, radius = Math.sqrt(square);
      m = [w[0] + radius * Math.cos(angle), w[1] + radius * Math.sin(angle)];
      n = [0, 1].map((i) => b * b * (v[i] + m[i] / (a * a)));
    }
    const mu = [colour(m), colour(n)];
    const fits = mu.every(([x, y]) => Math.abs(x) < halfWidth - margin && Math.abs(y) < halfHeight - margin);
    const moved = Math.hypot(mu[0][0] - state.mu[0][0], mu[0][1] - state.mu[0][1]);
    if (fits && b >= least && b <= most && moved > 0.8 && (s !== t || Math.abs(a - s) > 0.12)) return { mu, sd: [a, b] };
  }
  return null;
}

function figure(root, { start, words, n }) {
  const state = { ...start, mu: start.mu.map((m) => [...m]), sd: [...start.sd], probe: [...start.probe] };
  const HALF = 3; // the plane shows x2 from -3 to 3
  let width = 0, height = 0, halfWidth = 4, noise = draws(state.seed, n), visible = n, hover = null, fade = 0, trick = 1;

  // --- what is there -----------------------------------------------------------------------------------------
  const canvas = node("canvas", { "aria-hidden": "true" });
  const lines = node("svg:svg", { "aria-hidden": "true" });
  const chips = { boundary: node("span.chip"), probe: node("span.chip"), low: node("span.chip"), high: node("span.chip") };
  const axes = [node("span.chip.muted", { style: "right:3px;bottom:3px" }), node("span.chip.muted", { style: "left:3px;top:3px" })];
  ["*x*\u2081", "*x*\u2082"].forEach((text, i) => phrase(axes[i], text));
  const help = phrase(node("p.small.muted", { id: freshId(root) }), words.help);
  const handle = (inner, label, extra = {}) => {
    const bounds = { "aria-valuemin": -10, "aria-valuemax": 10 };
    return node("div.handle", { role: "slider", tabindex: 0, "aria-label": label, "aria-describedby": help.id, ...bounds, ...extra }, inner);
  };
  const handles = [0, 1].map((k) => handle(node(k ? "span.knob.one" : "span.knob", {}, node("span", {}, String(k))), words.mean[k]));
  const probe = handle("", words.probe);
  probe.classList.add("gl-probe");
  const plane = node("div.plane", {}, canvas, lines, ...axes, ...Object.values(chips), probe, ...handles);
  const caption = node("p.muted", { "aria-live": "polite" });
  const status = node("p.status.small", { role: "status" });

  const said = { posterior: node("p.number"), verdict: node("p.small.muted"), surprise: node("p.number"), rare: node("p.small.muted"),
                 sample: node("div.number.slot"), error: node("p.small.muted"), bayes: node("p.small.muted") };
  const questions = node("div.questions", {},
    question(words.which, said.posterior, said.verdict),
    question(words.unusual, said.surprise, said.rare),
    question(words.draw, said.sample, said.error, said.bayes));

  const drawButton = button(fill(words.drawButton, n), () => {
    state.seed += 1;
    noise = draws(state.seed, n);
    status.textContent = "";
    glide(700, (t) => { visible = Math.round(t * n); redraw(); });
    update();
  });
  const percent = (x) => (100 * x).toFixed(0) + " %";
  const two = (x) => shown(x, 2);
  const spread = [0, 1].map((k) => slider(words.spread[k], { min: 0.3, max: 1.4, step: 0.01, value: state.sd[k], format: two }, (x) => {
    state.sd[k] = x;
    if (state.shared) state.sd[1 - k] = x;
    changed();
  }));
  const rho = slider(words.rho, { min: -0.8, max: 0.8, step: 0.01, value: state.rho, format: two }, (x) => { state.rho = x; changed(); });
  const prior = slider(words.prior, { min: 0.05, max: 0.95, step: 0.01, value: state.prior, format: two }, (x) => { state.prior = x; changed(); });
  const tick = node("input", { type: "checkbox" });
  tick.checked = state.shared;
  tick.addEventListener("change", () => {
    state.shared = tick.checked;
    if (state.shared) state.sd[1] = state.sd[0];
    changed();
  });
  const shared = node("label.tick", {}, tick, phrase(node("span"), words.shared));
  const controls = node("div.controls", {}, spread[0].box, spread[1].box, rho.box, prior.box);

  const view = choice(root, words.legend, words.views, state.view, (key) => {
    state.view = key;
    status.textContent = "";
    const from = fade, to = key === "discriminative" ? 1 : 0;
    glide(350, (t) => { fade = from + t * (to - from); redraw(); });
    update();
  });
  const same = button(words.sameButton, () => {
    const other = otherClouds(state, trick++, [halfWidth, HALF]);
    if (!other) { status.textContent = words.none; return; }
    // The clouds glide; on the way the boundary may move, so the lines are held until they arrive.
    const from = { mu: state.mu, sd: state.sd };
    const mix = (a, b, t) => a + t * (b - a);
    phrase(status, words.same[state.view]);
    glide(900, (t) => {
      if (t === 1) Object.assign(state, other);
      ghost = t === 1 ? null : { ...state, sd: from.sd.map((s, k) => mix(s, other.sd[k], t)),
        mu: from.mu.map((m, k) => m.map((x, i) => mix(x, other.mu[k][i], t))) };
      t === 1 ? update() : redraw();
    });
  });
  const reset = button(words.reset, () => {
    Object.assign(state, { ...start, view: state.view, mu: start.mu.map((m) => [...m]), sd: [...start.sd], probe: [...start.probe] });
    noise = draws(state.seed, n);
    visible = n;
    tick.checked = state.shared;
    changed();
  });
  root.append(view, caption, plane, controls, help, questions, node("div.buttons", {}, same, reset, shared), status);
  let ghost = null; // what is drawn while clouds glide

  // --- places ------------------------------------------------------------------------------------------------
  const toX = (x) => ((x + halfWidth) / (2 * halfWidth)) * width;
  const toY = (y) => ((HALF - y) / (2 * HALF)) * height;
  const where = (event) => {
    const box = plane.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * 2 * halfWidth - halfWidth, HALF - ((event.clientY - box.top) / box.height) * 2 * HALF];
  };
  const within = (x, y) => [clamp(x, -halfWidth + 0.15, halfWidth - 0.15), clamp(y, -HALF + 0.15, HALF - 0.15)];
  handles.forEach((h, k) => movable(h, () => state.mu[k], { where, move: (x, y) => { state.mu[k] = within(x, y); changed(); } }));
  movable(probe, () => state.probe, { where, move: (x, y) => { state.probe = within(x, y); hover = null; update(); } });
  plane.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons) return;
    hover = within(...where(event));
    update();
  });
  plane.addEventListener("pointerleave", () => { hover = null; update(); });
  plane.addEventListener("click", (event) => {
    if (event.target.closest(".gl-handle")) return;
    state.probe = within(...where(event));
    update();
  });

  // --- the picture -------------------------------------------------------------------------------------------
  const sampleOf = (world, { r }) => noise.map(([u, a, b]) => {
    const y = u < world.prior ? 1 : 0, s = world.sd[y];
    return [world.mu[y][0] + s * a, world.mu[y][1] + s * (world.rho * a + r * b), y];
  });

  function shade(alphaOf, inks) { // a small image, to be stretched smoothly
    const columns = 150, rows = Math.max(2, Math.round((columns * height) / width));
    const small = node("canvas", { width: columns, height: rows }), pen = small.getContext("2d"), image = pen.createImageData(columns, rows);
    for (let j = 0, at = 0; j < rows; j++) {
      for (let i = 0; i < columns; i++, at += 4) {
        const alphas = alphaOf(((i + 0.5) / columns) * 2 * halfWidth - halfWidth, HALF - ((j + 0.5) / rows) * 2 * HALF);
        const total = alphas[0] + alphas[1] || 1;
        for (let c = 0; c < 3; c++) image.data[at + c] = (inks[0][c] * alphas[0] + inks[1][c] * alphas[1]) / total;
        image.data[at + 3] = 255 * (1 - (1 - alphas[0]) * (1 - alphas[1]));
      }
    }
    pen.putImageData(image, 0, 0);
    return small;
  }

  function paint() {
    if (!width) return;
    const world = ghost || state, d = densities(world), fixed = ghost ? densities(state) : d;
    const pen = fitCanvas(canvas, width, height), inks = [rgb(palette(root, "0")), rgb(palette(root, "1"))];
    const surface = palette(root, "surface");
    pen.imageSmoothingQuality = "high";
    if (fade < 1) {
      const peak = Math.max(...[0, 1].map((k) => d.logPrior[k] - Math.log(2 * Math.PI * world.sd[k] ** 2 * d.r)));
      pen.globalAlpha = 1 - fade;
      pen.drawImage(shade((x, y) => [0, 1].map((k) => 0.62 * Math.exp(0.75 * (d.logJoint(k, x, y) - peak))), inks), 0, 0, width, height);
    }
    if (fade > 0) {
      pen.globalAlpha = fade;
      pen.drawImage(shade((x, y) => {
        const p = logistic(fixed.logit(x, y)), strength = 0.45 * Math.abs(2 * p - 1);
        return p > 0.5 ? [0, strength] : [strength, 0];
      }, inks), 0, 0, width, height);
    }
    if (fade < 1) drawSamples(pen, world, d, surface);
    pen.globalAlpha = 1;
    drawLines(world, d, fixed);
  }

  function drawSamples(pen, world, d, surface) {
    const ink = getComputedStyle(root).color, size = width < 480 ? 2.6 : 3.4;
    pen.globalAlpha = 1 - fade;
    for (const [x, y, label] of sampleOf(world, d).slice(0, visible)) {
      const wrong = d.logit(x, y) > 0 !== (label === 1), a = toX(x), b = toY(y);
      pen.beginPath();
      if (label) { const s = size * 1.2; pen.moveTo(a, b - s); pen.lineTo(a + s, b); pen.lineTo(a, b + s); pen.lineTo(a - s, b); pen.closePath(); }
      else pen.arc(a, b, size, 0, 7);
      pen.fillStyle = palette(root, label);
      pen.strokeStyle = wrong ? ink : surface;
      pen.lineWidth = wrong ? 1.8 : 1;
      pen.fill();
      pen.stroke();
    }
  }

  const path = (pieces) => pieces.map(([[a, b], [c, e]]) => `M${toX(a).toFixed(1)} ${toY(b).toFixed(1)}L${toX(c).toFixed(1)} ${toY(e).toFixed(1)}`).join("");
  const curve = (d, style) => node("svg:path.curve", { d, style });

  function drawLines(world, d, fixed) {
    const box = [-halfWidth, halfWidth, -HALF, HALF], generative = 1 - fade, made = [];
    for (const k of [0, 1]) {
      for (const radius of [1, 2]) {
        const ring = Array.from({ length: 73 }, (_, i) => {
          const angle = (2 * Math.PI * i) / 72, [a, b] = d.colour([radius * Math.cos(angle), radius * Math.sin(angle)]);
          return `${toX(world.mu[k][0] + world.sd[k] * a).toFixed(1)} ${toY(world.mu[k][1] + world.sd[k] * b).toFixed(1)}`;
        });
        const dash = k ? "stroke-dasharray:6 4;" : "";
        made.push(curve("M" + ring.join("L"), `stroke:var(--gl-${k});stroke-width:${radius === 1 ? 2 : 1.3};${dash}opacity:${generative}`));
      }
    }
    const level = (p) => zeroSet((x, y) => fixed.logit(x, y) - Math.log(p / (1 - p)), box, 80, 50);
    const boundary = level(0.5);
    if (fade > 0) for (const p of [0.1, 0.9]) {
      const pieces = level(p), chip = p < 0.5 ? chips.low : chips.high;
      made.push(curve(path(pieces), `stroke-width:1.2;opacity:${0.75 * fade}`));
      label(chip, pieces, p.toFixed(1), -HALF + 0.35, fade > 0.5);
    }
    else for (const chip of [chips.low, chips.high]) chip.hidden = true;
    made.push(curve(path(boundary), `stroke-width:${2.2 + 1.4 * fade}`));
    label(chips.boundary, boundary, words.boundary, HALF - 0.35, true);
    lines.setAttribute("viewBox", `0 0 ${width} ${height}`);
    lines.replaceChildren(...made);
    handles.forEach((h, k) => { h.style.left = toX(world.mu[k][0]) + "px"; h.style.top = toY(world.mu[k][1]) + "px"; });
    root.dataset.boundary = boundary.filter((_, i) => i % 12 === 0).map(([[x, y]]) => x.toFixed(6) + "," + y.toFixed(6)).join(" ");
  }

  // Put a label on the curve where it comes nearest to the height y.
  function label(chip, pieces, text, y, wanted) {
    chip.hidden = !wanted || !pieces.length;
    if (chip.hidden) return;
    const [x, z] = pieces.map((piece) => piece[0]).reduce((a, b) => (Math.abs(b[1] - y) < Math.abs(a[1] - y) ? b : a));
    if (chip.textContent !== text.replaceAll("*", "")) phrase(chip, text);
    chip.style.left = clamp(toX(x) - chip.offsetWidth / 2, 26, width - chip.offsetWidth - 4) + "px";
    chip.style.top = clamp(toY(z) - chip.offsetHeight / 2, 2, height - chip.offsetHeight - 2) + "px";
  }

  // --- the numbers -------------------------------------------------------------------------------------------
  function update() {
    const d = densities(state), [x, y] = hover || state.probe, keeps = state.view === "generative";
    const p = logistic(d.logit(x, y)), density = d.logMarginal(x, y), sample = sampleOf(state, d);
    const wrong = sample.filter(([a, b, k]) => d.logit(a, b) > 0 !== (k === 1)).length, best = bayesError(state);
    root.dataset.view = state.view;
    phrase(caption, words.captions[state.view]);
    const about = p < 0.0005 ? "< 0.001" : p > 0.9995 ? "> 0.999" : "= " + p.toFixed(3);
    phrase(said.posterior, "*p*(*y* = 1 | *x*) " + about);
    phrase(said.verdict, fill(words.verdict, p > 0.5 ? 1 : 0));
    phrase(said.surprise, keeps ? `ln *p*(*x*) = ${shown(density, 2)}` : words.unknown);
    // How rare: the share of the model's own samples at places where its density is lower.
    const rarer = sample.filter(([a, b]) => d.logMarginal(a, b) < density).length;
    phrase(said.rare, keeps ? fill(words.rare, rarer, n) : words.forgot);
    if (keeps !== said.sample.contains(drawButton) || !said.sample.textContent) said.sample.replaceChildren(keeps ? drawButton : words.cannot);
    phrase(said.error, keeps ? fill(words.error, wrong, n, ((100 * wrong) / n).toFixed(1)) : words.needsData);
    const bayes = fill(words.bayes, (100 * best.error).toFixed(1));
    const how = best.delta === null ? words.summed : state.prior === 0.5 ? fill(words.phi, best.delta.toFixed(2)) : words.closed;
    phrase(said.bayes, keeps ? bayes + how : "");
    handles.forEach((h, k) => tellPlace(h, state.mu[k]));
    tellPlace(probe, state.probe);
    probe.style.left = toX(x) + "px";
    probe.style.top = toY(y) + "px";
    phrase(chips.probe, p.toFixed(2));
    chips.probe.style.left = clamp(toX(x) + 12, 2, width - 44) + "px";
    chips.probe.style.top = clamp(toY(y) - 26, 2, height - 24) + "px";
    spread[0].set(state.sd[0]);
    spread[1].set(state.sd[1]);
    phrase(spread[0].box.querySelector("span > span"), state.shared ? words.spreadBoth : words.spread[0]);
    spread[1].box.hidden = state.shared;
    spread[1].box.style.display = state.shared ? "none" : "";
    rho.set(state.rho);
    prior.set(state.prior);
    const put = (values) => Object.entries(values).forEach(([key, value]) => { root.dataset[key] = value; });
    const list = (values) => values.map((v) => v.toFixed(8)).join(",");
    put({ mu0: list(state.mu[0]), mu1: list(state.mu[1]), sd: list(state.sd), rho: state.rho, prior: state.prior, seed: state.seed, n,
          probe: list([x, y]), posterior: p.toFixed(8), logpx: density.toFixed(8), wrong, bayes: best.error.toFixed(8),
          delta: best.delta === null ? "" : best.delta.toFixed(8) });
    redraw();
  }
  function tellPlace(h, [x, y]) {
    h.setAttribute("aria-valuenow", x.toFixed(2));
    h.setAttribute("aria-valuetext", fill(words.place, shown(x, 1), shown(y, 1)));
  }
  const changed = () => { status.textContent = ""; update(); };
  const redraw = oncePerFrame(paint);

  root.dataset.view = state.view;
  fade = state.view === "discriminative" ? 1 : 0;
  onResize(plane, (now) => {
    width = now;
    height = Math.round(clamp(width * 0.6, 290, 460));
    halfWidth = (HALF * width) / height;
    plane.style.height = height + "px";
    for (const point of [...state.mu, state.probe]) [point[0], point[1]] = within(...point);
    update();
    paint();
  });
  followScheme(root, redraw);
}
