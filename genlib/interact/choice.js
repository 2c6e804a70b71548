// Which of two digits is real? State: who drew, the seed of the order, and how many answers there were and were right.

const STYLE = `${IMAGE_STYLE}
.gl-interact .gl-rd-pair { display: grid; grid-template-columns: repeat(2, minmax(0, 11rem)); gap: 0.75rem 1.5rem; justify-content: center; margin: 0.5rem 0; }
.gl-interact .gl-rd-pair button { width: 100%; min-height: 2.75rem; }
.gl-interact .gl-rd-track { position: relative; height: 1.3rem; margin: 0.3rem 0; }
.gl-interact .gl-rd-track::before { content: ""; position: absolute; inset: calc(50% - 0.5px) 0 auto; border-top: 1px solid var(--gl-edge); }
.gl-interact .gl-rd-half { position: absolute; left: 50%; top: 0; bottom: 0; border-left: 2px dashed var(--gl-edge); }
.gl-interact .gl-rd-band { position: absolute; top: 30%; bottom: 30%; background: var(--gl-0); border-radius: 3px; }
.gl-interact .gl-verdict, .gl-interact .gl-rd-said { min-height: 1.5em; }`;

const Z = 1.959964, D = 64;

// Wilson's interval for a rate of which `right` of n were seen.
function wilson(right, n) {
  const rate = right / n, z2 = Z * Z, centre = (rate + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z / (1 + z2 / n)) * Math.sqrt((rate * (1 - rate)) / n + z2 / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

// How probable it is that guessing has at least `right` of n right.
function byChance(right, n) {
  let ways = 1, sum = 0;
  for (let k = 0; k <= n; k++) {
    if (k >= right) sum += ways;
    ways = (ways * (n - k)) / (k + 1);
  }
  return sum / 2 ** n;
}

function figure(root, { start, words, n, pixels, each, source }) {
  const state = { ...start, done: 0, right: 0 };
  const images = Object.fromEntries(Object.entries(pixels).map(([name, packed]) => [name, unpack(packed)]));
  let order = [], sides = []; // which pair comes when, and on which side its real digit is: 0 left, 1 right

  // --- what is there -------------------------------------------------------------------------------------------
  const canvases = words.side.map((side) => digitCanvas({ role: "img", "aria-label": fill(words.digit, side) }));
  const buttons = words.choose.map((what, side) => button(what, () => answer(side)));
  const turn = node("p.ask"), said = node("p.rd-said", { "aria-live": "polite" }), verdict = node("p.verdict", { "aria-live": "polite" });
  const score = node("p.number"), rate = node("p.number"), luck = node("p.number"), band = node("span.rd-band");
  const track = node("div.rd-track", { role: "img" }, node("span.rd-half"), band);
  const which = choice(root, words.legend, words.models, state.model, (name) => { state.model = name; begin(state.seed); });
  const again = button(words.again, () => begin(state.seed + 1));
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), which, turn, node("div.rd-pair", {}, ...canvases, ...buttons), said,
    node("div.questions.short", {}, question(words.score, score), question(words.rate, rate, track, note(words.rateNote)), question(words.luck, luck, note(words.luckNote))),
    verdict, node("div.buttons", {}, again), note(fill(words.help, each, each, n)), note(fill(words.source, source)));

  // --- one game ------------------------------------------------------------------------------------------------
  function begin(seed) {
    const next = uniforms(seed);
    order = Array.from({ length: n }, (_, k) => k);
    for (let k = n - 1; k > 0; k--) { // a random order, by exchanges
      const other = Math.floor(next() * (k + 1));
      [order[k], order[other]] = [order[other], order[k]];
    }
    sides = order.map(() => (next() < 0.5 ? 0 : 1));
    Object.assign(state, { seed, done: 0, right: 0 });
    said.textContent = words.begin;
    update();
  }
  function answer(side) {
    if (state.done === n) return;
    const real = sides[state.done];
    state.done += 1;
    state.right += side === real ? 1 : 0;
    said.textContent = fill(side === real ? words.right : words.wrong, words.side[real]);
    update();
  }
  const verdictOf = (low, high) => (state.done < 5 ? (state.done ? "few" : "none") : low > 0.5 ? "can" : high < 0.5 ? "reversed" : "guess");

  function paint() {
    const now = Math.min(state.done, n - 1), pair = order[now];
    canvases.forEach((canvas, side) => {
      const from = images[side === sides[now] ? "real" : state.model];
      ink(root, canvas, Array.from(from.subarray(pair * D, (pair + 1) * D), (v) => v / 16));
    });
  }
  function update() {
    const { done, right } = state, over = done === n, [low, high] = done ? wilson(right, done) : [0, 1], name = verdictOf(low, high);
    turn.textContent = over ? fill(words.pairs, n) : fill(words.pair, done + 1, n);
    for (const made of buttons) made.disabled = over;
    score.textContent = fill(words.scoreValue, right, done);
    rate.textContent = done ? fill(words.rateValue, low.toFixed(2), high.toFixed(2)) : "–";
    luck.textContent = done ? fill(words.luckValue, (100 * byChance(right, done)).toFixed(1)) : "–";
    band.style.left = `${100 * low}%`;
    band.style.width = `${100 * (high - low)}%`;
    track.setAttribute("aria-label", fill(words.trackLabel, low.toFixed(2), high.toFixed(2)));
    phrase(verdict, words.verdicts[name]);
    Object.assign(root.dataset, { model: state.model, seed: state.seed, done, right, low: low.toFixed(6), high: high.toFixed(6), chance: (done ? byChance(right, done) : 1).toFixed(6), verdict: name, pair: order[Math.min(done, n - 1)], real: sides[Math.min(done, n - 1)] });
    paint();
  }

  begin(state.seed);
  followScheme(root, paint);
}
