// Small pictures side by side, one of which is chosen: name, a number, and a line around zero.
const NS = "http://www.w3.org/2000/svg"
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "tilegrid"
  box.setAttribute("role", "radiogroup")
  const line = (values) => {
    const svg = document.createElementNS(NS, "svg")
    svg.setAttribute("viewBox", "0 0 100 28")
    svg.setAttribute("preserveAspectRatio", "none")
    svg.setAttribute("aria-hidden", "true")
    const low = Math.min(...values, 0)
    const high = Math.max(...values, 0)
    const y = (value) => 2 + 24 * (high - low < 1e-9 ? 0.5 : (high - value) / (high - low))
    const x = (i) => (100 * i) / Math.max(values.length - 1, 1)
    const points = values.map((value, i) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("L")
    for (const [name, d] of [["area", `M0 ${y(0)}L${points}L100 ${y(0)}Z`], ["zero", `M0 ${y(0)}H100`], ["curve", `M${points}`]]) {
      const path = document.createElementNS(NS, "path")
      path.setAttribute("class", name)
      path.setAttribute("d", d)
      path.setAttribute("vector-effect", "non-scaling-stroke")
      svg.append(path)
    }
    return svg
  }
  const draw = () => {
    const held = box.getRootNode().activeElement?.dataset?.id
    box.setAttribute("aria-label", model.label)
    box.replaceChildren()
    model.items.forEach((item, i) => {
      const tile = document.createElement("button")
      tile.type = "button"
      tile.className = "tile"
      tile.dataset.id = item.id
      const on = item.id === model.chosen
      tile.setAttribute("role", "radio")
      tile.setAttribute("aria-checked", String(on))
      tile.tabIndex = on || (i === 0 && !model.items.some((other) => other.id === model.chosen)) ? 0 : -1
      const name = document.createElement("span")
      name.className = "tilename"
      name.textContent = item.label
      const value = document.createElement("span")
      value.className = "tilevalue"
      value.textContent = item.value
      tile.append(name, line(item.line), value)
      tile.onclick = () => model.send_msg({ type: "choose", id: item.id })
      tile.onkeydown = (event) => {
        const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
        if (!way) return
        event.preventDefault()
        event.stopPropagation()
        const next = model.items[(i + way + model.items.length) % model.items.length]
        model.send_msg({ type: "choose", id: next.id })
        box.querySelector(`[data-id="${CSS.escape(next.id)}"]`)?.focus()
      }
      box.append(tile)
    })
    if (held) box.querySelector(`[data-id="${CSS.escape(held)}"]`)?.focus()
  }
  for (const name of ["items", "chosen", "label"]) model.on(name, draw)
  draw()
  return box
}
