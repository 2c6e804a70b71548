// The smallest GAN as a landscape: data N(0, 1), fakes N(theta, 1), logits phi (phi / 2 - x). D climbs, G descends.
// State: theta, phi, the step size eta, the order of moves, G's loss, and the path walked so far.

const STYLE = `
.gl-interact .gl-gg { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem 1.25rem; }
.gl-interact .gl-gg svg { overflow: hidden; }
.gl-interact .gl-gg-say { min-height: 2.9em; font-weight: 600; margin: 0.4rem 0 0; }
.gl-interact .gl-gg-choices { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.4rem 2rem; margin-top: 0.6rem; }
.gl-interact .gl-gg-choices legend { float: none; width: auto; margin: 0; padding: 0; border: 0; font-size: 0.9rem; color: var(--gl-muted); }
.gl-interact .gl-gg-help { margin-top: 0.75rem; }
@container (min-width: 40rem) {
  .gl-interact .gl-gg { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .gl-interact .gl-gg-say { min-height: 1.45em; }
  .gl-interact .gl-gg-choices { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
}`;

const REACH = 4, LOST = 40, LEVELS = [-6, -4, -3, -2.4, -1.9, -1.6, -1.45, -1.36, -1.25, -1.1, -0.8, -0.4];
const softplus = (t) => (t > 0 ? t : 0) + Math.log1p(Math.exp(-Math.abs(t)));
const sigmoid = (t) => 1 / (1 + Math.exp(-t));
const bell = (x, m) => Math.exp(-((x - m) ** 2) / 2) / Math.sqrt(2 * Math.PI);

function figure(root, { start, limits, words, z, weight }) {
  const logit = (x, phi) => phi * (phi / 2 - x);
  const over = (f) => z.reduce((sum, value, i) => sum + weight[i] * f(value), 0);
  const value = (theta, phi) => -over((e) => softplus(-logit(e, phi)) + softplus(logit(theta + e, phi)));
  // The ways of G and D: minus the slope of G's loss, and the slope of V.
  const pullG = (theta, phi, loss) => -phi * over((e) => sigmoid((loss === "minimax" ? 1 : -1) * logit(theta + e, phi)));
  const pullD = (theta, phi) => over((e) => sigmoid(-logit(e, phi)) * (phi - e) - sigmoid(logit(theta + e, phi)) * (phi - theta - e));

  const fresh = () => ({ ...start, path: [[start.theta, start.phi]] });
  const state = fresh(), number3 = (v) => shown(Math.abs(v) < 0.0005 ? 0 : v, 3);
  let side = 0, wide = 0, turn = 0, contours = [];

  function advance() {
    const phi = state.phi + state.eta * pullD(state.theta, state.phi);
    const theta = state.theta + state.eta * pullG(state.theta, state.order === "alternating" ? phi : state.phi, state.loss);
    Object.assign(state, { theta: clamp(theta, -LOST, LOST), phi: clamp(phi, -LOST, LOST) });
    state.path.push([state.theta, state.phi]);
  }
  const lost = () => Math.max(Math.abs(state.theta), Math.abs(state.phi)) > 1.5 * REACH;

  function verdictOf(g) {
    if (lost()) return "lost";
    if (Math.hypot(state.theta, state.phi) < 0.05) return "saddle";
    if (state.loss === "minimax" && Math.abs(state.theta) > 2 && Math.abs(g) < 0.15) return "deaf";
    return Math.abs(state.theta - state.phi) < 0.3 ? "ridge" : "chase";
  }

  // --- what is there -------------------------------------------------------------------------------------------
  const way = (d, style) => node("svg:path", { d, style: "fill:none;" + style });
  const mapKey = keyTo([words.ridge, way("M1 6H21", "stroke:currentColor;stroke-width:1.6;stroke-dasharray:6 4")],
    [words.saddle, node("svg:circle", { cx: 11, cy: 6, r: 5, style: "fill:none;stroke:currentColor;stroke-width:2" })],
    [words.next, way("M1 6H18M13 2L18 6L13 10", "stroke:var(--gl-1);stroke-width:2.4")]);
  const curveKey = keyTo([words.data, way("M1 6H21", "stroke:currentColor;stroke-width:1.6")], [words.fakes, way("M1 6H21", "stroke:var(--gl-0);stroke-width:1.8;stroke-dasharray:1.5 3")],
    [words.D, way("M1 6H21", "stroke:var(--gl-1);stroke-width:2.8")], [words.best, way("M1 6H21", "stroke:var(--gl-1);stroke-width:1.8;stroke-dasharray:7 5")]);
  const map = chart(words.mapLabel), curves = chart(words.lineLabel);
  const help = phrase(node("p.small.muted.gg-help", { id: freshId(root) }), words.help);
  const handle = node("div.handle", { role: "slider", tabindex: 0, "aria-label": words.handle, "aria-describedby": help.id,
    "aria-valuemin": -REACH, "aria-valuemax": REACH }, node("span.knob", { "aria-hidden": "true" }));
  const chip = (what, style) => phrase(node("span.chip.muted", { style, "aria-hidden": "true" }), what);
  map.box.append(chip(words.theta, "right:2px;top:calc(50% + 4px)"), chip(words.phi, "right:calc(50% + 4px);top:2px"), handle);
  const say = node("p.gg-say", { "aria-live": "polite" });
  const said = { v: node("p.number"), best: node("p.number"), bestNote: node("p.small.muted"), d: node("p.small"), g: node("p.small"), steps: node("p.small.muted") };
  const questions = node("div.questions.short", {},
    question(words.vTitle, said.v, note(words.vNote)),
    question(words.bestTitle, said.best, said.bestNote),
    question(words.pullTitle, said.d, said.g, said.steps));
  const eta = slider(words.eta, { min: limits.eta[0], max: limits.eta[1], step: 0.1, value: state.eta, format: (v) => shown(v, 1) },
    (v) => { turn += 1; state.eta = v; update(); });
  const asked = (box) => { // what a choice is about stands above it
    box.querySelector("legend").className = "";
    return box;
  };
  const order = choice(root, words.orderLegend, words.orders, state.order, (v) => { turn += 1; state.order = v; update(); });
  const loss = choice(root, words.lossLegend, words.losses, state.loss, (v) => { turn += 1; state.loss = v; update(); });
  function walk(n) {
    const mine = (turn += 1);
    const next = (left) => {
      if (turn !== mine || !left || lost()) return;
      advance();
      update();
      if (lessMotion()) next(left - 1);
      else setTimeout(() => next(left - 1), 120);
    };
    next(n);
  }
  const buttons = node("div.buttons", {}, button(words.one, () => walk(1)), button(words.many, () => walk(20)), button(words.reset, () => {
    turn += 1;
    const { theta, phi, path } = fresh();
    Object.assign(state, { theta, phi, path });
    update();
  }));
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), node("div.gg", {}, node("div", {}, mapKey, map.box), node("div", {}, curveKey, curves.box)), say,
    node("div.controls", {}, eta.box), node("div.gg-choices", {}, asked(order), asked(loss)), buttons, questions, help);

  // --- the map -------------------------------------------------------------------------------------------------
  const X = (theta) => ((theta + REACH) / (2 * REACH)) * side, Y = (phi) => side - ((phi + REACH) / (2 * REACH)) * side;
  movable(handle, () => [state.theta, state.phi], {
    where: (event) => {
      const box = map.box.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * 2 * REACH - REACH, REACH - ((event.clientY - box.top) / box.height) * 2 * REACH];
    },
    move: (theta, phi) => {
      turn += 1;
      Object.assign(state, { theta: clamp(theta, ...limits.theta), phi: clamp(phi, ...limits.phi) });
      state.path = [[state.theta, state.phi]];
      update();
    },
  });
  // The lines never change: they are found once, on numbers computed once for every corner of a grid.
  function findContours() {
    const known = new Map(), V = (a, b) => {
      const key = a + "," + b;
      if (!known.has(key)) known.set(key, value(a, b));
      return known.get(key);
    };
    contours = LEVELS.map((level) => zeroSet((a, b) => V(a, b) - level, [-REACH, REACH, -REACH, REACH], 40, 40)
      .map(([a, b]) => `M${a[0].toFixed(2)} ${a[1].toFixed(2)}L${b[0].toFixed(2)} ${b[1].toFixed(2)}`).join(""));
  }
  function drawMap() {
    if (!contours.length) findContours();
    const made = [], unit = side / (2 * REACH), place = `translate(${side / 2} ${side / 2}) scale(${unit} ${-unit})`;
    contours.forEach((d, i) => made.push(node("svg:path", { d, transform: place, fill: "none", "vector-effect": "non-scaling-stroke",
      style: `fill:none;stroke:var(--gl-edge);stroke-width:1.2;opacity:${0.3 + 0.05 * i}` })));
    made.push(segment(0, Y(0), side, Y(0), "", "gl-axis"), segment(X(0), 0, X(0), side, "", "gl-axis"),
      segment(X(-REACH), Y(-REACH), X(REACH), Y(REACH), "stroke:currentColor;stroke-width:1.6;stroke-dasharray:6 5"),
      node("svg:circle", { cx: X(0), cy: Y(0), r: 6, style: "fill:none;stroke:currentColor;stroke-width:2" }));
    if (state.path.length > 1) made.push(line(state.path.map(([a, b]) => [X(a), Y(b)]), "stroke:var(--gl-0);stroke-width:2;fill:none"));
    for (const [a, b] of state.path.slice(0, -1)) made.push(node("svg:circle", { cx: X(a), cy: Y(b), r: 2.6, style: "fill:var(--gl-0)" }));
    const ways = [pullG(state.theta, state.phi, state.loss), pullD(state.theta, state.phi)], size = Math.hypot(...ways);
    if (size > 0.003 && !lost()) {
      const reach = Math.min(60, 12 + 60 * size), [dx, dy] = [(ways[0] / size) * reach, (-ways[1] / size) * reach];
      const [x0, y0] = [X(state.theta), Y(state.phi)], [x1, y1] = [x0 + dx, y0 + dy], ink = "stroke:var(--gl-1);stroke-width:2.6";
      const wing = (turnBy) => segment(x1, y1, x1 - 9 * Math.cos(Math.atan2(dy, dx) + turnBy), y1 - 9 * Math.sin(Math.atan2(dy, dx) + turnBy), ink);
      made.push(segment(x0, y0, x1, y1, ink), wing(0.45), wing(-0.45));
    }
    map.svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
    map.svg.replaceChildren(...made);
    handle.style.left = clamp(X(state.theta), 0, side) + "px";
    handle.style.top = clamp(Y(state.phi), 0, side) + "px";
  }

  // --- the line ------------------------------------------------------------------------------------------------
  function drawLine() {
    const tall = 250, floor = tall - 24, top = 30, SPAN = 7, made = [];
    const toX = (x) => ((x + SPAN) / (2 * SPAN)) * wide, toY = (share) => floor - share * (floor - top);
    const grid = Array.from({ length: 281 }, (_, i) => -SPAN + (2 * SPAN * i) / 280);
    const curve = (f, style) => line(grid.map((x) => [toX(x), toY(f(x))]), style);
    const densityOf = (m) => (x) => 1.6 * bell(x, m);
    made.push(segment(0, floor, wide, floor, "", "gl-axis"), segment(0, toY(1), wide, toY(1), "opacity:0.4", "gl-axis"), segment(0, toY(0.5), wide, toY(0.5), "opacity:0.4;stroke-dasharray:2 4", "gl-axis"));
    made.push(curve(densityOf(0), "stroke:currentColor;stroke-width:1.6"),
      curve(densityOf(state.theta), "stroke:var(--gl-0);stroke-width:1.8;stroke-dasharray:1.5 3"),
      curve((x) => sigmoid(logit(x, state.theta)), "stroke:var(--gl-1);stroke-width:1.8;stroke-dasharray:7 5"),
      curve((x) => sigmoid(logit(x, state.phi)), "stroke:var(--gl-1);stroke-width:2.8"));
    made.push(text(2, toY(1) - 5, "1", "start", "gl-muted"), text(2, toY(0.5) - 3, "½", "start", "gl-muted"));
    for (let x = -6; x <= 6; x += 2) made.push(segment(toX(x), floor, toX(x), floor + 4, "", "gl-axis"), text(toX(x), tall - 4, minus(String(x)), "middle", "gl-muted"));
    curves.box.style.height = tall + "px";
    curves.svg.setAttribute("viewBox", `0 0 ${wide} ${tall}`);
    curves.svg.replaceChildren(...made);
  }

  // --- the numbers ---------------------------------------------------------------------------------------------
  function update() {
    const { theta, phi } = state, v = value(theta, phi), best = value(theta, theta), jsd = (best + Math.log(4)) / 2;
    const g = pullG(theta, phi, state.loss), d = pullD(theta, phi), verdict = verdictOf(g);
    said.v.textContent = fill(words.nats, number3(v));
    said.best.textContent = fill(words.nats, number3(best));
    phrase(said.bestNote, fill(words.bestNote, number3(jsd)));
    phrase(said.d, fill(words.pullD, number3(d)));
    phrase(said.g, fill(words.pullG, number3(g)));
    said.steps.textContent = fill(words.steps, state.path.length - 1);
    if (root.dataset.verdict !== verdict) phrase(say, words.verdicts[verdict]);
    handle.setAttribute("aria-valuenow", theta.toFixed(2));
    handle.setAttribute("aria-valuetext", fill(words.place, shown(theta, 2), shown(phi, 2)));
    const numbers = { theta, phi, eta: state.eta, v, best, jsd, pullG: g, pullD: d };
    for (const [name, x] of Object.entries(numbers)) root.dataset[name] = x.toFixed(9);
    Object.assign(root.dataset, { order: state.order, loss: state.loss, verdict, steps: state.path.length - 1 });
    redraw();
  }
  const redraw = oncePerFrame(() => { if (side) { drawMap(); drawLine(); } });

  update();
  onResize(map.box, (now) => {
    side = now;
    map.box.style.height = side + "px";
    wide = curves.box.clientWidth;
    redraw();
  });
  onResize(curves.box, (now) => { wide = now; redraw(); });
  followScheme(root, redraw);
}
