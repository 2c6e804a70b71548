// A fault of real digits in growing doses, and what every measure says. State: the fault, and the place of the dose.

const STYLE = `${IMAGE_STYLE}
.gl-interact .gl-cd-faults .gl-choice { grid-auto-flow: row; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
.gl-interact .gl-cd-digits { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: 4px; margin: 0.2rem 0 0.6rem; max-width: 34rem; }
.gl-interact .gl-cd-row { display: grid; grid-template-columns: minmax(0, 1fr) 4.6rem 4.2rem; column-gap: 0.6rem; align-items: center; padding: 0.2rem 0; border-top: 1px solid var(--gl-line); font-variant-numeric: tabular-nums; }
.gl-interact .gl-cd-row > :nth-child(n+3) { text-align: right; white-space: nowrap; }
.gl-interact .gl-cd-head > :nth-child(2) { display: none; }
.gl-interact .gl-cd-track { position: relative; height: 1.1rem; grid-column: 1 / -1; grid-row: 2; }
.gl-interact .gl-cd-track::before { content: ""; position: absolute; inset: calc(50% - 0.5px) 0 auto; border-top: 1px solid var(--gl-edge); }
.gl-interact .gl-cd-band { position: absolute; top: 0; bottom: 0; background: color-mix(in srgb, currentColor 18%, transparent); border-inline: 1px solid var(--gl-edge); }
.gl-interact .gl-cd-mark { position: absolute; top: 50%; width: 13px; height: 13px; margin: -6.5px 0 0 -6.5px; border-radius: 50%; background: var(--gl-0); box-shadow: 0 0 0 2px var(--gl-surface); }
.gl-interact .gl-cd-out .gl-cd-mark { background: var(--gl-1); border-radius: 2px; transform: rotate(45deg); }
.gl-interact .gl-cd-out > :nth-child(4) { color: var(--gl-1); font-weight: 700; }
.gl-interact .gl-verdict { min-height: 4.4em; margin-top: 0.4rem; }
@container (min-width: 34rem) {
  .gl-interact .gl-cd-row { grid-template-columns: 11rem minmax(0, 1fr) 4.6rem 4.2rem; }
  .gl-interact .gl-cd-head > :nth-child(2) { display: block; }
  .gl-interact .gl-cd-track { grid-column: auto; grid-row: auto; }
  .gl-interact .gl-verdict { min-height: 3em; }
}`;

const N = 20, D = 64, REACH = 5;

// Where a value stands on its track: -1 and 1 are the ends of the band; beyond, a step is a factor of ten.
function placeOf(value, low, high) {
  const d = (value - (low + high) / 2) / ((high - low) / 2), far = Math.abs(d) <= 1 ? Math.abs(d) : 1 + Math.log10(Math.abs(d));
  return Math.sign(d) * Math.min(far, REACH);
}

function figure(root, { start, words, doses, faults, measures, values, worse, better, images, at, often, source }) {
  const state = { ...start };
  const pixels = unpack(images), where = unpack(at, Int16Array);
  const decimals = (size) => (size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  const number = (v) => minus(Math.abs(v) >= 1000 ? Math.round(v).toLocaleString("en") : (+v.toFixed(3)).toFixed(decimals(Math.abs(v))));
  const percent = (share) => fill(words.percent, Math.round(100 * share));
  const across = (p) => `${(50 * (p + REACH)) / REACH}%`;

  // --- what is there -------------------------------------------------------------------------------------------
  const drawn = node("div.cd-digits", { role: "img" }, ...Array.from({ length: N }, () => digitCanvas({ "aria-hidden": "true" })));
  const head = node("div.cd-row.cd-head.small.muted", { "aria-hidden": "true" }, ...[words.name, "", words.value, words.noticed].map((what) => node("span", {}, what)));
  const rows = measures.map(([, name]) => {
    const mark = node("span.cd-mark", {}), said = node("span", { "aria-hidden": "true" }), share = node("span", { "aria-hidden": "true" });
    const band = node("span.cd-band", { style: `left:${across(-1)};width:${100 / REACH}%` });
    const row = node("div.cd-row", { role: "listitem" }, node("span", { "aria-hidden": "true" }, name), node("div.cd-track", { "aria-hidden": "true" }, band, mark), said, share);
    return { row, mark, said, share };
  });
  const verdict = node("p.verdict", { "aria-live": "polite" }), what = note("");
  const which = choice(root, words.legend, faults, state.fault, (name) => { state.fault = name; update(); });
  const scrub = slider(words.dose, { min: 0, max: doses.length - 1, step: 1, value: state.at, format: (i) => String(doses[i]) },
    (i) => { state.at = i; update(); });
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), node("div.cd-faults", {}, which), what, scrub.box, verdict,
    phrase(node("p.ask"), words.drawn), drawn, head, node("div", { role: "list" }, ...rows.map(({ row }) => row)), note(words.help), note(fill(words.source, ...source)));

  // --- numbers and pictures ------------------------------------------------------------------------------------
  function update() {
    const { fault, at: i } = state, k = faults.findIndex(([name]) => name === fault), title = faults[k][1];
    scrub.set(i);
    phrase(what, words.faults[fault]);
    const first = N * (k * doses.length + i);
    [...drawn.children].forEach((canvas, n) => {
      const image = D * where[first + n];
      ink(root, canvas, Array.from(pixels.subarray(image, image + D), (v) => v / 16));
    });
    drawn.setAttribute("aria-label", fill(words.drawnLabel, title, doses[i]));
    const noticed = [], praised = [], places = [];
    measures.forEach(([, name, low, high], m) => {
      const value = values[fault][i][m], share = worse[fault][i][m], { row, mark, said, share: cell } = rows[m], place = placeOf(value, low, high);
      if (share >= often) noticed.push(name);
      if (better[fault][i][m] >= often) praised.push(name);
      places.push(place.toFixed(4));
      mark.style.left = across(place);
      row.classList.toggle("gl-cd-out", share >= often);
      said.textContent = number(value);
      cell.textContent = percent(share);
      row.setAttribute("aria-label", fill(words.row, name, number(value), percent(share)));
    });
    const some = noticed.length ? fill(words.some, noticed.length, measures.length, noticed.join(words.and)) : words.none;
    const praise = praised.length ? " " + fill(words.praise, praised.join(words.and)) : "";
    phrase(verdict, i ? some + praise : words.nothing);
    Object.assign(root.dataset, { fault, dose: doses[i], places: places.join(" "), noticed: noticed.length, praised: praised.length });
  }

  update();
  followScheme(root, update);
}
