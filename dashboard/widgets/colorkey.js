// Colour ramp, histogram of what is shown, brush (value filter), range fields and padlock. Upright beside a wide map,
// lying below a narrow one.
const NS = "http://www.w3.org/2000/svg"
const shape = (name, attrs, parent) => {
  const node = document.createElementNS(NS, name)
  for (const [key, value] of Object.entries(attrs)) node.setAttribute(key, value)
  parent?.append(node)
  return node
}
const nice = (value) => {
  if (value === null || value === undefined || !Number.isFinite(value)) return ""
  const size = Math.abs(value)
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4
  return String(Number(value.toFixed(digits))).replace("-", "−")
}
const LOCK = { shut: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z", open: "M7 11V8a5 5 0 0 1 9.6-2M5.5 11h13v9h-13z" }

export function render({ model, el }) {
  const box = document.createElement("div")
  box.className = "legend"
  box.setAttribute("role", "group")
  box.innerHTML = `
    <div class="head"><span class="units"></span></div>
    <input class="end high" type="text" inputmode="decimal" aria-label="Colour range, upper end">
    <div class="plot"></div>
    <input class="end low" type="text" inputmode="decimal" aria-label="Colour range, lower end">
    <button type="button" class="quiet lock"></button>
    <button type="button" class="quiet clear" hidden aria-label="Remove the value filter" title="Remove the value filter">×</button>
    <p class="saywhy" role="alert" hidden></p>`
  const plot = box.querySelector(".plot")
  const [high, low] = [box.querySelector(".high"), box.querySelector(".low")]
  const lock = box.querySelector(".lock")
  const clear = box.querySelector(".clear")
  const why = box.querySelector(".saywhy")
  let draft = null
  let upright = true
  let [width, height] = [0, 0]

  const span = () => [model.low, model.high]
  const draw = () => {
    box.setAttribute("aria-label", `Legend: ${model.label}`)
    box.querySelector(".units").textContent = model.units
    box.querySelector(".units").title = model.explanation
    low.value = nice(model.low)
    high.value = nice(model.high)
    const auto = model.mode === "auto"
    lock.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${auto ? LOCK.open : LOCK.shut}"/></svg>`
    lock.setAttribute("aria-pressed", String(!auto))
    lock.setAttribute("aria-label", auto ? "Colour range follows the data: lock it" : "Colour range is locked: let it follow the data")
    lock.title = auto ? "The range follows what is shown. Lock it" : "The range is the same for every month. Let it follow what is shown"
    const brush = draft ?? model.brush
    const held = plot.getRootNode().activeElement?.dataset?.end // drawn anew while a key moves it
    clear.hidden = !brush
    if (width < 8 || height < 8) return
    plot.replaceChildren()
    const svg = shape("svg", { width, height }, null)
    plot.append(svg)
    const length = upright ? height : width
    const ramp = 12
    const base = upright ? 0 : 16 // room for the numbers under a lying ramp
    const beside = upright ? 30 : 0 // room for the numbers beside an upright one, clear of the bars
    const room = (upright ? width : height) - ramp - 4 - base - beside
    const at = (value) => {
      const [a, b] = span()
      const part = Math.min(Math.max((value - a) / (b - a), 0), 1)
      return upright ? (1 - part) * length : part * length
    }
    const bar = (from, to, depth, thick, attrs) => {
      const [p, q] = [Math.min(at(from), at(to)), Math.max(at(from), at(to))]
      const across = upright ? { x: depth, width: thick, y: p, height: Math.max(q - p, 0.5) } : { y: height - base - depth - thick, height: thick, x: p, width: Math.max(q - p, 0.5) }
      return shape("rect", { ...across, ...attrs }, svg)
    }
    const [a, b] = span()
    const stops = model.palette
    const id = `ramp-${Math.random().toString(36).slice(2)}`
    const gradient = shape("linearGradient", upright ? { id, x1: 0, x2: 0, y1: 1, y2: 0 } : { id, x1: 0, x2: 1, y1: 0, y2: 0 }, shape("defs", {}, svg))
    stops.forEach((color, i) => shape("stop", { offset: i / (stops.length - 1), "stop-color": color }, gradient))
    bar(a, b, 0, ramp, { fill: `url(#${id})`, rx: 2 })
    const most = Math.max(...model.counts, 1)
    const step = (b - a) / Math.max(model.counts.length, 1)
    model.counts.forEach((n, i) => {
      if (!n) return
      const from = a + i * step
      const inside = !brush || (from + step > brush[0] && from < brush[1])
      bar(from + step * 0.06, from + step * 0.94, ramp + 3, Math.max(1, Math.sqrt(n / most) * room), { class: inside ? "count" : "count out" })
    })
    if (a < 0 && b > 0) bar(0, 0, 0, ramp + 6, { class: "zero" })
    const ticks = model.ticks.filter((tick) => tick > a && tick < b)
    for (const tick of ticks) {
      const text = shape("text", upright ? { x: width - 1, y: at(tick) + 4, "text-anchor": "end" } : { x: at(tick), y: height - 3, "text-anchor": "middle" }, svg)
      text.textContent = nice(tick)
      text.setAttribute("class", "tick")
    }
    if (brush) {
      bar(brush[0], brush[1], 0, upright ? width : height, { class: "brush" })
      for (const end of [0, 1]) {
        const handle = bar(brush[end], brush[end], -2, (upright ? width : height) + 2, { class: "handle", tabindex: 0, role: "slider" })
        handle.setAttribute(upright ? "height" : "width", 2)
        handle.dataset.end = end
        handle.setAttribute("aria-label", end ? "Highest value shown" : "Lowest value shown")
        handle.setAttribute("aria-valuemin", a)
        handle.setAttribute("aria-valuemax", b)
        handle.setAttribute("aria-valuenow", brush[end])
        handle.onkeydown = (event) => {
          const way = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key]
          if (!way) return
          event.preventDefault()
          const moved = [...brush]
          moved[end] = Math.min(Math.max(moved[end] + way * (b - a) / 50, a), b)
          if (moved[0] <= moved[1]) model.send_msg({ type: "brush", range: moved })
        }
        if (held === String(end)) handle.focus()
      }
    }
  }
  const valueAt = (event) => {
    const rect = plot.getBoundingClientRect()
    const part = upright ? 1 - (event.clientY - rect.top) / rect.height : (event.clientX - rect.left) / rect.width
    const [a, b] = span()
    return a + Math.min(Math.max(part, 0), 1) * (b - a)
  }
  plot.onpointerdown = (event) => {
    const brush = model.brush
    let anchor = valueAt(event)
    if (brush) { // grabbing near an end moves that end
      const [a, b] = span()
      const near = (b - a) * 0.04
      if (Math.abs(anchor - brush[0]) < near) anchor = brush[1]
      else if (Math.abs(anchor - brush[1]) < near) anchor = brush[0]
    }
    plot.setPointerCapture(event.pointerId)
    plot.onpointermove = (move) => {
      const value = valueAt(move)
      draft = [Math.min(anchor, value), Math.max(anchor, value)]
      draw()
    }
    plot.onpointerup = () => {
      plot.onpointermove = null
      plot.onpointerup = null
      const [a, b] = span()
      if (draft && draft[1] - draft[0] > (b - a) * 0.01) model.send_msg({ type: "brush", range: draft })
      draft = null
      draw()
    }
  }
  const number = (text) => Number(text.replace("−", "-").replace(",", "."))
  const range = () => {
    const [a, b] = [low, high].map((field) => (field.value.trim() ? number(field.value) : NaN))
    const wrong = Number.isFinite(a) ? (Number.isFinite(b) ? null : high) : low
    const bad = Boolean(wrong) || a >= b
    for (const field of [low, high]) field.setAttribute("aria-invalid", String(bad))
    why.hidden = !bad
    why.textContent = wrong ? `“${wrong.value}” is not a number; the colours stay as they are.`
      : bad ? `The colours go from low to high: ${low.value} must be below ${high.value}.` : ""
    if (!bad && (nice(a) !== nice(model.low) || nice(b) !== nice(model.high))) model.send_msg({ type: "range", range: [a, b] })
  }
  low.onchange = range
  high.onchange = range
  lock.onclick = () => model.send_msg({ type: "lock" })
  clear.onclick = () => model.send_msg({ type: "brush", range: null })
  // Drawn once for all that changes together, and measured only when the size has changed: to ask for it in between has
  // the browser lay out the page on the spot.
  let due = false
  const soon = () => {
    if (due) return
    due = true
    queueMicrotask(() => { due = false; draw() })
  }
  const measure = () => {
    upright = el.clientWidth < 220
    box.classList.toggle("upright", upright)
    ;[width, height] = [plot.clientWidth, plot.clientHeight]
    draw()
  }
  for (const name of ["low", "high", "counts", "palette", "brush", "mode", "units", "ticks"]) model.on(name, soon)
  const watch = new ResizeObserver(measure)
  watch.observe(el)
  watch.observe(plot)
  model.on("remove", () => watch.disconnect())
  model.on("after_render", measure)
  return box
}
