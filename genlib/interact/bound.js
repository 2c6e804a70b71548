// One code, its prior, its posterior and a q to drag: the evidence bound of z ~ N(0, 1), x | z ~ N(z, sd^2).
// State: mu and logvar = log sigma^2 of q, the data point x, and sd, the standard deviation of the decoder's noise.

const STYLE = `
.gl-interact .gl-eb { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.25rem 1.25rem; }
.gl-interact .gl-eb-part svg { flex: none; width: 22px; height: 12px; margin: 0; background: none; filter: none; }
.gl-interact .gl-eb-part { display: flex; align-items: baseline; gap: 0.4rem; font-variant-numeric: tabular-nums; }
.gl-interact .gl-eb-say { min-height: 2.9em; font-weight: 600; margin: 0.3rem 0 0; }
.gl-interact .gl-eb-q { font-size: 1rem; }
.gl-interact .gl-eb-help { margin-top: 0.75rem; }
.gl-interact .gl-eb svg { overflow: hidden; }
.gl-interact .gl-eb-controls { grid-template-columns: 2fr 3fr; gap: 0.4rem 1rem; }
@container (min-width: 34rem) {
  .gl-interact .gl-eb { grid-template-columns: minmax(0, 2.6fr) minmax(0, 1fr); }
  .gl-interact .gl-eb-say { min-height: 1.45em; }
}
@container (min-width: 42rem) {
  .gl-interact .gl-eb-controls { display: flex; gap: 1rem; }
  .gl-interact .gl-eb-controls > * { flex: 1 1 8rem; }
  .gl-interact .gl-eb-controls > :nth-child(2) { flex: 1.6 1 11.5rem; }
}`;

const LOG_TWO_PI = Math.log(2 * Math.PI);
const normal = (z, m, variance) => Math.exp(-((z - m) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);

// The KL divergence from one Gaussian to another: the part for the mean and the part for the variance. `ratio`
// is the first variance over the second, `shift` the distance of the means in deviations of the second.
const divergence = (shift, ratio) => [shift ** 2 / 2, (ratio - 1 - Math.log(ratio)) / 2];

// Everything that is known about a state, in nats.
function bound({ mu, logvar, x, sd }) {
  const variance = Math.exp(logvar), noise = sd * sd, spread = noise / (1 + noise), middle = x / (1 + noise);
  const [klMean, klVariance] = divergence(mu, variance), kl = klMean + klVariance;
  const recon = -(LOG_TWO_PI + Math.log(noise) + ((x - mu) ** 2 + variance) / noise) / 2;
  const logpx = -(LOG_TWO_PI + Math.log(1 + noise) + x ** 2 / (1 + noise)) / 2;
  const [gapMean, gapVariance] = divergence((mu - middle) / Math.sqrt(spread), variance / spread);
  return { variance, sigma: Math.sqrt(variance), spread, middle, klMean, klVariance, kl, recon, elbo: recon - kl, logpx,
           gapMean, gapVariance, gap: gapMean + gapVariance };
}

// The integral of the smaller one of N(mu, exp(logvar)) and N(0, 1), from the two places where they cross.
function overlap(mu, logvar) {
  const sigma = Math.exp(logvar / 2), k = Math.expm1(-logvar);
  if (Math.abs(k) < 1e-9) return 2 * Phi(-Math.abs(mu) / 2);
  const half = Math.sqrt((mu / sigma) ** 2 - k * logvar), roots = [-half, half].map((h) => (mu / sigma ** 2 + h) / k);
  const low = Math.min(...roots), high = Math.max(...roots);
  const prior = Phi(high) - Phi(low), q = Phi((high - mu) / sigma) - Phi((low - mu) / sigma);
  return k > 0 ? prior + 1 - q : q + 1 - prior;
}

// Which sentence describes the state.
function verdictOf(state, b) {
  const point = state.logvar <= -6;
  if (state.view === "prior") {
    if (b.kl < 0.005) return "free";
    return point ? "point" : b.klMean > b.klVariance ? "far" : b.variance < 1 ? "narrow" : "broad";
  }
  if (b.gap < 0.005) return "exact";
  if (b.kl < 0.005) return "ignores";
  return point ? "point" : b.gapMean > b.gapVariance ? "beside" : b.variance < b.spread ? "bold" : "timid";
}

function figure(root, { start, limits, words, n, seed }) {
  const state = { ...start }, eps = draws(seed, n).map((row) => row[1]), REACH = 4.2, DEEP = 6;
  const within = (name, value) => clamp(value, ...limits[name]);
  const two = (v) => shown(Math.abs(v) < 0.005 ? 0 : v, 2);
  let width = 0, turn = 0;

  // --- pieces of drawings --------------------------------------------------------------------------------------
  const QFILL = "fill:var(--gl-0);fill-opacity:0.2;stroke:none", QLINE = "stroke:var(--gl-0);stroke-width:2.4";
  const PRIOR = "stroke-width:1.8;stroke-dasharray:6 5", POSTERIOR = "stroke:var(--gl-1);stroke-width:2.2";
  // Bars differ by colour and by pattern: plain, or with lines across.
  const BARS = {
    mean: ["var(--gl-0)", 0.55], variance: ["var(--gl-0)", 0.12, "across"], recon: ["var(--gl-edge)", 0.45],
    kl: ["var(--gl-0)", 0.4], gap: ["var(--gl-1)", 0.14, "slanted"],
  };
  function bar(name, x, y, w, h) {
    const [colour, opacity, lines] = BARS[name], made = node("svg:g", {}), ink = `stroke:${colour};stroke-width:1.3`;
    made.append(node("svg:rect", { x, y, width: w, height: Math.max(0, h), style: `fill:${colour};fill-opacity:${opacity};${ink}` }));
    if (lines === "across") for (let t = 4; t < h; t += 4) made.append(segment(x, y + t, x + w, y + t, ink));
    if (lines === "slanted") for (let t = 6; t < w + h; t += 6) {
      const [a, b] = [Math.min(t, w), Math.max(0, t - w)], [c, d] = [Math.max(0, t - h), Math.min(t, h)];
      made.append(segment(x + a, y + b, x + c, y + d, ink));
    }
    return made;
  }
  const barSwatch = (name) => swatch(bar(name, 1, 1, 20, 10));
  const flat = [[1, 6], [21, 6]];
  const whisker = (low, at, high, y) => [[low, y, high, y], [low, y - 4, low, y + 4], [high, y - 4, high, y + 4]]
    .map((ends) => segment(...ends, "stroke:currentColor;stroke-width:1.6"))
    .concat(node("svg:circle", { cx: at, cy: y, r: 3.5, style: "fill:currentColor" }));

  // --- what is there -------------------------------------------------------------------------------------------
  const density = chart(), meter = chart();
  const keyOf = (what, ...pieces) => node("li", {}, swatch(...pieces), phrase(node("span"), what));
  const keys = {
    q: keyOf(words.q, line([[1, 12], [1, 3], [21, 3], [21, 12]], QFILL), line([[1, 3], [21, 3]], QLINE)),
    prior: keyOf(words.prior, line(flat, PRIOR)),
    posterior: keyOf(words.posterior, line(flat, POSTERIOR)),
    datum: keyOf(words.datumKey, ...whisker(2, 11, 20, 6)),
    overlap: keyOf(words.overlapKey, ...[3, 8, 13, 18].map((x) => segment(x, 1, x, 11, "stroke:currentColor;stroke-width:1.2"))),
  };
  const key = node("ul.key", {}, ...Object.values(keys));
  const caption = node("p.muted", { "aria-live": "polite" });
  const help = phrase(node("p.small.muted.eb-help", { id: freshId(root) }), words.help);
  const handle = node("div.handle", { role: "slider", tabindex: 0, "aria-label": words.handle, "aria-describedby": help.id,
    "aria-valuemin": limits.mu[0], "aria-valuemax": limits.mu[1] }, node("i.knob.eb-q", { "aria-hidden": "true" }, "q"));
  density.box.append(handle);
  const say = node("p.eb-say", { "aria-live": "polite" });

  const number = () => node("p.number");
  const part = (name) => {
    const what = node("span");
    return { what, box: node("p.eb-part.small", {}, ...(name ? [barSwatch(name)] : []), what) };
  };
  const said = { kl: number(), mean: part("mean"), variance: part("variance"), overlap: number(), elbo: number(),
                 recon: part("recon"), tax: part("kl"), logpx: number(), gap: number() };
  const gapNote = part("gap");
  phrase(gapNote.what, words.gapNote);
  const questions = {
    prior: node("div.questions.short", {}, question(words.klTitle, said.kl), question(words.partsTitle, said.mean.box, said.variance.box),
      question(words.overlapTitle, said.overlap, note(words.overlapNote))),
    posterior: node("div.questions.short", {}, question(words.elboTitle, said.elbo, said.recon.box, said.tax.box),
      question(words.logpxTitle, said.logpx, note(words.logpxNote)), question(words.gapTitle, said.gap, gapNote.box)),
  };

  const sliderOf = (name, step, format) => {
    const [min, max] = limits[name];
    return slider(words[name], { min, max, step, value: state[name], format }, (value) => { turn += 1; state[name] = value; update(); });
  };
  const sliders = { mu: sliderOf("mu", 0.01, two), logvar: sliderOf("logvar", 0.01, (v) => fill(words.sigma, two(v), Math.exp(v / 2).toPrecision(2))),
                    x: sliderOf("x", 0.01, two), sd: sliderOf("sd", 0.01, two) };
  const glideTo = (target) => {
    const from = { ...state }, mine = (turn += 1);
    glide(700, (t) => {
      if (turn !== mine) return; // the reader took over
      for (const [name, value] of Object.entries(target)) state[name] = t === 1 ? value : from[name] + t * (value - from[name]);
      update();
    });
  };
  const best = button(words.best, () => {
    const b = bound(state);
    glideTo({ mu: b.middle, logvar: Math.log(b.spread) });
  });
  const buttons = node("div.buttons", {}, best, button(words.collapse, () => glideTo({ mu: 0, logvar: 0 })),
    button(words.point, () => glideTo({ logvar: limits.logvar[0] })),
    button(words.reset, () => { const { view, ...numbers } = start; glideTo(numbers); }));
  const view = choice(root, words.legend, words.views, state.view, (name) => { state.view = name; update(); });
  root.append(node("style", {}, STYLE), view, caption, key, node("div.eb", {}, density.box, meter.box), say,
    node("div.controls.eb-controls", {}, ...Object.values(sliders).map((s) => s.box)), buttons, questions.prior, questions.posterior, help);

  // --- the densities: q, the prior, the posterior, and how the draws eps become codes -----------------------------
  const TOP = 50;
  let floor = 0, codes = 0, noise = 0, height = 0; // a phone gets a lower picture
  const toX = (z) => ((z + REACH) / (2 * REACH)) * width;
  // The scale follows the decoder alone, so that the other curves stay while q is dragged.
  const ceiling = () => Math.max(1, 1.25 * normal(0, 0, bound(state).spread));
  const toY = (d) => floor - (d / ceiling()) * (floor - TOP);
  const peak = () => toY(normal(0, 0, Math.exp(state.logvar)));
  movable(handle, () => [state.mu, -state.logvar], {
    where: (event) => { // upwards is a higher top, which is a smaller variance
      const box = density.box.getBoundingClientRect(), d = (Math.max(2, floor - ((event.clientY - box.top) * density.box.offsetHeight) / box.height) / (floor - TOP)) * ceiling();
      return [((event.clientX - box.left) / box.width) * 2 * REACH - REACH, LOG_TWO_PI + 2 * Math.log(d)];
    },
    move: (mu, up) => {
      turn += 1;
      Object.assign(state, { mu: within("mu", mu), logvar: within("logvar", -up) });
      update();
    },
  });

  function drawDensity() {
    const b = bound(state), svg = density.svg, against = state.view === "prior", made = [];
    const grid = Array.from({ length: 337 }, (_, i) => -REACH + (2 * REACH * i) / 336);
    const close = Array.from({ length: 81 }, (_, i) => state.mu + b.sigma * (i - 40) / 8); // a narrow q needs its own places
    const q = [...grid, ...close].sort((a, c) => a - c).map((z) => [toX(z), toY(normal(z, state.mu, b.variance))]);
    const curve = (m, variance, style) => line(grid.map((z) => [toX(z), toY(normal(z, m, variance))]), style);
    made.push(line([...q, [width, floor], [0, floor]], QFILL));
    if (against) for (let x = 2.5; x < width; x += 5) {
      const z = (x / width) * 2 * REACH - REACH, top = toY(Math.min(normal(z, 0, 1), normal(z, state.mu, b.variance)));
      if (floor - top > 0.7) made.push(segment(x, floor, x, top, "stroke:currentColor;stroke-width:1.2;opacity:0.55"));
    }
    made.push(curve(0, 1, PRIOR), line(q, QLINE));
    if (!against) made.push(curve(b.middle, b.spread, POSTERIOR)); // on top: where q fills it, both are seen
    made.push(segment(0, floor, width, floor, "", "gl-axis"));
    if (peak() < TOP - 1) made.push(text(width - 2, 13, words.cut, "end", "gl-muted"));
    if (!against) { // what x alone says about z
      const [low, at, high] = [state.x - state.sd, state.x, state.x + state.sd].map(toX);
      made.push(...whisker(low, at, high, 22), text(at, 12, words.datum, "middle"),
        segment(at, 22, at, floor, "stroke:currentColor;stroke-width:1;stroke-dasharray:1 4"));
    }
    for (const e of eps) {
      const from = toX(e), to = toX(state.mu + b.sigma * e);
      made.push(segment(to, codes + 11, from, noise, "stroke:var(--gl-edge);stroke-width:1;opacity:0.8"),
        segment(to, codes, to, codes + 11, "stroke:var(--gl-0);stroke-width:2.2"), segment(from, noise, from, noise + 11, "stroke:currentColor;stroke-width:2.2"));
    }
    for (let z = -4; z <= 4; z++) {
      made.push(segment(toX(z), floor, toX(z), floor + 4, "", "gl-axis"));
      if (z % 2 === 0) made.push(text(toX(z), height - 4, minus(String(z)), "middle", "gl-muted"));
    }
    const side = state.mu > 0 ? 2 : width - 2, anchor = state.mu > 0 ? "start" : "end"; // where few codes are
    made.push(text(side, codes + 11, words.codes, anchor), text(side, noise + 11, words.noise, anchor));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", words.densityLabel[state.view]);
    svg.replaceChildren(...made);
    handle.style.left = toX(state.mu) + "px";
    handle.style.top = Math.max(TOP, peak()) + "px";
  }

  // --- the meter: a tax that grows upwards, or costs that hang from 0 and a line that they cannot reach ------------
  function drawMeter() {
    const b = bound(state), across = meter.box.clientWidth, svg = meter.svg, against = state.view === "prior", made = [];
    const tall = across > 280 ? 186 : height, top = 26, bottom = tall - 22, left = 30, wide = Math.min(76, 0.26 * across);
    const x = left + 8, after = x + wide;
    const Y = (nats) => (against ? bottom - (Math.min(nats, DEEP) / DEEP) * (bottom - top) : top + (Math.min(-nats, DEEP) / DEEP) * (bottom - top));
    meter.box.style.height = tall + "px";
    for (let v = 0; v <= DEEP; v += 2) {
      const y = Y(against ? v : -v);
      made.push(segment(left, y, across, y, "opacity:0.4", "gl-axis"), text(left - 6, y + 4, minus(String(against ? v : -v)), "end", "gl-muted"));
    }
    made.push(text(0, 12, words.unit, "start", "gl-muted"));
    if (against) {
      const y = Y(b.kl);
      made.push(bar("mean", x, Y(b.klMean), wide, bottom - Y(b.klMean)), bar("variance", x, y, wide, Y(b.klMean) - y),
        segment(x, y, across, y, "stroke:var(--gl-0);stroke-width:2.6"), text(across, y - 7, (b.kl > DEEP ? "\u2191 " : "") + words.kl, "end"));
    } else {
      const zero = Y(0), recon = Y(Math.min(0, b.recon)), elbo = Y(b.elbo), evidence = Y(b.logpx), low = b.elbo < -DEEP;
      made.push(bar("recon", x, zero, wide, recon - zero), bar("kl", x, recon, wide, elbo - recon));
      if (elbo - evidence > 0.5) made.push(bar("gap", after + 8, evidence, 0.4 * wide, elbo - evidence));
      if (elbo - evidence > 20) made.push(text(after + 14 + 0.4 * wide, (elbo + evidence) / 2 + 4, words.gap));
      // The lines touch when the gap is closed: one lies on its value, the other hangs from it.
      made.push(segment(left, evidence - 1.3, across, evidence - 1.3, "stroke:currentColor;stroke-width:2.6"), text(across, evidence - 8, words.logpx, "end"),
        segment(x, elbo + 1.3, across, elbo + 1.3, "stroke:var(--gl-0);stroke-width:2.6"), text(across, elbo + 17, (low ? "\u2193 " : "") + words.elbo, "end"));
    }
    svg.setAttribute("viewBox", `0 0 ${across} ${tall}`);
    svg.setAttribute("aria-label", words.meterLabel[state.view]);
    svg.replaceChildren(...made);
  }

  // --- the numbers -------------------------------------------------------------------------------------------
  function update() {
    const b = bound(state), against = state.view === "prior", shared = overlap(state.mu, state.logvar), verdict = verdictOf(state, b);
    const nats = (v) => `${two(v)} ${words.unit}`;
    if (root.dataset.view !== state.view) {
      root.dataset.view = state.view;
      phrase(caption, words.captions[state.view]);
      const here = [[keys.posterior, !against], [keys.datum, !against], [keys.overlap, against], [questions.prior, against], [questions.posterior, !against],
                    [sliders.x.box, !against], [sliders.sd.box, !against], [best, !against]];
      for (const [e, wanted] of here) e.style.display = wanted ? "" : "none";
    }
    if (root.dataset.verdict !== verdict) phrase(say, words.verdicts[verdict]);
    said.kl.textContent = nats(b.kl);
    phrase(said.mean.what, fill(words.meanPart, two(b.klMean)));
    phrase(said.variance.what, fill(words.variancePart, two(b.klVariance)));
    said.overlap.textContent = two(shared);
    said.elbo.textContent = nats(b.elbo);
    phrase(said.recon.what, fill(words.reconPart, two(b.recon)));
    phrase(said.tax.what, fill(words.klPart, two(b.kl)));
    said.logpx.textContent = nats(b.logpx);
    said.gap.textContent = nats(b.gap);
    for (const [name, { set }] of Object.entries(sliders)) set(state[name]);
    handle.setAttribute("aria-valuenow", state.mu.toFixed(2));
    handle.setAttribute("aria-valuetext", fill(words.place, two(state.mu), b.sigma.toPrecision(2)));
    const numbers = { ...state, recon: b.recon, kl: b.kl, klMean: b.klMean, klVariance: b.klVariance, elbo: b.elbo, logpx: b.logpx, gap: b.gap,
                      middle: b.middle, spread: b.spread, overlap: shared };
    for (const [name, value] of Object.entries(numbers)) root.dataset[name] = typeof value === "number" ? value.toFixed(9) : value;
    Object.assign(root.dataset, { verdict, seed, n, z: eps.map((e) => (state.mu + b.sigma * e).toFixed(9)).join(" ") });
    redraw();
  }
  const redraw = oncePerFrame(() => { if (width) { drawDensity(); drawMeter(); } });

  update();
  onResize(density.box, (now) => {
    width = now;
    floor = width < 420 ? 190 : 226;
    [codes, noise, height] = [floor + 8, floor + 54, floor + 94];
    density.box.style.height = height + "px";
    redraw();
  });
  followScheme(root, redraw);
}
