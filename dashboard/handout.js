// The lesson's map and curves, drawn from the numbers in the file alone.
const { map, curves, names } = JSON.parse(document.getElementById("data").textContent)
const unpack = async (text, Kind) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))
  return new Kind(await new Response(stream).arrayBuffer())
}
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

const begin = async () => {
  const [value, length, values, cells, coast, outline] = await Promise.all([
    unpack(map.runs, Int16Array), unpack(map.lengths, Int32Array), unpack(map.values, Uint8Array),
    unpack(map.cells, Int32Array), unpack(map.coast, Int16Array), unpack(map.outline, Int16Array),
  ])
  const stores = await Promise.all(curves.stores.map(async (one) => ({ ...one, values: await unpack(one.values, Int16Array) })))
  const [width, height] = map.size
  const index = new Int16Array(width * height)
  for (let i = 0, k = 0; i < value.length; k += length[i], i++) index.fill(value[i], k, k + length[i])
  const count = cells.length
  const canvas = document.querySelector("canvas")
  const scale = 2
  canvas.width = width * scale
  canvas.height = height * scale
  const context = canvas.getContext("2d")
  const slider = document.getElementById("month")
  const said = document.getElementById("said")
  const palette = map.palette.map(rgb)
  const [ocean, nodata, text] = ["ocean", "nodata", "text"].map(token)
  const small = document.createElement("canvas")
  small.width = width
  small.height = height
  let chosen = map.chosen
  let month = map.month

  const trace = (points) => {
    context.beginPath()
    let open = false
    for (let i = 0; i < points.length; i += 2) {
      if (points[i] < 0) { open = false; continue }
      const [x, y] = [(points[i] / 1e4) * canvas.width, (points[i + 1] / 1e4) * canvas.height]
      open ? context.lineTo(x, y) : context.moveTo(x, y)
      open = true
    }
  }
  const at = (cell) => values[(map.months > 1 ? month - 1 : 0) * count + cell]
  const paint = () => {
    const image = new ImageData(width, height)
    const [land] = [rgb(nodata)]
    for (let k = 0; k < index.length; k++) {
      const id = index[k]
      if (id === -1 || id === -2) continue
      const level = id >= 0 ? at(id) : 255
      const color = level === 255 ? land : palette[Math.round((level / 254) * (palette.length - 1))]
      image.data.set([...color, 255], 4 * k)
    }
    small.getContext("2d").putImageData(image, 0, 0)
    context.clearRect(0, 0, canvas.width, canvas.height)
    trace(outline)
    context.fillStyle = ocean
    context.fill()
    context.imageSmoothingEnabled = false
    context.drawImage(small, 0, 0, canvas.width, canvas.height)
    trace(coast)
    context.strokeStyle = "#3F515C"
    context.lineWidth = 1
    context.stroke()
    const first = index.indexOf(chosen)
    if (first >= 0) {
      context.beginPath()
      context.arc(((first % width) + 0.5) * scale, (Math.floor(first / width) + 1) * scale, 11, 0, 7)
      for (const [color, wide] of [["#fff", 6], [text, 2.4]]) { context.strokeStyle = color; context.lineWidth = wide; context.stroke() }
    }
    document.querySelector("output").textContent = names[month - 1]
  }
  const place = (cell) => {
    const id = cells[cell]
    const [lat, lon] = [89.5 - Math.floor(id / 360), (id % 360) - 179.5]
    return `${Math.abs(lat)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon)}° ${lon < 0 ? "W" : "E"}`
  }
  const tell = () => {
    const level = at(chosen)
    if (map.mixed) { said.textContent = `${place(chosen)}: blue is snow, orange soil moisture, green groundwater; a mixed colour, a mixed swing.`; return }
    if (map.classes.length && level !== 255) {
      said.textContent = `${place(chosen)}: ${map.title.toLowerCase()} ${map.classes[Math.round((level / 254) * (map.high - map.low))]}.`
      return
    }
    const number = level === 255 ? "no value here" : `${hdlNumber(map.low + (level / 254) * (map.high - map.low))} ${map.units}`
    said.textContent = `${place(chosen)}, ${names[month - 1]}: ${map.title.toLowerCase()} ${number}${map.departure ? " from the yearly mean" : ""}.`
  }
  const draw = () => {
    const box = document.getElementById("curves")
    const lines = stores.map((one) => Array.from({ length: 12 }, (_, m) => one.values[m * count + chosen] / 10))
    const known = lines.flat().filter((v) => v > -3276)
    if (!known.length) { box.textContent = ""; return }
    const most = Math.max(...known.map(Math.abs), 1)
    const [w, h, left, right] = [800, 240, 60, 110]
    const x = (m) => left + (m / 11) * (w - left - right)
    const y = (v) => h / 2 - 20 - (v / most) * (h / 2 - 32)
    const paths = lines.map((line, i) => `<path d="M${line.map((v, m) => `${x(m)} ${y(v)}`).join("L")}" fill="none" stroke="${stores[i].color}" stroke-width="${i ? 2 : 2.6}" stroke-dasharray="${stores[i].dash}"/>`)
    const order = lines.map((line, i) => [y(line[11]), i]).sort((a, b) => a[0] - b[0])
    for (let i = 1; i < order.length; i++) order[i][0] = Math.max(order[i][0], order[i - 1][0] + 15)
    const labels = order.map(([top, i]) => `<text x="${w - right + 8}" y="${top + 4}" fill="${stores[i].color}">${stores[i].name}</text>`)
    const ticks = [-most, 0, most].map((v) => `<text x="${left - 8}" y="${y(v) + 4}" text-anchor="end">${hdlNumber(v)}</text><path d="M${left} ${y(v)}H${w - right}" stroke="${token("line")}"/>`)
    const months = names.map((name, m) => `<text x="${x(m)}" y="${h - 8}" text-anchor="middle" font-weight="${m + 1 === month ? 700 : 400}">${name[0]}</text>`)
    box.innerHTML = `<svg viewBox="0 0 ${w} ${h}" role="img" aria-label="Stored water through the year at ${place(chosen)}, mm from the yearly mean" font-size="12"><text x="8" y="14">mm from the mean</text>${ticks.join("")}${paths.join("")}${labels.join("")}${months.join("")}</svg>`
  }
  const all = () => { paint(); draw() }
  slider.value = month
  if (map.months < 2) slider.parentElement.querySelectorAll("label,input").forEach((node) => { node.hidden = true })
  slider.oninput = () => { month = Number(slider.value); all(); tell() }
  const click = (event) => {
    const box = canvas.getBoundingClientRect()
    const [x, y] = [Math.floor(((event.clientX - box.left) / box.width) * width), Math.floor(((event.clientY - box.top) / box.height) * height)]
    const id = index[y * width + x]
    if (id >= 0) { chosen = id; all(); tell() } else said.textContent = "There is no land cell here; click on land."
  }
  canvas.onclick = click
  document.querySelector(".key").hidden = map.mixed || map.classes.length > 0
  document.getElementById("low").textContent = hdlNumber(map.low)
  document.getElementById("high").textContent = `${hdlNumber(map.high)} ${map.units}`
  document.querySelector(".key i").style.background = `linear-gradient(to right, ${map.palette.join(",")})`
  all()
}
begin()
