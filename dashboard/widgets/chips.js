// What is selected, as removable chips, the number of cells left, undo and clear.
export function render({ model, el }) {
  const box = document.createElement("div")
  box.className = "chiprow"
  box.setAttribute("role", "group")
  box.setAttribute("aria-label", "Selection")
  const button = (text, label, act, name = "") => {
    const node = document.createElement("button")
    node.type = "button"
    node.className = name
    node.innerHTML = ""
    node.append(text)
    node.setAttribute("aria-label", label)
    node.title = label
    node.onclick = act
    return node
  }
  const draw = () => {
    const held = box.getRootNode().activeElement?.getAttribute("data-id")
    box.replaceChildren()
    for (const item of model.items) {
      const chip = document.createElement("span")
      chip.className = `chip ${item.active ? "active" : ""}`
      const name = document.createElement("button")
      name.type = "button"
      name.className = "name"
      name.textContent = item.label
      name.dataset.id = item.id
      name.disabled = !item.focus
      name.title = item.hint ?? ""
      if (item.focus) name.setAttribute("aria-pressed", String(item.active))
      name.onclick = () => model.send_msg({ type: "focus", id: item.focus })
      chip.append(name)
      if (item.removable) chip.append(button("×", `Remove ${item.label}`, () => model.send_msg({ type: "remove", id: item.id }), "x"))
      box.append(chip)
    }
    const count = document.createElement("span")
    count.className = `count ${model.empty ? "empty" : ""}`
    count.textContent = model.count
    box.append(count)
    const end = document.createElement("span")
    end.className = "end"
    if (model.items.some((item) => item.removable)) end.append(button("Clear all", "Clear all filters", () => model.send_msg({ type: "clear" }), "text"))
    const undo = button("Undo", "Undo the last change (Ctrl+Z)", () => model.send_msg({ type: "undo" }), "text")
    undo.disabled = !model.can_undo
    end.append(undo)
    box.append(end)
    if (held) [...box.querySelectorAll("[data-id]")].find((node) => node.dataset.id === held)?.focus()
  }
  for (const name of ["items", "count", "can_undo", "empty"]) model.on(name, draw)
  draw()
  return box
}
