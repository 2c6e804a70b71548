// A kernel density on a line: what the bandwidth h does to the curve, to its samples and to both likelihoods.

const LOG_ROOT = Math.log(Math.sqrt(2 * Math.PI));

// ln p(x) of the density that puts a Gaussian of width h on every training point.
function kernelLogDensity(x, train, h) {
  const exponents = train.map((point) => -((x - point) ** 2) / (2 * h * h)), top = Math.max(...exponents);
  return top + Math.log(mean(exponents.map((e) => Math.exp(e - top)))) - Math.log(h) - LOG_ROOT;
}
const likelihood = (points, train, h) => mean(points.map((x) => kernelLogDensity(x, train, h)));
const nearest = (x, train) => Math.min(...train.map((point) => Math.abs(point - x)));

function figure(root, { train, held, truth, low, high, start, words, n, seed: firstSeed }) {
  let h = start, seed = firstSeed, noise = draws(seed, n), width = 0;
  const LOW = Math.log10(low), HIGH = Math.log10(high), STEPS = 120;
  const widths = Array.from({ length: STEPS + 1 }, (_, i) => 10 ** (LOW + ((HIGH - LOW) * i) / STEPS));
  const curves = { train: widths.map((w) => likelihood(train, train, w)), held: widths.map((w) => likelihood(held, train, w)) };
  const best = widths[curves.held.indexOf(Math.max(...curves.held))];
  const reach = [Math.min(...train, ...held) - 0.6, Math.max(...train, ...held) + 0.6];
  const usual = median(held.map((x) => nearest(x, train)));

  const density = chart(words.densityLabel), score = chart(words.scoreLabel);
  const control = slider(words.h, { min: LOW, max: HIGH, step: (HIGH - LOW) / STEPS, value: Math.log10(h),
    format: (x) => (10 ** x).toPrecision(2) }, (x) => { h = 10 ** x; update(); });
  const set = (to) => {
    const from = Math.log10(h);
    glide(500, (t) => { h = t === 1 ? to : 10 ** (from + t * (Math.log10(to) - from)); control.set(Math.log10(h)); update(); });
  };
  const buttons = node("div.buttons", {},
    button(words.smallest, () => set(low)), button(words.best, () => set(best)), button(words.widest, () => set(high)),
    button(words.again, () => { seed += 1; noise = draws(seed, n); update(); }));
  const said = { train: node("p.number"), held: node("p.number"), ratio: node("p.number"), verdict: node("p.small.muted") };
  const questions = node("div.questions.short", {}, question(words.train, said.train), question(words.held, said.held),
    question(words.ratio, said.ratio, said.verdict));
  root.append(phrase(node("p.muted"), words.caption), density.box, control.box, buttons, questions, score.box);

  function frame({ box, svg }, height, title) {
    box.style.height = height + "px";
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(text(0, 14, title));
    return svg;
  }

  function sample() { // one uniform picks a training point, one normal number moves away from it
    return noise.map(([u, z]) => train[Math.floor(u * train.length)] + h * z);
  }

  function drawDensity(samples) {
    const floor = 190, top = 26, svg = frame(density, 284, words.densityTitle);
    const X = (x) => ((x - reach[0]) / (reach[1] - reach[0])) * width;
    const grid = Array.from({ length: 401 }, (_, i) => reach[0] + ((reach[1] - reach[0]) * i) / 400);
    // With a tiny h the peaks are narrower than the grid: look at the training points too.
    const xs = [...grid, ...train].sort((a, b) => a - b), p = xs.map((x) => Math.exp(kernelLogDensity(x, train, h)));
    const q = grid.map((x) => truth.weights.reduce((sum, w, k) =>
      sum + (w / (truth.sds[k] * Math.sqrt(2 * Math.PI))) * Math.exp(-((x - truth.means[k]) ** 2) / (2 * truth.sds[k] ** 2)), 0));
    const peak = Math.max(0.55, Math.min(1.4, Math.max(...p)) * 1.05), Y = (y) => floor - (Math.min(y, peak) / peak) * (floor - top);
    const points = xs.map((x, i) => [X(x), Y(p[i])]);
    const area = line([...points, [width, floor], [0, floor]], "fill:var(--gl-0);fill-opacity:0.16;stroke:none");
    svg.append(area, line(points, "stroke:var(--gl-0);stroke-width:2.2"),
      line(grid.map((x, i) => [X(x), Y(q[i])]), "stroke-width:1.6;stroke-dasharray:5 5"),
      segment(0, floor, width, floor, "", "gl-axis"));
    if (Math.max(...p) > peak) svg.append(text(width, 14, words.cut, "end", "gl-muted"));
    for (const x of train) svg.append(segment(X(x), floor + 8, X(x), floor + 24, "stroke:var(--gl-0);stroke-width:2"));
    for (const x of samples) svg.append(segment(X(x), floor + 50, X(x), floor + 66, "stroke:var(--gl-1);stroke-width:1.6;opacity:0.7"));
    svg.append(text(0, floor + 40, fill(words.trainingRow, train.length), "start", "gl-muted"),
      text(0, floor + 81, fill(words.sampleRow, n), "start", "gl-muted"));
  }

  function drawScore() {
    const left = 34, right = width - 8, top = 30, bottom = 170, svg = frame(score, 204, words.scoreTitle);
    const X = (w) => left + ((Math.log10(w) - LOW) / (HIGH - LOW)) * (right - left);
    const ceiling = 2, floor = -4, Y = (y) => bottom - ((clamp(y, floor, ceiling) - floor) / (ceiling - floor)) * (bottom - top);
    for (const y of [-4, -2, 0, 2]) svg.append(segment(left, Y(y), right, Y(y), "opacity:0.4", "gl-axis"), text(left - 7, Y(y) + 4, minus(String(y)), "end", "gl-muted"));
    for (const w of [0.01, 0.03, 0.1, 0.3, 1]) if (w >= low && w <= high) svg.append(text(X(w), bottom + 17, String(w), "middle", "gl-muted"));
    svg.append(text(right, bottom + 31, words.axis, "end", "gl-muted"));
    const inside = (values) => widths.map((w, i) => [X(w), Y(values[i]), values[i]]).filter(([, , v]) => v > floor && v < ceiling);
    svg.append(line(inside(curves.train), "stroke:var(--gl-0);stroke-width:2.2"), line(inside(curves.held), "stroke:var(--gl-1);stroke-width:2.2;stroke-dasharray:7 4"));
    svg.append(segment(X(best), Y(Math.max(...curves.held)), X(best), bottom, "stroke:var(--gl-1);stroke-width:1;stroke-dasharray:2 3"));
    svg.append(segment(X(h), top - 8, X(h), bottom, "stroke:currentColor;stroke-width:1.6"));
    for (const [points, colour] of [[train, 0], [held, 1]]) {
      const value = likelihood(points, train, h);
      if (value > floor && value < ceiling) svg.append(node("svg:circle", { cx: X(h), cy: Y(value), r: 4.5, style: `fill:var(--gl-${colour});stroke:var(--gl-surface);stroke-width:1.5` }));
    }
    const place = (values, i) => [X(widths[i]), Y(values[i])];
    const [a, b] = place(curves.train, 16), [c, d] = place(curves.held, 46);
    svg.append(text(a + 8, b - 8, words.trainCurve), text(c + 12, d + 18, words.heldCurve));
  }

  function update() {
    const samples = sample(), onTrain = likelihood(train, train, h), onHeld = likelihood(held, train, h);
    const ratio = median(samples.map((x) => nearest(x, train))) / usual;
    phrase(said.train, `${shown(onTrain, 2)} ${words.unit}`);
    phrase(said.held, `${shown(onHeld, 2)} ${words.unit}`);
    phrase(said.ratio, ratio.toFixed(2));
    phrase(said.verdict, words.verdicts[[0.4, 0.8, 1.6].filter((limit) => ratio > limit).length]);
    Object.assign(root.dataset, { h: h.toPrecision(12), train: onTrain.toFixed(8), held: onHeld.toFixed(8), ratio: ratio.toFixed(8), best: best.toPrecision(12), seed, n });
    redraw();
  }
  const redraw = oncePerFrame(() => { if (width) { drawDensity(sample()); drawScore(); } });

  onResize(density.box, (now) => { width = now; redraw(); });
  followScheme(root, redraw);
  update();
}
