// Two latent planes side by side, an autoencoder's and a VAE's: one distribution for both, and what each decoder makes of it.

const STYLE = IMAGE_STYLE + `
.gl-interact .gl-tp { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.9rem 1.25rem; margin: 0.5rem 0; }
.gl-interact .gl-tp-caption { min-height: 10.2em; }
.gl-interact .gl-tp-name { font-weight: 600; }
.gl-interact .gl-tp .gl-plane { margin: 0.2rem 0 0.5rem; }
.gl-interact .gl-tp-under { display: grid; grid-template-columns: 5.5rem 1fr; gap: 0.75rem; }
.gl-interact .gl-tp-under p + p { min-height: 2.9em; }
.gl-interact .gl-tp-strips { display: grid; grid-template-columns: auto repeat(6, minmax(0, 1fr)); gap: 0.5rem 5px; margin: 0.5rem 0; }
.gl-interact .gl-tp-strips button { display: grid; gap: 5px; min-height: 0; padding: 0; border: 0; border-radius: 3px; background: none; }
.gl-interact .gl-tp-strips button:focus-visible { outline-offset: 2px; }
.gl-interact .gl-tp-strips button[data-picked] { outline: 3px solid currentColor; outline-offset: 2px; }
.gl-interact .gl-tp-strips button span { position: relative; display: block; }
.gl-interact .gl-tp-strips [data-hole] canvas { box-shadow: 0 0 0 2px var(--gl-1); }
.gl-interact .gl-tp-strips [data-hole]::after {
  content: ""; position: absolute; right: -3px; top: -3px; width: 9px; height: 9px; transform: rotate(45deg);
  background: var(--gl-surface); border: 2px solid var(--gl-1);
}
.gl-interact .gl-tp-rows { display: grid; grid-auto-rows: 1fr; align-items: center; gap: 5px; padding-right: 0.3rem; font-weight: 600; font-size: 0.86rem; }
.gl-interact table.gl-tp-facts { width: 100%; margin: 0.75rem 0 0.4rem; border: 0; border-collapse: collapse; font-size: inherit; table-layout: auto; }
.gl-interact .gl-tp-facts tr:nth-child(n) { background: none; border: 0; }
.gl-interact .gl-tp-facts tr:nth-child(n) > * { padding: 0.35rem 0 0.35rem 0.9rem; border: 0; border-top: 1px solid var(--gl-line); background: none; color: inherit; text-align: left; vertical-align: top; white-space: normal; font-weight: 400; line-height: 1.35; }
.gl-interact .gl-tp-facts tr:nth-child(n) > :first-child { padding-left: 0; }
.gl-interact .gl-tp-facts thead tr:nth-child(n) > *, .gl-interact .gl-tp-facts .gl-ask { font-weight: 600; border-top: 0; }
.gl-interact .gl-tp-facts .gl-number { min-height: 0; }
.gl-interact .gl-tp-facts td p { white-space: nowrap; }
@container (max-width: 33.99rem) {
  .gl-interact .gl-tp-facts thead, .gl-interact .gl-tp-facts tbody { display: block; }
  .gl-interact .gl-tp-facts tr:nth-child(n) { display: grid; grid-template-columns: 1fr 1fr; }
  .gl-interact .gl-tp-facts thead td { display: none; }
  .gl-interact .gl-tp-facts tbody th { grid-column: 1 / -1; }
  .gl-interact .gl-tp-facts tr:nth-child(n) > :not(th[scope="row"]) { padding-left: 0; border-top: 0; padding-top: 0; }
}
@container (min-width: 34rem) {
  .gl-interact .gl-tp { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .gl-interact .gl-tp-strips { grid-template-columns: auto repeat(12, minmax(0, 1fr)); }
  .gl-interact .gl-tp-strips .gl-tp-turn { display: none; }
  .gl-interact .gl-tp-facts td { min-width: 8.5rem; }
  .gl-interact .gl-tp-caption { min-height: 4.35em; }
}`;

const REACH = 3.2; // half the side of the place where N(0, I) draws: 99.7 % of its draws, on either axis
const ACROSS = 11; // small images in a row of a map

const thousands = (x) => x.toLocaleString("en");

function figure(root, { maps, facts, start, words }) {
  const keys = Object.keys(maps), n = start.n;
  const state = { view: start.view, scale: start.scale, seed: start.seed };
  let zoom = start.scale === "prior" ? 1 : 0, eps = [], picked = null, active = 0, inks = INKS.light;
  const help = node("p.small.muted", { id: freshId(root) }, words.help);

  // --- one map: its plane, its decoder, its cross ------------------------------------------------------------------
  function mapOf(key) {
    const { codes, labels, layers, radius, sigma } = maps[key], count = labels.length, classOf = (i) => +labels[i];
    const decode = decoderOf(layers), [cx, cy] = columnsOf(codes), nearest = nearestIn(cx, cy);
    const clouds = sigma && unpack(sigma, Int16Array);
    let z = [cx[start.digit], cy[start.digit]], hover = null, width = 0;

    // The window is a square with the same unit on both axes. It goes from all codes to where N(0, I) draws.
    const ends = [cx, cy].map((c) => [Math.min(...c), Math.max(...c)]);
    const whole = Math.max(REACH, 0.54 * Math.max(...ends.map(([low, high]) => high - low)));
    const centre = whole > REACH ? ends.map(([low, high]) => (low + high) / 2) : [0, 0];
    function frame() {
      const half = whole * (REACH / whole) ** zoom; // the middle moves so that one place stays where it is
      const share = whole > REACH ? (half - REACH) / (whole - REACH) : 0;
      return { half, middle: centre.map((c) => c * share) };
    }
    const decimals = () => (frame().half > 5 ? 1 : 2);
    const toX = (x, { half, middle } = frame()) => ((x - middle[0] + half) / (2 * half)) * width;
    const toY = (y, { half, middle } = frame()) => ((middle[1] + half - y) / (2 * half)) * width;
    const within = (at) => { const { half, middle } = frame(); return at.map((v, i) => clamp(v, middle[i] - 0.95 * half, middle[i] + 0.95 * half)); };
    const inside = () => { const { half, middle } = frame(); return cx.filter((x, i) => Math.max(Math.abs(x - middle[0]), Math.abs(cy[i] - middle[1])) <= half).length; };
    function look(at) {
      const [[distance, row]] = nearest(at);
      return { z: at, distance, row, kind: classOf(row), hole: distance > radius };
    }

    const canvas = node("canvas", { "aria-hidden": "true" }), lines = node("svg:svg", { "aria-hidden": "true" });
    const axes = [node("span.chip.muted", { style: "right:3px;bottom:3px" }), node("span.chip.muted", { style: "left:3px;top:3px" })];
    ["*z*\u2081", "*z*\u2082"].forEach((text, i) => phrase(axes[i], text));
    const name = words.names[key];
    const cross = crossHandle({ "aria-label": fill(words.cross, name), "aria-describedby": help.id,
      "aria-valuemin": -Math.ceil(2 * whole), "aria-valuemax": Math.ceil(2 * whole) });
    const plane = node("div.plane", {}, canvas, lines, ...axes, cross);
    const drawing = digitCanvas({ role: "img", "aria-label": fill(words.drawingLabel, name) });
    const said = node("p"), verdict = node("p.small.muted");
    const box = node("div", {}, node("p.tp-name", {}, name), plane, node("div.tp-under", {}, drawing, node("div", {}, said, verdict)));

    const where = (event) => {
      const at = plane.getBoundingClientRect(), { half, middle } = frame();
      return [middle[0] + ((event.clientX - at.left) / at.width) * 2 * half - half, middle[1] + half - ((event.clientY - at.top) / at.height) * 2 * half];
    };
    const pin = (at) => { z = within(at); hover = null; picked = null; update(); };
    const follow = (at) => { hover = at && within(at); update(); };
    explore(plane, cross, { where, place: () => z, hover: follow, pin, step: () => frame().half / 60 });
    const now = () => (picked !== null ? eps[picked] : hover || z);

    function numerals(pen, at) {
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.font = `600 ${width < 360 ? 8.5 : 10}px system-ui, sans-serif`;
      pen.globalAlpha = 0.8;
      for (let i = 0; i < count; i++) {
        pen.fillStyle = inks[classOf(i)];
        pen.fillText(labels[i], toX(cx[i], at), toY(cy[i], at));
      }
      pen.globalAlpha = 1;
    }
    function ellipses(pen, at) { // of a map without clouds: points
      const unit = width / (2 * at.half), dot = 1.4;
      pen.fillStyle = pen.strokeStyle = getComputedStyle(root).color;
      for (let i = 0; i < count; i++) {
        pen.beginPath();
        pen.ellipse(toX(cx[i], at), toY(cy[i], at), clouds ? (2 * clouds[2 * i] * unit) / 1e4 : dot, clouds ? (2 * clouds[2 * i + 1] * unit) / 1e4 : dot, 0, 0, 2 * Math.PI);
        pen.globalAlpha = clouds ? 0.18 : 0.9;
        pen.fill();
        pen.globalAlpha = 0.75;
        if (clouds) pen.stroke();
      }
      pen.globalAlpha = 1;
    }
    function drawn(pen, { half, middle }) {
      const place = (at, k) => middle[k] + (2 * half * (at + 0.5)) / ACROSS - half;
      const images = Array.from({ length: ACROSS ** 2 }, (_, at) => decode([place(at % ACROSS, 0), 2 * middle[1] - place(Math.floor(at / ACROSS), 1)]));
      thumbnails(root, pen, images, ACROSS, width);
    }

    let painted = "";
    function paintGround(scheme) {
      const at = frame(), key = [scheme, state.view, at.half, width, window.devicePixelRatio].join();
      if (key === painted) return;
      painted = key;
      const pen = fitCanvas(canvas, width, width);
      ({ codes: numerals, clouds: ellipses, drawn })[state.view](pen, at);
    }
    function paintLines() {
      const at = frame(), made = [], unit = width / (2 * at.half), big = at.half > 5 ? 10 : 2;
      for (const v of [-big, 0, big]) {
        made.push(stroke(`M${toX(v, at)} ${width - 5}V${width}M0 ${toY(v, at)}H5`, "stroke:var(--gl-edge)"));
        if (state.view !== "drawn") made.push(tickLabel(toX(v, at), width - 8, minus(String(v)), "middle"), tickLabel(8, toY(v, at) + 4, minus(String(v)), "start"));
      }
      for (const r of [1, 2]) made.push(...halo(ring(toX(0, at), toY(0, at), r * unit), r === 1 ? "stroke-dasharray:5 4" : "", 1.6));
      eps.forEach((code, i) => made.push(...codeMark(toX(code[0], at), toY(code[1], at), width, look(code).hole, i === picked, at.half > 5 ? 2.8 : 4.6)));
      const { z: shownAt, row } = look(now()), [x, y] = within(shownAt);
      made.push(...nearestMark(toX(x, at), toY(y, at), toX(cx[row], at), toY(cy[row], at)));
      lines.setAttribute("viewBox", `0 0 ${width} ${width}`);
      lines.replaceChildren(...made);
      cross.style.left = toX(x, at) + "px";
      cross.style.top = toY(y, at) + "px";
    }
    function tell() {
      const at = look(now()), values = decode(at.z), pinned = look(z), digits = decimals();
      ink(root, drawing, values);
      said.textContent = fill(words.nearest, at.kind, at.distance.toFixed(2));
      verdict.textContent = fill(at.hole ? words.far : words.near, radius.toFixed(2));
      cross.setAttribute("aria-valuenow", z[0].toFixed(2));
      cross.setAttribute("aria-valuetext", fill(words.place, shown(z[0], digits), shown(z[1], digits), pinned.kind, pinned.distance.toFixed(2)));
      const told = { z: at.z.map((v) => v.toFixed(8)).join(), pixels: values.map((v) => v.toFixed(6)).join(), distance: at.distance.toFixed(8), row: at.row, hole: at.hole };
      for (const [what, value] of Object.entries(told)) root.dataset[key + what[0].toUpperCase() + what.slice(1)] = value;
    }
    return {
      key, box, plane, decode, look, inside, whole,
      pin: (at) => { z = within(at); },
      stay: () => { z = within(z); },
      paint(scheme) { if (width) { paintGround(scheme); paintLines(); tell(); } },
      resize: (size) => { width = size; plane.style.height = size + "px"; redraw(); },
    };
  }
  const both = keys.map(mapOf);

  // --- the controls, the strips and the table ---------------------------------------------------------------------
  const view = choice(root, words.legend, words.views, state.view, (key) => { state.view = key; update(); });
  const scale = choice(root, words.legendScale, words.scales, state.scale, (key) => {
    const from = zoom, to = key === "prior" ? 1 : 0;
    state.scale = key;
    glide(900, (t) => {
      if (state.scale !== key) return;
      zoom = from + t * (to - from);
      both.forEach((map) => map.stay());
      update();
    });
  });
  const caption = node("p.muted.tp-caption", { "aria-live": "polite" });
  const ask = phrase(node("p", { style: "font-weight:600;margin-top:1rem" }), words.ask);
  const strips = node("div.tp-strips", { role: "group", "aria-label": fill(words.strips, n) });
  const again = button(fill(words.again, n), () => { state.seed += 1; drawCodes(); });
  const cells = {}, head = keys.map((key) => node("th", { scope: "col", role: "columnheader" }, words.names[key]));
  const percent = (x) => fill(words.percent, Math.round(100 * x));
  const notes = { inside: [Math.round(100 * facts.prior)], kinds: [n, facts.kinds.toFixed(1)], unclear: keys.map((key) => Math.round(100 * facts[key].rebuilt)), hole: [], error: [] };
  const body = Object.entries(words.rows).map(([row, [name, says]]) => {
    cells[row] = keys.map(() => [node("p.number"), node("p.small.muted")]);
    return node("tr", { role: "row" },
      node("th", { scope: "row", role: "rowheader" }, node("p.ask", {}, name), note(fill(says, ...notes[row]))),
      ...cells[row].map((parts) => node("td", { role: "cell" }, ...parts)));
  });
  const table = node("table.tp-facts", { role: "table" }, // the roles stay where a narrow page turns rows into grids
    node("thead", { role: "rowgroup" }, node("tr", { role: "row" }, node("td", { role: "cell" }), ...head)),
    node("tbody", { role: "rowgroup" }, ...body));
  keys.forEach((key, k) => {
    cells.inside[k][0].textContent = percent(facts[key].inside);
    cells.unclear[k][0].textContent = percent(facts[key].unclear);
    cells.error[k][0].textContent = facts[key].error.toFixed(2);
    cells.kinds[k][1].textContent = fill(words.long, facts[key].kinds.toFixed(1));
    cells.hole[k][1].textContent = fill(words.long, percent(facts[key].hole));
  });
  const hidden = maps[keys[0]].layers[0].bias.length;
  root.append(node("style", {}, STYLE), view, scale, caption, node("div.tp", {}, ...both.map((map) => map.box)), help, ask,
    phrase(node("p.muted"), words.see), strips, node("div.buttons", {}, again), table, phrase(node("p.muted"), words.honest),
    node("p.small.muted", { style: "margin-top:0.6rem" }, fill(words.recipe, hidden, thousands(facts.steps), thousands(facts.times), n)));

  const columns = () => [...strips.querySelectorAll("button")];
  function drawCodes() {
    eps = draws(state.seed, n).map(([, a, b]) => [a, b]);
    picked = null;
    active = 0;
    const met = eps.map((code) => both.map((map) => ({ ...map.look(code), image: map.decode(code) })));
    strips.replaceChildren();
    met.forEach((pair, i) => {
      if (i % 6 === 0) strips.append(node(i % 12 ? "div.tp-rows.tp-turn" : "div.tp-rows", { "aria-hidden": "true" }, ...keys.map((key) => node("span", {}, words.short[key]))));
      const said = pair.map(({ kind, hole }, k) => fill(words.columnOf, words.names[keys[k]], kind) + (hole ? words.inHole : ""));
      const made = node("button", { type: "button", tabindex: i ? -1 : 0, "aria-label": fill(words.column, i + 1, n, ...eps[i].map((v) => shown(v, 2))) + said.join(". ") },
        ...pair.map(({ hole }) => node("span", hole ? { "data-hole": "" } : {}, digitCanvas({ "aria-hidden": "true" }))));
      const show = (on) => { picked = on ? i : picked === i ? null : picked; update(); };
      for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) made.addEventListener(event, () => show(on));
      made.addEventListener("click", () => { both.forEach((map) => map.pin(eps[i])); update(); });
      strips.append(made);
    });
    images = met.map((pair) => pair.map(({ image }) => image));
    keys.forEach((key, k) => {
      const kinds = new Set(met.map((pair) => pair[k].kind)).size, holes = met.filter((pair) => pair[k].hole).length;
      cells.kinds[k][0].textContent = fill(words.of, kinds, 10);
      cells.hole[k][0].textContent = fill(words.of, holes, n);
      root.dataset[key + "Kinds"] = kinds;
      root.dataset[key + "Holes"] = holes;
    });
    Object.assign(root.dataset, { seed: state.seed, eps: eps.map((code) => code.map((v) => v.toFixed(8)).join()).join(" ") });
    update();
  }
  strips.addEventListener("keydown", (event) => { // one stop for Tab; the arrow keys move within
    const all = columns(), row = all.filter((e) => e.offsetTop === all[0].offsetTop).length;
    const to = { ArrowLeft: active - 1, ArrowRight: active + 1, ArrowUp: active - row, ArrowDown: active + row, Home: 0, End: n - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0 || to >= n) return;
    all[active].tabIndex = -1;
    active = to;
    all[active].tabIndex = 0;
    all[active].focus();
  });

  // --- drawing -----------------------------------------------------------------------------------------------------
  let images = [], inked = "", captioned = "";
  function paint() {
    const scheme = [root.dataset.scheme, getComputedStyle(root).color, palette(root, "surface")].join();
    inks = INKS[root.dataset.scheme] || INKS.light;
    both.forEach((map) => map.paint(scheme));
    if (inked !== scheme + state.seed) {
      inked = scheme + state.seed;
      columns().forEach((e, i) => e.querySelectorAll("canvas").forEach((canvas, k) => ink(root, canvas, images[i][k])));
    }
  }
  const redraw = oncePerFrame(paint);
  function update() {
    Object.assign(root.dataset, { view: state.view, scale: state.scale });
    if (zoom === 0 || zoom === 1) { // between them the numbers run, and nobody could read along
      const wider = [(both[0].whole / both[1].whole).toFixed(1)], left = both.map((map) => thousands(map.inside()));
      const text = fill(words.captions[state.view], state.view === "clouds" ? facts.sigma.toFixed(2) : Math.round(100 * facts.prior));
      const told = text + " " + fill(words.scaleSays[state.scale], ...(state.scale === "own" ? wider : left));
      if (told !== captioned) phrase(caption, (captioned = told));
    }
    columns().forEach((e, i) => e.toggleAttribute("data-picked", i === picked));
    redraw();
  }

  drawCodes();
  both.forEach((map) => onResize(map.plane, map.resize));
  followScheme(root, redraw);
}
