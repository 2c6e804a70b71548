// There and back. State: the time t (0 to 1000, for every schedule), which schedule, and whether it plays.

const STYLE = `${IMAGE_STYLE}
.gl-interact .gl-fm { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem 1.25rem; align-items: start; }
.gl-interact .gl-fm-row { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 4px; }
.gl-interact .gl-fm-row + p { margin-top: 0.75rem; }
.gl-interact .gl-fm-bar { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.75rem; align-items: end; margin-top: 0.5rem; }
.gl-interact .gl-fm .gl-chart { aspect-ratio: 1.5; }
.gl-interact .gl-fm-away { opacity: 0.25; }
@container (min-width: 40rem) {
  .gl-interact .gl-fm { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .gl-interact .gl-fm .gl-questions { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .gl-interact .gl-fm-row { grid-template-columns: repeat(4, minmax(0, 1fr)); }
}`;

const N = 8, D = 64, LAST = 1000;

function figure(root, { start, words, x0, eps, back, moments, alphaBar }) {
  const state = { ...start, playing: false };
  const data = unpack(x0, Int8Array), noise = unpack(eps, Int8Array), walk = unpack(back, Int8Array);

  // --- what is there -------------------------------------------------------------------------------------------
  const rowOf = () => node("div.fm-row", { role: "img" }, ...Array.from({ length: N }, () => digitCanvas({ "aria-hidden": "true" })));
  const there = rowOf(), here = rowOf();
  const away = node("p.small.muted");
  const graph = chart(words.curveLabel);
  const said = { left: node("p.number"), ratio: node("p.number"), verdict: node("p.verdict", { "aria-live": "polite" }) };
  const scrub = slider(words.time, { min: 0, max: LAST, step: 10, value: state.t, format: (t) => String(timeOf(t)) }, (t) => { stop(); state.t = t; update(); });
  const toggle = button(words.play, () => (state.playing ? stop() : play()), ".main");
  const which = choice(root, words.legend, words.schedules, state.schedule, (name) => { state.schedule = name; update(); });
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), which,
    node("div.fm", {}, node("div", {}, phrase(node("p.ask"), words.there), there, phrase(node("p.ask"), words.back), here, away,
        node("div.fm-bar", {}, toggle, scrub.box)),
      node("div", {}, graph.box, node("div.questions.short", {}, question(words.left, said.left), question(words.ratio, said.ratio)), said.verdict)),
    note(words.help));

  function timeOf(t) { return Math.round((t * (state.schedule === "few" ? 100 : 1000)) / LAST); }
  function stop() {
    state.playing = false;
    toggle.textContent = words.play;
  }
  function play() {
    if (!state.t) state.t = LAST;
    state.playing = true;
    toggle.textContent = words.pause;
    const tick = () => {
      if (!state.playing) return;
      state.t = Math.max(0, state.t - 10);
      update();
      if (!state.t) return stop();
      setTimeout(tick, 60);
    };
    tick();
  }

  // --- numbers and pictures ------------------------------------------------------------------------------------
  const signalLeft = (t) => alphaBar[state.schedule][t / 10]; // the slider moves in tens
  const nearestMoment = (t) => moments.reduce((best, m, i) => (Math.abs(m - t) < Math.abs(moments[best] - t) ? i : best), 0);
  const paint = (row, value) => [...row.children].forEach((canvas, k) => ink(root, canvas, Array.from({ length: D }, (_, i) => clamp((value(k * D + i) + 1) / 2, 0, 1))));

  let width = 0;
  function curve() {
    const height = width / 1.5, left = 34, bottom = height - 26, top = 8, right = width - 8;
    const x = (u) => left + u * (right - left), y = (v) => bottom - v * (bottom - top);
    graph.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const list = alphaBar[state.schedule], points = list.map((v, i) => [x(i / (list.length - 1)), y(v)]);
    const u = state.t / LAST, v = signalLeft(state.t);
    graph.svg.replaceChildren(
      segment(left, bottom, right, bottom, "", "gl-axis"), segment(left, top, left, bottom, "", "gl-axis"),
      segment(left, y(0.5), right, y(0.5), "stroke:var(--gl-line);stroke-dasharray:3 4"),
      text(left - 5, y(0) + 4, "0", "end"), text(left - 5, y(0.5) + 4, "½", "end"), text(left - 5, y(1) + 4, "1", "end"),
      text((left + right) / 2, height - 6, words.axisTime, "middle"),
      line(points, "stroke:var(--gl-0);stroke-width:2.5"),
      segment(x(u), bottom, x(u), y(v), "stroke:var(--gl-1);stroke-dasharray:2 3"),
      node("svg:circle", { cx: x(u), cy: y(v), r: 5.5, style: "fill:var(--gl-1);stroke:var(--gl-surface);stroke-width:2" }));
  }

  function update() {
    const t = state.t, left = signalLeft(t), signal = Math.sqrt(left), size = Math.sqrt(1 - left), at = nearestMoment(t);
    const known = state.schedule === "cosine", ratio = left / (1 - left);
    scrub.set(t);
    paint(there, (i) => signal * (data[i] / 127) + size * (noise[i] / 32));
    paint(here, (i) => walk[at * N * D + i] / 40);
    here.classList.toggle("gl-fm-away", !known);
    away.textContent = known ? "" : words.otherBack;
    there.setAttribute("aria-label", fill(words.thereLabel, timeOf(t)));
    here.setAttribute("aria-label", fill(words.backLabel, moments[at]));
    said.left.textContent = left < 0.001 ? left.toExponential(1) : left.toFixed(3);
    said.ratio.textContent = t ? (ratio < 0.01 ? ratio.toExponential(1) : ratio.toFixed(2)) : "∞";
    const verdict = t === LAST && left > 0.05 ? "early" : left > 0.95 ? "clean" : left > 0.8 ? "seen" : ratio > 0.01 ? "lost" : "gone";
    said.verdict.textContent = words.verdicts[verdict];
    Object.assign(root.dataset, { t: timeOf(t), schedule: state.schedule, left, moment: moments[at], verdict });
    redraw();
  }
  const redraw = oncePerFrame(() => { if (width) curve(); });

  update();
  onResize(graph.box, (now) => { width = now; redraw(); });
  followScheme(root, update);
}
