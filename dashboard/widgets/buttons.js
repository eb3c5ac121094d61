// Plain labelled buttons: several that act, or a few of which one is chosen.
const ICONS = {
  link: "M10 14a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 0 0-5.7-5.7l-1.4 1.4M14 10a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 0 0 5.7 5.7l1.4-1.4",
  export: "M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14",
  source: "M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12h6M9 16h6",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.8v.2",
}
export function render({ model }) {
  const box = document.createElement("div")
  const draw = () => {
    const choosing = model.chosen !== null && model.chosen !== undefined
    const held = box.getRootNode().activeElement?.dataset?.id
    box.className = choosing || model.joined ? "segment words" : "buttonrow"
    box.setAttribute("role", choosing ? "radiogroup" : "group")
    if (model.label) box.setAttribute("aria-label", model.label)
    box.replaceChildren()
    model.items.forEach((item, i) => {
      const node = document.createElement("button")
      node.type = "button"
      node.dataset.id = item.id
      node.className = item.kind ?? ""
      node.disabled = Boolean(item.disabled)
      if (item.icon) node.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[item.icon]}"/></svg>`
      const text = document.createElement("span")
      text.textContent = item.label
      node.append(text)
      if (item.hint) { node.title = item.hint; node.setAttribute("aria-label", item.hint) }
      if (item.pressed !== undefined) node.setAttribute("aria-pressed", String(item.pressed))
      if (choosing) {
        const on = item.id === model.chosen
        node.setAttribute("role", "radio")
        node.setAttribute("aria-checked", String(on))
        node.tabIndex = on ? 0 : -1
      }
      node.onclick = () => model.send_msg({ type: "press", id: item.id })
      node.onkeydown = (event) => {
        const way = choosing ? { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key] : 0
        if (!way) return
        event.preventDefault()
        const next = model.items[(i + way + model.items.length) % model.items.length]
        model.send_msg({ type: "press", id: next.id })
        box.querySelector(`[data-id="${next.id}"]`)?.focus()
      }
      box.append(node)
    })
    if (held) box.querySelector(`[data-id="${held}"]`)?.focus()
  }
  for (const name of ["joined", "items", "chosen", "label"]) model.on(name, draw)
  draw()
  return box
}
