// The few tools of the map, as labelled buttons outside it.
const ICONS = {
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  box: "M4 6h16v12H4z",
  polygon: "M5 8l9-4 6 8-5 8-9-2z",
  lasso: "M12 4c5 0 9 2.4 9 5.6s-4 5.6-9 5.6-9-2.4-9-5.6S7 4 12 4zM7 15c-1 2 1 3 0 5.5",
  in: "M12 5v14M5 12h14",
  out: "M5 12h14",
  home: "M4 11.5 12 5l8 6.5M6.5 10v9h11v-9",
}
const MODES = { move: "Move the map and pick a cell", box: "Draw a box to select a region", polygon: "Set the corners of a region", lasso: "Draw a region by hand" }
const TOOLS = { move: "PanTool", box: "BoxSelectTool", polygon: "PolySelectTool", lasso: "LassoSelectTool" }
const CHOSEN = "chosen cell" // name of the ring on the map
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`

export function render({ model, view }) {
  const box = document.createElement("div")
  box.className = "toolrow"
  box.innerHTML = `
    <div class="segment" role="radiogroup" aria-label="What dragging on the map does">
      ${Object.entries(MODES).map(([key, label]) => `<button type="button" role="radio" data-mode="${key}" aria-label="${label}" title="${label}">${icon(key)}</button>`).join("")}
    </div>
    <div class="segment" role="group" aria-label="Zoom">
      <button type="button" data-zoom="0.66" aria-label="Zoom in" title="Zoom in">${icon("in")}</button>
      <button type="button" data-zoom="1.5" aria-label="Zoom out" title="Zoom out">${icon("out")}</button>
      <button type="button" data-zoom="0" aria-label="Whole world" title="Whole world">${icon("home")}</button>
    </div>`
  const figure = () => view.model.document?.get_model_by_name(model.figure)
  const small = window.matchMedia("(pointer: coarse)")
  const draw = () => {
    for (const node of box.querySelectorAll("[data-mode]")) {
      const on = node.dataset.mode === model.mode
      node.setAttribute("aria-checked", String(on))
      node.tabIndex = on ? 0 : -1
    }
    const tools = figure()?.toolbar.tools ?? []
    // on touch screens dragging scrolls the page until someone asks for a box or a region
    const wanted = model.mode === "move" && small.matches ? null : TOOLS[model.mode]
    for (const tool of tools) if (Object.values(TOOLS).includes(tool.type)) tool.active = tool.type === wanted
  }
  const radios = [...box.querySelectorAll("[data-mode]")]
  radios.forEach((node, i) => {
    node.onclick = () => { model.mode = node.dataset.mode; draw() }
    node.onkeydown = (event) => {
      const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
      if (!way) return
      event.preventDefault()
      const next = radios[(i + way + radios.length) % radios.length]
      next.click()
      next.focus()
    }
  })
  for (const node of box.querySelectorAll("[data-zoom]")) {
    node.onclick = (pressed) => {
      const fig = figure()
      const by = Number(node.dataset.zoom)
      if (!fig) return
      if (!by) { fig.x_range.reset(); fig.y_range.reset(); return }
      // keys and fingers, which scroll the page, cannot move the map: the chosen cell comes to the middle, for all if it is seen
      const ring = fig.renderers.find((one) => one.name === CHOSEN)?.data_source.data
      const seen = ring?.x.length && [["x", fig.x_range], ["y", fig.y_range]].every(([axis, { start, end }]) => ring[axis][0] > start && ring[axis][0] < end)
      const chosen = by < 1 && ring?.x.length && (seen || small.matches || !pressed.detail) ? ring : null
      for (const [axis, range] of [["x", fig.x_range], ["y", fig.y_range]]) {
        const mid = chosen?.[axis][0] ?? (range.start + range.end) / 2
        const half = ((range.end - range.start) / 2) * by
        range.setv({ start: mid - half, end: mid + half })
      }
    }
  }
  // Bokeh closes a polygon on Enter or a long press; people double-click
  const close = (event) => {
    if (model.mode === "polygon") event.composedPath()[0].dispatchEvent(new KeyboardEvent("keyup", { key: "Enter", bubbles: true }))
  }
  window.addEventListener("dblclick", close)
  model.on("remove", () => window.removeEventListener("dblclick", close))
  model.on("mode", draw)
  model.on("after_render", draw)
  setTimeout(draw, 500)
  draw()
  return box
}
