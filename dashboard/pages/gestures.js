// Two fingers hold the map where they touch it: it goes with them, and as far as they part it grows. BokehJS 3.9 takes
// the parting since the fingers came down for that since the last event, so a map shot away, and it lets them move none.
{
  const zoom = Bokeh.Models.get("WheelZoomTool").prototype.default_view.prototype
  zoom._pinch_start = function (event) { this._fingers = { ...event, scale: 1 } }
  zoom._pinch = function (event) {
    const last = this._fingers ?? { ...event, scale: 1 }
    this._fingers = event
    const { frame, model } = this.plot_view
    const { left, bottom, width, height } = frame.bbox
    const { x_range, y_range } = model
    const parts = [
      [x_range, (last.sx - left) / width, (event.sx - left) / width],
      [y_range, (bottom - last.sy) / height, (bottom - event.sy) / height],
    ]
    for (const [range, before, now] of parts) {
      const { start, end, min_interval, bounds } = range
      const [low, high] = Array.isArray(bounds) ? bounds : [-Infinity, Infinity]
      const span = Math.max(Math.min((end - start) * last.scale / event.scale, high - low), min_interval ?? 0)
      const wanted = start + before * (end - start) - now * span
      const from = Math.max(Math.min(wanted, high - span), low)
      range.setv({ start: from, end: from + span })
    }
  }
}
