// What is under the pointer, for those who hover; the same is on the page for the chosen cell.
export function render({ model }) {
  const readout = document.createElement("div")
  readout.className = "pointer"
  readout.setAttribute("aria-hidden", "true")
  const hover = (event) => {
    const { cell, value } = event.detail
    if (cell === null) { readout.textContent = ""; return }
    const lat = 89.5 - Math.floor(cell / 360)
    const lon = (cell % 360) - 179.5
    const number = Number.isFinite(value) ? `${String(Number(value.toPrecision(3))).replace("-", "−")} ${model.units}` : "no data"
    readout.textContent = `${number}  ·  ${Math.abs(lat)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon)}° ${lon < 0 ? "W" : "E"}`
  }
  window.addEventListener("hdl-hover", hover)
  model.on("remove", () => window.removeEventListener("hdl-hover", hover))
  return readout
}
