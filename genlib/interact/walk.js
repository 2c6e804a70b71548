// Walk back in the plane with the exact score of a mixture. State: the modes, the numbers of the walk, and its moment.

const STYLE = `
.gl-interact .gl-wb { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem 1.5rem; align-items: start; margin-top: 0.5rem; }
.gl-interact .gl-wb .gl-plane { aspect-ratio: 1; max-width: 26rem; margin: 0 auto; }
.gl-interact .gl-wb .gl-knob { width: 32px; height: 32px; background: none; border: 2px solid currentColor; color: inherit; box-shadow: none; }
.gl-interact .gl-wb .gl-knob > span { position: absolute; left: 24px; top: -9px; padding: 0 3px; border-radius: 4px; background: var(--gl-surface); }
.gl-interact .gl-wb dl { margin: 0; display: grid; grid-template-columns: minmax(0, 1fr) auto auto; gap: 0.15rem 1rem; }
.gl-interact .gl-wb dt { margin: 0; font-weight: 400; }
.gl-interact .gl-wb dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; min-width: 3.5rem; }
.gl-interact .gl-wb dd + dd, .gl-interact .gl-wb .gl-wb-head { color: var(--gl-muted); }
.gl-interact .gl-wb-seed { display: flex; align-items: center; gap: 0.4rem; font-size: 0.9rem; margin: 0; }
.gl-interact .gl-wb-seed input { width: 4.5rem; min-height: 2.4rem; margin: 0; font: inherit; color: inherit; background: transparent; border: 1px solid var(--gl-edge); border-radius: 6px; padding: 0 0.4rem; }
.gl-interact .gl-wb .gl-controls { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.gl-interact .gl-wb-bar .gl-buttons { margin: 0.5rem 0 0.25rem; }
.gl-interact .gl-wb-numbers { margin-top: 0.75rem; }
.gl-interact .gl-wb .gl-status { margin-top: 0.4rem; min-height: 2.9em; }
.gl-interact .gl-wb ~ p { margin-top: 0.5rem; }
@container (min-width: 40rem) { .gl-interact .gl-wb { grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); } }`;

const REACH = 2.5, N = 500, WORK = 10000, TRACES = 10, GRID = 11, STEP = 0.1;

// --- the walk back -----------------------------------------------------------------------------------------------

// E[x_0 | x_t] where x_t = signal x_0 + size eps: over signal + size, that is a place on a straight path.
function guessOf(density, x, y, signal, size) {
  const scale = signal + size;
  return density.guess(x / scale, y / scale, size / scale);
}

// Every state of n points on their way back, from noise to t = 0, by the steps of DDIM with the perfect denoiser.
// noise: for each state 2 N standard normal numbers, of which the first 2 n are used.
function walkBack(density, left, times, eta, noise, n) {
  const states = [noise.slice(0, 2 * n)];
  for (let k = 0; k + 1 < times.length; k++) {
    const now = left[times[k]], then = left[times[k + 1]], signal = Math.sqrt(now), size = Math.sqrt(1 - now);
    const [keep, rest, spread] = ddimStep(now, then, eta), x = states[k], next = new Float64Array(2 * n);
    for (let i = 0; i < 2 * n; i += 2) {
      const guess = guessOf(density, x[i], x[i + 1], signal, size);
      for (let c = 0; c < 2; c++) next[i + c] = keep * guess[c] + (rest / size) * (x[i + c] - signal * guess[c]);
    }
    if (spread) for (let i = 0; i < 2 * n; i++) next[i] += spread * noise[2 * N * (k + 1) + i];
    states.push(next);
  }
  return states;
}

// Of the points within 3 sd of a mode: root mean square distance to it in each coordinate, over sd.
function widthOf(density, { means, sd }, x) {
  let sum = 0, count = 0;
  for (let i = 0; i < x.length; i += 2) {
    const k = density.near(x[i], x[i + 1]);
    if (k < 0) continue;
    sum += (x[i] - means[k][0]) ** 2 + (x[i + 1] - means[k][1]) ** 2;
    count++;
  }
  return count ? Math.sqrt(sum / (2 * count)) / sd : NaN;
}

function figure(root, { start, words, beta: schedule, steps: offered }) {
  const state = { ...start, means: start.means.map((mean) => [...mean]), at: 0, playing: false };
  const left = leftOf(unpack(schedule, Float32Array)), T = left.length - 1;
  let density, shape, states, times, truth, floor, noise = [], known = 0;

  // Standard normal numbers of the seed; they are drawn once.
  function noiseOf(count) {
    if (known !== state.seed || noise.length < count) noise = Float64Array.from({ length: count }, normals(state.seed));
    known = state.seed;
    return noise;
  }

  // --- what is there -------------------------------------------------------------------------------------------
  const canvas = node("canvas", { role: "img" }), plane = node("div.plane", {}, canvas);
  const help = phrase(node("p.small.muted", { id: freshId(root) }), words.help);
  const handles = state.means.map((_, k) => {
    const handle = node("div.handle", { role: "slider", tabindex: 0, "aria-label": fill(words.mode, k + 1), "aria-describedby": help.id,
      "aria-valuemin": -REACH, "aria-valuemax": REACH }, node("span.knob", { "aria-hidden": "true" }, node("span", {}, String(k + 1))));
    const where = (event) => {
      const box = plane.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width * 2 - 1) * REACH, (1 - (event.clientY - box.top) / box.height * 2) * REACH];
    };
    const move = (x, y) => {
      state.means[k] = [x, y].map((v) => clamp(Math.round(100 * v) / 100, -2, 2));
      soon();
    };
    movable(handle, () => state.means[k], { where, move, step: STEP });
    plane.append(handle);
    return handle;
  });
  const tOf = (at) => times[at];
  const toggle = button(words.play, () => (state.playing ? stop() : play()), ".main"), one = button(words.one, () => { stop(); look(Math.min(state.at + 1, state.steps)); });
  const again = button(words.again, () => { stop(); look(0); });
  const scrub = slider(words.moment, { min: 0, max: 1, step: 1, value: 0, format: (at) => (times ? fill(words.momentValue, tOf(at)) : "") }, (at) => { stop(); look(at); });
  const changed = (change) => { stop(); change(); walk(); };
  const steps = slider(words.steps, { min: 0, max: offered.length - 1, step: 1, value: offered.indexOf(state.steps), format: (k) => String(offered[k]) },
    (k) => changed(() => { state.steps = offered[k]; state.at = 0; }));
  const eta = slider(words.eta, { min: 0, max: 1, step: 0.1, value: state.eta, format: (v) => shown(v, 1) }, (v) => changed(() => { state.eta = v; }));
  const spacing = choice(root, words.spacing, words.spacings, String(state.power), (power) => changed(() => { state.power = +power; }));
  const seed = node("input", { type: "number", min: 1, max: 999, step: 1, value: state.seed });
  seed.addEventListener("change", () => changed(() => {
    state.seed = clamp(Math.round(+seed.value) || 1, 1, 999);
    seed.value = state.seed;
  }));
  const arrows = node("input", { type: "checkbox" });
  arrows.checked = state.arrows;
  arrows.addEventListener("change", () => { state.arrows = arrows.checked; redraw(); });
  const list = node("dl"), status = node("p.small.status", { "aria-live": "polite" });
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption),
    node("div.wb", {}, node("div.wb-bar", {}, plane, scrub.box, node("div.buttons", {}, toggle, one, again)),
      node("div", {}, spacing, node("div.controls", {}, steps.box, eta.box),
        node("div.buttons", {}, node("label.wb-seed", {}, words.seed, seed), node("label.tick", {}, arrows, phrase(node("span"), words.arrows))),
        node("div.wb-numbers", {}, phrase(node("p.ask"), words.end), list, status))), help, note(words.about));

  // --- moments -------------------------------------------------------------------------------------------------
  function stop() {
    state.playing = false;
    toggle.textContent = words.play;
  }
  function play() {
    if (state.at === state.steps) look(0);
    state.playing = true;
    toggle.textContent = words.pause;
    const pause = clamp(3000 / state.steps, 40, 400);
    const tick = () => {
      if (!state.playing) return;
      look(state.at + 1);
      if (state.at === state.steps) return stop();
      setTimeout(tick, pause);
    };
    setTimeout(tick, pause);
  }
  function look(at) {
    state.at = at;
    scrub.set(at);
    Object.assign(root.dataset, { at, t: tOf(at) });
    canvas.setAttribute("aria-label", fill(words.planeLabel, N, tOf(at)));
    redraw();
  }

  // --- the walk and its numbers --------------------------------------------------------------------------------
  function walk(n = N) {
    const K = state.means.length, measure = (x) => ({ ...coverage(density, x), width: widthOf(density, shape, x), distance: sliced(x, truth) });
    if (root.dataset.means !== state.means.join(" ")) { // other data
      shape = { means: state.means, sd: state.sd };
      density = densityOf(shape);
      const fresh = (k) => points(density, uniforms(k), normals(k + 1), N);
      truth = fresh(3);
      floor = measure(fresh(5));
    }
    times = timesOf(T, state.steps, state.power);
    states = walkBack(density, left, times, state.eta, noiseOf(2 * N * (state.eta ? state.steps + 1 : 1)), n);
    const x = states[state.steps], found = measure(x);
    const number = (v, digits) => (Number.isFinite(v) ? v.toFixed(digits) : "–");
    const rows = [[words.near, "near", 3], [words.modes, "modes", 0], [words.width, "width", 2], [words.distance, "distance", 3]];
    list.replaceChildren(node("dt"), node("dd.wb-head", {}, words.walked), node("dd.wb-head", {}, words.fresh),
      ...rows.flatMap(([term, name, digits]) => [phrase(node("dt"), fill(term, K)), node("dd", {}, number(found[name], digits)), node("dd", {}, number(floor[name], digits))]));
    const verdict = found.width < 0.6 ? "narrow" : found.near < 0.9 ? "between" : found.distance > 2 * floor.distance ? "far" : "good";
    phrase(status, words.verdicts[verdict]);
    handles.forEach((handle, k) => {
      const [a, b] = state.means[k];
      handle.style.left = 50 * (1 + a / REACH) + "%";
      handle.style.top = 50 * (1 - b / REACH) + "%";
      handle.setAttribute("aria-valuenow", a.toFixed(1));
      handle.setAttribute("aria-valuetext", fill(words.place, shown(a, 1), shown(b, 1)));
    });
    scrub.input.max = state.steps;
    const { steps, eta, power, seed } = state;
    Object.assign(root.dataset, { n, steps, eta, power, seed, verdict, means: state.means.join(" "), times: times.join(" "),
      x: Array.from(x, (v) => v.toFixed(5)).join(" "), floor: floor.distance });
    for (const [name, value] of Object.entries(found)) root.dataset[name] = value;
    look(Math.min(state.at, state.steps));
  }
  // While a mode moves, long walks are made for fewer points; then for all.
  let later = 0;
  const soon = oncePerFrame(() => {
    stop();
    clearTimeout(later);
    const n = Math.min(N, WORK / state.steps);
    walk(n);
    if (n < N) later = setTimeout(walk, 200);
  });

  // --- the picture ---------------------------------------------------------------------------------------------
  function draw() {
    const side = plane.clientWidth;
    if (!side) return;
    const pen = fitCanvas(canvas, side, side), to = (x, y) => [side * (1 + x / REACH) / 2, side * (1 - y / REACH) / 2];
    const dots = (x, r) => { for (let i = 0; i < x.length; i += 2) { pen.beginPath(); pen.arc(...to(x[i], x[i + 1]), r, 0, 7); pen.fill(); } };
    pen.fillStyle = palette(root, "edge");
    pen.globalAlpha = 0.35;
    dots(truth, 1.3);
    pen.globalAlpha = 1;
    pen.strokeStyle = palette(root, "edge");
    pen.lineWidth = 1;
    for (const [a, b] of state.means) {
      pen.beginPath();
      pen.arc(...to(a, b), (3 * state.sd * side) / (2 * REACH), 0, 7);
      pen.stroke();
    }
    if (state.arrows && state.at < state.steps) drawArrows(pen, to);
    pen.strokeStyle = palette(root, "0");
    pen.lineWidth = 1;
    pen.beginPath();
    for (let i = 0; i < 2 * TRACES; i += 2) for (let k = 0; k <= state.at; k++) pen[k ? "lineTo" : "moveTo"](...to(states[k][i], states[k][i + 1]));
    pen.stroke();
    pen.fillStyle = palette(root, "0");
    pen.globalAlpha = 0.8;
    dots(states[state.at], 1.7);
    pen.globalAlpha = 1;
  }
  // The score at the time of this moment, times the size of the noise: minus the noise that is seen there.
  function drawArrows(pen, to) {
    const now = left[tOf(state.at)], signal = Math.sqrt(now), size = Math.sqrt(1 - now), long = (0.9 * REACH) / GRID;
    pen.strokeStyle = pen.fillStyle = palette(root, "1");
    pen.lineWidth = 1.4;
    for (let i = 0; i < GRID * GRID; i++) {
      const [x, y] = [i % GRID, Math.floor(i / GRID)].map((k) => (2 * k / (GRID - 1) - 1) * 0.9 * REACH);
      const [u, v] = guessOf(density, x, y, signal, size), way = [(signal * u - x) / size, (signal * v - y) / size];
      const scale = (1.6 * long) / Math.max(2, Math.hypot(...way)), [a, b] = to(x, y);
      pen.beginPath();
      pen.moveTo(a, b);
      pen.lineTo(...to(x + scale * way[0], y + scale * way[1]));
      pen.stroke();
      pen.beginPath();
      pen.arc(a, b, 1.6, 0, 7);
      pen.fill();
    }
  }
  const redraw = oncePerFrame(draw);

  walk();
  onResize(plane, redraw);
  followScheme(root, redraw);
}
