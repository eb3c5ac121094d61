// Every browser that can show the page loads modules by itself. The loader that Panel brings for older ones reads each
// module as text, looks through it, and has the browser compile a copy of it: the controls' 1.4 MB twice.
window.importShim = Object.assign((address) => import(new URL(address, document.baseURI)), { addImportMap() {} })

// Our controls are JavaScript as browsers read it; Panel looks through each of them for TypeScript, anew for each one of
// a kind (a tenth of the time in which the page came).
Bokeh.Models.get("panel.models.esm.ReactiveESM").prototype.compile = function () { return this.esm }

// Bokeh asks the style sheets for each colour and width of every line it paints, which has the browser work out the
// styles of the document each time; ours say nothing of that (`--bk-line-color` and the like).
Bokeh.require("core/visuals/visual").VisualProperties.prototype._get_css_value = () => ""

// The class of a model's view, or of what it descends from, that has a method of its own: where to mend it.
const owner = (model, method) => {
  let view = Bokeh.Models.get(model).prototype.default_view.prototype
  while (!Object.hasOwn(view, method)) view = Object.getPrototypeOf(view)
  return view
}

// BokehJS 3.9 starts on the views of a layout's children anew when the children change while it is still at them, and
// builds those again that it has not finished: on a slow machine a part of the page stood there twice, one of them dead
// (bokeh issue 15358, mended in 3.10, which Panel 1.9 does not take yet). Here each build waits for the one before; what
// changed before a layout had begun to listen is built when it has been drawn; and a plot that waits for its brothers
// to be built is not measured before it has a layout.
{
  const layout = owner("Row", "build_child_views"), plot = owner("Figure", "_measure_layout")
  const { build_child_views: build, after_render: rendered } = layout
  const turns = new WeakMap()
  layout.build_child_views = function () {
    const turn = Promise.resolve(turns.get(this)).then(() => build.call(this))
    turns.set(this, turn.catch(() => {}))
    return turn
  }
  layout.after_render = function () {
    rendered.call(this)
    if (this.child_models.length !== this.child_views.length) this.update_children()
  }
  for (const name of ["_measure_layout", "_after_layout"]) {
    const plain = plot[name]
    plot[name] = function () { if (this.layout != null) plain.call(this) }
  }
  // Panel Material UI adds one more style sheet to the toolbar of every plot whenever a page comes or the colours change,
  // and tells the server of each. No plot here shows a toolbar.
  const toolbar = Bokeh.Models.get("Toolbar").prototype, { setv: set } = toolbar
  toolbar.setv = function ({ stylesheets, ...changed }, ...more) { set.call(this, changed, ...more) }
  // A plot is read by its name, its words and its table; its canvas, which no key moves, is no stop of the Tab key.
  const canvas = owner("Canvas", "initialize"), { initialize } = canvas
  canvas.initialize = function () {
    initialize.call(this)
    this.events_el.tabIndex = -1
  }
  // To write the pixels of an image Bokeh reads those it replaces: 5 ms for a map.
  const image = owner("ImageRGBA", "_set_image_data_from_buffer")
  image._set_image_data_from_buffer = function (i, bytes) {
    const drawn = this._get_or_create_canvas(i)
    const pixels = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const made = new ImageData(pixels, this.image_width[i], this.image_height[i])
    drawn.getContext("2d", { willReadFrequently: true }).putImageData(made, 0, 0)
    this.image_data[i] = drawn
  }
  // Columns that come are painted as new ones even where they are what is there, as of a month shown ahead of its answer.
  const source = Bokeh.Models.get("ColumnDataSource").prototype, { setv } = source
  const { is_equal } = Bokeh.require("core/util/eq")
  source.setv = function (values, options = {}) {
    const same = options.check_eq === false && "data" in values && values.data !== this.data && is_equal(values.data, this.data)
    if (!same) setv.call(this, values, options)
  }
  // Bokeh waits for its turn (16 ms) and then for a frame: what the page says and what it draws were a frame apart.
  const figure = owner("Figure", "initialize"), { initialize: begin } = figure
  figure.initialize = function () {
    begin.call(this)
    let due = null
    this.throttled_paint = () => due ??= new Promise((painted) => requestAnimationFrame(() => {
      due = null
      try { if (!this.is_destroyed) this.repaint() } finally { painted() }
    }))
  }
}
