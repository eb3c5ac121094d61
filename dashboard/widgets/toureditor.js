// A form for a tour. What is written is sent as one draft when a field is left; the tab keeps it too, for a page that is
// opened again (a lost connection, a reload).
const KEPT = "hdl-draft"
const blank = (draft) => !draft.title && !draft.summary && draft.steps.every((step) => !step.title && !step.text)
const FIELDS = [
  ["title", "Title of the step", "input"],
  ["text", "What is said (an empty line begins a paragraph, **bold**)", "textarea"],
  ["view", "View: what stands after the ? of the address", "input"],
]
const QUESTION = [
  ["ask", "Question, if any", "input"],
  ["options", "Possible answers, one a line, a * before the right one; empty for an open question", "textarea"],
  ["explain", "Explanation shown with the answer", "textarea"],
]
const LOOKS = { "": "Nothing", map: "Map", curves: "Curves", memory: "Memory heatmap", filters: "Filters", controls: "Experiment", runs: "Both runs", pulse: "Pulse" }
export function render({ model }) {
  const box = document.createElement("form")
  box.className = "draftform"
  box.noValidate = true
  box.onsubmit = (event) => event.preventDefault()
  let draft = null
  const send = () => model.send_msg({ type: "draft", draft, at: model.at })
  const button = (label, act, off = false, name = "outlined") => {
    const node = document.createElement("button")
    node.type = "button"
    node.className = name
    node.textContent = label
    node.disabled = off
    node.onclick = act
    return node
  }
  const field = (label, kind, value, change) => {
    const wrap = document.createElement("label")
    const name = document.createElement("span")
    name.textContent = label
    const node = document.createElement(kind)
    if (kind === "input") node.type = "text"
    else node.rows = 3
    node.value = value ?? ""
    node.autocomplete = "off"
    node.onchange = () => { change(node.value); send() }
    wrap.append(name, node)
    return wrap
  }
  const group = (title, ...nodes) => {
    const part = document.createElement("fieldset")
    const name = document.createElement("legend")
    name.textContent = title
    part.append(name, ...nodes)
    return part
  }
  const options = (question) => (question?.options ?? []).map((text, i) => (i + 1 === question.answer ? "* " : "") + text).join("\n")
  const written = (step, key, value) => {
    const question = { ask: "", options: [], answer: null, explain: "", ...(step.question ?? {}) }
    if (key === "options") {
      const lines = value.split("\n").map((line) => line.trim()).filter(Boolean)
      const right = lines.findIndex((line) => line.startsWith("*"))
      question.options = lines.map((line) => line.replace(/^\*\s*/, ""))
      question.answer = lines.length ? Math.max(right, 0) + 1 : null
    } else question[key] = value
    step.question = question.ask || question.explain || question.options.length ? question : null
  }
  const draw = () => {
    draft = structuredClone(model.draft)
    try { if (!blank(draft)) sessionStorage.setItem(KEPT, JSON.stringify(draft)) } catch { /* a tab that may keep nothing */ }
    const at = Math.min(model.at, draft.steps.length - 1)
    const step = draft.steps[at]
    const steps = document.createElement("div")
    steps.className = "steplist"
    steps.setAttribute("role", "group")
    steps.setAttribute("aria-label", "Steps")
    draft.steps.forEach((each, i) => {
      const node = button(`${i + 1}. ${each.title || "untitled"}`, () => model.send_msg({ type: "at", at: i }), false, "stepname")
      node.setAttribute("aria-pressed", String(i === at))
      steps.append(node)
    })
    const moves = document.createElement("div")
    moves.className = "moves"
    moves.append(
      button("Add a step", () => { draft.steps.splice(at + 1, 0, { title: "", text: "", view: model.view, look: "", question: null }); model.send_msg({ type: "draft", draft, at: at + 1 }) }),
      button("Remove", () => { draft.steps.splice(at, 1); model.send_msg({ type: "draft", draft, at: Math.max(at - 1, 0) }) }, draft.steps.length < 2, ""),
      button("Earlier", () => { [draft.steps[at - 1], draft.steps[at]] = [step, draft.steps[at - 1]]; model.send_msg({ type: "draft", draft, at: at - 1 }) }, at < 1, ""),
      button("Later", () => { [draft.steps[at + 1], draft.steps[at]] = [step, draft.steps[at + 1]]; model.send_msg({ type: "draft", draft, at: at + 1 }) }, at >= draft.steps.length - 1, ""),
    )
    const look = document.createElement("label")
    const name = document.createElement("span")
    name.textContent = "What to look at (framed on the page)"
    const select = document.createElement("select")
    for (const [key, label] of Object.entries(LOOKS)) { const option = document.createElement("option"); option.value = key; option.textContent = label; option.selected = key === (step.look ?? ""); select.append(option) }
    select.onchange = () => { step.look = select.value; send() }
    look.append(name, select)
    const card = document.createElement("label")
    card.className = "tick"
    const tick = document.createElement("input")
    tick.type = "checkbox"
    tick.checked = draft.cover ? draft.cover === step.view : at === 0
    tick.onchange = () => { draft.cover = tick.checked ? step.view : ""; send() }
    card.append(tick, "Its map stands on the card")
    const file = document.createElement("label")
    file.className = "openfile"
    file.tabIndex = -1
    const input = document.createElement("input")
    input.type = "file"
    input.accept = ".json,application/json"
    input.className = "visually-hidden"
    input.setAttribute("aria-label", "Open a tour from a JSON file")
    input.onchange = async () => { if (input.files[0]) model.send_msg({ type: "file", name: input.files[0].name, text: await input.files[0].text() }); input.value = "" }
    file.append("Open a JSON", input)
    const ends = document.createElement("div")
    ends.className = "moves"
    ends.append(button("Try it", () => model.send_msg({ type: "try" }), false, "filled"), button("Save as JSON", () => model.send_msg({ type: "save" })), file)
    const problem = document.createElement("p")
    problem.className = "problem"
    problem.setAttribute("role", "alert")
    problem.textContent = model.problem
    problem.hidden = !model.problem
    box.replaceChildren(
      group("Tour",
        field("Title", "input", draft.title, (value) => { draft.title = value }),
        field("What it is about, in a sentence", "input", draft.summary, (value) => { draft.summary = value })),
      group(`Steps`, steps, moves),
      group(`Step ${at + 1}`,
        ...FIELDS.map(([key, label, kind]) => field(label, kind, step[key], (value) => { step[key] = value })),
        button("Take the view I looked at last", () => { if (draft.cover && draft.cover === step.view) draft.cover = model.view; step.view = model.view; send() }), card, look),
      group("Question", ...QUESTION.map(([key, label, kind]) => field(label, kind, key === "options" ? options(step.question) : step.question?.[key], (value) => written(step, key, value)))),
      problem, ends,
    )
  }
  const warn = () => { const node = box.querySelector(".problem"); if (node) { node.textContent = model.problem; node.hidden = !model.problem } }
  for (const name of ["draft", "at"]) model.on(name, draw)
  model.on("problem", warn)
  draw()
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT))
    if (kept && blank(model.draft)) model.send_msg({ type: "draft", draft: kept, at: 0 })
  } catch { /* nothing kept */ }
  return box
}
