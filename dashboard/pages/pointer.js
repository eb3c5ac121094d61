// What a plot shows where the pointer is, or where a finger touched: a thin line, and the numbers beside it. The plots that
// stand under each other on one time axis are read together. Which columns there are to read stands in a figure's tags
// (plots/reading.py); who reads by keys or ears has the plot's table.
{
  const plots = new WeakMap(), known = new Set()
  const figure = owner("Figure", "after_render"), { after_render: rendered } = figure
  figure.after_render = function () {
    rendered.call(this)
    if (this.model.x_range == null || plots.has(this.el)) return // a view of another kind
    plots.set(this.el, this)
    known.add(new WeakRef(this))
  }
  const reads = (view) => view.model.tags.flatMap((tag) => tag?.reads ?? [])
  const shown = (view) => !view.is_destroyed && view.frame != null && view.el.checkVisibility({ visibilityProperty: true })
  const frame = (view) => {
    const box = view.canvas_view.el.getBoundingClientRect(), { left, top, width, height } = view.frame.bbox
    return { left: box.left + left, top: box.top + top, width, height }
  }
  // plots that share the axis and stand in one column, from the top: [plot, its frame]
  const together = (view) => {
    const { start, end } = view.model.x_range, { left } = frame(view), found = []
    for (const ref of known) {
      const other = ref.deref()
      if (!other || other.is_destroyed) { known.delete(ref); continue }
      const { start: from, end: to } = other.model.x_range
      if (from !== start || to !== end || !reads(other).length || !shown(other)) continue
      const box = frame(other)
      if (Math.abs(box.left - left) < 1) found.push([other, box])
    }
    return found.sort(([, a], [, b]) => a.top - b.top)
  }
  const data = (view, name) => view.model.renderers.find((drawn) => drawn.data_source.name === name)?.data_source.data

  const dated = (value, options) => new Date(value).toLocaleDateString("en-GB", { ...options, timeZone: "UTC" })
  const heads = {
    day: (at) => dated(at, { day: "numeric", month: "long", year: "numeric" }),
    month: (at) => dated(at, { month: "long", year: "numeric" }),
    season: (at) => dated(Date.UTC(2001, at - 1, 1), { month: "long" }),
    age: (at) => (at === 1 ? "1 day after" : `${Math.round(at)} days after`),
    share: (at) => `${Math.round(at)} %`,
    deficit: (at) => `${hdlNumber(at)} mm short of full`,
  }
  const nearest = (column, at) => {
    let best = -1
    for (let i = 0; i < column.length; i++) if (best < 0 || Math.abs(column[i] - at) < Math.abs(column[best] - at)) best = i
    return best
  }
  // What of a plot is at a place: {box, parts: [{head, at, title, rows: [{name, color, text, value}]}]}, null where nothing is.
  const read = (view, sx, sy) => {
    const x = view.frame.x_scale.invert(sx), y = view.frame.y_scale.invert(sy)
    const { start, end } = view.model.x_range
    const said = (value, units) => (Number.isFinite(value) ? `${hdlNumber(value)} ${units}` : "no value")
    const parts = []
    for (const part of reads(view)) {
      if (part.boxes) {
        const { left, right, bottom, top, [part.value]: value } = data(view, part.boxes) ?? { left: [] }
        const i = Array.from(left).findIndex((from, i) => x >= from - GAP && x <= right[i] + GAP && y >= bottom[i] - GAP && y <= top[i] + GAP)
        if (i < 0) return null
        const rows = [{ name: part.across[Math.floor(i / part.down.length)], text: said(value[i], part.units) }]
        return { box: [left[i], right[i], bottom[i], top[i]], parts: [{ head: part.down[i % part.down.length], rows }] }
      }
      const table = data(view, part.table), at = table?.[part.at]
      if (!at?.length) continue
      const i = nearest(at, x), step = Math.abs(at[Math.min(i + 1, at.length - 1)] - at[Math.max(i - 1, 0)])
      if (Math.abs(at[i] - x) > Math.max(step, 0.01 * Math.abs(end - start))) continue
      const rows = part.rows.filter(([column]) => table[column]).map(([column, name, color, below]) => {
        const value = table[column][i] - (below ? table[below][i] : 0)
        return { name, color, text: said(value, part.units), value: below ? NaN : value }
      })
      parts.push({ head: heads[part.head](at[i]), at: at[i], title: part.title, rows })
    }
    return parts.length ? { parts } : null
  }

  const MOST = 9 // rows: of more only those of the plot under the pointer are told
  const GAP = 0.03 // between two boxes of a heatmap, of a box
  const card = document.createElement("div")
  card.className = "hdl-read"
  card.setAttribute("aria-hidden", "true")
  const piece = (kind, style, text = "") => {
    const made = document.createElement("div")
    made.className = kind
    Object.assign(made.style, style)
    made.textContent = text
    return made
  }
  const hide = () => card.replaceChildren()
  const px = (value) => `${value}px`
  // one part in words; its own head only where it is of another time than what stands above it
  const tell = (words, { head, title, rows }, said) => {
    const above = [title, head === said ? "" : head].filter(Boolean).join(", ")
    if (above) words.append(piece("title", {}, above))
    for (const { name, color, text } of rows) {
      const line = piece("line", {})
      line.append(piece("key", { background: color || "transparent" }), piece("name", {}, name), piece("value", {}, text))
      words.append(line)
    }
  }
  const show = (view, event) => {
    const own = frame(view), { clientX, clientY } = event
    const over = clientY >= own.top && clientY <= own.top + own.height
    if (clientX < own.left || clientX > own.left + own.width) { hide(); return }
    const found = together(view).flatMap(([plot, box]) => {
      const { left, top } = plot.frame.bbox
      const seen = read(plot, clientX - box.left + left, clientY - box.top + top)
      return seen && (over || !seen.box) ? [{ plot, box, seen }] : []
    })
    if (!found.length) { hide(); return }
    const main = (found.find(({ plot }) => plot === view) ?? found[0]).seen.parts[0].head
    const signs = [], words = piece("words", {})
    words.append(piece("head", {}, main))
    let said = main
    const few = found.flatMap(({ seen }) => seen.parts.flatMap(({ rows }) => rows)).length <= MOST
    for (const { plot, box, seen } of found) {
      const place = (x) => box.left + plot.frame.x_scale.compute(x) - plot.frame.bbox.left
      const up = (y) => box.top + plot.frame.y_scale.compute(y) - plot.frame.bbox.top
      if (seen.box) {
        const [west, east, south, north] = seen.box
        signs.push(piece("box", { left: px(place(west)), width: px(place(east) - place(west)), top: px(up(north)), height: px(up(south) - up(north)) }))
      } else signs.push(piece("hair", { left: px(place(seen.parts[0].at)), top: px(box.top), height: px(box.height) }))
      for (const part of seen.parts) {
        if (few || plot === view) {
          tell(words, part, said)
          said = part.head
        }
        for (const { color, value } of part.rows) {
          const y = up(value)
          if (color && y >= box.top && y <= box.top + box.height) signs.push(piece("dot", { left: px(place(part.at)), top: px(y), background: color }))
        }
      }
    }
    card.replaceChildren(...signs, words)
    if (!card.isConnected) document.body.append(card)
    // beside the pointer, on the side with more room, all of it on the screen
    const { width, height } = words.getBoundingClientRect()
    const left = clientX + 14 + width < innerWidth ? clientX + 14 : clientX - 14 - width
    words.style.left = px(Math.max(left, 4))
    words.style.top = px(Math.min(Math.max(clientY - height - 10, 4), innerHeight - height - 4))
  }
  let last = null, queued = false
  const turn = () => {
    queued = false
    const { view, event } = last ?? {}
    if (view && shown(view)) show(view, event)
    else hide()
  }
  const follow = (event) => {
    const view = event.buttons && event.pointerType === "mouse" ? null : event.composedPath().map((node) => plots.get(node)).find((found) => found && reads(found).length)
    if (!view && !last?.view) return
    last = { view, event }
    if (!queued) { queued = true; requestAnimationFrame(turn) }
  }
  addEventListener("pointermove", follow, { passive: true, capture: true })
  addEventListener("pointerdown", follow, { passive: true, capture: true })
  document.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") { last = null; hide() } }) // a finger that goes leaves it
  addEventListener("scroll", () => { last = null; hide() }, { passive: true, capture: true })
}
