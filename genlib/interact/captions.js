// Pictures by caption, drawn live and read by the oracle. State: the pair, what the caption says beside it, the numbers
// of the walk, and what was drawn so far for each pair.

const STYLE = `
.gl-interact .gl-cp { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem 1.5rem; align-items: start; }
.gl-interact .gl-cp canvas { display: block; width: 100%; aspect-ratio: 1; margin: 0; background: none; filter: none; image-rendering: pixelated; border-radius: 3px; box-shadow: inset 0 0 0 1px var(--gl-line); }
.gl-interact .gl-cp-map { display: grid; grid-template-columns: 3.6rem repeat(4, minmax(0, 1fr)); gap: 3px; align-items: center; font-size: 0.86rem; }
.gl-interact .gl-cp-map > span { overflow-wrap: anywhere; }
.gl-interact .gl-cp-map > span.gl-cp-head { text-align: center; }
.gl-interact .gl-cp-map button { display: grid; grid-template-columns: 1fr 2.3rem 1fr; gap: 2px; align-items: center; min-height: 2.75rem; padding: 2px; line-height: 1; border: 1px solid var(--gl-line); }
.gl-interact .gl-cp-map button.gl-cp-held { border: 2px dashed var(--gl-edge); padding: 1px; }
.gl-interact .gl-cp-map button[aria-pressed="true"] { border: 3px solid var(--gl-0); padding: 0; }
.gl-interact .gl-cp-asked { font-size: 1.15rem; font-weight: 600; min-height: 1.75rem; }
.gl-interact .gl-cp-flag.gl-cp-new, .gl-interact .gl-cp-count { font-weight: 600; }
.gl-interact .gl-cp-draws { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.9rem; margin-top: 0.5rem; }
.gl-interact .gl-cp-two { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 6px; margin-bottom: 0.2rem; line-height: 1.25; }
.gl-interact .gl-cp-read { min-height: 2.9em; }
.gl-interact .gl-cp-more { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0 0.75rem; }
.gl-interact .gl-cp-more[hidden] { display: none; }
.gl-interact .gl-cp progress { flex: 1 1 5rem; height: 0.8rem; accent-color: var(--gl-0); }
.gl-interact .gl-cp ~ p { margin-top: 0.5rem; }
@container (max-width: 30rem) { .gl-interact .gl-cp-more { grid-template-columns: minmax(0, 1fr); } }
@container (min-width: 40rem) { .gl-interact .gl-cp { grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); } }`;

const SIDE = 16, D = SIDE * SIDE, SHOWN = 4, SLICE = 12; // pixels, drawings on view, milliseconds at a time

// One picture from noise to t = 0, step by step; the last value is the picture, from -1 to 1. ask: seed, steps, eta,
// scale, and tokens, the numbers of the words. The network says x_0.
function* draw(net, left, { seed, steps, eta, scale, tokens }) {
  const normal = normals(seed), noise = () => Float32Array.from({ length: 3 * D }, normal);
  const times = timesOf(left.length - 1, steps), asked = scale === 0 ? [[[], 1]] : scale === 1 ? [[tokens, 1]] : [[[], 1 - scale], [tokens, scale]];
  let x = noise();
  for (let k = 0; k < steps; k++) {
    const t = times[k], signal = Math.sqrt(left[t]), size = Math.sqrt(1 - left[t]), guess = new Float32Array(3 * D);
    for (const [words, weight] of asked) {
      const said = net.denoise(x, net.told(t, words));
      for (let i = 0; i < 3 * D; i++) guess[i] += weight * said[i];
      yield x;
    }
    const [keep, rest, spread] = ddimStep(left[t], left[times[k + 1]], eta), fresh = noise();
    x = x.map((v, i) => {
      const clean = clamp(guess[i], -1, 1);
      return keep * clean + (rest / size) * (v - signal * clean) + spread * fresh[i];
    });
  }
  return x;
}

function figure(root, { start, words, parts, tokens, held, counts, packed, beta, world, source }) {
  const [colours, shapes, ...more] = parts, P = colours.length * shapes.length, left = leftOf(unpack(beta, Float32Array));
  const state = { ...start, more: start.more.map((word, k) => word || more[k][0]), ms: 0 };
  const oracle = oracleOf(world);
  let net = null, drawn = [], jobs = [], total = 0, current = null;
  const isHeld = (pair) => held.includes(pair);
  const nameOf = (pair) => `${colours[Math.floor(pair / shapes.length)]} ${shapes[pair % shapes.length]}`;
  const spoken = ([colour, shape, size, row, column]) => [size, colour, shape, row, column].filter(Boolean).join(" ");
  const extra = () => (state.kind === "all" ? state.more : []);
  const wordsOf = (pair) => [...nameOf(pair).split(" "), ...extra()];

  // --- what is there -------------------------------------------------------------------------------------------
  const picture = () => node("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });
  const cells = Array.from({ length: P }, (_, pair) => {
    const canvas = picture(), mark = node("span", {});
    const cell = node("button" + (isHeld(pair) ? ".cp-held" : ""), { type: "button" }, node("span", {}, isHeld(pair) ? "◇" : ""), canvas, mark);
    cell.addEventListener("click", () => choose(pair));
    cell.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -shapes.length, ArrowDown: shapes.length }[event.key];
      const edge = Math.abs(way) === 1 && Math.floor((pair + way) / shapes.length) !== Math.floor(pair / shapes.length);
      if (!way || edge || !cells[pair + way]) return way && event.preventDefault();
      event.preventDefault();
      choose(pair + way);
      cells[pair + way].button.focus();
    });
    return { button: cell, canvas, mark };
  });
  const map = node("div.cp-map", { role: "group", "aria-label": words.mapLabel }, node("span", {}), ...shapes.map((name) => node("span.cp-head", {}, name)));
  cells.forEach((cell, pair) => map.append(...(pair % shapes.length ? [] : [node("span", {}, colours[pair / shapes.length])]), cell.button));
  const anew = (change) => (value) => { change(value); restart(); };
  const kinds = choice(root, words.legend, words.kinds, state.kind, anew((kind) => { state.kind = kind; }));
  const legends = [words.sizeLegend, words.rowLegend, words.columnLegend];
  const pickers = node("div.cp-more", {}, ...more.map((names, k) =>
    choice(root, legends[k], names.map((name) => [name, name]), state.more[k], anew((name) => { state.more[k] = name; }))));
  const number = (name, what, range, format = String) => slider(what, { ...range, value: state[name], format }, anew((value) => { state[name] = value; })).box;
  const controls = node("div.controls", {}, number("scale", words.scale, { min: 0, max: 5, step: 0.5 }, (v) => shown(v, 1)),
    number("steps", words.steps, { min: 5, max: 100, step: 5 }), number("seed", words.seed, { min: 1, max: 99, step: 1 }));
  const some = button(words.some, () => (jobs.length ? stop() : go(Array(SHOWN).fill(state.pair))), ".main");
  const every = button(words.every, () => go(cells.map((_, pair) => pair)));
  const bar = node("progress", { max: 1, value: 0, "aria-label": words.progress });
  const asked = node("p.cp-asked"), flag = node("p.cp-flag"), count = node("p.cp-count", { "aria-live": "polite" }), took = node("p.small.muted.status");
  const cards = Array.from({ length: SHOWN }, () => {
    const ours = picture(), theirs = picture(), read = node("p.small.cp-read");
    const two = node("div.cp-two", {}, ours, theirs, node("span.small.muted", {}, words.drawn), node("span.small.muted", {}, words.near));
    return { ours, theirs, read, box: node("div", {}, two, read) };
  });
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), kinds, pickers,
    node("div.cp", {}, map, node("div", {}, asked, flag, node("div.buttons", {}, some, every, bar), count, took, node("div.cp-draws", {}, ...cards.map(({ box }) => box)))),
    controls, note(words.help), note(fill(words.source, ...source)));

  function choose(pair) { state.pair = pair; update(); }

  // --- the work, in slices -------------------------------------------------------------------------------------
  const line = new MessageChannel();
  line.port1.onmessage = slice;
  function go(pairs) {
    jobs = pairs;
    total = pairs.length;
    line.port2.postMessage(0);
    update();
  }
  function stop() {
    jobs = [];
    current = null;
    update();
  }
  // A job: its walk, and what came of it. Of each pair the first drawing has number 0, the next 1, and so on.
  function begin(pair) {
    const list = drawn[pair], seed = 100000 * state.seed + 1000 * pair + list.length;
    const asked = wordsOf(pair), { steps, scale, eta } = state;
    return { pair, asked, walk: draw(net, left, { seed, steps, scale, eta, tokens: asked.map((word) => tokens[word]) }), ms: 0, x: null };
  }
  function slice() {
    if (!jobs.length) return;
    const from = performance.now();
    net ??= unetOf(packed, SIDE);
    if (oracle.prepare(SLICE)) {
      current ??= begin(jobs[0]);
      let { done, value } = current.walk.next();
      while (!done && performance.now() - from < SLICE) ({ done, value } = current.walk.next());
      current.x = value;
      current.ms += performance.now() - from;
      if (done) finish();
      redraw();
    }
    if (jobs.length) line.port2.postMessage(0);
  }
  function finish() {
    const { pair, asked, x, ms } = current, found = oracle.read(x.map((v) => clamp((v + 1) / 2, 0, 1)));
    const read = parts.map((names, k) => names[found.words[k]]), right = asked.every((word, k) => word === read[k]);
    drawn[pair].push({ x, read, right, clean: found.clean, near: found.drawing });
    state.ms = ms;
    jobs.shift();
    current = null;
    Object.assign(root.dataset, { done: +(root.dataset.done || 0) + 1, ms: ms.toFixed(0) });
    update();
  }
  function restart() {
    drawn = cells.map(() => []);
    state.ms = 0;
    stop();
  }

  // The cards show the last drawings of the pair, the one that is being drawn included.
  const firstShown = () => Math.max(0, drawn[state.pair].length + (jobs[0] === state.pair) - SHOWN);

  // --- pictures ------------------------------------------------------------------------------------------------
  function paint(canvas, x, low = -1) {
    const pen = canvas.getContext("2d");
    if (!x) return pen.clearRect(0, 0, SIDE, SIDE);
    const image = pen.createImageData(SIDE, SIDE);
    for (let i = 0; i < D; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * clamp((x[c * D + i] - low) / (1 - low), 0, 1);
      image.data[4 * i + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
  }
  const redraw = oncePerFrame(() => { // the picture that is being drawn
    bar.value = total ? 1 - jobs.length / total : 0;
    if (!current || lessMotion()) return;
    paint(cells[current.pair].canvas, current.x);
    if (current.pair === state.pair) paint(cards[drawn[state.pair].length - firstShown()].ours, current.x);
  });

  function update() {
    const { pair } = state, isNew = isHeld(pair), list = drawn[pair];
    pickers.hidden = state.kind !== "all";
    some.textContent = jobs.length ? words.stop : words.some;
    every.disabled = jobs.length > 0;
    cells.forEach(({ button, canvas, mark }, at) => {
      const last = drawn[at].at(-1), label = isHeld(at) ? fill(words.cellHeld, nameOf(at)) : nameOf(at);
      button.setAttribute("aria-pressed", at === pair);
      button.setAttribute("aria-label", !last || last.right ? label : fill(words.cellWrong, label));
      button.tabIndex = at === pair ? 0 : -1;
      mark.textContent = last && !last.right ? words.wrong : "";
      paint(canvas, last && last.x);
    });
    const caption = spoken(wordsOf(pair)), first = firstShown();
    asked.textContent = `“${caption}”`;
    flag.textContent = isNew ? words.held : fill(words.seen, counts[pair]);
    flag.classList.toggle("gl-cp-new", isNew);
    cards.forEach(({ ours, theirs, read }, k) => {
      const one = list[first + k];
      paint(ours, one && one.x);
      paint(theirs, one && one.near, 0);
      const heard = one ? spoken(state.kind === "all" ? one.read : one.read.slice(0, 2)) : ""; // what the caption speaks of
      read.textContent = one ? `${fill(words.read, heard, one.right ? words.right : words.wrong)} ${one.clean ? words.clean : words.unclean}` : words.empty;
    });
    const strict = (kind) => drawn.flatMap((ones, at) => (isHeld(at) === kind ? ones.map(({ right, clean }) => right && clean) : []));
    const counted = [strict(false), strict(true)].flatMap((all) => [all.filter(Boolean).length, all.length]);
    phrase(count, fill(words.count, ...counted));
    took.textContent = state.ms ? fill(words.took, (state.ms / 1000).toFixed(2)) : jobs.length ? words.running : words.ready;
    const last = list.at(-1), { kind, steps, scale, seed } = state;
    Object.assign(root.dataset, { caption, pair, held: isNew, counted: counted.join(" "), kind, steps, scale, seed, busy: jobs.length > 0,
      n: list.length, read: list.map((one) => spoken(one.read)).join(", "), right: list.map((one) => +one.right).join(" "),
      clean: list.map((one) => +one.clean).join(" "), x: last ? Array.from(last.x, (v) => v.toFixed(4)).join(" ") : "" });
    redraw();
  }

  restart();
  followScheme(root, () => {});
}
