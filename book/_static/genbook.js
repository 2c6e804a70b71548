// Small repairs of the built page: names for screen readers, formulas that can be read aloud, boxes that scroll by
// keyboard, and the mark of a prediction. The page is complete without them.
(() => {
  // The arrows that open a part of the table of contents have no name.
  function nameToggles() {
    for (const summary of document.querySelectorAll("li.has-children > details > summary")) {
      const chapter = summary.closest("li").querySelector("a");
      if (!summary.hasAttribute("aria-label")) summary.setAttribute("aria-label", "Sections of " + chapter.textContent.trim());
    }
  }

  // A list may hold only items; the list of citations holds anchors too.
  function repairLists() {
    for (const list of document.querySelectorAll("[role=list].citation-list")) list.removeAttribute("role");
    for (const item of document.querySelectorAll(".citation[role=doc-biblioentry]")) item.removeAttribute("role");
  }

  function markPredictions() {
    for (const bold of document.querySelectorAll(".bd-content p > strong:first-child")) {
      if (/^Predict/.test(bold.textContent) && !bold.previousSibling?.textContent.trim()) bold.parentElement.classList.add("gl-predict");
    }
  }

  // What is wider than its box can be scrolled with the arrow keys.
  function openBoxes() {
    for (const formula of document.querySelectorAll(".bd-content mjx-container:not([display])")) {
      const room = formula.closest("p, li, td, th, dd, div")?.clientWidth || Infinity;
      const inner = formula.querySelector("mjx-math");
      formula.classList.toggle("gb-wide", inner !== null && inner.getBoundingClientRect().width > room);
    }
    const boxes = "mjx-container[display=true], mjx-container.gb-wide, .gl-scroll, div.gl-table, .bd-content pre, .pst-scrollable-table-container";
    for (const box of document.querySelectorAll(boxes)) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else if (box.matches("mjx-container")) box.removeAttribute("tabindex");
    }
  }

  // MathJax draws letters that a screen reader does not see: put the formula beside them as MathML.
  function speakFormulas() {
    const Visitor = MathJax._?.core?.MmlTree?.SerializedMmlVisitor?.SerializedMmlVisitor;
    if (!Visitor) return;
    const visitor = new Visitor();
    for (const item of MathJax.startup.document.math) {
      const drawn = item.typesetRoot?.querySelector("mjx-math");
      if (!drawn || item.typesetRoot.querySelector(".gb-spoken")) continue;
      const spoken = document.createElement("span");
      spoken.className = "gb-spoken";
      spoken.innerHTML = visitor.visitTree(item.root);
      drawn.setAttribute("aria-hidden", "true");
      item.typesetRoot.style.position = "relative";
      item.typesetRoot.append(spoken);
      // An option of a quiz that is a formula and nothing else needs a name.
      const summary = item.typesetRoot.closest("summary");
      const rest = summary?.cloneNode(true);
      rest?.querySelectorAll("mjx-container").forEach((formula) => formula.remove());
      if (rest && !rest.textContent.trim()) summary.setAttribute("aria-label", item.math.replace(/[\\{}]+/g, " ").trim());
    }
  }

  document.addEventListener("DOMContentLoaded", () => { nameToggles(); repairLists(); markPredictions(); openBoxes(); });
  window.addEventListener("load", () => {
    const typeset = window.MathJax?.startup?.promise || Promise.resolve();
    typeset.then(() => { if (window.MathJax?.startup) speakFormulas(); openBoxes(); });
    let waiting = 0;
    window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(openBoxes, 150); });
    document.addEventListener("toggle", openBoxes, true);
  });
})();
