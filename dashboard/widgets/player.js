// Months as a slider with labelled buttons. A new frame is asked for only when the last one has arrived.
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
    <div class="track"><input type="range" min="0" step="1" aria-label="Month"><div class="ticks" aria-hidden="true"></div></div>
    <output></output>`
  const [back, play, next] = box.querySelectorAll("button")
  const slider = box.querySelector("input")
  const ticks = box.querySelector(".ticks")
  const output = box.querySelector("output")
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)")
  let timer = null
  let shown = performance.now()

  const count = () => model.labels.length
  const draw = () => {
    slider.max = count() - 1
    slider.value = model.value
    slider.setAttribute("aria-valuetext", model.labels[model.value] ?? "")
    slider.style.setProperty("--part", `${(100 * model.value) / Math.max(count() - 1, 1)}%`)
    output.textContent = model.labels[model.value] ?? ""
    ticks.innerHTML = model.labels.map((label, i) => `<span class="${i === model.value ? "now" : ""}">${label.slice(0, 1)}</span>`).join("")
  }
  const set = (value) => {
    model.value = (value + count()) % count()
    draw()
  }
  const stop = () => {
    clearTimeout(timer)
    timer = null
    play.innerHTML = icon("play")
    play.setAttribute("aria-label", "Play the months")
    play.title = "Play the months"
  }
  const tick = () => {
    const pause = calm.matches ? 1600 : model.interval
    const wait = model.arrived === model.value ? pause - (performance.now() - shown) : 40
    timer = setTimeout(() => {
      if (model.arrived === model.value && performance.now() - shown >= pause) { shown = performance.now(); set(model.value + 1) }
      tick()
    }, Math.max(wait, 20))
  }
  const start = () => {
    play.innerHTML = icon("pause")
    play.setAttribute("aria-label", "Pause")
    play.title = "Pause"
    shown = performance.now() - model.interval
    tick()
  }
  play.onclick = () => (timer === null ? start() : stop())
  back.onclick = () => { stop(); set(model.value - 1) }
  next.onclick = () => { stop(); set(model.value + 1) }
  slider.oninput = () => { stop(); set(Number(slider.value)) }
  const step = (event) => { stop(); set(model.value + event.detail) }
  window.addEventListener("hdl-step", step)
  model.on("value", draw)
  model.on("labels", draw)
  model.on("remove", () => { stop(); window.removeEventListener("hdl-step", step) })
  draw()
  return box
}
