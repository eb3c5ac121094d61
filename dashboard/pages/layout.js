// BokehJS 3.9 lays out the whole document whenever anything in it changes its size, its visibility or its children: each
// of the page's many controls had every figure measured and every style sheet written again, six tenths of the browser's
// time while a page came. Our layout is CSS; what must be computed is the inside of a figure, and that its neighbours in
// the same row or column line up with it. So a change is laid out where it is: the view that changed, its place among its
// brothers, and the figures in it; for an answer of the server once, when all of it has been taken in. What stands in a
// hidden page is left as it was, its canvases painted.
{
  const layout = owner("Row", "compute_layout"), element = owner("Row", "after_resize")
  const { compute_layout: compute, _after_resize: resized } = layout
  const { after_resize: seen, _update_bbox: measure } = element
  const within = (view) => (view.parent instanceof layout.constructor ? view.parent : null)
  const is_plot = (view) => view.frame != null
  // of a view that has been laid out: how it was shown
  const shown = new WeakMap()
  const looks = (view) => [view.model.visible, ...(view.model.css_classes ?? [])].join(" ")

  const views = Object.getOwnPropertyDescriptor(layout, "layoutable_views").get
  Object.defineProperty(layout, "layoutable_views", {
    get() { return views.call(this).filter((child) => child.model.visible || !shown.has(child)) },
  })
  layout.compute_layout = function () {
    if (within(this) == null) { compute.call(this); return }
    const at = is_plot(this) ? within(this) : this
    for (let view = at; view != null; view = within(view)) view._layout_computed = true
    if (!at.el.checkVisibility()) return // its figures see their size when it is shown
    compute_all(at)
  }
  // What is hung into a layout leaves all else in it as it is, unless there is a figure in it, which lines up with others.
  const laid = new WeakSet()
  const { after_layout: done, r_after_render: rendered } = layout
  layout.after_layout = function () {
    done.call(this)
    laid.add(this)
  }
  layout.r_after_render = function () {
    const fresh = this._was_built ? this.child_views.filter((child) => !child._was_built) : []
    if (!fresh.length) { rendered.call(this); return }
    for (const child of fresh) child.r_after_render()
    this.after_render()
  }
  const place = (view) => {
    view.update_style()
    for (const child of view.child_views) child.parent_style.clear()
    view._update_layout()
  }
  const compute_all = (view) => {
    view.measure_layout()
    view.update_bbox()
    view._compute_layout()
    view.after_layout()
  }
  // the view, and its place among its brothers; further up only where it is the first figure, or the last that went
  const lay_out = (at) => {
    const fresh = laid.has(at) ? at.layoutable_views.filter((child) => !laid.has(child)) : []
    for (const child of fresh) child.update_layout()
    if (fresh.length && fresh.every((child) => child.layout == null)) {
      place(at)
      if (at.el.checkVisibility()) fresh.forEach(compute_all)
      return
    }
    at.update_layout()
    for (let view = within(at); view != null; view = within(view)) {
      const had = view.layout != null
      place(view)
      if (had === (view.layout != null)) break
    }
    at.compute_layout()
  }
  let stale = null // what an answer has changed so far
  layout.invalidate_layout = function () {
    const held = shown.get(this), now = looks(this)
    shown.set(this, now)
    if (held !== undefined && held !== now) return // a matter of the style sheet: a figure sees its size change
    if (stale) stale.add(this)
    else lay_out(this)
  }
  const { prototype: documents } = Bokeh.require("document").Document
  const { _apply_json_patch: take } = documents
  documents._apply_json_patch = function (...answer) {
    const outer = stale
    stale ??= new Set()
    try { take.apply(this, answer) } finally {
      const changed = outer ? new Set() : stale
      stale = outer
      const covered = (view) => { for (let up = within(view); up; up = within(up)) if (changed.has(up)) return true; return false }
      for (const view of changed) if (!view.is_destroyed && !covered(view)) lay_out(view)
      if (outer === null) window.dispatchEvent(new Event("hdl-answered"))
    }
  }
  // A figure hears of new marks when all its brothers have been built, and controls take their time: what was drawn into
  // it before that would stay unseen for good.
  const figure = owner("Figure", "connect_signals"), { connect_signals: hear } = figure
  figure.connect_signals = function () {
    hear.call(this)
    if (this.model.renderers.every((mark) => this.renderer_views.has(mark))) return
    const catch_up = () => {
      if (this.is_destroyed) return
      if (this._was_built) this._update_renderers().then(() => this.invalidate_layout())
      else setTimeout(catch_up, 20)
    }
    setTimeout(catch_up)
  }
  layout._after_resize = function () {
    if (is_plot(this) || !this._was_built) resized.call(this)
  }
  // a row or a column that grows says nothing to the figures in it: it would measure each of them, and one that has just
  // been shown would find its own size known by then, and never be laid out
  const holds = (view) => view instanceof layout.constructor && !is_plot(view) && view._was_built
  element.after_resize = function () {
    if (!holds(this) && this.el.checkVisibility()) seen.call(this)
    else this.finish()
  }
  element._update_bbox = function () {
    const kept = this.bbox.width > 0 && !this.el.checkVisibility()
    return kept ? false : measure.call(this)
  }
}
