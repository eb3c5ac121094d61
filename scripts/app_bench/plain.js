// What the plain app says: the titles of its two figures.
window.bench.parts = () => {
  const parts = {}
  for (const doc of window.Bokeh?.documents ?? []) {
    for (const model of doc._all_models.values()) {
      const title = model.title?.text
      const name = typeof title === "string" ? ["map", "curves"].find((word) => title.startsWith(`${word} `)) : undefined
      const view = name && window.Bokeh.index.find_one(model)
      if (view?.el) parts[name] = [title, view.el, model]
    }
  }
  return parts
}
// Pixel of the window at a longitude and latitude on the map.
window.bench.pixel = (lon, lat) => {
  const [, el, model] = window.bench.parts().map
  const view = window.Bokeh.index.find_one(model)
  const box = el.getBoundingClientRect()
  const frame = view.frame
  return [box.left + frame.x_scale.compute(lon), box.top + frame.y_scale.compute(lat)]
}
