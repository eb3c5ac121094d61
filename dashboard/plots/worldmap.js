// Paints one number per cell onto the map. The pixel -> cell index crosses the wire once per projection; a month step is
// then 15 thousand numbers instead of a million pixels, and a new colour range, theme or filter costs nothing to send.
// A quantity with a finer grid has, over the cells, a picture of the window. Arguments: runs, cells, tones, image, codes,
// rows, detail (data sources), fields (a column for each month held, the tag names the one shown) and mapper (palette, low,
// high).
const store = (image._hdl ??= { queued: false })
const shown = () => fields.data[fields.tags[0]]

const expand = () => {
  const [value, length, shape] = [runs.data.value, runs.data.length, runs.tags]
  if (store.value === value) return
  const [ny, nx] = shape
  const ids = new Int16Array(ny * nx)
  const seen = { id: [], start: [], end: [] } // runs of what has a colour: the sea (-1) and beyond (-2) have none
  for (let i = 0, k = 0; i < value.length; i++) {
    ids.fill(value[i], k, k + length[i])
    if (value[i] !== -1 && value[i] !== -2) { seen.id.push(value[i]); seen.start.push(k); seen.end.push(k + length[i]) }
    k += length[i]
  }
  for (const name in seen) seen[name] = Int32Array.from(seen[name])
  // Written again and again: 4 MB that are new each time cost more than the colours in them.
  Object.assign(store, { value, ids, seen, ny, nx, pixels: new Uint32Array(ny * nx) })
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

// The picture of the window on a finer grid: deflated differences, high bytes before low ones (screen.wire).
const unpack = async () => {
  const bytes = codes.data.code
  store.bytes = bytes
  let found = null
  if (bytes.length) {
    const [ny, nx, west, east, south, north, offset, scale, step, pole] = codes.tags
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))
    const planes = new Uint8Array(await new Response(stream).arrayBuffer())
    const n = nx * ny
    const code = new Uint16Array(n)
    let most = 0
    for (let k = 0, sum = 0; k < n; k++) {
      sum = (sum + ((planes[k] << 8) | planes[n + k])) & 0xffff
      code[k] = sum
      if (sum > most) most = sum
    }
    found = { code, most, ny, nx, west, east, south, north, offset, scale, step, pole }
  }
  if (store.bytes !== bytes) return // another has come meanwhile
  Object.assign(store, { detail: found, ready: bytes })
  queue()
}
const CLEAR = 0, NO_DATA = 1, FIRST = 2

const paint = () => {
  store.queued = false
  expand()
  if (store.ready !== codes.data.code) { // map and picture change together
    if (store.bytes !== codes.data.code) unpack().catch(() => { Object.assign(store, { detail: null, ready: store.bytes }); queue() })
    return
  }
  const { ids, seen, ny, nx, detail: fine } = store
  const [SHOWN, CHOSEN, POOR] = [1, 2, 4]
  const { flags } = cells.data
  const value = shown()
  // a month that came to be kept, or that the browser has shown by itself before the server said so
  const look = [image.data.image[0], value, flags, mapper.palette, mapper.low, mapper.high, tones.data.color, ids, fine]
  if (!value || (store.look && look.every((one, i) => one === store.look[i]))) return
  const [BLACK, WHITE] = ["#000000", "#FFFFFF"].map(rgba)
  // a hatch must show on every colour, in light and dark alike
  const bright = (c) => 0.3 * (c & 255) + 0.59 * ((c >> 8) & 255) + 0.11 * ((c >> 16) & 255) > 110
  const [nodata, veil, mark] = tones.data.color.map(rgba)
  const palette = mapper.palette.map(rgba)
  const [low, high, last] = [mapper.low, mapper.high, palette.length - 1]
  const tint = (v) => Number.isFinite(v) ? palette[Math.min(Math.max(Math.round(((v - low) / (high - low)) * last), 0), last)] : nodata
  const n = value.length
  // three places in front for sea (-1), outside (-2) and ice (-3)
  const color = new Uint32Array(n + 3)
  const dark = new Uint32Array(n + 3)
  const inside = new Uint8Array(n + 3)
  color[0] = dark[0] = nodata
  let [chosen, veiled] = [false, false]
  for (let i = 0; i < n; i++) {
    let c = tint(value[i])
    if (!(flags[i] & SHOWN)) { c = mix(c, veil, 0.86); veiled = true }
    color[i + 3] = c
    dark[i + 3] = flags[i] & POOR ? mix(c, bright(c) ? BLACK : WHITE, 0.4) : c
    if (flags[i] & CHOSEN) { inside[i + 3] = 1; chosen = true }
  }
  const out = store.pixels.fill(0)
  for (let i = 0; i < seen.id.length; i++) {
    const [at, end] = [seen.id[i] + 3, seen.end[i]]
    const [plain, striped] = [color[at], dark[at]]
    let k = seen.start[i]
    if (plain === striped) for (; k < end; k++) out[k] = plain
    else for (let stripe = (Math.floor(k / nx) + (k % nx)) % 7; k < end; k++) {
      out[k] = stripe < 2 ? striped : plain
      if (++stripe === 7) stripe = 0
    }
  }
  // outline of the chosen region: where membership changes between neighbouring pixels
  const outline = (pixels, columns, rows, at) => {
    for (let y = 0; y < rows - 1; y++) {
      for (let x = 0; x < columns - 1; x++) {
        const k = y * columns + x
        const here = inside[at(x, y) + 3]
        if (here !== inside[at(x + 1, y) + 3]) pixels[k] = pixels[k + 1] = mark
        if (here !== inside[at(x, y + 1) + 3]) pixels[k] = pixels[k + columns] = mark
      }
    }
  }
  if (chosen) outline(out, nx, ny, (x, y) => ids[y * nx + x])
  const NDArray = (store.NDArray ??= image.data.image[0].constructor)
  const [, , west, east, south, north] = runs.tags
  const across = (x) => Math.min(Math.max(Math.floor(((x - west) / (east - west)) * nx), 0), nx - 1)
  const upward = (y) => Math.min(Math.max(Math.floor(((y - south) / (north - south)) * ny), 0), ny - 1)
  if (fine) {
    for (let y = upward(fine.south); y <= upward(fine.north); y++) out.fill(0, y * nx + across(fine.west), y * nx + across(fine.east) + 1)
    const [columns, rows] = [fine.nx, fine.ny]
    const below = Int32Array.from({ length: columns }, (_, i) => across(fine.west + ((i + 0.5) / columns) * (fine.east - fine.west)))
    const beside = Int32Array.from({ length: rows }, (_, i) => upward(fine.south + ((i + 0.5) / rows) * (fine.north - fine.south)) * nx)
    const plain = new Uint32Array(fine.most + 1)
    const pale = new Uint32Array(fine.most + 1)
    for (let c = NO_DATA; c <= fine.most; c++) {
      plain[c] = tint(c === NO_DATA ? NaN : fine.offset + (c - FIRST) * fine.scale)
      pale[c] = mix(plain[c], veil, 0.86)
    }
    const pixels = new Uint32Array(columns * rows)
    if (veiled) { // filters are of cells: what lies in none of those left, the sea too, is pale
      for (let y = 0, k = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, k++) {
          const at = ids[beside[y] + below[x]]
          pixels[k] = at >= 0 && flags[at] & SHOWN ? plain[fine.code[k]] : pale[fine.code[k]]
        }
      }
    } else for (let k = 0; k < pixels.length; k++) pixels[k] = plain[fine.code[k]]
    if (chosen) outline(pixels, columns, rows, (x, y) => ids[beside[y] + below[x]])
    detail.data.image[0] = new NDArray(pixels.buffer, [rows, columns])
    Object.assign(detail.data, { x: [fine.west], y: [fine.south], dw: [fine.east - fine.west], dh: [fine.north - fine.south] })
  } else if (store.drawn) detail.data.image[0] = new NDArray(new ArrayBuffer(4), [1, 1])
  if (fine || store.drawn) detail.change.emit()
  store.drawn = Boolean(fine)
  image.data.image[0] = new NDArray(out.buffer, [ny, nx])
  store.look = [image.data.image[0], ...look.slice(1)]
  image.change.emit() // not a property change: nothing goes back to the server
  document.documentElement.dataset.hdlMapPainted = String(Number(document.documentElement.dataset.hdlMapPainted ?? 0) + 1)
}
// Once for all that an answer of the server changes, and in the frame in which the plots are painted for it.
const queue = () => {
  if (store.queued) return
  store.queued = true
  queueMicrotask(paint)
}

// What is under the pointer: {lat, lon, value} of the cell, or of the finer grid's; null where there is nothing.
const under = (px, py) => {
  const fine = store.detail
  if (fine && px >= fine.west && px < fine.east && py >= fine.south && py < fine.north) {
    const row = Math.floor(((py - fine.south) / (fine.north - fine.south)) * fine.ny)
    const code = fine.code[row * fine.nx + Math.floor(((px - fine.west) / (fine.east - fine.west)) * fine.nx)]
    if (code === CLEAR) return null
    let [lon, lat] = [Math.min(Math.max((180 * px) / rows.data.edge[row], -180), 179.999), rows.data.lat[row]]
    if (fine.pole) { // the azimuthal map of projection.py
      lon = (Math.atan2(px, -fine.pole * py) * 180) / Math.PI
      lat = fine.pole * (90 - (Math.asin(Math.min(Math.hypot(px, py) / 2, 1)) * 360) / Math.PI)
    }
    const centre = (degrees) => (Math.floor(degrees / fine.step) + 0.5) * fine.step
    return { lat: 90 - centre(90 - lat), lon: centre(lon + 180) - 180, value: code === NO_DATA ? NaN : fine.offset + (code - FIRST) * fine.scale }
  }
  const [, , west, east, south, north] = runs.tags
  const x = Math.floor(((px - west) / (east - west)) * store.nx)
  const y = Math.floor(((py - south) / (north - south)) * store.ny)
  const at = x >= 0 && y >= 0 && x < store.nx && y < store.ny ? store.ids[y * store.nx + x] : -2
  if (at < 0) return null
  const cell = cells.data.id[at]
  return { lat: 89.5 - Math.floor(cell / 360), lon: (cell % 360) - 179.5, value: shown()[at] }
}

if (cb_obj?.event_name === "mousemove" || cb_obj?.event_name === "mouseleave") {
  const detail = cb_obj.event_name === "mousemove" && store.ids ? under(cb_obj.x, cb_obj.y) : null
  window.dispatchEvent(new CustomEvent("hdl-hover", { detail }))
} else queue()
