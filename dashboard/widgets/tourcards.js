// The tours as cards; each is begun, or gone on with, by its button.
const EMPTY = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"

export function render({ model }) {
  const box = document.createElement("div")
  box.className = "cardgrid"
  const show = () => {
    const [these, others] = model.dark ? [model.night, model.day] : [model.day, model.night]
    for (const picture of box.querySelectorAll("img")) {
      const id = picture.dataset.of
      picture.src = these[id] ?? others[id] ?? EMPTY
    }
  }
  const draw = () => {
    const held = box.getRootNode().activeElement?.dataset?.id
    box.replaceChildren()
    for (const item of model.items) {
      const card = document.createElement("article")
      card.className = "tourcard"
      // adorns: the title says what it is of; without one an empty globe keeps its room
      const picture = document.createElement("img")
      picture.alt = ""
      picture.width = 720
      picture.height = 350
      picture.dataset.of = item.id
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
      start.onclick = picture.onclick = () => model.send_msg({ type: "start", id: item.id })
      foot.append(about, start)
      card.append(picture, title, text, foot)
      box.append(card)
    }
    show()
    if (held) box.querySelector(`[data-id="${CSS.escape(held)}"]`)?.focus()
  }
  model.on("items", draw)
  for (const name of ["day", "night", "dark"]) model.on(name, show)
  draw()
  return box
}
