// A digit from eight noises at eight guidance scales. State: the digit asked for, and the place of the scale.

const STYLE = `${IMAGE_STYLE}
.gl-interact .gl-gs { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem 1.25rem; align-items: end; }
.gl-interact .gl-gs .gl-chart { aspect-ratio: 1.6; }
.gl-interact .gl-gs-row { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 4px; margin: 0.2rem 0 0.6rem; text-align: center; font-variant-numeric: tabular-nums; }
.gl-interact .gl-gs-wrong { color: var(--gl-1); font-weight: 700; }
.gl-interact .gl-questions + .gl-small { margin-top: 0.6rem; }
.gl-interact .gl-gs-digits .gl-choice { gap: 0; }
.gl-interact .gl-gs-digits .gl-choice label { padding: 0.3rem 0; }
.gl-interact .gl-verdict { min-height: 2.9em; margin-top: 0.4rem; }
@container (min-width: 40rem) { .gl-interact .gl-gs { grid-template-columns: minmax(0, 1.5fr) minmax(0, 1fr); } .gl-interact .gl-verdict { min-height: 1.5em; } }`;

const N = 8, D = 64;

function figure(root, { start, words, scales, noise, x, read, near, real, steps, model }) {
  const state = { ...start };
  const pixels = unpack(x), readings = unpack(read), begin = unpack(noise, Int8Array);
  const place = (at, digit) => N * (at ? 1 + 10 * (at - 1) + digit : 0); // where the row's eight begin; scale 0 has one row
  const row = (at, digit) => Array.from({ length: N }, (_, k) => pixels.subarray((place(at, digit) + k) * D, (place(at, digit) + k + 1) * D));
  const readAs = (at, digit) => readings.subarray(place(at, digit), place(at, digit) + N);
  const right = (at, digit) => readAs(at, digit).filter((k) => k === digit).length;
  function apart(images) { // mean distance over all pairs, in pixels from 0 to 1
    let sum = 0;
    for (let i = 0; i < N; i++) for (let j = 0; j < i; j++) sum += Math.hypot(...Array.from(images[i], (v, d) => v - images[j][d])) / 16;
    return sum / ((N * (N - 1)) / 2);
  }

  // --- what is there -------------------------------------------------------------------------------------------
  const rowOf = (make) => node("div.gs-row", {}, ...Array.from({ length: N }, make));
  const canvasRow = () => rowOf(() => digitCanvas({ "aria-hidden": "true" }));
  const first = canvasRow(), drawn = canvasRow(), marks = rowOf(() => node("span", {}));
  for (const images of [first, drawn]) images.setAttribute("role", "img");
  first.setAttribute("aria-label", words.noiseLabel);
  marks.setAttribute("aria-hidden", "true"); // the label of the pictures says it
  const graph = chart(words.chartLabel);
  const kinds = { asked: words.asked, apart: words.apart, near: words.near }, said = {}, noted = {};
  const questions = node("div.questions.short", {}, ...Object.entries(kinds).map(([name, ask]) => {
    said[name] = node("p.number");
    noted[name] = note("");
    return question(ask, said[name], noted[name]);
  }));
  const verdict = node("p.verdict", { "aria-live": "polite" });
  const which = choice(root, words.legend, [..."0123456789"].map((k) => [k, k]), state.digit, (k) => { state.digit = k; update(); });
  const scrub = slider(words.scale, { min: 0, max: scales.length - 1, step: 1, value: state.at, format: (at) => String(scales[at]) },
    (at) => { state.at = at; update(); });
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), node("div.gs-digits", {}, which), scrub.box, verdict,
    node("div.gs", {}, node("div", {}, phrase(node("p.ask"), words.noise), first, phrase(node("p.ask"), fill(words.drawn, steps)), drawn, marks), graph.box),
    questions, note(words.help), note(fill(words.source, ...model)));

  // --- numbers and pictures ------------------------------------------------------------------------------------
  let width = 0;
  function curves() {
    const height = width / 1.6, left = 28, bottom = height - 36, top = 10, end = width - 10, most = 3, digit = +state.digit;
    const across = (at) => left + (at / (scales.length - 1)) * (end - left), up = (v) => bottom - (v / most) * (bottom - top);
    graph.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const lists = [scales.map((_, at) => apart(row(at, digit))), scales.map((_, at) => near[at][digit])];
    const points = lists.map((list) => list.map((v, at) => [across(at), up(v)]));
    const ends = points.map((list) => list.slice(-3).map(([, y]) => y)); // a name stands above its line, and below the lower one
    const names = [[words.axisApart, Math.min(...ends[0]) - 9], [words.axisNear, Math.max(...ends[1]) + 18]];
    graph.svg.replaceChildren(
      segment(left, bottom, end, bottom, "", "gl-axis"), segment(left, top, left, bottom, "", "gl-axis"),
      ...[0, 1, 2, 3].map((v) => text(left - 6, up(v) + 4, String(v), "end")),
      ...scales.map((s, at) => text(across(at), bottom + 15, String(s), "middle")),
      text((left + end) / 2, height - 4, words.axis, "middle"),
      segment(across(state.at), bottom, across(state.at), top, "stroke:var(--gl-edge);stroke-dasharray:2 3"),
      line(points[0], "stroke:var(--gl-0);stroke-width:2.5"), line(points[1], "stroke:var(--gl-1);stroke-width:2.5;stroke-dasharray:6 4"),
      ...points.map((list, i) => node("svg:circle", { cx: list[state.at][0], cy: list[state.at][1], r: 5, style: `fill:var(--gl-${i});stroke:var(--gl-surface);stroke-width:2` })),
      ...names.map(([name, y]) => text(end, y, name, "end")));
  }
  const paint = (target, images, value) => [...target.children].forEach((canvas, k) => ink(root, canvas, Array.from(images[k], value)));

  function update() {
    const { at } = state, digit = +state.digit, scale = scales[at], images = row(at, digit), found = readAs(at, digit);
    scrub.set(at);
    paint(first, Array.from({ length: N }, (_, k) => begin.subarray(k * D, (k + 1) * D)), (v) => clamp(0.5 + v / 160, 0, 1));
    paint(drawn, images, (v) => v / 16);
    found.forEach((k, i) => {
      const mark = marks.children[i];
      mark.textContent = fill(k === digit ? words.right : words.wrong, k);
      mark.className = k === digit ? "" : "gl-gs-wrong";
    });
    const aloud = Array.from(found, (k) => fill(k === digit ? words.rightSaid : words.wrongSaid, k)).join(", ");
    drawn.setAttribute("aria-label", fill(words.drawnLabel, scale, digit, aloud));
    const all = Array.from({ length: 10 }, (_, k) => right(at, k)).reduce((a, b) => a + b), distance = apart(images);
    said.asked.textContent = fill(words.askedValue, right(at, digit));
    said.apart.textContent = distance.toFixed(2);
    said.near.textContent = near[at][digit].toFixed(2);
    phrase(noted.asked, fill(words.askedNote, all));
    phrase(noted.apart, fill(words.apartNote, real.apart[digit].toFixed(2)));
    phrase(noted.near, fill(words.nearNote, real.nearest[digit].toFixed(2)));
    const name = scale === 0 ? "none" : scale < 1 ? "less" : scale === 1 ? "one" : scale < 5 ? "more" : "far";
    phrase(verdict, words.verdicts[name]);
    Object.assign(root.dataset, { digit, scale, read: Array.from(found).join(" "), right: right(at, digit), all, apart: distance.toFixed(5), near: near[at][digit], verdict: name });
    redraw();
  }
  const redraw = oncePerFrame(() => { if (width) curves(); });

  update();
  onResize(graph.box, (now) => { width = now; redraw(); });
  followScheme(root, update);
}
