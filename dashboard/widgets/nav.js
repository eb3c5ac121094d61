// The pages as links: a plain click turns the page in place, so that what was uploaded or computed stays; any other
// click (new tab, new window) follows the address.
export function render({ model }) {
  const box = document.createElement("nav")
  box.setAttribute("aria-label", "Pages")
  const theme = () => {
    const kept = new URLSearchParams(window.location.search).get("theme")
    return kept ? `theme=${kept}` : ""
  }
  const query = (id) => {
    if (id !== model.items[0].id) return model.query.replace("page=ANY", `page=${id}`)
    return model.query.includes("&page=ANY&") ? model.query.replace("&page=ANY", "") : "" // all else is as it opens
  }
  const links = new Map()
  const draw = () => {
    for (const [id, link] of links) {
      const said = [query(id), theme()].filter(Boolean).join("&")
      link.href = window.location.pathname + (said ? `?${said}` : "")
      if (id === model.chosen) link.setAttribute("aria-current", "page")
      else link.removeAttribute("aria-current")
    }
  }
  // somebody is about to open that page: it is made before the others
  const near = (id) => {
    if (id === model.chosen) return
    if (id !== null) model.send_msg({ type: "near", id })
    window.dispatchEvent(new CustomEvent("hdl-near", { detail: id !== null }))
  }
  const list = () => {
    links.clear()
    box.replaceChildren()
    for (const item of model.items) {
      const link = document.createElement("a")
      link.dataset.id = item.id
      link.textContent = item.label
      link.onclick = (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return
        event.preventDefault()
        model.send_msg({ type: "open", id: item.id })
      }
      for (const name of ["pointerenter", "focus"]) link.addEventListener(name, () => near(item.id))
      for (const name of ["pointerleave", "blur"]) link.addEventListener(name, () => near(null))
      links.set(item.id, link)
      box.append(link)
    }
    draw()
    requestAnimationFrame(see)
  }
  // where the bar is wider than the screen, the page that is open is in sight
  const see = () => {
    const at = box.querySelector("[aria-current]")
    if (at) box.scrollLeft = at.offsetLeft - box.offsetLeft - (box.clientWidth - at.offsetWidth) / 2
  }
  // and fades where it goes on
  const edges = () => {
    box.classList.toggle("more-left", box.scrollLeft > 2)
    box.classList.toggle("more-right", box.scrollLeft + box.clientWidth < box.scrollWidth - 2)
  }
  box.addEventListener("scroll", edges, { passive: true })
  const sized = new ResizeObserver(edges)
  sized.observe(box)
  model.on("remove", () => sized.disconnect())
  model.on("items", list)
  model.on("query", draw)
  model.on("chosen", () => { draw(); requestAnimationFrame(see) })
  list()
  return box
}
