// Small repairs of the built page: names for screen readers, boxes that scroll by
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

  // The logo stands in no part of the page that has a name, and a corner of a table is no heading.
  function nameParts() {
    const logo = document.querySelector(".sidebar-primary-item .navbar-brand");
    logo?.parentElement.setAttribute("role", "region");
    logo?.parentElement.setAttribute("aria-label", logo.textContent.trim() || logo.querySelector("img")?.alt || document.title);
    for (const head of document.querySelectorAll("article th.head")) if (!head.textContent.trim()) head.setAttribute("role", "cell");
  }

  function markPredictions() {
    for (const bold of document.querySelectorAll(".bd-content p > strong:first-child")) {
      if (/^Predict/.test(bold.textContent) && !bold.previousSibling?.textContent.trim()) bold.parentElement.classList.add("gl-predict");
    }
  }

  // A drawing scrolls in a box of its own, without its caption.
  function boxDrawings() {
    for (const drawing of document.querySelectorAll(".bd-article figure > img[src*='.svg'], .bd-article figure > a:has(> img[src*='.svg'])")) {
      const box = document.createElement("div");
      box.className = "gl-scroll";
      drawing.before(box);
      box.append(drawing);
    }
  }

  // What is wider than its box can be scrolled with the arrow keys. All is measured before anything is changed: a page
  // that changes between two measures is laid out anew for each.
  function openBoxes() {
    const inline = [...document.querySelectorAll(".bd-content mjx-container:not([display])")].map((formula) => {
      const room = formula.closest("p, li, td, th, dd, div")?.clientWidth || Infinity;
      const inner = formula.querySelector("mjx-math");
      return [formula, inner !== null && inner.getBoundingClientRect().width > room + 1];
    });
    for (const [formula, wide] of inline) if (formula.matches(".gb-wide") !== wide) formula.classList.toggle("gb-wide", wide);
    const boxes = "div.math > :not(.eqno), mjx-container.gb-wide, .gl-scroll, div.gl-table, .bd-content pre, .pst-scrollable-table-container";
    const found = [...document.querySelectorAll(boxes)].map((box) => [box, box.scrollWidth > box.clientWidth + 1, sidesOf(box)]);
    for (const [box, wide, sides] of found) {
      if (wide) box.tabIndex = 0;
      else if (box.matches(".math *")) box.removeAttribute("tabindex");
      showMore(box, sides);
      if (!box.gbWatched) box.addEventListener("scroll", () => showMore(box, sidesOf(box)), { passive: true });
      box.gbWatched = true;
    }
  }

  // On which sides there is more than one sees; the style fades these sides out.
  function sidesOf(box) {
    const sides = [];
    if (box.scrollLeft > 1) sides.push("left");
    if (box.scrollLeft < box.scrollWidth - box.clientWidth - 1) sides.push("right");
    return sides.join(" ");
  }

  function showMore(box, sides) {
    if (sides) box.dataset.more = sides;
    else delete box.dataset.more;
  }

  // Paper is white and folds nothing: what is closed opens for the print, and closes again.
  function openForPrint() {
    const page = document.documentElement.dataset;
    let closed = [], theme = "";
    window.addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("article details:not([open])")];
      for (const fold of closed) fold.open = true;
      [theme, page.theme] = [page.theme, "light"];
    });
    window.addEventListener("afterprint", () => {
      for (const fold of closed) fold.open = false;
      page.theme = theme;
    });
  }

  // The filter of the glossary: the terms that hold what was typed stay.
  function filterTerms() {
    const box = document.querySelector(".gl-filter"), list = document.querySelector("dl.glossary");
    if (!box || !list) return;
    const field = box.querySelector("input"), said = box.querySelector("[role=status]");
    const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
    const entries = [];
    for (const part of list.children) { // the names of a term, then what it means
      if (part.matches("dt + dt")) entries.at(-1).push(part);
      else if (part.matches("dt")) entries.push([part]);
      else entries.at(-1).push(part);
    }
    const texts = entries.map((parts) => plain(parts.map((part) => part.textContent).join(" ")));
    field.addEventListener("input", () => {
      const wanted = plain(field.value.trim());
      let left = 0;
      entries.forEach((parts, i) => {
        const stays = texts[i].includes(wanted);
        left += stays;
        for (const part of parts) part.hidden = !stays;
      });
      said.textContent = wanted ? said.dataset.text.replace("#", left) : "";
    });
    box.hidden = false;
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const repair of [nameToggles, repairLists, nameParts, markPredictions, boxDrawings, openBoxes, openForPrint, filterTerms]) repair();
  });
  window.addEventListener("load", () => {
    openBoxes(); // once the fonts are there
    let waiting = 0;
    window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(openBoxes, 150); });
    document.addEventListener("toggle", openBoxes, true);
  });
})();
