// One line of text with its label and, under it, what is wrong with it.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "oneline"
  box.innerHTML = `<label></label><input type="text" autocomplete="off" spellcheck="false"><p role="alert" hidden></p>`
  const [label, input, problem] = box.children
  input.id = `line-${Math.random().toString(36).slice(2)}`
  label.htmlFor = input.id
  problem.id = `${input.id}-problem`
  input.setAttribute("aria-describedby", problem.id)
  let known = null
  const draw = () => {
    const writing = input.getRootNode().activeElement === input && input.value !== known
    label.textContent = model.label
    input.placeholder = model.hint
    input.disabled = model.disabled
    known = model.value
    if (!writing && input.value !== known) input.value = known // what somebody writes just now stays
  }
  const warn = () => {
    problem.textContent = model.problem
    problem.hidden = !model.problem
    input.setAttribute("aria-invalid", String(Boolean(model.problem)))
  }
  input.onchange = () => {
    known = input.value
    model.send_msg({ type: "text", text: input.value })
  }
  for (const name of ["label", "hint", "value", "disabled"]) model.on(name, draw)
  model.on("problem", warn)
  draw()
  warn()
  return box
}
