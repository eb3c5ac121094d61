// What belongs to the whole document: colour mode, address bar (with back and forward), shortcuts, announcements.
const BESIDE = ["t", "v", "theme"] // the month as links.py writes it; the version, which is said with any other part
const REST_MS = 250 // a month that rests so long is written into the address

export function render({ model, el }) {
  const root = document.documentElement
  root.lang = "en"
  requestAnimationFrame(() => { root.dataset.hdlReady = "1" })
  const mode = () => { root.dataset.hdlMode = model.dark ? "dark" : "light" }
  model.on("dark", mode)
  mode()

  const title = () => { document.title = model.title }
  model.on("title", title)
  title()

  const here = () => window.location.search.replace(/^\?/, "")
  const kept = () => new URLSearchParams(here()).get("theme")
  // Another month only changes the present entry: 4 ms of the browser, after the frame that shows the month. Of months
  // that are played or held down the last one counts (browsers refuse some hundred in a few seconds).
  let due = null
  const replace = () => {
    clearTimeout(due?.timer)
    if (due && due.query !== here()) window.history.replaceState({}, "", due.url)
    due = null
  }
  const beside_month = (query) => {
    const parts = new URLSearchParams(query)
    for (const key of BESIDE) parts.delete(key)
    return parts.toString()
  }
  model.on("query", () => {
    const theme = kept()
    const query = [model.query, theme ? `theme=${theme}` : ""].filter(Boolean).join("&")
    const url = window.location.pathname + (query ? `?${query}` : "")
    if (beside_month(query) === beside_month(here())) {
      clearTimeout(due?.timer)
      due = { url, query, timer: setTimeout(replace, REST_MS) }
      return
    }
    replace()
    if (query !== here()) window.history.pushState({}, "", url)
  })
  const back = () => {
    clearTimeout(due?.timer) // it was of the entry that was left
    due = null
    model.send_msg({ type: "popstate", query: here() })
  }
  window.addEventListener("popstate", back)

  const typing = (event) => {
    const target = event.composedPath()[0]
    return target instanceof Element && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName)
      || target.closest("[role=slider],[role=listbox],[role=menu],[role=radiogroup],[role=dialog],[role=tablist]"))
  }
  const keys = (event) => {
    if (event.altKey || typing(event)) return
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey
    if (undo) { event.preventDefault(); model.send_msg({ type: "undo" }); return }
    if (event.ctrlKey || event.metaKey) return
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (step) { event.preventDefault(); window.dispatchEvent(new CustomEvent("hdl-step", { detail: step })) }
    if (event.key === "?") model.send_msg({ type: "help" })
    // a dialog hears the key itself, except where Tab has led out of it to the browser's own bar and back to nothing
    if (event.key === "Escape" && document.activeElement === document.body) model.send_msg({ type: "escape" })
  }
  document.addEventListener("keydown", keys)

  model.on("msg:custom", async (event) => {
    const message = event.type ? event : event.data
    if (message.type === "top") {
      // the page scrolls in a box of its own
      for (let node = el; node; node = node.parentElement ?? node.getRootNode().host) node.scrollTop = 0
    }
    if (message.type === "made") made(message)
    if (message.type === "hold focus") { clearTimeout(giving); held = focused() }
    if (message.type === "give focus") giving = setTimeout(() => { if (held?.isConnected) held.focus() }, 50)
    if (message.type === "download") {
      const bytes = Uint8Array.from(atob(message.content), (c) => c.charCodeAt(0))
      const link = document.createElement("a")
      link.href = URL.createObjectURL(new Blob([bytes], { type: message.mime }))
      link.download = message.name
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10000)
    }
    if (message.type === "copy") {
      replace()
      let copied = true
      const text = message.text ?? window.location.href
      try { await navigator.clipboard.writeText(text) } catch {
        // no clipboard without https: the old way, through a selected field
        const field = document.createElement("textarea")
        field.value = text
        document.body.append(field)
        field.select()
        copied = document.execCommand("copy")
        field.remove()
      }
      model.send_msg({ type: "copied", ok: copied, what: message.what })
    }
  })

  // Where the focus was before a dialog took it, to give it back; not when the next dialog is on its way to take it.
  let held = null, giving = null
  const focused = () => {
    let at = document.activeElement
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    return at
  }

  // A control that goes away by what it did (a chip that is removed, Cancel when the work is done) must not take the focus
  // with it: its namesake gets it where it was made anew, else what comes first in the part of the page it stood in, else,
  // when another page was opened, all that is under the header.
  const AWAY_MS = 120 // by then a control that looks after its focus has done so
  const usable = (place, found = []) => {
    for (const node of place.shadowRoot ? [...place.shadowRoot.children] : [...place.children]) {
      if (!node.checkVisibility({ visibilityProperty: true })) continue
      if (node.tabIndex >= 0 && !node.disabled && node.matches("a, button, input, select, textarea, [tabindex]")) found.push(node)
      usable(node, found)
    }
    return found
  }
  const named = (node) => node.getAttribute("aria-label") ?? node.textContent
  const content = () => {
    const found = el.getRootNode().host.getRootNode().querySelector(".body")
    found.tabIndex = -1
    return found
  }
  const gone = (event) => {
    if (event.relatedTarget) return
    const [node, ...places] = event.composedPath().filter((one) => one instanceof Element)
    const name = named(node)
    setTimeout(() => {
      if (document.activeElement !== document.body || (node.isConnected && node.checkVisibility({ visibilityProperty: true }))) return
      for (const place of places) {
        if (!place.isConnected || !place.checkVisibility({ visibilityProperty: true })) continue
        if (place === content()) { place.focus({ preventScroll: true }); return } // what stands above it, a tour's words, is to be read
        const left = usable(place)
        if (left.length) { (left.find((one) => named(one) === name) ?? left[0]).focus(); return }
      }
    }, AWAY_MS)
  }
  document.addEventListener("focusout", gone)

  // The frame's select boxes open by a click alone, whatever their role promises, and call the entries of their lists
  // items of a menu, of which a listbox has none.
  const SELECT = ".MuiSelect-select"
  const OPENS = { keydown: ["Enter", "ArrowUp", "ArrowDown"], keyup: [" "] } // the list would take Space, let go, as a choice
  const unfold = (event) => {
    const at = event.composedPath()[0]
    if (at instanceof Element && at.matches(SELECT) && OPENS[event.type].includes(event.key)) at.click()
  }
  const listed = (event) => {
    const at = event.composedPath()[0]
    if (at instanceof Element && at.closest(SELECT)) list(at.closest(SELECT))
  }
  const list = (box, tries = 40) => {
    const [root, id] = [box.getRootNode(), box.getAttribute("aria-controls")]
    const found = id && (root.getElementById(id) ?? document.getElementById(id))
    if (!found) { if (tries) setTimeout(() => list(box, tries - 1), 25); return }
    for (const item of found.children) {
      const entry = item.getAttribute("role") === "menuitem"
      item.setAttribute("role", entry ? "option" : "presentation")
      if (entry) item.setAttribute("aria-selected", String(item.classList.contains("Mui-selected") || item.getAttribute("value") === box.textContent))
    }
  }
  document.addEventListener("keydown", unfold)
  document.addEventListener("keyup", unfold)
  document.addEventListener("click", listed)

  // The first stop of the Tab key leads past the header.
  const skip = document.createElement("a")
  skip.className = "hdl-skip"
  skip.href = "#"
  skip.textContent = "Skip to the content"
  skip.onclick = (event) => {
    event.preventDefault()
    content().focus()
  }
  document.body.prepend(skip)

  // The frame's own bar of being busy has no name and says nothing that the page does not say itself.
  const hush = (tries = 40) => {
    let found = 0
    for (let node = el; node; node = node.getRootNode().host) {
      for (const bar of node.getRootNode().querySelectorAll(".MuiLinearProgress-root")) { bar.setAttribute("aria-hidden", "true"); found++ }
    }
    if (!found && tries) setTimeout(() => hush(tries - 1), 250)
  }
  requestAnimationFrame(() => hush())

  // Pages are made before anybody opens them (pages/beforehand.py): the next piece is asked for when the visitor rests,
  // or is about to open that very page, and the one after it when that has been drawn.
  const CALM_MS = 1000
  const ACTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"]
  const when_idle = window.requestIdleCallback ?? ((then) => setTimeout(then, 100))
  let [left, asked, near, calm] = [model.ahead && !navigator.connection?.saveData, false, false, null]
  root.dataset.hdlAhead = left ? "making" : "off"
  const ask = () => {
    if (!left || asked || document.hidden || "hdlLost" in root.dataset) return
    asked = true
    model.send_msg({ type: "rests" })
  }
  const ask_in = (milliseconds) => {
    clearTimeout(calm)
    calm = setTimeout(() => when_idle(ask), milliseconds)
  }
  const acts = (event) => {
    if (!left || (near && event.type === "pointermove")) return
    if (asked) model.send_msg({ type: "acts" })
    asked = false
    if (!document.hidden) ask_in(CALM_MS)
  }
  const nears = (event) => {
    near = event.detail
    if (near) ask()
  }
  const made = (message) => {
    asked = false
    left &&= message.left
    if (left) ask_in(0)
    else root.dataset.hdlAhead = "made"
  }
  for (const name of ACTS) window.addEventListener(name, acts, { capture: true, passive: true })
  document.addEventListener("visibilitychange", acts)
  window.addEventListener("hdl-near", nears)
  if (left) ask_in(CALM_MS)

  // The server is gone, or the way to it, and a notification says so: open the page anew when it answers. The address
  // is the view.
  const TRY_MS = 2000
  let retry = null
  const back_again = async () => {
    try {
      const answer = await fetch(new URL("liveness", window.location.href), { cache: "no-store" })
      if (answer.status < 500) { window.location.reload(); return }
    } catch { /* not yet */ }
    retry = setTimeout(back_again, TRY_MS)
  }
  const lost = () => {
    document.documentElement.dataset.hdlLost = "" // what would be sent by itself is not sent any more
    clearTimeout(retry)
    retry = setTimeout(back_again, TRY_MS)
  }
  const listen = (tries = 50) => {
    const documents = window.Bokeh?.documents ?? []
    if (!documents.length) { if (tries) setTimeout(() => listen(tries - 1), 100); return }
    for (const one of documents) one.on_event("connection_lost", lost)
  }
  listen()

  const live = document.createElement("div")
  live.className = "visually-hidden"
  live.setAttribute("role", "status")
  live.setAttribute("aria-live", "polite")
  const say = () => { live.textContent = model.say }
  model.on("say", say)
  say()
  model.on("remove", () => {
    clearTimeout(retry)
    replace()
    window.removeEventListener("popstate", back)
    document.removeEventListener("keydown", keys)
    document.removeEventListener("focusout", gone)
    document.removeEventListener("keydown", unfold)
    document.removeEventListener("keyup", unfold)
    document.removeEventListener("click", listed)
    for (const name of ACTS) window.removeEventListener(name, acts, { capture: true })
    document.removeEventListener("visibilitychange", acts)
    window.removeEventListener("hdl-near", nears)
    clearTimeout(calm)
    skip.remove()
  })
  return live
}
