// MathJax without a browser: draw(TeX, display) gives a formula as HTML and as MathML, or what is wrong with it.
const { mathjax } = MathJax._.mathjax;
const { liteAdaptor } = MathJax._.adaptors.liteAdaptor;
const { RegisterHTMLHandler } = MathJax._.handlers.html_ts;
const { TeX } = MathJax._.input.tex_ts;
const { CHTML } = MathJax._.output.chtml_ts;
const { TeXFont } = MathJax._.output.chtml.fonts.tex_ts;
const { SerializedMmlVisitor } = MathJax._.core.MmlTree.SerializedMmlVisitor;
const { STATE } = MathJax._.core.MathItem;

const adaptor = liteAdaptor(), visitor = new SerializedMmlVisitor();
RegisterHTMLHandler(adaptor);
const sheet = mathjax.document("", {
  InputJax: new TeX({ packages: ["base", "ams", "newcommand"], formatError: (_, error) => { throw error; } }),
  OutputJax: new CHTML({ font: new TeXFont({ fontURL: "formulas" }), adaptiveCSS: false }),
});
// No text font can be asked here: the letters are as much larger as those of the usual ones are than those of TeX.
const size = { em: 16, ex: 8, scale: 1.16, containerWidth: 1280 };

function draw(tex, display) {
  try {
    const spoken = visitor.visitTree(sheet.convert(tex, { display, ...size, end: STATE.CONVERT }));
    return ["", adaptor.outerHTML(sheet.convert(tex, { display, ...size })), spoken];
  } catch (error) {
    return [error.message || String(error), "", ""];
  }
}

const rules = () => adaptor.textContent(sheet.outputJax.styleSheet(sheet));
