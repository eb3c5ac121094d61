// A step of a tour: what is said, what to look at, a question with its answer behind it, back and next.
// PageUp and PageDown, the keys of a presenter's remote control, walk through the steps.
const LOOK = {
  map: ".stage", curves: ".seriespart", memory: ".memorypart", filters: ".filterpart", runs: ".runspart",
  pulse: ".pulsepart", controls: ".controlpart",
}
const find = (root, selector) => {
  for (const node of root.querySelectorAll("*")) {
    if (node.matches(selector) && node.checkVisibility({ visibilityProperty: true })) return node
    const inside = node.shadowRoot && find(node.shadowRoot, selector)
    if (inside) return inside
  }
  return null
}
// what scrolls the page
const scroller = (node) => {
  for (; node; node = node.parentElement ?? node.getRootNode().host) if (/auto|scroll/.test(getComputedStyle(node).overflowY)) return node
  return document.documentElement
}
// px that are left of the guide however far the page is scrolled
const HEAD = 52 * parseFloat(getComputedStyle(document.documentElement).fontSize) / (16 * 13 / 14)
const GAP = 4 // px between it and what slides over it
export function render({ model }) {
  const box = document.createElement("section")
  box.className = "tourstep"
  box.setAttribute("aria-label", "Guided tour")
  box.tabIndex = -1
  let marked = null
  let timer = null
  // "Show it" stands beside the title while what the step is about is out of sight
  const show = document.createElement("button")
  show.type = "button"
  show.className = "outlined showit"
  show.textContent = "Show it ↓"
  show.setAttribute("aria-label", "Show it")
  show.hidden = true
  // to its beginning, with what stands above it (its name, its button) under the guide's head: the middle of something
  // higher than the screen is no place to begin
  show.onclick = () => {
    if (!marked) return
    marked.style.scrollMarginTop = `${HEAD + 56}px`
    marked.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" })
  }
  // and while only the guide's head is left, its words are a touch away, over the picture they speak of
  const read = document.createElement("button")
  read.type = "button"
  read.className = "outlined readit"
  const open = (opened) => {
    box.classList.toggle("open", opened)
    read.textContent = opened ? "Hide words" : "Words"
    read.setAttribute("aria-expanded", String(opened))
  }
  open(false)
  read.onclick = () => open(!box.classList.contains("open"))
  const seen = new IntersectionObserver((entries) => {
    const { intersectionRatio, intersectionRect } = entries.at(-1)
    show.hidden = intersectionRatio > 0.5 || intersectionRect.height > window.innerHeight / 3
  }, { threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6] })
  const unmark = () => { clearTimeout(timer); seen.disconnect(); show.hidden = true; marked?.style.removeProperty("box-shadow"); marked = null }
  // the step's page may still be on its way, and a page that is built anew takes the frame with it: look again
  const mark = () => {
    clearTimeout(timer)
    const selector = LOOK[model.look]
    if (marked?.checkVisibility({ visibilityProperty: true }) && marked.matches(selector)) { timer = setTimeout(mark, 500); return }
    unmark()
    if (!selector || !model.step.title) return
    timer = setTimeout(mark, 300)
    const found = find(document.body, selector)
    if (!found) return
    marked = found
    found.style.borderRadius = "4px"
    seen.observe(found)
    found.style.boxShadow = "0 0 0 3px var(--hdl-page), 0 0 0 5px var(--hdl-accent)"
  }
  const button = (label, act, name = "") => {
    const node = document.createElement("button")
    node.type = "button"
    node.className = name
    node.textContent = label
    node.onclick = act
    return node
  }
  const send = (type) => model.send_msg({ type })
  const again = button("Back to this step's view", () => send("again"), "text again")
  again.hidden = true
  const answer = (question) => {
    const part = document.createElement("div")
    part.className = "question"
    const ask = document.createElement("p")
    ask.className = "ask"
    ask.textContent = question.ask
    const explain = document.createElement("div")
    explain.className = "explain"
    explain.setAttribute("role", "status")
    const reveal = (said) => {
      explain.innerHTML = question.explain
      if (said) explain.querySelector("p")?.prepend(said)
      uncover()
    }
    const options = document.createElement("div")
    options.className = "options"
    if (question.options.length) {
      question.options.forEach((text, i) => {
        const node = button(text, () => {
          const right = i + 1 === question.answer
          node.classList.add(right ? "right" : "wrong")
          node.setAttribute("aria-pressed", "true")
          const said = document.createElement("b")
          said.textContent = right ? "Yes. " : "Not quite. "
          if (right) reveal(said)
          else { explain.replaceChildren(said, "Look again, or try another answer.") }
        }, "option")
        options.append(node)
      })
    } else {
      const node = button("Show the answer", () => { reveal(""); node.disabled = true }, "option")
      options.append(node)
    }
    part.append(ask, options, explain)
    return part
  }
  const type = button("", () => send("present"), "text")
  type.dataset.id = "type"
  // another size of the type, and nothing else: an answer that was shown stays
  const size = () => {
    type.textContent = model.presenting ? "Normal type" : "Large type"
    box.classList.toggle("large", model.presenting)
  }
  const draw = () => {
    const step = model.step
    const held = box.getRootNode().activeElement?.dataset?.id
    box.replaceChildren()
    if (!step.title) return
    const head = document.createElement("div")
    head.className = "guidehead"
    const back = button("Back", () => send("back"), "outlined")
    back.disabled = model.stop <= 1
    const last = model.stop >= model.count
    const next = button(last ? "Finish" : "Next", () => send(last ? "finish" : "next"), "filled")
    const where = document.createElement("p")
    where.className = "where"
    where.textContent = `${model.title} · step ${model.stop} of ${model.count}`
    const dots = document.createElement("div")
    dots.className = "dots"
    dots.setAttribute("aria-hidden", "true")
    for (let i = 1; i <= model.count; i++) { const dot = document.createElement("i"); dot.className = i === model.stop ? "now" : i < model.stop ? "done" : ""; dots.append(dot) }
    const ends = document.createElement("div")
    ends.className = "ends"
    next.dataset.id = "next"
    back.dataset.id = "back"
    ends.append(
      button("Hand out", () => send("handout"), "text"),
      type,
      button("End the tour", () => send("end"), "text"),
    )
    head.append(back, next, dots, where, again, show, read, ends)
    const body = document.createElement("div")
    body.className = "guidebody"
    const said = document.createElement("div")
    said.className = "said"
    const title = document.createElement("h2")
    title.textContent = step.title
    const text = document.createElement("div")
    text.innerHTML = step.text
    said.append(title, text)
    body.append(said)
    if (step.question) body.append(answer(step.question))
    box.append(head, body)
    if (last && model.onward) box.append(button(`Next tour: ${model.onward}`, () => send("onward"), "outlined onward"))
    if (held) (back.disabled && held === "back" ? next : box.querySelector(`[data-id=${held}]`)).focus()
    mark()
  }
  const keys = (event) => {
    if (!model.step.title || event.ctrlKey || event.metaKey || event.altKey) return
    const way = { PageDown: "next", PageUp: "back" }[event.key]
    if (!way || (way === "next" && model.stop >= model.count) || (way === "back" && model.stop <= 1)) return
    event.preventDefault()
    send(way)
  }
  document.addEventListener("keydown", keys)
  for (const name of ["step", "stop", "count", "title", "onward"]) model.on(name, draw)
  model.on("presenting", size)
  size()
  model.on("wandered", () => { again.hidden = !model.wandered })
  // the guide stays on top of the page, which slides over its words as it is scrolled, until only its head is left
  let page = null
  let part = box
  const below = () => {
    for (let node = part; (node = node.nextElementSibling); ) {
      const place = node.getBoundingClientRect()
      if (place.height) return place.top
    }
    return Infinity
  }
  const stuck = () => {
    const { bottom, height } = box.getBoundingClientRect()
    const cut = Math.min(bottom - below() + GAP, height - HEAD)
    box.classList.toggle("stuck", cut > 0)
    box.style.setProperty("--cut", `${cut}px`)
    if (cut <= 0) open(false)
  }
  // what was asked for is not to be read under the page
  const uncover = () => {
    stuck()
    if (box.matches(".stuck:not(.open)")) page.scrollTop -= parseFloat(box.style.getPropertyValue("--cut"))
  }
  const sized = new ResizeObserver(() => stuck())
  requestAnimationFrame(() => {
    while (part && !part.matches(".tourpart")) part = part.parentElement ?? part.getRootNode().host
    page = scroller(box)
    page.addEventListener("scroll", stuck, { passive: true })
    sized.observe(box)
  })
  for (const name of ["step", "stop"]) model.on(name, () => { open(false); if (page) page.scrollTop = 0 })
  model.on("remove", () => { unmark(); document.removeEventListener("keydown", keys); sized.disconnect(); page?.removeEventListener("scroll", stuck) })
  draw()
  return box
}
