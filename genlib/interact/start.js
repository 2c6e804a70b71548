// Noise becomes digits. State: which stored moment of the walk is shown, and whether it plays. Nothing is mixed or
// smoothed between two moments.

const STYLE = `${IMAGE_STYLE}
.gl-interact .gl-st-row { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 4px; }
.gl-interact .gl-st-bar { display: flex; align-items: center; gap: 0.75rem; margin-top: 0.4rem; font-size: 0.9rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.gl-interact .gl-st-bar button { min-width: 5rem; }`;

const N = 8, D = 64, STEP = 90, HOLD = 4000; // ms: between two moments, and with the digits at the end

function figure(root, { words, back, moments }) {
  const walk = unpack(back, Int8Array), last = moments.length - 1;
  let at = lessMotion() ? last : 0, timer = 0;

  const row = node("div.st-row", { role: "img", "aria-label": words.label }, ...Array.from({ length: N }, () => digitCanvas({ "aria-hidden": "true" })));
  const time = node("span");
  const toggle = button(words.pause, () => (root.dataset.playing === "yes" ? stop() : play()));
  root.append(node("style", {}, STYLE), row, node("div.st-bar", {}, toggle, time));

  function update() {
    [...row.children].forEach((canvas, k) =>
      ink(root, canvas, Array.from({ length: D }, (_, i) => clamp((walk[(at * N + k) * D + i] / 40 + 1) / 2, 0, 1))));
    time.textContent = fill(words.time, moments[at].toLocaleString("en"));
    root.dataset.moment = moments[at];
  }
  function stop() {
    clearTimeout(timer);
    root.dataset.playing = "no";
    toggle.textContent = words.play;
  }
  function play() {
    root.dataset.playing = "yes";
    toggle.textContent = words.pause;
    if (at === last) at = 0;
    update();
    timer = setTimeout(tick, STEP);
  }
  function tick() {
    const away = document.hidden || root.getBoundingClientRect().bottom < 0; // nobody looks: it waits
    if (!away) {
      at = at === last ? 0 : at + 1;
      update();
    }
    timer = setTimeout(tick, at === last ? HOLD : STEP);
  }

  followScheme(root, update);
  if (lessMotion()) stop();
  else play();
  matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => { if (lessMotion()) stop(); });
}
