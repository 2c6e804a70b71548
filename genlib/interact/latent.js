// The latent plane: codes of digits, a decoder that runs here, and what it draws from random codes.

const STYLE = IMAGE_STYLE + `
.gl-interact .gl-lp { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.4rem 1.25rem; }
.gl-interact .gl-lp-pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0.75rem; align-items: end; }
.gl-interact .gl-lp-pair p { min-height: 1.45em; }
.gl-interact .gl-lp-facts { display: grid; gap: 0.5rem; margin-top: 0.6rem; }
.gl-interact .gl-lp-facts .gl-ask { font-weight: 600; }
.gl-interact .gl-lp-verdict { min-height: 2.9em; }
.gl-interact .gl-lp-help { margin-top: 0.5rem; }
.gl-interact .gl-lp-scale { position: relative; height: 0.7rem; margin: 0.15rem 0; border-radius: 3px; overflow: hidden; box-shadow: inset 0 0 0 1px var(--gl-edge); }
.gl-interact .gl-lp-scale > * { position: absolute; top: 0; bottom: 0; }
.gl-interact .gl-lp-mark { width: 4px; margin-left: -2px; background: currentColor; }
.gl-interact .gl-lp-over { right: 0; background: var(--gl-1); opacity: 0.45; border-left: 2px solid var(--gl-1); }
.gl-interact .gl-lp-ten { display: flex; justify-content: space-between; max-width: 15rem; font-size: 1.05rem; font-weight: 700; font-variant-numeric: tabular-nums; }
.gl-interact .gl-choice.gl-lp-classes { gap: 0; margin: 0 0 0.3rem; }
.gl-interact .gl-lp-classes label { min-height: 2rem; padding: 0.1rem; font-weight: 700; }
.gl-interact .gl-lp-classes label:has(:checked) { font-weight: 800; }
.gl-interact .gl-lp-distributions { grid-auto-flow: row; grid-template-columns: repeat(2, 1fr); }
.gl-interact .gl-lp-distributions label:first-of-type { grid-column: 1 / -1; min-height: 2rem; }
.gl-interact .gl-lp-gallery { display: grid; grid-template-columns: repeat(8, 1fr); gap: 5px; margin: 0.5rem 0; }
.gl-interact .gl-lp-gallery button { position: relative; min-height: 0; padding: 0; aspect-ratio: 1; border: 0; border-radius: 3px; background: none; }
.gl-interact .gl-lp-gallery button:focus-visible { outline-offset: 1px; }
.gl-interact .gl-lp-gallery button[data-picked] { outline: 3px solid currentColor; outline-offset: 1px; }
.gl-interact .gl-lp-gallery button[data-hole] canvas { box-shadow: 0 0 0 2px var(--gl-1); }
.gl-interact .gl-lp-gallery button[data-hole]::after {
  content: ""; position: absolute; right: -3px; top: -3px; width: 9px; height: 9px; transform: rotate(45deg);
  background: var(--gl-surface); border: 2px solid var(--gl-1);
}
@container (min-width: 34rem) {
  .gl-interact .gl-lp { grid-template-columns: minmax(0, 1.6fr) minmax(0, 1fr); }
  .gl-interact .gl-lp-side { padding-top: 0.5rem; }
  .gl-interact .gl-lp-gallery { grid-template-columns: repeat(16, 1fr); }
  .gl-interact .gl-lp-distributions { grid-auto-flow: column; grid-template-columns: none; }
  .gl-interact .gl-lp-distributions label:first-of-type { grid-column: auto; min-height: 2.75rem; }
  .gl-interact .gl-lp .gl-question { min-height: 0; }
}`;

function figure(root, { codes, labels, images, layers, distributions, radius, shares, agree, start, words }) {
  const decode = decoderOf(layers), [cx, cy] = columnsOf(codes), count = labels.length, nearest = nearestIn(cx, cy);
  const training = (i) => Array.from({ length: 64 }, (_, j) => (images.charCodeAt(64 * i + j) - 97) / 16);
  const classOf = (i) => +labels[i], n = start.n;

  // The plane is a square with the same unit on both axes, a little larger than the codes need.
  const low = [Math.min(...cx), Math.min(...cy)], high = [Math.max(...cx), Math.max(...cy)];
  const middle = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  const half = 0.54 * Math.max(high[0] - low[0], high[1] - low[1]), decimals = half > 5 ? 1 : 2;

  function look(z) { // all that is said about a code
    const ten = nearest(z, 10), classes = ten.map(([, i]) => classOf(i));
    const votes = Math.max(...classes.map((c) => classes.filter((d) => d === c).length));
    return { z, distance: ten[0][0], row: ten[0][1], classes, mixed: votes < agree, hole: ten[0][0] > radius };
  }
  function drawCodes(distribution, seed) { // the uniform picks the Gaussian, the two normal numbers are shaped and moved
    if (distribution === "none") return [];
    const [weights, means, roots] = distributions[distribution];
    return draws(seed, n).map(([u, a, b]) => {
      let k = 0;
      for (let sum = weights[0]; k < weights.length - 1 && u >= sum; sum += weights[k]) k++;
      const [[p], [q, r]] = roots[k];
      return [means[k][0] + p * a, means[k][1] + q * a + r * b];
    });
  }

  const state = { view: start.view, distribution: start.distribution, seed: start.seed, z: [...start.z] };
  let width = 0, hover = null, chosen = null, peek = null, picked = null, random = [], active = 0;
  let inks = INKS.light;

  // --- what is there -----------------------------------------------------------------------------------------
  const canvas = node("canvas", { "aria-hidden": "true" }), lines = node("svg:svg", { "aria-hidden": "true" });
  const axes = [node("span.chip.muted", { style: "right:3px;bottom:3px" }), node("span.chip.muted", { style: "left:3px;top:3px" })];
  ["*z*\u2081", "*z*\u2082"].forEach((text, i) => phrase(axes[i], text));
  const help = node("p.small.muted.lp-help", { id: freshId(root) }, words.help);
  const cross = crossHandle({ "aria-label": words.cross, "aria-describedby": help.id,
    "aria-valuemin": Math.floor(middle[0] - half), "aria-valuemax": Math.ceil(middle[0] + half) });
  const plane = node("div.plane", {}, canvas, lines, ...axes, cross);
  const caption = node("p.muted", { "aria-live": "polite" });

  const picture = (label) => digitCanvas({ role: "img", "aria-label": label });
  const drawing = picture(words.drawingLabel), neighbour = picture("");
  const said = { distance: node("span.number"), hole: node("p.small.muted.lp-verdict"), ten: node("p.lp-ten"), mixed: node("p.small.muted") };
  const mark = node("span.lp-mark"), over = node("span.lp-over"), REACH = 3 * radius;
  over.style.left = (100 * radius) / REACH + "%";
  const side = node("div.lp-side", {},
    node("div.lp-pair", {},
      node("div", {}, node("p.small", {}, words.drawing), drawing),
      node("div", {}, node("p.small", {}, words.neighbour), neighbour)),
    node("div.lp-facts", {},
      node("div", {}, node("p.ask", {}, words.distance), said.distance, node("div.lp-scale", { "aria-hidden": "true" }, over, mark),
        node("p.small.muted", {}, fill(words.scale, radius.toFixed(2))), said.hole),
      node("div", {}, node("p.ask", {}, words.ten), said.ten, said.mixed)));

  const view = choice(root, words.legend, words.views, state.view, (key) => { state.view = key; update(); });
  const classes = choice(root, words.classes, [["all", words.all], ...Array.from({ length: 10 }, (_, k) => [String(k), String(k)])], "all", (key) => {
    chosen = key === "all" ? null : +key;
    redraw();
  });
  classes.classList.add("gl-lp-classes");
  [...classes.querySelectorAll("label")].forEach((label, i) => {
    label.addEventListener("pointerenter", () => { peek = i ? i - 1 : null; redraw(); });
    label.addEventListener("pointerleave", () => { peek = null; redraw(); });
  });
  const distribution = choice(root, words.distributions, Object.entries(words.names), state.distribution, (key) => { state.distribution = key; redrawCodes(); });
  distribution.classList.add("gl-lp-distributions");
  const ask = node("p", { style: "font-weight:600;margin-top:0.9rem" }, words.distributions + " \u2026");
  const distributionSays = node("p.muted", { "aria-live": "polite" });
  const gallery = node("div.lp-gallery", { role: "group", "aria-label": fill(words.gallery, n) });
  const again = button(fill(words.again, n), () => { state.seed += 1; redrawCodes(); });
  const fact = (name) => {
    const number = node("p.number"), small = node("p.small.muted");
    return { number, small, box: question(name, number, small) };
  };
  const facts = { hole: fact(words.hole), mixed: fact(words.border), kinds: fact(words.variety) };
  const outcome = node("div", {}, gallery, node("div.questions.short", {}, ...Object.values(facts).map((f) => f.box)),
    node("div.buttons", {}, again));
  const recipe = node("p.small.muted", { style: "margin-top:0.6rem" }, fill(words.recipe, layers[0].bias.length));
  root.append(node("style", {}, STYLE), view, caption, node("div.lp", {}, node("div", {}, plane, classes), side), help, ask, distribution, distributionSays, outcome, recipe);

  // --- places ------------------------------------------------------------------------------------------------
  const toX = (x) => ((x - middle[0] + half) / (2 * half)) * width;
  const toY = (y) => ((middle[1] + half - y) / (2 * half)) * width;
  const where = (event) => {
    const box = plane.getBoundingClientRect();
    return [middle[0] + ((event.clientX - box.left) / box.width) * 2 * half - half, middle[1] + half - ((event.clientY - box.top) / box.height) * 2 * half];
  };
  const within = (z) => z.map((v, i) => clamp(v, middle[i] - 0.98 * half, middle[i] + 0.98 * half));
  const pin = (z) => { state.z = within(z); hover = null; picked = null; update(); };
  const follow = (z) => { hover = z && within(z); update(); };
  explore(plane, cross, { where, place: () => state.z, hover: follow, pin, step: half / 60 });

  // --- the ground of the plane: how far from any code, and thumbnails ---------------------------------------------
  const CELLS = 132;
  let far = null; // distances on a grid, in units of the radius; they do not depend on the size of the figure
  function distances() {
    if (far) return far;
    far = new Float32Array(CELLS * CELLS);
    for (let j = 0, at = 0; j < CELLS; j++) {
      const y = middle[1] + half - ((j + 0.5) / CELLS) * 2 * half;
      for (let i = 0; i < CELLS; i++, at++) {
        const x = middle[0] - half + ((i + 0.5) / CELLS) * 2 * half;
        let best = Infinity;
        for (let k = 0; k < count; k++) {
          const a = cx[k] - x, b = cy[k] - y, square = a * a + b * b;
          if (square < best) best = square;
        }
        far[at] = Math.sqrt(best) / radius;
      }
    }
    return far;
  }
  function shade(pen, strength) {
    const small = node("canvas", { width: CELLS, height: CELLS }), own = small.getContext("2d"), image = own.createImageData(CELLS, CELLS);
    const [r, g, b] = rgb(palette(root, "1"));
    distances().forEach((d, i) => {
      const edge = clamp((d - 0.9) / 0.2, 0, 1); // the coast: one step at the radius, then slowly darker
      image.data.set([r, g, b, 255 * strength * edge * (0.45 + 0.55 * (1 - Math.exp(-(Math.max(d, 1) - 1) / 2.2)))], 4 * i);
    });
    own.putImageData(image, 0, 0);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(small, 0, 0, width, width);
  }
  let thumbs = null;
  function drawn(pen) {
    const across = 15;
    thumbs ||= Array.from({ length: across * across }, (_, at) => decode([
      middle[0] - half + ((at % across) + 0.5) * ((2 * half) / across), middle[1] + half - (Math.floor(at / across) + 0.5) * ((2 * half) / across)]));
    thumbnails(root, pen, thumbs, across, width);
  }
  const standing = () => peek ?? chosen; // the class that stands out
  function numerals(pen) {
    const size = width < 400 ? 8.5 : 11, lit = standing(), quiet = random.length ? 0.42 : 0.9;
    const rest = state.view === "drawn" ? 0 : lit === null ? quiet : 0.16;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const put = (i, alpha, weight, px) => {
      pen.globalAlpha = alpha;
      pen.font = `${weight} ${px}px system-ui, sans-serif`;
      pen.fillStyle = inks[classOf(i)];
      pen.fillText(labels[i], toX(cx[i]), toY(cy[i]));
    };
    for (let i = 0; i < count; i++) if (rest && classOf(i) !== lit) put(i, rest, 600, size);
    if (lit !== null) for (let i = 0; i < count; i++) if (classOf(i) === lit) put(i, 1, 800, size + 2);
    pen.globalAlpha = 1;
  }

  const painted = {}; // what the slower pieces were drawn for: they are drawn again only when that changes
  function whenNew(piece, key, work) {
    if (painted[piece] === key) return;
    painted[piece] = key;
    work();
  }
  function paint() {
    if (!width) return;
    const look = [root.dataset.scheme, getComputedStyle(root).color, palette(root, "surface")].join();
    inks = INKS[root.dataset.scheme] || INKS.light;
    whenNew("ground", [look, state.view, standing(), random.length, width, window.devicePixelRatio].join(), () => {
      const pen = fitCanvas(canvas, width, width);
      if (state.view !== "codes") shade(pen, state.view === "holes" ? 0.38 : 0.3);
      if (state.view === "drawn") drawn(pen);
      numerals(pen);
    });
    whenNew("gallery", [look, state.distribution, state.seed].join(), () => random.forEach((at, i) => ink(root, gallery.children[i].firstChild, at.image)));
    whenNew("classes", look, () => [...classes.querySelectorAll("label")].slice(1).forEach((label, k) => { label.style.color = inks[k]; }));
    drawLines();
    tell();
  }

  const now = () => (picked !== null ? random[picked].z : hover || state.z);
  function drawLines() {
    const made = [], tick = (v) => minus(String(v));
    for (const v of [-10, 0, 10]) {
      made.push(stroke(`M${toX(v)} ${width - 5}V${width}M0 ${toY(v)}H5`, "stroke:var(--gl-edge)"));
      if (state.view !== "drawn") made.push(tickLabel(toX(v), width - 8, tick(v), "middle"), tickLabel(8, toY(v) + 4, tick(v), "start"));
    }
    if (state.distribution !== "none") {
      const [, means, roots] = distributions[state.distribution], rings = means.length > 1 ? [2] : [1, 2];
      means.forEach((m, k) => rings.forEach((radiusOf) => {
        const [[p], [q, r]] = roots[k], points = Array.from({ length: 73 }, (_, i) => {
          const t = (2 * Math.PI * i) / 72, a = radiusOf * Math.cos(t), b = radiusOf * Math.sin(t);
          return `${toX(m[0] + p * a).toFixed(1)} ${toY(m[1] + q * a + r * b).toFixed(1)}`;
        });
        made.push(stroke("M" + points.join("L") + "Z", "stroke-width:1.1;stroke-dasharray:4 4;opacity:0.75"));
      }));
    }
    random.forEach(({ z, hole }, i) => made.push(...codeMark(toX(z[0]), toY(z[1]), width, hole, i === picked)));
    const { z, row } = look(now()), [x, y] = within(z).map((v, i) => [toX, toY][i](v));
    made.push(...nearestMark(x, y, toX(cx[row]), toY(cy[row])));
    lines.setAttribute("viewBox", `0 0 ${width} ${width}`);
    lines.replaceChildren(...made);
    cross.style.left = x + "px";
    cross.style.top = y + "px";
  }

  // --- the numbers -------------------------------------------------------------------------------------------
  function tell() { // what is said about the code under the cross
    const at = look(now()), values = decode(at.z);
    ink(root, drawing, values);
    ink(root, neighbour, training(at.row));
    neighbour.setAttribute("aria-label", fill(words.neighbourLabel, classOf(at.row)));
    said.distance.textContent = fill(words.away, at.distance.toFixed(2));
    mark.style.left = clamp((100 * at.distance) / REACH, 1, 99) + "%";
    said.hole.textContent = at.hole ? words.far : words.near;
    said.ten.replaceChildren(...at.classes.map((k) => node("span", { style: `color:${inks[k]}` }, String(k))));
    said.mixed.textContent = at.mixed ? words.mixed : words.agree;
    cross.setAttribute("aria-valuenow", state.z[0].toFixed(1));
    const pinned = look(state.z);
    cross.setAttribute("aria-valuetext", fill(words.place, shown(state.z[0], decimals), shown(state.z[1], decimals), pinned.distance.toFixed(decimals), classOf(pinned.row)));
    Object.assign(root.dataset, { z: at.z.map((v) => v.toFixed(8)).join(","), pixels: values.map((v) => v.toFixed(6)).join(","),
      distance: at.distance.toFixed(8), row: at.row, ten: at.classes.join(""), hole: at.hole, mixed: at.mixed });
  }

  function redrawCodes() {
    random = drawCodes(state.distribution, state.seed).map((z) => ({ ...look(z), image: decode(z) }));
    picked = null;
    active = 0;
    gallery.replaceChildren(...random.map((at, i) => {
      const made = node("button", { type: "button", tabindex: i ? -1 : 0, "aria-label":
        fill(words.drawn, i + 1, n, at.distance.toFixed(decimals), classOf(at.row)) + (at.hole ? words.inHole : "") },
        digitCanvas({ "aria-hidden": "true" }));
      if (at.hole) made.dataset.hole = "";
      const show = (on) => { picked = on ? i : picked === i ? null : picked; update(); };
      for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) made.addEventListener(event, () => show(on));
      made.addEventListener("click", () => { state.z = [...at.z]; hover = null; update(); });
      return made;
    }));
    outcome.hidden = !random.length;
    const [s, k] = [distributions.scaled[2][0][0][0].toFixed(decimals), distributions.mixture[0].length];
    phrase(distributionSays, fill(words.says[state.distribution], state.distribution === "mixture" ? k : s));
    if (random.length) {
      const holes = random.filter((at) => at.hole).length, mixed = random.filter((at) => at.mixed).length;
      const kinds = new Set(random.map((at) => classOf(at.row))).size, whole = (x) => Math.round(x);
      facts.hole.number.textContent = fill(words.count, holes, n);
      facts.mixed.number.textContent = fill(words.count, mixed, n);
      facts.kinds.number.textContent = fill(words.count, kinds, 10);
      facts.hole.small.textContent = fill(words.floor, whole(shares[state.distribution][0]), whole(shares.new[0]));
      facts.mixed.small.textContent = fill(words.floorMixed, whole(shares[state.distribution][1]), whole(shares.new[1]));
      facts.kinds.small.textContent = words.kinds;
      Object.assign(root.dataset, { holes, mixedCodes: mixed, kinds });
    }
    Object.assign(root.dataset, { distribution: state.distribution, seed: state.seed, random: random.map(({ z }) => z.map((v) => v.toFixed(8)).join(",")).join(" ") });
    update();
  }
  gallery.addEventListener("keydown", (event) => { // one stop for Tab; the arrow keys move within
    const columns = getComputedStyle(gallery).gridTemplateColumns.split(" ").length;
    const to = { ArrowLeft: active - 1, ArrowRight: active + 1, ArrowUp: active - columns, ArrowDown: active + columns, Home: 0, End: random.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0 || to >= random.length) return;
    gallery.children[active].tabIndex = -1;
    active = to;
    gallery.children[active].tabIndex = 0;
    gallery.children[active].focus();
  });

  function update() {
    root.dataset.view = state.view;
    if (caption.dataset.view !== state.view) { caption.dataset.view = state.view; phrase(caption, words.captions[state.view]); }
    [...gallery.children].forEach((e, i) => e.toggleAttribute("data-picked", i === picked));
    redraw();
  }
  const redraw = oncePerFrame(paint);

  redrawCodes();
  onResize(plane, (size) => {
    width = size;
    plane.style.height = size + "px";
    redraw();
  });
  followScheme(root, redraw);
}
