// What is under the pointer, for those who hover; the same is on the page for the chosen cell.
export function render({ model }) {
  const readout = document.createElement("div")
  readout.className = "pointer"
  readout.setAttribute("aria-hidden", "true")
  const hover = (event) => {
    if (!event.detail) { readout.textContent = ""; return }
    const { lat, lon, value } = event.detail
    const said = model.names.length ? model.names[value - 1] : `${window.hdlNumber(value)} ${model.units}`
    const number = Number.isFinite(value) ? said : "no data"
    readout.textContent = `${number}  ·  ${Math.abs(lat)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon)}° ${lon < 0 ? "W" : "E"}`
  }
  window.addEventListener("hdl-hover", hover)
  model.on("remove", () => window.removeEventListener("hdl-hover", hover))
  return readout
}
