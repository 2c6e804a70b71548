// Draw digits with the trained network, live. State: what is to be done, the numbers of the walk, the reader's digit
// and what is erased in it, the walk that runs, and the moments of the last one.

const STYLE = `${IMAGE_STYLE}
.gl-interact .gl-dd { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem 1.5rem; align-items: start; }
.gl-interact [hidden] { display: none; }
.gl-interact .gl-dd-own { max-width: 15rem; }
.gl-interact .gl-dd-own button { padding: 0.25rem 0.6rem; font-size: 0.85rem; }
.gl-interact .gl-dd-page { display: grid; aspect-ratio: 1; margin: 0.3rem 0; touch-action: none; cursor: crosshair; user-select: none; -webkit-user-select: none; box-shadow: 0 0 0 1px var(--gl-edge); border-radius: 2px; }
.gl-interact .gl-dd-page > div { display: grid; grid-template-columns: repeat(8, 1fr); }
.gl-interact .gl-dd-page [role="gridcell"] { box-shadow: inset 0 0 0 0.5px var(--gl-line); }
.gl-interact .gl-dd-page [role="gridcell"]:focus { outline: none; }
.gl-interact .gl-dd-page [role="gridcell"]:focus-visible { outline: 3px solid var(--gl-0); outline-offset: -1px; position: relative; z-index: 1; }
.gl-interact .gl-dd-all { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 4px; margin: 0.2rem 0 0.6rem; }
.gl-interact .gl-dd-both { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 1.25rem; }
.gl-interact .gl-dd .gl-choice, .gl-interact .gl-dd-digits .gl-choice { gap: 0; }
.gl-interact .gl-dd-digits .gl-choice label { padding: 0.3rem 0; font-size: 0.9rem; }
.gl-interact progress { flex: 1 1 8rem; height: 0.8rem; accent-color: var(--gl-0); }
.gl-interact .gl-tick:has(:disabled), .gl-interact .gl-control:has(:disabled) { opacity: 0.55; }
.gl-interact .gl-dd-tall { min-height: 4.2em; }
.gl-interact .gl-dd-digits { margin-top: 0.75rem; }
.gl-interact p.gl-small + p.gl-small { margin-top: 0.5rem; }
@container (min-width: 30rem) { .gl-interact .gl-dd-all { grid-template-columns: repeat(8, minmax(0, 1fr)); } }
@container (min-width: 40rem) {
  .gl-interact .gl-dd:has(> .gl-dd-own:not([hidden])) { grid-template-columns: 13rem minmax(0, 1fr); }
  .gl-interact .gl-dd-two { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .gl-interact .gl-dd-two .gl-dd-all { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .gl-interact .gl-dd-tall { min-height: 2.9em; }
}`;

const N = 16, D = 64, SLICE = 12; // pictures, pixels of each, milliseconds at a time

// --- the walk back -----------------------------------------------------------------------------------------------

// N copies of the reader's digit with the noise of time t.
const noised = (own, left, eps) => eps.map((e, i) => Math.sqrt(left) * own[i % D] + Math.sqrt(1 - left) * e);

// Where a walk starts: from noise, or from the reader's digit under the noise of that time.
function startOf({ times, own, hole }, left, noise) {
  return own && !hole ? noised(own, left[times[0]], noise) : noise;
}

// All of the walk in small pieces: it pauses after each picture, and hands every moment to `keep(t, x, guess)`.
// ask: seed, times, eta, all (algorithm 2 in the place of DDIM), labels (of each picture: pairs of a label and
// its weight), own (the reader's pixels from -1 to 1, or null), hole (which of them are erased, or null).
function* walk(net, beta, left, ask, keep) {
  const { seed, times, eta, all, labels, own, hole } = ask;
  const next = normals(seed), noise = () => Float32Array.from({ length: N * D }, next);
  let x = startOf(ask, left, noise());
  for (let k = 0; k + 1 < times.length; k++) {
    const t = times[k], s = times[k + 1], signal = Math.sqrt(left[t]), size = Math.sqrt(1 - left[t]);
    const told = {}, guess = new Float32Array(N * D);
    for (let n = 0; n < N; n++) {
      const one = x.subarray(n * D, (n + 1) * D);
      for (const [y, weight] of labels[n]) {
        const v = net.denoise(one, (told[y] ??= net.told(t, y)));
        for (let i = 0; i < D; i++) guess[n * D + i] += weight * (signal * one[i] - size * v[i]);
      }
      yield (k + (n + 1) / N) / (times.length - 1);
    }
    for (let i = 0; i < N * D; i++) guess[i] = clamp(guess[i], -1, 1);
    keep(t, x, guess);
    const fresh = all || eta ? noise() : null, then = left[s], [data, rest, some] = ddimStep(left[t], then, eta);
    const spread = all ? Math.sqrt(t > 1 ? beta[t] : 0) : some;
    x = x.map((v, i) => {
      const eps = (v - signal * guess[i]) / size;
      const mean = all ? (v - (beta[t] / size) * eps) / Math.sqrt(1 - beta[t]) : data * guess[i] + rest * eps;
      return fresh ? mean + spread * fresh[i] : mean;
    });
    if (hole) {
      const known = noised(own, then, noise());
      x = x.map((v, i) => (hole[i % D] ? v : known[i]));
    }
  }
  keep(0, x, x);
}

function figure(root, { start, words, packed, beta: schedule, tests, label, source }) {
  const state = { ...start, pen: "hole", ink: 16, at: 0, guess: false, cell: 27, own: new Float32Array(D), hole: new Uint8Array(D) };
  const beta = unpack(schedule, Float32Array), left = leftOf(beta), T = beta.length - 1, digits = unpack(tests);
  const nothing = new Float32Array(N * D).fill(-1); // the guess, before the network was asked
  let net = null, run = null, moments = [];

  // --- the reader's digit --------------------------------------------------------------------------------------
  const cells = Array.from({ length: D }, () => node("div", { role: "gridcell", tabindex: -1 }));
  const page = node("div.dd-page", { role: "grid", "aria-label": words.pageLabel },
    ...Array.from({ length: 8 }, (_, i) => node("div", { role: "row" }, ...cells.slice(8 * i, 8 * i + 8))));
  function showCell(i) {
    const erased = state.task === "fill" && state.hole[i], ink = Math.round(8 * (state.own[i] + 1));
    cells[i].style.background = erased
      ? "repeating-linear-gradient(45deg, var(--gl-1) 0 2px, transparent 2px 6px)"
      : `color-mix(in srgb, currentColor ${(100 * ink) / 16}%, transparent)`;
    cells[i].setAttribute("aria-label", fill(erased ? words.erased : words.cell, (i >> 3) + 1, (i & 7) + 1, ink));
    cells[i].tabIndex = i === state.cell ? 0 : -1;
  }
  const showPage = () => cells.forEach((_, i) => showCell(i));
  const penNow = () => (state.task === "fill" ? state.pen : "ink");
  function touchCell(i, erase) {
    if (penNow() === "hole") state.hole[i] = erase;
    else state.own[i] = state.ink / 8 - 1;
    showCell(i);
    changed();
  }
  let stroke = null; // while the pen is down: whether it erases
  function cellAt(event) {
    const box = page.getBoundingClientRect(), place = (v, low, size) => Math.floor((8 * (v - low)) / size);
    const column = place(event.clientX, box.left, box.width), row = place(event.clientY, box.top, box.height);
    return row < 0 || column < 0 || row > 7 || column > 7 ? -1 : 8 * row + column;
  }
  page.addEventListener("pointerdown", (event) => {
    const i = cellAt(event);
    if (i < 0 || event.button) return;
    event.preventDefault();
    page.setPointerCapture(event.pointerId);
    stroke = 1 - state.hole[i];
    touchCell(i, stroke);
  });
  page.addEventListener("pointermove", (event) => {
    const i = stroke === null ? -1 : cellAt(event);
    if (i >= 0) touchCell(i, stroke);
  });
  for (const end of ["pointerup", "pointercancel"]) page.addEventListener(end, () => { stroke = null; });
  page.addEventListener("keydown", (event) => {
    const ways = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }, way = ways[event.key];
    if (event.key === " " || event.key === "Enter") touchCell(state.cell, 1 - state.hole[state.cell]);
    else if (!way) return;
    event.preventDefault();
    if (!way) return;
    const old = state.cell;
    state.cell = 8 * clamp((old >> 3) + way[0], 0, 7) + clamp((old & 7) + way[1], 0, 7);
    [old, state.cell].forEach(showCell);
    cells[state.cell].focus();
  });
  function takeTest(k) {
    state.test = k;
    for (let i = 0; i < D; i++) state.own[i] = digits[k * D + i] / 8 - 1;
  }
  const edit = (work) => () => { work(); showPage(); changed(); };
  const inkSlider = slider(words.ink, { min: 0, max: 16, step: 1, value: state.ink, format: (v) => fill(words.inkValue, v) }, (v) => { state.ink = v; });
  const pens = choice(root, words.penLegend, words.pens, state.pen, (pen) => { state.pen = pen; arrange(); });
  const whole = button(words.whole, edit(() => state.hole.fill(0)));
  const own = node("div.dd-own", {}, phrase(node("p.ask"), words.own), page, pens, inkSlider.box,
    node("div.buttons", {}, button(words.another, edit(() => takeTest((state.test + 1) % (digits.length / D)))), button(words.empty, edit(() => state.own.fill(-1))), whole));

  // --- what is asked for ---------------------------------------------------------------------------------------
  const number = (name, what, range, format = String) =>
    slider(what, { ...range, value: state[name], format }, (value) => { state[name] = value; changed(); });
  const controls = {
    t: number("t", words.t, { min: 50, max: 1000, step: 50 }),
    seed: number("seed", words.seed, { min: 1, max: 99, step: 1 }),
    steps: number("steps", words.steps, { min: 5, max: 100, step: 5 }),
    eta: number("eta", words.eta, { min: 0, max: 1, step: 0.1 }, (v) => shown(v, 1)),
    scale: number("scale", words.scale, { min: 0, max: 5, step: 0.5 }, (v) => shown(v, 1)),
  };
  const ticked = (what, now, change) => {
    const input = node("input", { type: "checkbox" });
    input.checked = now;
    input.addEventListener("change", () => change(input.checked));
    return node("label.tick", {}, input, phrase(node("span"), what));
  };
  const all = ticked(words.all, state.all, (on) => { state.all = on; changed(); });
  const tasks = choice(root, words.taskLegend, words.tasks, state.task, (task) => {
    state.task = task;
    state.digit = task === "new" ? "each" : "any";
    which.querySelector(`[value=${state.digit}]`).checked = true;
    changed();
    showPage();
  });
  const which = choice(root, words.digitLegend, [["each", words.each], ["any", words.any], ...[..."0123456789"].map((k) => [k, k])], state.digit, (k) => { state.digit = k; changed(); });

  // --- what is drawn -------------------------------------------------------------------------------------------
  const sixteen = () => node("div.dd-all", { role: "img" }, ...Array.from({ length: N }, () => digitCanvas({ "aria-hidden": "true" })));
  const pictures = sixteen(), guesses = sixteen(), heading = node("p.ask");
  const guessBox = node("div", {}, phrase(node("p.ask"), words.guess), guesses), both = node("div.dd-both", {}, node("div", {}, heading, pictures), guessBox);
  const scrub = slider(words.moment, { min: 0, max: 0, step: 1, value: 0, format: (at) => fill(words.momentValue, moments[at] ? moments[at].t : 0) }, (at) => { state.at = at; redraw(); });
  const seen = ticked(words.seen, state.guess, (on) => { state.guess = on; arrange(); redraw(); });
  const toggle = button(words.draw, () => (run ? stop() : draw()), ".main"), bar = node("progress", { max: 1, value: 0, "aria-label": words.progress });
  const status = node("p.status", { "aria-live": "polite" }), about = node("p.small.muted.dd-tall");
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), tasks, about,
    node("div.dd", {}, own, node("div", {}, node("div.buttons", {}, toggle, bar), status, both, scrub.box, seen)),
    node("div.dd-digits", {}, phrase(node("p.ask"), words.digit), which),
    node("div.controls", {}, ...Object.values(controls).map(({ box }) => box)), all, note(words.help), note(fill(words.source, ...source)));

  // What this press of the button would ask for.
  function asked() {
    const { task, seed, steps, eta, digit, scale } = state, from = task === "back" ? state.t : T;
    const labels = Array.from({ length: N }, (_, n) => {
      const y = digit === "each" ? n % 10 : +digit;
      return digit === "any" || scale === 0 ? [[label, 1]] : scale === 1 ? [[y, 1]] : [[label, 1 - scale], [y, scale]];
    });
    return { seed, eta, all: state.all, labels, times: state.all ? timesOf(from, from) : timesOf(from, Math.min(steps, from)),
      own: task === "new" ? null : Float32Array.from(state.own), hole: task === "fill" ? Uint8Array.from(state.hole) : null };
  }
  function keep(t, x, guess) {
    if (state.all && t % 10) return;
    moments.push({ t, x, guess });
    state.at = moments.length - 1;
  }

  const line = new MessageChannel(); // the next slice, without the pause that timers make
  let slice = () => {};
  line.port1.onmessage = () => slice();
  function draw() {
    net ??= unetOf(packed, 8);
    moments = [];
    const ask = asked(), mine = (run = walk(net, beta, left, ask, keep)), begin = performance.now();
    let slices = 0, longest = 0, busy = 0;
    toggle.textContent = words.stop;
    status.textContent = words.running;
    slice = () => {
      if (run !== mine) return;
      const from = performance.now();
      let step = mine.next();
      while (!step.done && performance.now() - from < SLICE) step = mine.next();
      const took = performance.now() - from;
      [slices, longest, busy] = [slices + 1, Math.max(longest, took), busy + took];
      if (step.done) return finish(ask, { ms: performance.now() - begin, slices, busy, longest });
      bar.value = step.value;
      if (!lessMotion()) redraw();
      line.port2.postMessage(0);
    };
    line.port2.postMessage(0);
  }
  function finish(ask, { ms, slices, busy, longest }) {
    rest(1);
    const { digit, scale } = state, wish = digit === "any" ? words.anyDigit : fill(words.oneDigit, digit === "each" ? words.inTurn : digit, shown(scale, 1));
    const how = ask.all ? fill(words.how.all, ask.times.length - 1) : fill(words.how.ddim, ask.times.length - 1, shown(ask.eta, 1));
    phrase(status, fill(words.done, N, shown(ms / 1000, 1), ask.seed, how, wish));
    Object.assign(root.dataset, { x: Array.from(moments[moments.length - 1].x, (v) => v.toFixed(4)).join(" "), ms: ms.toFixed(0), slices, busy: busy.toFixed(0),
      longest: longest.toFixed(1), drawn: +(root.dataset.drawn || 0) + 1, moments: moments.map(({ t }) => t).join(" ") });
    update();
  }
  function rest(value) { // no walk runs
    run = null;
    toggle.textContent = words.draw;
    bar.value = value;
    scrub.input.max = Math.max(0, moments.length - 1);
  }
  function stop() {
    rest(0);
    phrase(status, fill(words.stopped, moments.length ? moments[moments.length - 1].t : T));
    update();
  }

  // --- what is shown -------------------------------------------------------------------------------------------
  function changed() { // another wish: the walk that runs is no longer it
    if (run) stop();
    arrange();
    const ask = asked();
    moments = [{ t: ask.times[0], x: startOf(ask, left, Float32Array.from({ length: N * D }, normals(ask.seed))), guess: nothing }];
    rest(0);
    state.at = 0;
    phrase(status, words.ready);
    update();
  }
  function arrange() {
    const { task, digit } = state;
    root.dataset.task = task;
    own.hidden = task === "new";
    pens.hidden = whole.hidden = task !== "fill";
    inkSlider.box.hidden = penNow() === "hole";
    controls.t.box.hidden = task !== "back";
    controls.scale.input.disabled = digit === "any";
    controls.steps.input.disabled = controls.eta.input.disabled = state.all;
    phrase(about, words.about[task]);
    guessBox.hidden = !state.guess;
    both.classList.toggle("gl-dd-two", state.guess && task === "new");
  }
  const paint = (target, x) => [...target.children].forEach((canvas, n) =>
    ink(root, canvas, Array.from(x.subarray(n * D, (n + 1) * D), (v) => clamp((v + 1) / 2, 0, 1))));
  function show() {
    const moment = moments[state.at];
    if (!moment) return;
    paint(pictures, moment.x);
    if (state.guess) paint(guesses, moment.guess);
    phrase(heading, fill(words.pictures, moment.t));
    pictures.setAttribute("aria-label", fill(words.picturesLabel, N, moment.t));
    guesses.setAttribute("aria-label", fill(words.guessLabel, moment.t));
    Object.assign(root.dataset, { at: state.at, t: moment.t });
  }
  function update() {
    scrub.set(state.at);
    scrub.input.disabled = moments.length < 2;
    redraw();
  }
  const redraw = oncePerFrame(show);

  takeTest(state.test);
  for (let i = D / 2; i < D; i++) state.hole[i] = 1; // the lower half
  showPage();
  changed();
  followScheme(root, redraw);
}
