// Pictures by caption. State: the pair, what the caption says beside it, and the row of the sheet that belongs to that.

const STYLE = `
.gl-interact .gl-cp { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem 1.5rem; align-items: start; }
.gl-interact .gl-cp canvas { display: block; width: 100%; aspect-ratio: 1; margin: 0; background: none; filter: none; image-rendering: pixelated; border-radius: 3px; }
.gl-interact .gl-cp-map { display: grid; grid-template-columns: 3.6rem repeat(4, minmax(0, 1fr)); gap: 3px; align-items: center; font-size: 0.86rem; }
.gl-interact .gl-cp-map > span { overflow-wrap: anywhere; }
.gl-interact .gl-cp-map > span.gl-cp-head { text-align: center; }
.gl-interact .gl-cp-map button { display: grid; grid-template-columns: 1fr 2.3rem 1fr; gap: 2px; align-items: center; min-height: 2.75rem; padding: 2px; line-height: 1; border: 1px solid var(--gl-line); }
.gl-interact .gl-cp-map button.gl-cp-held { border: 2px dashed var(--gl-edge); padding: 1px; }
.gl-interact .gl-cp-map button[aria-pressed="true"] { border: 3px solid var(--gl-0); padding: 0; }
.gl-interact .gl-cp-asked { font-size: 1.15rem; font-weight: 600; min-height: 1.75rem; }
.gl-interact .gl-cp-flag { min-height: 2.9em; }
.gl-interact .gl-cp-count { margin: 0.75rem 0 0.4rem; }
.gl-interact .gl-cp-flag.gl-cp-new { font-weight: 600; }
.gl-interact .gl-cp-draws { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.9rem; margin-top: 0.5rem; }
.gl-interact .gl-cp-two { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 6px; margin-bottom: 0.2rem; line-height: 1.25; }
.gl-interact .gl-cp-two .gl-small { overflow-wrap: anywhere; }
.gl-interact .gl-cp-more { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0 0.75rem; }
.gl-interact .gl-cp-more[hidden] { display: none; }
@container (max-width: 30rem) { .gl-interact .gl-cp-more { grid-template-columns: minmax(0, 1fr); } }
@container (min-width: 40rem) { .gl-interact .gl-cp { grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); } }`;

const SIDE = 16;

function figure(root, { start, words, parts, rows, held, counts, read, clean, nearRead, near, model }) {
  const [colours, shapes, ...more] = parts, P = colours.length * shapes.length;
  const state = { pair: start.pair, kind: start.kind, more: more.map((names, k) => (start.kind === "all" ? rows[start.row][k] : names[0])) };
  const readings = unpack(read), cleans = unpack(clean), nearReadings = unpack(nearRead);
  const nameOf = (pair) => `${colours[Math.floor(pair / shapes.length)]} ${shapes[pair % shapes.length]}`;
  const isHeld = (pair) => held.includes(pair);
  const reading = (list, at) => parts.map((names, k) => names[list[parts.length * at + k]]); // colour, shape, size, row, column
  const spoken = ([colour, shape, size, row, column]) => [size, colour, shape, row, column].filter(Boolean).join(" ");
  const said = (k) => rows[k].filter(Boolean).length;
  const current = () => (state.kind === "all" ? state.more : more.map(() => "")).join();
  const rowsNow = () => rows.map((_, k) => k).filter((k) => rows[k].join() === current());
  function right(k, pair) { // is every word of the caption read?
    const found = reading(readings, k * P + pair);
    return found.slice(0, 2).join(" ") === nameOf(pair) && rows[k].every((word, i) => !word || word === found[i + 2]);
  }

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
  const kinds = choice(root, words.legend, words.kinds, state.kind, (kind) => { state.kind = kind; update(); });
  const legends = [words.sizeLegend, words.rowLegend, words.columnLegend];
  const pickers = node("div.cp-more", {}, ...more.map((names, k) =>
    choice(root, legends[k], names.map((name) => [name, name]), state.more[k], (name) => { state.more[k] = name; update(); })));
  const asked = node("p.cp-asked", { "aria-live": "polite" }), flag = node("p.cp-flag"), draws = node("div.cp-draws");
  const all = rows.flatMap((_, k) => cells.map((_, pair) => [pair, right(k, pair) && cleans[k * P + pair]]));
  const strict = (kind) => { const of = all.filter(([pair]) => isHeld(pair) === kind); return [of.filter(([, good]) => good).length, of.length]; };
  const counted = [...strict(false), ...strict(true)];
  root.append(node("style", {}, STYLE), phrase(node("p.muted"), words.caption), kinds, pickers,
    node("div.cp", {}, map, node("div", {}, asked, flag, draws)),
    phrase(node("p.cp-count", {}), fill(words.count, all.length, ...counted)), note(words.covers), note(words.help), note(fill(words.source, ...model)));

  function choose(pair) { state.pair = pair; update(); }

  // --- pictures ------------------------------------------------------------------------------------------------
  const sheets = { drawn: root.querySelector(".gl-still"), near: new Image() };
  function paint(canvas, image, k, pair) {
    if (!image.complete || !image.naturalWidth) return;
    canvas.getContext("2d").drawImage(image, pair * SIDE, k * SIDE, SIDE, SIDE, 0, 0, SIDE, SIDE);
  }
  function card(k, pair) {
    const at = k * P + pair, ours = picture(), theirs = picture(), found = reading(readings, at);
    paint(ours, sheets.drawn, k, pair);
    paint(theirs, sheets.near, k, pair);
    const shown = said(k) ? spoken(found) : spoken(found.slice(0, 2)); // only what the caption speaks of
    return node("div", {}, node("div.cp-two", {}, ours, theirs, node("span.small.muted", {}, words.drawn), node("span.small.muted", {}, words.near)),
      node("p.small", {}, fill(words.read, shown, right(k, pair) ? words.right : words.wrong)), node("p.small", {}, cleans[at] ? words.clean : words.unclean),
      node("p.small.muted", {}, fill(words.nearIs, spoken(reading(nearReadings, at).slice(0, said(k) ? 5 : 2)))));
  }

  function update() {
    const { pair } = state, list = rowsNow(), name = nameOf(pair), isNew = isHeld(pair);
    pickers.hidden = state.kind !== "all";
    cells.forEach(({ button, canvas, mark }, at) => {
      const good = right(list[0], at), label = isHeld(at) ? fill(words.cellHeld, nameOf(at)) : nameOf(at);
      button.setAttribute("aria-pressed", at === pair);
      button.setAttribute("aria-label", good ? label : fill(words.cellWrong, label));
      button.tabIndex = at === pair ? 0 : -1;
      mark.textContent = good ? "" : words.wrong;
      paint(canvas, sheets.drawn, list[0], at);
    });
    const caption = spoken([...name.split(" "), ...rows[list[0]]]);
    asked.textContent = `“${caption}”`;
    flag.textContent = isNew ? words.held : fill(words.seen, counts[pair]);
    flag.classList.toggle("gl-cp-new", isNew);
    draws.replaceChildren(...list.map((k) => card(k, pair)));
    Object.assign(root.dataset, { caption, pair, held: isNew, rows: list.join(" "), read: list.map((k) => spoken(reading(readings, k * P + pair))).join(", "),
      right: list.map((k) => +right(k, pair)).join(" "), clean: list.map((k) => cleans[k * P + pair]).join(" "), counted: counted.join(" "),
      near: list.map((k) => spoken(reading(nearReadings, k * P + pair))).join(", "), drawn: [sheets.drawn, sheets.near].every((i) => i.complete && i.naturalWidth) });
  }

  for (const image of Object.values(sheets)) image.addEventListener("load", update);
  sheets.near.src = near;
  update();
  followScheme(root, () => {});
}
