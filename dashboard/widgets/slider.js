// One number on a track with a marked neutral place: what it means stands above it, a double click brings it back.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "knob"
  box.innerHTML = `<label><span class="name"></span><output></output></label><input type="range"><i aria-hidden="true"></i>`
  const slider = box.querySelector("input")
  const output = box.querySelector("output")
  const mark = box.querySelector("i")
  const id = `knob-${Math.random().toString(36).slice(2)}`
  slider.id = id
  box.querySelector("label").htmlFor = id
  const words = (value) => {
    if (value === model.neutral) return model.rest
    const sign = model.signed ? (value > 0 ? "+" : "−") : ""
    return `${sign}${Math.abs(value)} ${model.units}`
  }
  const place = (value) => (value - model.low) / Math.max(model.high - model.low, 1e-9)
  const show = (value) => {
    output.textContent = words(value)
    slider.setAttribute("aria-valuetext", words(value))
    const [a, b] = [place(model.neutral), place(value)].sort((p, q) => p - q)
    slider.style.setProperty("--from", `${100 * a}%`)
    slider.style.setProperty("--to", `${100 * b}%`)
    mark.style.left = `calc(8px + ${place(model.neutral)} * (100% - 16px))`
  }
  const draw = () => {
    mark.hidden = model.neutral < model.low || model.neutral > model.high
    box.querySelector(".name").textContent = model.label
    Object.assign(slider, { min: model.low, max: model.high, step: model.step })
    slider.value = model.value
    slider.disabled = model.disabled
    box.classList.toggle("off", model.disabled)
    show(model.value)
  }
  const send = (value) => model.send_msg({ type: "set", value })
  slider.oninput = () => show(Number(slider.value))
  slider.onchange = () => send(Number(slider.value))
  slider.ondblclick = () => { slider.value = model.neutral; show(model.neutral); send(model.neutral) }
  for (const name of ["label", "value", "low", "high", "step", "disabled", "units"]) model.on(name, draw)
  draw()
  return box
}
