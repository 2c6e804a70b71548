// Train in the page. State: density, seed, speed, steps done, steps still to do, and the time of the walk shown.

const STYLE = `
.gl-interact .gl-th-all { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.75rem 1rem; margin-top: 0.75rem; align-items: start; }
.gl-interact .gl-th-all.gl-th-one { grid-template-columns: minmax(0, 24rem); }
.gl-interact .gl-th-all .gl-chart { aspect-ratio: 1; border-radius: 6px; box-shadow: inset 0 0 0 1px var(--gl-line); overflow: hidden; }
.gl-interact .gl-th-all canvas, .gl-interact .gl-th-pad canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.gl-interact .gl-th-all dl { margin: 0.25rem 0 0; font-size: 0.86rem; line-height: 1.3; display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.15rem 0.5rem; }
.gl-interact .gl-th-all dt { margin: 0; font-weight: 400; color: var(--gl-muted); }
.gl-interact .gl-th-all dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.gl-interact .gl-th-which .gl-choice { grid-auto-flow: row; grid-template-columns: repeat(auto-fit, minmax(6.4rem, 1fr)); }
.gl-interact .gl-th-pad { aspect-ratio: 1; max-width: 18rem; touch-action: none; }
.gl-interact .gl-th-bar { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.75rem; align-items: end; margin-top: 0.5rem; }
.gl-interact .gl-th-seed input { width: 4.5rem; min-height: 2.4rem; margin-left: 0.4rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--gl-edge); border-radius: 6px; padding: 0 0.4rem; }
.gl-interact .gl-th-seed { font-size: 0.9rem; margin: 0; }
.gl-interact .gl-th-net { grid-template-columns: repeat(2, minmax(0, 1fr)); max-width: 26rem; }
.gl-interact .gl-th-bar ~ p, .gl-interact .gl-th-all ~ p { margin-top: 0.4rem; }
.gl-interact button:disabled { opacity: 0.5; cursor: default; }
@container (min-width: 40rem) { .gl-interact .gl-th-all { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
@container (min-width: 34rem) { .gl-interact .gl-th-all.gl-th-one { grid-template-columns: minmax(0, 20rem); } }`;

const WIDTHS = [8, 16, 32, 64]; // of a hidden layer
const SOME = 500, MANY = 2500; // samples that are measured while it trains, and when it stops
const SLICE = 10; // ms of work at a time
const PAD = 2, STEP = 0.1, SPACE = 0.08, DRAWN_SD = 0.06, MOST = 300; // of the drawing, in its own units

function figure(root, { start, words, names, order, plan, densities, drawing }) {
  const state = { ...start, width: plan.width, steps: 0, todo: 0, n: 0, spent: 0, playing: false, seen: true };
  let drawn = drawing.map((point) => [...point]), cursor = [0, 0], shape, density, models = [], batch, truth, other, fixed, next, normal;

  // --- what is there -------------------------------------------------------------------------------------------
  const which = node("div.th-which", {}, choice(root, words.density, words.densities, state.density, (name) => { state.density = name; begin(); }));
  const panels = Object.fromEntries(names.map((name) => [name, panelOf(name)]));
  const all = node("div.th-all" + (names.length === 1 ? ".th-one" : ""), {}, ...names.map((name) => panels[name].box));
  const toggle = button(words.play, () => (state.playing ? pause() : play()), ".main");
  const one = button(words.one, () => go(1)), hundred = button(words.hundred, () => go(100)), again = button(words.reset, () => begin());
  const seed = node("input", { type: "number", min: 0, max: 999, step: 1, value: state.seed });
  seed.addEventListener("change", () => {
    state.seed = clamp(Math.round(+seed.value) || 0, 0, 999);
    seed.value = state.seed;
    begin();
  });
  const speed = choice(root, words.speed, words.speeds, state.speed, (name) => { state.speed = name; wake(); });
  const layers = slider(words.layers, { min: 1, max: 3, step: 1, value: state.layers, format: String }, (n) => { state.layers = n; begin(); });
  const width = slider(words.width, { min: 0, max: WIDTHS.length - 1, step: 1, value: WIDTHS.indexOf(state.width), format: (k) => String(WIDTHS[k]) },
    (k) => { state.width = WIDTHS[k]; begin(); });
  const status = node("p.small.status", { role: "status" }), floor = node("p.small.muted");
  const last = plan.walk;
  const scrub = slider(words.time, { min: 0, max: last, step: 1, value: last, format: (k) => (1 - k / last).toFixed(2) }, (k) => { walking = false; state.at = k; redraw(); });
  state.at = last;
  let walking = false;
  const film = button(words.walk, () => {
    if (walking) { walking = false; return; }
    walking = true;
    state.at = 0;
    const tick = () => {
      scrub.set(state.at);
      redraw();
      if (!walking || state.at === last) { walking = false; return; }
      state.at++;
      setTimeout(tick, 120);
    };
    tick();
  });
  const pad = padOf();
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), which, pad.box,
    node("div.buttons", {}, toggle, one, hundred, again, node("label.th-seed", {}, words.seed, seed)), speed,
    node("div.controls.th-net", {}, layers.box, width.box), status, all, floor);
  if (panels.flow) root.append(node("div.th-bar", {}, film, scrub.box), note(words.arrows));
  if (panels.autoencoder) root.append(note(words.codes));
  root.append(note(words.help));

  function panelOf(name) {
    const canvas = node("canvas", { role: "img", "aria-label": words.names[name] }), chart = node("div.chart", {}, canvas), list = node("dl");
    return { canvas, chart, list, box: node("div", {}, phrase(node("p.ask"), words.names[name]), chart, list) };
  }

  // --- the drawing: by pointer, or by keyboard with a cursor that leaves points --------------------------------
  function padOf() {
    const canvas = node("canvas", { "aria-hidden": "true" });
    const handle = node("div.handle", { role: "slider", tabindex: 0, "aria-label": words.cursor, "aria-valuemin": -PAD, "aria-valuemax": PAD }, node("span.knob", {}, "+"));
    const plane = node("div.plane.th-pad", {}, canvas, handle);
    const box = node("div", {}, note(words.draw), plane, node("div.buttons", {}, button(words.clear, () => { drawn = []; begin(); })));
    const where = (event) => {
      const r = plane.getBoundingClientRect();
      return [((event.clientX - r.left) / r.width * 2 - 1) * PAD, (1 - (event.clientY - r.top) / r.height * 2) * PAD].map((v) => clamp(v, -PAD, PAD));
    };
    const put = ([x, y]) => {
      const back = drawn.at(-1);
      if (drawn.length >= MOST || (back && Math.hypot(back[0] - x, back[1] - y) < SPACE)) return;
      drawn.push([x, y]);
      pad.draw();
    };
    let pen = false;
    plane.addEventListener("pointerdown", (event) => {
      pen = true;
      plane.setPointerCapture(event.pointerId);
      put(where(event));
      event.preventDefault();
    });
    plane.addEventListener("pointermove", (event) => { if (pen) put(where(event)); });
    for (const end of ["pointerup", "pointercancel"]) plane.addEventListener(end, () => { if (pen) { pen = false; begin(); } });
    const place = () => {
      handle.style.left = 50 * (1 + cursor[0] / PAD) + "%";
      handle.style.top = 50 * (1 - cursor[1] / PAD) + "%";
      handle.setAttribute("aria-valuenow", cursor[0].toFixed(1));
      handle.setAttribute("aria-valuetext", fill(words.place, shown(cursor[0], 1), shown(cursor[1], 1), drawn.length));
    };
    movable(handle, () => cursor, { where, step: STEP, move: (x, y) => { cursor = [clamp(x, -PAD, PAD), clamp(y, -PAD, PAD)]; place(); } });
    handle.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      put(cursor);
      begin();
    });
    const draw = () => {
      const side = plane.clientWidth;
      place();
      if (!side) return;
      const brush = fitCanvas(canvas, side, side);
      brush.fillStyle = palette(root, "0");
      for (const [x, y] of drawn) dot(brush, side * (1 + x / PAD) / 2, side * (1 - y / PAD) / 2, 3);
    };
    return { box, draw, plane };
  }

  // A mixture with a mode at each drawn point, in units of its standard deviation, as the book takes all its data.
  function shapeOf(list) {
    const centre = [0, 1].map((c) => mean(list.map((p) => p[c])));
    const scale = Math.sqrt(mean(list.map((p) => ((p[0] - centre[0]) ** 2 + (p[1] - centre[1]) ** 2) / 2)) + DRAWN_SD ** 2);
    return { means: list.map((p) => p.map((v, c) => (v - centre[c]) / scale)), sd: DRAWN_SD / scale, kind: "curve", reach: PAD / scale, centre: centre.map((v) => v / scale) };
  }

  // --- training, in slices -------------------------------------------------------------------------------------
  function begin() {
    pause();
    shape = state.density !== "drawn" ? densities[state.density] : drawn.length ? shapeOf(drawn) : null;
    Object.assign(state, { steps: 0, spent: 0, n: 0 });
    root.dataset.points = drawn.length;
    pad.box.hidden = state.density !== "drawn";
    pad.draw();
    for (const control of [toggle, one, hundred]) control.disabled = !shape;
    models = [];
    running = null;
    if (shape) {
      density = densityOf(shape);
      next = uniforms(100 * state.seed + 1);
      normal = normals(100 * state.seed + 2);
      batch = new Float64Array(2 * plan.batch);
      const wanted = { ...plan, layers: state.layers, width: state.width };
      models = names.map((name) => ({ name, ...modelOf[name](wanted, 100 * state.seed + 10 * (1 + order.indexOf(name))) }));
      [truth, other] = [3, 5].map((k) => points(density, uniforms(k), normals(k + 1), MANY));
      fixed = pathPoints(density, 256);
      running = work();
    }
    report();
    wake();
  }

  function play() {
    state.playing = true;
    toggle.textContent = words.pause;
    go(state.steps < plan.steps ? plan.steps - state.steps : Infinity);
  }
  function pause() {
    state.playing = false;
    state.todo = 0;
    toggle.textContent = words.play;
  }
  function go(n) {
    state.todo = n;
    running ??= work();
    wake();
  }

  let running = null, waiting = false, delay = 0, measured = 0, cost = 0;
  function* work() {
    do {
      while (state.todo > 0) {
        points(density, next, normal, plan.batch, batch);
        for (const model of models) {
          model.step(batch, state.steps / plan.steps);
          yield "part";
        }
        state.steps++;
        state.todo--;
        if (performance.now() - measured > Math.max(250, 5 * cost)) yield* measure(SOME);
        yield "step";
      }
      if (state.playing) pause(); // the plan has ended
      yield* measure(state.steps ? MANY : SOME);
    } while (state.todo > 0);
  }
  function* measure(n) {
    const began = state.spent, at = state.steps;
    for (const model of models) {
      const states = [], x = yield* model.sample(normals(7), n, states);
      model.states = states.length ? states : [x];
      model.found = { ...coverage(density, x), distance: sliced(x, truth.subarray(0, 2 * n)) };
      yield "part";
      if (model.velocity) model.found.miss = missOf(model.velocity, fixed);
    }
    state.n = n;
    report(at);
    redraw();
    cost = state.spent - began;
    measured = performance.now();
  }

  const channel = new MessageChannel();
  channel.port1.onmessage = slice;
  function slice() {
    waiting = false;
    if (!running || !state.seen || document.hidden) return;
    const began = performance.now();
    delay = 0;
    do {
      const { done, value } = running.next();
      if (done) running = null;
      if (value === "step" && state.speed !== "full") delay = 1000 / +state.speed;
    } while (running && !delay && performance.now() - began < SLICE);
    state.spent += performance.now() - began;
    say();
    wake();
  }
  function wake() {
    if (waiting || !running || !state.seen || document.hidden) return;
    waiting = true;
    if (delay) setTimeout(slice, delay);
    else channel.port2.postMessage(0); // after the page has had its turn
  }
  new IntersectionObserver(([entry]) => { state.seen = entry.isIntersecting; wake(); }).observe(root);
  document.addEventListener("visibilitychange", wake);

  // --- numbers and pictures ------------------------------------------------------------------------------------
  function say() {
    const text = !shape ? words.empty : fill(words.status, state.steps.toLocaleString("en"), (state.spent / 1000).toFixed(1), state.n.toLocaleString("en"));
    if (status.textContent !== text) status.textContent = text;
    status.setAttribute("aria-live", state.playing ? "off" : "polite");
    Object.assign(root.dataset, { density: state.density, seed: state.seed, layers: state.layers, width: state.width, steps: state.steps, n: state.n, busy: running ? "yes" : "no", playing: state.playing ? "yes" : "no", spent: state.spent.toFixed(0) });
  }
  function report(at = 0) {
    const modes = shape && shape.kind !== "curve" ? (shape.means || shape.corners).length : 0;
    for (const { name, found } of models) {
      const rows = [[words.near[shape.kind], found ? found.near.toFixed(3) : "–"]];
      if (modes) rows.push([words.modes[shape.kind], found ? fill(words.modesValue, found.modes, modes) : "–"]);
      rows.push([words.distance, found ? found.distance.toFixed(3) : "–"]);
      if (name === "flow") rows.push([words.miss, found ? found.miss.toFixed(3) : "–"]);
      panels[name].list.replaceChildren(...rows.flatMap(([term, value]) => [phrase(node("dt"), term), node("dd", {}, value)]));
      panels[name].canvas.setAttribute("aria-label", fill(words.panelLabel, words.names[name], at));
      for (const [key, value] of Object.entries(found || {})) root.setAttribute(`data-${name}-${key}`, value);
    }
    if (shape && state.n) {
      const x = other.subarray(0, 2 * state.n), found = coverage(density, x), far = sliced(x, truth.subarray(0, 2 * state.n));
      floor.textContent = fill(words.floor, found.near.toFixed(3), far.toFixed(3));
    }
    say();
  }

  const dot = (pen, x, y, r) => { pen.beginPath(); pen.arc(x, y, r, 0, 7); pen.fill(); };
  function draw() {
    for (const model of models) {
      const { canvas, chart } = panels[model.name], side = chart.clientWidth;
      if (!side) continue;
      const pen = fitCanvas(canvas, side, side), [a, b] = shape.centre || [0, 0], size = side / (2 * shape.reach), r = Math.max(1.1, side / 170);
      const to = (x, y) => [side / 2 + (x + a) * size, side / 2 - (y + b) * size];
      const scatter = (x, from = 0) => { for (let i = from; i < Math.min(from + SOME, x.length / 2); i++) dot(pen, ...to(x[2 * i], x[2 * i + 1]), r); };
      pen.fillStyle = palette(root, "edge");
      pen.globalAlpha = 0.35;
      scatter(truth);
      if (!model.states) continue;
      const k = model.states.length > 1 ? state.at : 0;
      pen.fillStyle = palette(root, "0");
      pen.globalAlpha = 0.8;
      scatter(model.states[k]);
      pen.globalAlpha = 1;
      if (k < model.states.length - 1) arrows(pen, model.velocity, 1 - k / last, to);
    }
  }

  // Where the walk goes from here: learned in colour, over the best velocity as a wider, fainter line.
  function arrows(pen, velocity, t, to) {
    const [a, b] = shape.centre || [0, 0], x = new Float64Array(2 * 81);
    for (let i = 0; i < 81; i++) x.set([((i % 9) / 4 - 1) * 0.9 * shape.reach - a, (Math.floor(i / 9) / 4 - 1) * 0.9 * shape.reach - b], 2 * i);
    const u = velocity(x, new Float64Array(81).fill(t), 81), best = bestVelocity(density, x, t), reach = 0.09 * shape.reach;
    const lines = (v, style, width) => {
      pen.strokeStyle = palette(root, style);
      pen.lineWidth = width;
      pen.beginPath();
      for (let i = 0; i < 81; i++) {
        const far = Math.max(1, Math.hypot(v[2 * i], v[2 * i + 1]) / 2);
        if (!(far < Infinity)) continue;
        pen.moveTo(...to(x[2 * i], x[2 * i + 1]));
        pen.lineTo(...to(x[2 * i] - (reach * v[2 * i]) / far, x[2 * i + 1] - (reach * v[2 * i + 1]) / far));
      }
      pen.stroke();
    };
    lines(best, "edge", 3.5);
    lines(u, "1", 1.5);
    pen.fillStyle = palette(root, "1");
    for (let i = 0; i < 81; i++) dot(pen, ...to(x[2 * i], x[2 * i + 1]), 1.6);
  }
  const redraw = oncePerFrame(draw);

  onResize(all, redraw);
  onResize(pad.plane, pad.draw);
  begin();
  followScheme(root, () => { redraw(); pad.draw(); });
}
