// BokehJS 3.9 starts on the views of a layout's children anew when the children change while it is still at them, and
// builds those again that it has not finished: on a slow machine a part of the page stood there twice, one of them dead
// (bokeh issue 15358, mended in 3.10, which Panel 1.9 does not take yet). Here each build waits for the one before; what
// changed before a layout had begun to listen is built when it has been drawn; and a plot that waits for its brothers
// to be built is not measured before it has a layout.
{
  const owner = (model, method) => {
    let view = Bokeh.Models.get(model).prototype.default_view.prototype
    while (!Object.hasOwn(view, method)) view = Object.getPrototypeOf(view)
    return view
  }
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

  // Each property that may change the layout had it computed anew at once, and every plot painted: an answer of the
  // server that shows one control and hides another did so four times. Here once, when all of it has been taken in.
  const { prototype: documents } = Bokeh.require("document").Document
  const { _apply_json_patch: take } = documents
  let stale = null
  documents._apply_json_patch = function (...answer) {
    const outer = stale
    stale ??= new Set()
    try { take.apply(this, answer) } finally {
      const roots = outer ? [] : stale
      stale = outer
      for (const root of roots) if (!root.is_destroyed) root.invalidate_layout()
    }
  }
  for (const view of [owner("Row", "invalidate_layout"), owner("panel.models.esm.ReactiveESM", "invalidate_layout")]) {
    const { invalidate_layout: compute } = view
    view.invalidate_layout = function () {
      if (stale && !this.is_managed) stale.add(this)
      else compute.call(this)
    }
  }
}
