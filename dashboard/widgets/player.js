// Months as a slider with labelled buttons. The next frame is asked for only when the last one is shown, so that a key
// held down or a dragged slider never runs ahead of the map; of what is asked in between only the newest counts.
//
// Months that are kept are shown at once: `words` names models and the properties they have in that month. What an answer
// of the server says of another month than the one wanted by then is set again before anything is painted. Kept are at
// most as many months as there are labels, 61 kB each with the map's field; all go when the server says `forget`.
const ICONS = {
  back: "M15 5 8 12l7 7",
  next: "m9 5 7 7-7 7",
  play: "M8 5.5v13l10-6.5z",
  pause: "M8 5v14M16 5v14",
}
const ELSEWHERE = ["pointerdown", "keydown", "popstate"]
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`

export function render({ model, el }) {
  const box = document.createElement("div")
  box.className = "months"
  box.setAttribute("role", "group")
  box.setAttribute("aria-label", "Month")
  box.innerHTML = `
    <button type="button" class="quiet" data-do="back" aria-label="Previous month" title="Previous month (←)">${icon("back")}</button>
    <button type="button" class="round" data-do="play" aria-label="Play the months" title="Play the months">${icon("play")}</button>
    <button type="button" class="quiet" data-do="next" aria-label="Next month" title="Next month (→)">${icon("next")}</button>
    <button type="button" class="quiet speed"></button>
    <div class="track"><input type="range" min="0" step="1" aria-label="Month"><div class="ticks" aria-hidden="true"></div></div>
    <output></output>`
  const [back, play, next, speed] = box.querySelectorAll("button")
  const slider = box.querySelector("input")
  const ticks = box.querySelector(".ticks")
  const output = box.querySelector("output")
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)")
  const SPEEDS = [1, 2, 10] // times as fast; the last is fourteen frames a second where painting keeps up
  let fast = 0
  const PATIENCE = 5000 // ms after which a frame that has not come is given up
  const APART = 300 // ms between two months that the server is told of while kept ones are played
  const REST = 150 // ms of rest after which the months beside are asked for
  const CALM = 600 // ms of the same when the page has just come, or something else has changed
  let timer = null
  let patience = null
  let wanted = model.value
  const asked = [] // sent, and not answered yet: one, or what was wanted when the person did something else
  let sent = 0
  let shown = performance.now()
  const kept = new Map() // month -> [[id of a model, {property: value}], ...]
  let way = 1 // which way the last step went
  let stepped = false
  let asking = false
  let rest = null
  let stale = false // an answer has come that may say another month

  const count = () => model.labels.length
  const draw = () => {
    slider.max = count() - 1
    slider.value = wanted
    slider.setAttribute("aria-valuetext", model.labels[wanted] ?? "")
    slider.style.setProperty("--part", `${(100 * wanted) / Math.max(count() - 1, 1)}%`)
    output.textContent = model.labels[wanted] ?? ""
    ;[...ticks.children].forEach((tick, i) => tick.classList.toggle("now", i === wanted))
  }
  const list = () => {
    ticks.innerHTML = model.labels.map((label) => `<span>${label.slice(0, 1)}</span>`).join("")
    draw()
  }
  const wait = () => {
    box.dataset.waiting = asked.length
    clearTimeout(patience)
    patience = asked.length ? setTimeout(() => { asked.length = 0; wait(); wanted = model.value; draw(); show(wanted) }, PATIENCE) : null
  }
  const ask_for = (at) => {
    asked.push(at)
    sent = performance.now()
    model.send_msg({ type: "step", at })
    wait()
  }
  const send = () => {
    if (asked.length || wanted === model.value) return
    const soon = timer !== null && known(wanted) && performance.now() - sent < APART // another comes anyway
    if (!soon) ask_for(wanted)
  }
  // what is done on another part of the page is done in the month that is seen
  const flush = (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") return
    if ((asked.at(-1) ?? model.value) !== wanted) ask_for(wanted)
  }
  const find = (id) => model.document?.get_model_by_id(id)
  const known = (at) => kept.has(at) && kept.get(at).every(([id]) => find(id))
  const show = (at) => {
    if (!known(at)) return
    for (const [id, values] of kept.get(at)) find(id).setv(values, { sync: false }) // of what is so already nothing is painted
  }
  // Months not kept yet: the one wanted, two the way we go, one back; two more once somebody steps; the next when played.
  const look_ahead = () => {
    if (!model.ahead || asking || !box.checkVisibility({ visibilityProperty: true }) || "hdlLost" in document.documentElement.dataset) return
    const near = timer !== null ? [0, 1, 2, 3, 4] : [0, way, -way, 2 * way, ...(stepped ? [3 * way, 4 * way] : [])]
    const missing = near.map((by) => (wanted + by + 4 * count()) % count()).filter((at) => !kept.has(at))
    clearTimeout(rest)
    rest = null
    if (!missing.length) return
    asking = true
    rest = setTimeout(() => { rest = null; asking = false }, PATIENCE) // there may be nothing to be said ahead
    model.send_msg({ type: "ahead", at: missing.slice(0, timer === null ? 2 : 3) })
  }
  const rest_for = (milliseconds) => {
    clearTimeout(rest)
    asking = false
    rest = setTimeout(look_ahead, milliseconds)
  }
  const set = (value) => {
    way = Math.sign(value - wanted) || way
    stepped = true
    wanted = (value + count()) % count()
    draw()
    show(wanted)
    send()
    look_ahead()
  }
  const arrive = () => {
    if (asked.includes(model.value)) asked.splice(0, asked.indexOf(model.value) + 1)
    else { asked.length = 0; wanted = model.value } // set by something else: undo, a link, a tour
    wait()
    draw()
    send()
    stale = true
  }
  const answered = () => {
    if (model.ahead && rest === null && !kept.size && box.checkVisibility({ visibilityProperty: true })) rest_for(CALM) // back on this page
    if (!stale) return
    stale = false
    show(known(wanted) ? wanted : model.value)
  }
  const hear = (event) => {
    const message = event.type ? event : event.data
    if (message.type === "words") {
      kept.set(message.at, message.words)
      rest_for(REST)
    } else if (message.type === "forget") {
      kept.clear()
      rest_for(CALM)
    } else return
    box.dataset.kept = kept.size
    stale = true
  }
  const stop = () => {
    clearTimeout(timer)
    timer = null
    play.innerHTML = icon("play")
    play.setAttribute("aria-label", "Play the months")
    play.title = "Play the months"
  }
  const tick = () => {
    const pause = calm.matches ? 1600 : model.interval / SPEEDS[fast]
    const ready = () => !asked.length || known((wanted + 1) % count())
    timer = setTimeout(() => {
      if (!box.checkVisibility({ visibilityProperty: true })) { stop(); send(); return } // another page is open
      const now = performance.now()
      if (ready() && now - shown >= pause) { shown = Math.max(shown + pause, now - pause); set(wanted + 1) }
      tick()
    }, Math.max(ready() ? pause - (performance.now() - shown) : 10, 10))
  }
  const start = () => {
    play.innerHTML = icon("pause")
    play.setAttribute("aria-label", "Pause")
    play.title = "Pause"
    shown = performance.now() - model.interval
    tick()
  }
  const hasten = (which) => {
    fast = which
    speed.textContent = `${SPEEDS[fast]}×`
    speed.setAttribute("aria-label", `Speed of playing: ${SPEEDS[fast]} times`)
    speed.title = "Speed of playing"
  }
  speed.onclick = () => hasten((fast + 1) % SPEEDS.length)
  play.onclick = () => { if (timer === null) start(); else { stop(); send() } }
  back.onclick = () => { stop(); set(wanted - 1) }
  next.onclick = () => { stop(); set(wanted + 1) }
  slider.oninput = () => { stop(); set(Number(slider.value)) }
  const step = (event) => { if (box.checkVisibility({ visibilityProperty: true })) { stop(); set(wanted + event.detail) } }
  window.addEventListener("hdl-step", step)
  window.addEventListener("hdl-answered", answered)
  for (const name of ELSEWHERE) window.addEventListener(name, flush, { capture: true })
  model.on("value", arrive)
  model.on("labels", list)
  model.on("msg:custom", hear)
  model.on("remove", () => {
    stop()
    for (const one of [patience, rest]) clearTimeout(one)
    window.removeEventListener("hdl-step", step)
    window.removeEventListener("hdl-answered", answered)
    for (const name of ELSEWHERE) window.removeEventListener(name, flush, { capture: true })
  })
  if (model.ahead) rest_for(CALM)
  else model.on("ahead", () => rest_for(CALM))
  hasten(0)
  list()
  return box
}
