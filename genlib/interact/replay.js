// Two trainings of a GAN on the ring, moment by moment. State: which run, which moment, and whether it plays.

const STYLE = `
.gl-interact .gl-gr { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem 1.25rem; }
.gl-interact .gl-gr .gl-chart { aspect-ratio: 1; max-width: 26rem; width: 100%; justify-self: center; }
.gl-interact .gl-gr canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.gl-interact .gl-gr-bar { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.75rem; align-items: end; margin-top: 0.5rem; }
@container (min-width: 40rem) { .gl-interact .gl-gr { grid-template-columns: minmax(0, 1.4fr) minmax(0, 1fr); align-items: center; } }
@container (min-width: 34rem) { .gl-interact .gl-gr .gl-questions { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.gl-interact .gl-gr .gl-chart { margin-inline: auto; }
.gl-interact .gl-gr ~ p { margin-top: 0.5rem; }`;

const REACH = 2;

function figure(root, { start, words, cells, means, runs }) {
  const state = { ...start, playing: false };
  const held = {};
  for (const [name, run] of Object.entries(runs)) held[name] = { D: unpack(run.D), x: unpack(run.x), way: unpack(run.way), scores: run.scores };
  const last = held[state.run].scores.length - 1;
  const part = (name) => {
    const all = held[state.run][name], each = all.length / (last + 1);
    return all.subarray(state.moment * each, (state.moment + 1) * each);
  };

  // --- what is there -------------------------------------------------------------------------------------------
  const canvas = node("canvas", { role: "img", "aria-label": words.mapLabel });
  const map = node("div.chart", {}, canvas);
  const said = { modes: node("p.number"), quality: node("p.number"), spread: node("p.number"), losses: node("p") };
  const questions = node("div.questions.short", {}, question(words.modes, said.modes), question(words.quality, said.quality, note(words.qualityNote)),
    question(words.spread, said.spread, note(words.spreadNote)), question(words.losses, said.losses));
  const stepOf = (i) => held[state.run].scores[i].step.toLocaleString("en");
  const scrub = slider(words.turn, { min: 0, max: last, step: 1, value: state.moment, format: stepOf }, (i) => { stop(); state.moment = i; update(); });
  const toggle = button(words.play, () => (state.playing ? stop() : play()), ".main");
  const which = choice(root, words.legend, words.runs, state.run, (name) => { state.run = name; update(); });
  const swatches = [["0", words.keyData], ["1", words.keyFake]].map(([colour, what]) => [what, node("svg:rect", { x: 1, width: 20, height: 12, style: `fill:var(--gl-${colour});opacity:0.6` })]);
  const mark = "fill:none;stroke:currentColor;stroke-width:1.5";
  const key = keyTo(...swatches, [words.keyDot, node("svg:circle", { cx: 11, cy: 6, r: 2.6, fill: "currentColor" })],
    [words.keyPull, node("svg:path", { d: "M2 6H18M13 2L18 6L13 10", style: mark })], [words.keyMode, node("svg:circle", { cx: 11, cy: 6, r: 5, style: mark })]);
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), which, key,
    node("div.gr", {}, node("div", {}, map, node("div.gr-bar", {}, toggle, scrub.box)), questions), note(words.help));

  function stop() {
    state.playing = false;
    toggle.textContent = words.play;
  }
  function play() {
    if (state.moment === last) state.moment = 0;
    state.playing = true;
    toggle.textContent = words.pause;
    const tick = () => {
      if (!state.playing) return;
      if (state.moment === last) return stop();
      state.moment += 1;
      update();
      setTimeout(tick, 350);
    };
    update();
    setTimeout(tick, 350);
  }

  // --- the map -------------------------------------------------------------------------------------------------
  let side = 0;
  const to = (v) => ((v + REACH) / (2 * REACH)) * side;
  function draw() {
    const pen = fitCanvas(canvas, side, side), D = part("D"), x = part("x"), way = part("way");
    const dark = root.dataset.scheme === "dark", blue = rgb(palette(root, "0")), orange = rgb(palette(root, "1"));
    const small = document.createElement("canvas");
    small.width = small.height = cells;
    const image = small.getContext("2d").createImageData(cells, cells), paper = dark ? 18 : 255;
    for (let i = 0; i < cells; i++) for (let j = 0; j < cells; j++) { // D is stored column by column, from below
      const p = D[i * cells + j] / 255, strength = Math.sqrt(Math.abs(2 * p - 1)) * (dark ? 0.55 : 0.75), ink = p > 0.5 ? blue : orange, at = 4 * ((cells - 1 - j) * cells + i);
      for (let k = 0; k < 3; k++) image.data[at + k] = paper + strength * (ink[k] - paper);
      image.data[at + 3] = 255;
    }
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(small, 0, 0, side, side);
    const ink = dark ? "#f2f2f2" : "#111";
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    for (const [a, b] of means) {
      pen.beginPath();
      pen.arc(to(a), side - to(b), 7, 0, 7);
      pen.stroke();
    }
    const place = (i) => [to(((x[2 * i] - 127) / 127) * REACH), side - to(((x[2 * i + 1] - 127) / 127) * REACH)];
    pen.fillStyle = ink;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.55;
    for (let i = 0; i < way.length / 2; i++) {
      const [a, b] = place(i), [u, v] = [(way[2 * i] - 127) / 127, -(way[2 * i + 1] - 127) / 127], size = Math.hypot(u, v);
      if (size < 0.02) continue;
      const reach = 26 * Math.sqrt(size), [c, d] = [a + (u / size) * reach, b + (v / size) * reach], angle = Math.atan2(d - b, c - a);
      pen.beginPath();
      pen.moveTo(a, b);
      pen.lineTo(c, d);
      for (const turn of [0.5, -0.5]) {
        pen.moveTo(c, d);
        pen.lineTo(c - 5 * Math.cos(angle + turn), d - 5 * Math.sin(angle + turn));
      }
      pen.stroke();
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = dark ? "#111" : "#fff";
    for (let i = 0; i < x.length / 2; i++) { // on top of their arrows
      pen.beginPath();
      pen.arc(...place(i), 2.6, 0, 7);
      pen.fill();
      pen.stroke();
    }
  }

  function update() {
    const found = held[state.run].scores[state.moment];
    scrub.set(state.moment);
    said.modes.textContent = fill(words.modesValue, found.modes);
    said.quality.textContent = found.high_quality.toFixed(3);
    said.spread.textContent = found.spread ? found.spread.toFixed(2) : "–";
    phrase(said.losses, fill(words.lossesValue, found.d_loss.toFixed(2), found.g_loss.toFixed(2)));
    const x = part("x"), D = part("D");
    Object.assign(root.dataset, { run: state.run, moment: state.moment, step: found.step, modes: found.modes, quality: found.high_quality,
      spread: found.spread ?? "", fakes: Array.from(x, (v) => v - 127).join(" "), middle: D[(cells / 2) * cells + cells / 2] });
    redraw();
  }
  const redraw = oncePerFrame(() => { if (side) draw(); });

  update();
  onResize(map, (now) => { side = now; redraw(); });
  followScheme(root, redraw);
}
