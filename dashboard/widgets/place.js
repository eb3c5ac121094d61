// Where we are: name, facts, latitude and longitude fields that mirror the click, and the sentence of what is seen.
export function render({ model, el }) {
  const box = document.createElement("section")
  box.className = "whereabouts"
  box.setAttribute("aria-label", "Chosen place")
  box.innerHTML = `
    <h2></h2>
    <div class="top">
      <form novalidate aria-label="Go to a place">
        <label>Lat<input name="lat" type="text" inputmode="decimal" autocomplete="off" aria-label="Latitude, degrees north"></label>
        <label>Lon<input name="lon" type="text" inputmode="decimal" autocomplete="off" aria-label="Longitude, degrees east"></label>
        <button type="submit" class="visually-hidden" tabindex="-1">Go</button>
      </form><dl></dl></div>
    <p class="message" role="alert" hidden></p>
    <p class="sentence" role="status" aria-live="polite"></p>`
  const [lat, lon] = box.querySelectorAll("input")
  const message = box.querySelector(".message")
  const show = (value) => String(value).replace("-", "−")
  const number = (text) => Number(text.trim().replace("−", "-").replace(",", ".") || NaN)
  const known = new Map()
  const put = (field, value) => {
    const writing = field.getRootNode().activeElement === field && field.value !== known.get(field)
    known.set(field, show(value))
    if (!writing) field.value = known.get(field) // what somebody writes just now stays
  }
  const draw = () => {
    box.querySelector("h2").textContent = model.title
    put(lat, model.lat)
    put(lon, model.lon)
    const list = box.querySelector("dl")
    list.replaceChildren()
    for (const [term, text] of model.facts) {
      const pair = document.createElement("div")
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")]
      dt.textContent = term
      dd.textContent = text
      pair.append(dt, dd)
      list.append(pair)
    }
  }
  const say = () => { if (box.querySelector(".sentence").textContent !== model.sentence) box.querySelector(".sentence").textContent = model.sentence }
  const warn = () => { message.textContent = model.message; message.hidden = !model.message }
  const go = () => {
    const place = [number(lat.value), number(lon.value)]
    for (const field of [lat, lon]) known.set(field, field.value)
    if (place[0] !== model.lat || place[1] !== model.lon) model.send_msg({ type: "go", lat: place[0], lon: place[1], text: [lat.value, lon.value] })
  }
  box.querySelector("form").onsubmit = (event) => { event.preventDefault(); go() }
  lat.onchange = go
  lon.onchange = go
  for (const name of ["title", "facts", "lat", "lon"]) model.on(name, draw)
  model.on("sentence", say)
  model.on("message", warn)
  draw()
  say()
  warn()
  return box
}
