// Data sets as cards of which one is chosen: title, what it is, how far it reaches, and marks such as "generated".
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "datalist"
  box.setAttribute("role", "radiogroup")
  box.setAttribute("aria-label", model.label)
  const part = (tag, name, text) => {
    const node = document.createElement(tag)
    node.className = name
    node.textContent = text
    return node
  }
  const draw = () => {
    const held = box.getRootNode().activeElement?.dataset?.id
    box.replaceChildren()
    model.items.forEach((item, i) => {
      const on = item.id === model.chosen
      const card = document.createElement("div")
      card.dataset.id = item.id
      card.className = "card"
      card.setAttribute("role", "radio")
      card.setAttribute("aria-checked", String(on))
      card.setAttribute("aria-label", [item.title, ...item.marks, ...item.lines].join(", "))
      card.tabIndex = on || (!model.items.some((other) => other.id === model.chosen) && i === 0) ? 0 : -1
      const head = part("div", "cardhead", "")
      head.append(part("span", "cardtitle", item.title))
      for (const mark of item.marks) head.append(part("span", `mark ${mark.split(" ")[0]}`, mark))
      card.append(head)
      for (const line of item.lines) card.append(part("div", "cardline", line))
      const choose = () => { if (item.id !== model.chosen) model.send_msg({ type: "choose", id: item.id }) }
      card.onclick = choose
      card.onkeydown = (event) => {
        if (event.key === " " || event.key === "Enter") { event.preventDefault(); choose(); return }
        const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
        if (!way) return
        event.preventDefault()
        const next = model.items[(i + way + model.items.length) % model.items.length]
        model.send_msg({ type: "choose", id: next.id })
        box.querySelector(`[data-id="${CSS.escape(next.id)}"]`)?.focus()
      }
      box.append(card)
    })
    if (held) box.querySelector(`[data-id="${CSS.escape(held)}"]`)?.focus()
  }
  model.on("items", draw)
  model.on("chosen", draw)
  draw()
  return box
}
