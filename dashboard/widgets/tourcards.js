// The tours as cards; each is begun, or gone on with, by its button.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "cardgrid"
  const draw = () => {
    const held = box.getRootNode().activeElement?.dataset?.id
    box.replaceChildren()
    for (const item of model.items) {
      const card = document.createElement("article")
      card.className = "tourcard"
      const title = document.createElement("h3")
      title.textContent = item.title
      const text = document.createElement("p")
      text.textContent = item.summary
      const foot = document.createElement("div")
      foot.className = "tourfoot"
      const about = document.createElement("span")
      about.textContent = item.about
      const start = document.createElement("button")
      start.type = "button"
      start.dataset.id = item.id
      start.textContent = item.action
      start.setAttribute("aria-label", `${item.action}: ${item.title}`)
      start.onclick = () => model.send_msg({ type: "start", id: item.id })
      foot.append(about, start)
      card.append(title, text, foot)
      box.append(card)
    }
    if (held) box.querySelector(`[data-id="${CSS.escape(held)}"]`)?.focus()
  }
  model.on("items", draw)
  draw()
  return box
}
