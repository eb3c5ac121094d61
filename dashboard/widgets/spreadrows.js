// Groups as rows: name, where their values lie (5 to 95 %, quartiles, median) on one axis, median, count. A row is a toggle.
const NS = "http://www.w3.org/2000/svg"
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "spreadrows"
  box.setAttribute("role", "group")
  const bar = (ends) => {
    const svg = document.createElementNS(NS, "svg")
    svg.setAttribute("viewBox", "0 0 100 16")
    svg.setAttribute("preserveAspectRatio", "none")
    svg.setAttribute("aria-hidden", "true")
    const x = (value) => 100 * Math.min(Math.max((value - model.low) / (model.high - model.low), 0), 1)
    const path = (name, d) => {
      const node = document.createElementNS(NS, "path")
      node.setAttribute("class", name)
      node.setAttribute("d", d)
      node.setAttribute("vector-effect", "non-scaling-stroke")
      svg.append(node)
    }
    for (const mark of model.marks) path("mark", `M${x(mark)} 0V16`)
    if (ends.length) {
      const [least, low, middle, high, most] = ends.map(x)
      path("whole", `M${least} 8H${most}`)
      path("half", `M${low} 8H${high}`)
      path("middle", `M${middle} 1V15`)
    }
    return svg
  }
  const part = (name, text) => {
    const node = document.createElement("span")
    node.className = name
    node.textContent = text
    return node
  }
  const draw = () => {
    const held = box.getRootNode().activeElement?.dataset?.id
    box.setAttribute("aria-label", model.label)
    box.replaceChildren()
    for (const item of model.items) {
      const line = document.createElement("button")
      line.type = "button"
      line.className = "spreadrow"
      line.dataset.id = item.id
      line.setAttribute("aria-pressed", String(item.pressed))
      line.setAttribute("aria-label", item.said)
      line.append(part("rowname", item.label), bar(item.ends), part("rowvalue", item.value), part("rowcount", item.count))
      line.onclick = () => model.send_msg({ type: "toggle", id: item.id })
      line.onkeydown = (event) => {
        const way = { ArrowDown: 1, ArrowUp: -1 }[event.key]
        if (!way) return
        event.preventDefault()
        event.stopPropagation()
        const all = [...box.querySelectorAll("button")]
        all[(all.indexOf(line) + way + all.length) % all.length].focus()
      }
      box.append(line)
    }
    if (held) box.querySelector(`[data-id="${CSS.escape(held)}"]`)?.focus()
  }
  for (const name of ["items", "label", "low", "high", "marks"]) model.on(name, draw)
  draw()
  return box
}
