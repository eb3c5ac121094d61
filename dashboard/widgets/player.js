// Months as a slider with labelled buttons. The next frame is asked for only when the last one is shown, so that a key
// held down or a dragged slider never runs ahead of the map; of what is asked in between only the newest counts.
const ICONS = {
  back: "M15 5 8 12l7 7",
  next: "m9 5 7 7-7 7",
  play: "M8 5.5v13l10-6.5z",
  pause: "M8 5v14M16 5v14",
}
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
  const SPEEDS = [1, 2, 7] // times as fast; the last is ten frames a second where the server keeps up
  let fast = 0
  const PATIENCE = 5000 // ms after which a frame that has not come is given up
  let timer = null
  let patience = null
  let wanted = model.value
  let asked = null // sent, and not shown yet
  let shown = performance.now()

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
  const send = () => {
    if (asked !== null || wanted === model.value) return
    asked = wanted
    model.send_msg({ type: "step", at: asked })
    patience = setTimeout(() => { asked = null; wanted = model.value; draw() }, PATIENCE)
  }
  const set = (value) => {
    wanted = (value + count()) % count()
    draw()
    send()
  }
  const arrive = () => {
    if (model.value !== asked) wanted = model.value // set by something else: undo, a link, a tour
    asked = null
    clearTimeout(patience)
    draw()
    send()
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
    const wait = asked === null ? pause - (performance.now() - shown) : 10
    timer = setTimeout(() => {
      if (!box.checkVisibility()) { stop(); return } // another page is open
      if (asked === null && performance.now() - shown >= pause) { shown = performance.now(); set(wanted + 1) }
      tick()
    }, Math.max(wait, 10))
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
  play.onclick = () => (timer === null ? start() : stop())
  back.onclick = () => { stop(); set(wanted - 1) }
  next.onclick = () => { stop(); set(wanted + 1) }
  slider.oninput = () => { stop(); set(Number(slider.value)) }
  const step = (event) => { if (box.checkVisibility()) { stop(); set(wanted + event.detail) } }
  window.addEventListener("hdl-step", step)
  model.on("value", arrive)
  model.on("labels", list)
  model.on("remove", () => { stop(); clearTimeout(patience); window.removeEventListener("hdl-step", step) })
  hasten(0)
  list()
  return box
}
