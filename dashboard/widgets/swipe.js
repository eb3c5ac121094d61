// Where the left map ends and the right one begins, as a share of the stage; keys and touch move it as a mouse does.
export function render({ model, view }) {
  const box = document.createElement("div")
  box.className = "swipebar"
  box.innerHTML = `<span aria-hidden="true">L</span><input type="range" min="0" max="100" step="1" aria-label="Left of this the left map is shown, right of it the right one"><span aria-hidden="true">R</span>`
  const slider = box.querySelector("input")
  slider.value = model.value
  const place = () => {
    const host = view.el.getRootNode().host
    host?.style.setProperty("--split", `${slider.value}%`)
    slider.setAttribute("aria-valuetext", `${slider.value} percent of the map is the left one`)
  }
  slider.oninput = place
  slider.onkeydown = (event) => event.stopPropagation()
  model.on("after_render", place)
  requestAnimationFrame(place)
  return box
}
