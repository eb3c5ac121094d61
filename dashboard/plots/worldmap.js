// Paints one number per cell onto the map. The pixel -> cell index crosses the wire once per projection; a month step is
// then 15 thousand numbers instead of a million pixels, and a new colour range, theme or filter costs nothing to send.
// Arguments: runs, cells, tones, image (data sources) and mapper (palette, low, high).
const store = (image._hdl ??= { queued: false })

const expand = () => {
  const [value, length, shape] = [runs.data.value, runs.data.length, runs.tags]
  if (store.value === value) return
  const [ny, nx] = shape
  const ids = new Int16Array(ny * nx)
  for (let i = 0, k = 0; i < value.length; i++) { ids.fill(value[i], k, k + length[i]); k += length[i] }
  Object.assign(store, { value, ids, ny, nx, buffer: null })
}
const rgba = (hex) => {
  const n = parseInt(hex.slice(1, 7), 16)
  return (0xff000000 | ((n & 0xff) << 16) | (n & 0xff00) | (n >> 16)) >>> 0
}
const mix = (a, b, part) => {
  let out = 0xff000000
  for (const shift of [0, 8, 16]) out |= Math.round(((a >>> shift) & 255) * (1 - part) + ((b >>> shift) & 255) * part) << shift
  return out >>> 0
}

const paint = () => {
  store.queued = false
  expand()
  const { ids, ny, nx } = store
  const [SHOWN, CHOSEN, POOR] = [1, 2, 4]
  const { value, flags } = cells.data
  const [BLACK, WHITE] = ["#000000", "#FFFFFF"].map(rgba)
  // a hatch must show on every colour, in light and dark alike
  const bright = (c) => 0.3 * (c & 255) + 0.59 * ((c >> 8) & 255) + 0.11 * ((c >> 16) & 255) > 110
  const [nodata, veil, mark] = tones.data.color.map(rgba)
  const palette = mapper.palette.map(rgba)
  const [low, high, last] = [mapper.low, mapper.high, palette.length - 1]
  const n = value.length
  // three places in front for sea (-1), outside (-2) and ice (-3)
  const color = new Uint32Array(n + 3)
  const dark = new Uint32Array(n + 3)
  color[0] = dark[0] = nodata
  let [chosen, poor] = [false, false]
  for (let i = 0; i < n; i++) {
    const v = value[i]
    let c = Number.isFinite(v) ? palette[Math.min(Math.max(Math.round(((v - low) / (high - low)) * last), 0), last)] : nodata
    if (!(flags[i] & SHOWN)) c = mix(c, veil, 0.86)
    color[i + 3] = c
    dark[i + 3] = flags[i] & POOR ? mix(c, bright(c) ? BLACK : WHITE, 0.4) : c
    chosen ||= (flags[i] & CHOSEN) > 0
    poor ||= (flags[i] & POOR) > 0
  }
  const buffer = new ArrayBuffer(4 * nx * ny)
  const out = new Uint32Array(buffer)
  if (poor) {
    for (let y = 0, k = 0; y < ny; y++) for (let x = 0; x < nx; x++, k++) out[k] = (x + y) % 7 < 2 ? dark[ids[k] + 3] : color[ids[k] + 3]
  } else {
    for (let k = 0; k < out.length; k++) out[k] = color[ids[k] + 3]
  }
  if (chosen) { // outline of the chosen region: where membership changes between neighbouring pixels
    const inside = new Uint8Array(n + 3)
    for (let i = 0; i < n; i++) inside[i + 3] = (flags[i] & CHOSEN) > 0 ? 1 : 0
    for (let y = 0, k = 0; y < ny - 1; y++) {
      for (let x = 0; x < nx - 1; x++) {
        k = y * nx + x
        const here = inside[ids[k] + 3]
        if (here !== inside[ids[k + 1] + 3]) out[k] = out[k + 1] = mark
        if (here !== inside[ids[k + nx] + 3]) out[k] = out[k + nx] = mark
      }
    }
  }
  const NDArray = (store.NDArray ??= image.data.image[0].constructor)
  image.data.image[0] = new NDArray(buffer, [ny, nx])
  image.change.emit() // not a property change: nothing goes back to the server
  document.documentElement.dataset.hdlMapPainted = String(Number(document.documentElement.dataset.hdlMapPainted ?? 0) + 1)
}

if (cb_obj?.event_name === "mousemove" || cb_obj?.event_name === "mouseleave") {
  let [cell, value] = [null, NaN]
  if (cb_obj.event_name === "mousemove" && store.ids) {
    const [, , west, east, south, north] = runs.tags
    const x = Math.floor(((cb_obj.x - west) / (east - west)) * store.nx)
    const y = Math.floor(((cb_obj.y - south) / (north - south)) * store.ny)
    const at = x >= 0 && y >= 0 && x < store.nx && y < store.ny ? store.ids[y * store.nx + x] : -2
    if (at >= 0) [cell, value] = [cells.data.id[at], cells.data.value[at]]
  }
  window.dispatchEvent(new CustomEvent("hdl-hover", { detail: { cell, value } }))
} else if (!store.queued) {
  store.queued = true
  requestAnimationFrame(paint)
}
