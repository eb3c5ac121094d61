// Legend of a map of three shares: the triangle of their colours, with the chosen place as a ring.
const NS = "http://www.w3.org/2000/svg"
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "mixkey"
  const node = (name, attrs) => {
    const made = document.createElementNS(NS, name)
    for (const [key, value] of Object.entries(attrs)) made.setAttribute(key, value)
    return made
  }
  const draw = () => {
    const [side, pad] = [76, 12]
    const tall = side * Math.sqrt(3) / 2
    const svg = node("svg", { viewBox: `0 0 ${side + 2 * pad} ${tall + 2 * pad + 18}`, role: "img", "aria-label": model.label })
    const n = model.steps
    const at = (snow, ground) => [pad + side * (ground + snow / 2), pad + 8 + tall * (1 - snow)]
    let k = 0
    for (let snow = 0; snow <= n; snow++) {
      for (let soil = 0; soil <= n - snow; soil++, k++) {
        const [x, y] = at(snow / n, (n - snow - soil) / n)
        svg.append(node("circle", { cx: x, cy: y, r: side / n * 0.62, fill: model.colors[k] }))
      }
    }
    if (model.at) {
      const [x, y] = at(model.at[1], model.at[0] - model.at[1] / 2)
      svg.append(node("circle", { cx: x, cy: y, r: 5, class: "halo" }), node("circle", { cx: x, cy: y, r: 5, class: "ring" }))
    }
    const [top, left, right] = model.names
    for (const [text, x, y, anchor] of [[top, pad + side / 2, 10, "middle"], [left, 0, tall + pad + 24, "start"], [right, side + 2 * pad, tall + pad + 24, "end"]]) {
      const label = node("text", { x, y, "text-anchor": anchor })
      label.textContent = text
      svg.append(label)
    }
    box.replaceChildren(svg)
  }
  for (const name of ["colors", "at", "label"]) model.on(name, draw)
  draw()
  return box
}
