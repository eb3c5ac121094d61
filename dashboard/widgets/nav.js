// The pages as links: a plain click turns the page in place, so that what was uploaded or computed stays; any other
// click (new tab, new window) follows the address.
export function render({ model }) {
  const box = document.createElement("nav")
  box.setAttribute("aria-label", "Pages")
  const theme = () => {
    const kept = new URLSearchParams(window.location.search).get("theme")
    return kept ? `theme=${kept}` : ""
  }
  const draw = () => {
    const held = box.getRootNode().activeElement?.dataset?.id
    box.replaceChildren()
    for (const item of model.items) {
      const link = document.createElement("a")
      link.dataset.id = item.id
      link.textContent = item.label
      const query = [item.query, theme()].filter(Boolean).join("&")
      link.href = window.location.pathname + (query ? `?${query}` : "")
      if (item.id === model.chosen) link.setAttribute("aria-current", "page")
      link.onclick = (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return
        event.preventDefault()
        model.send_msg({ type: "open", id: item.id })
      }
      box.append(link)
    }
    if (held) box.querySelector(`[data-id="${held}"]`)?.focus()
    requestAnimationFrame(see)
  }
  // where the bar is wider than the screen, the page that is open is in sight
  const see = () => {
    const at = box.querySelector("[aria-current]")
    if (at) box.scrollLeft = at.offsetLeft - box.offsetLeft - (box.clientWidth - at.offsetWidth) / 2
  }
  model.on("items", draw)
  model.on("chosen", draw)
  draw()
  return box
}
