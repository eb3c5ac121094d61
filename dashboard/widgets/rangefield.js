// Two numbers as one range; an empty field is open.
export function render({ model }) {
  const box = document.createElement("fieldset")
  box.className = "range"
  box.innerHTML = `<legend></legend><div><input type="text" inputmode="decimal" autocomplete="off"><span>to</span><input type="text" inputmode="decimal" autocomplete="off"></div><p class="saywhy" role="alert" hidden></p>`
  const [low, high] = box.querySelectorAll("input")
  const why = box.querySelector("p")
  const show = (value) => (value === null || value === undefined ? "" : String(Number(Number(value).toPrecision(6))).replace("-", "−"))
  // What somebody is writing stays, whatever news comes in meanwhile; what has been sent may be answered.
  const known = new Map([[low, ""], [high, ""]])
  const put = (field, text) => {
    const writing = field.getRootNode().activeElement === field && field.value !== known.get(field)
    if (writing) return
    known.set(field, text)
    field.value = text
  }
  const draw = () => {
    box.querySelector("legend").textContent = model.label
    low.setAttribute("aria-label", `${model.label}, from`)
    high.setAttribute("aria-label", `${model.label}, to`)
    low.placeholder = model.hints[0] ?? ""
    high.placeholder = model.hints[1] ?? ""
    put(low, show(model.low))
    put(high, show(model.high))
  }
  const known_number = (value) => value === null || Number.isFinite(value)
  const read = (field) => {
    const text = field.value.trim().replace("−", "-").replace(",", ".")
    const value = text === "" ? null : Number(text)
    field.setAttribute("aria-invalid", String(!known_number(value)))
    return value
  }
  const send = () => {
    const pair = [read(low), read(high)]
    const wrong = [low, high][pair.findIndex((value) => !known_number(value))]
    why.hidden = !wrong
    why.textContent = wrong ? `“${wrong.value}” is not a number; write one as 12.5, or leave the field empty.` : ""
    if (wrong) return
    for (const field of [low, high]) known.set(field, field.value)
    model.send_msg({ type: "range", range: pair })
  }
  low.onchange = send
  high.onchange = send
  for (const name of ["label", "low", "high", "hints"]) model.on(name, draw)
  draw()
  return box
}
