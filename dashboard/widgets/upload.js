// A file chooser that also takes what is dropped on it. Files go to the server piece by piece: each piece is asked for,
// so that a large file never fills a message, progress is true, and a cancel stops at once.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "upload"
  const drop = document.createElement("label")
  drop.className = "dropzone"
  const input = document.createElement("input")
  input.type = "file"
  input.multiple = true
  input.className = "visually-hidden"
  const text = document.createElement("span")
  drop.append(input, text)
  const list = document.createElement("p")
  list.className = "files"
  list.setAttribute("role", "status")
  box.append(drop, list)

  let files = []
  const size = (bytes) => bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`
  const draw = () => {
    input.accept = model.accept
    input.disabled = model.disabled
    input.setAttribute("aria-label", `${model.label}, at most ${size(model.limit)}`)
    drop.classList.toggle("disabled", model.disabled)
    text.innerHTML = "<b>Choose files</b> or drop them here"
  }
  const take = (chosen) => {
    if (model.disabled) return
    files = [...chosen]
    list.textContent = files.map((file) => `${file.name} (${size(file.size)})`).join(", ")
    model.send_msg({ type: "chosen", files: files.map((file) => ({ name: file.name, size: file.size })) })
  }
  input.onchange = () => { if (input.files.length) take(input.files) }
  drop.ondragover = (event) => { event.preventDefault(); drop.classList.add("over") }
  drop.ondragleave = () => drop.classList.remove("over")
  drop.ondrop = (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files) }

  const encode = async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer())
    let text = ""
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768))
    return btoa(text)
  }
  model.on("msg:custom", async (event) => {
    const message = event.type ? event : event.data
    if (message.type === "reset") { files = []; input.value = ""; list.textContent = "" }
    if (message.type === "next") {
      const file = files[message.file]
      if (!file) return
      try {
        const content = await encode(file.slice(message.start, message.start + model.piece))
        model.send_msg({ type: "piece", ticket: message.ticket, file: message.file, start: message.start, content })
      } catch {
        model.send_msg({ type: "unreadable", ticket: message.ticket, name: file.name })
      }
    }
  })
  for (const name of ["accept", "disabled", "label", "limit"]) model.on(name, draw)
  draw()
  return box
}
