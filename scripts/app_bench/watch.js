// What a person sees of a page, for the measurements: which plots hold what, when their canvases were painted, when the
// person acted. `window.bench.parts` says what there is to be seen; the plain app brings its own.
window.bench = (() => {
  const bench = { act: 0, painted: 0, shown: 0 }
  for (const name of ["pointerdown", "keydown"]) {
    window.addEventListener(name, (event) => { bench.act = event.timeStamp }, { capture: true })
  }
  const seen = (node) => node.checkVisibility?.({ visibilityProperty: true }) ?? false
  // Bokeh clears a canvas whenever it draws it anew.
  const clear = CanvasRenderingContext2D.prototype.clearRect
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    this.canvas.benchPainted = performance.now()
    if (seen(this.canvas)) bench.painted = this.canvas.benchPainted
    return clear.apply(this, box)
  }
  const walk = (root, visit) => {
    for (const node of root.querySelectorAll("*")) {
      visit(node)
      if (node.shadowRoot && seen(node)) walk(node.shadowRoot, visit) // a hidden page is not seen
    }
  }
  bench.canvases = (plot) => {
    const found = []
    walk(plot.shadowRoot ?? plot, (node) => { if (node.tagName === "CANVAS") found.push(node) })
    return found
  }
  const ink = (plot) => bench.canvases(plot).some((canvas) => {
    if (!canvas.width || !canvas.height) return false
    const pixels = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
    for (let i = 3; i < pixels.length; i += 404) if (pixels[i]) return true
    return false
  })
  const paintedAt = (plot) => Math.max(0, ...bench.canvases(plot).map((canvas) => canvas.benchPainted ?? 0))

  // name -> [what it says, its element]
  bench.parts = () => {
    const parts = {}
    walk(document, (node) => {
      if (node.getAttribute("role") === "img") {
        const text = node.getAttribute("aria-label") ?? ""
        if (text.startsWith("Map:")) parts.map = [text, node]
        else if (/stored water (swings|ranges|departs)/.test(text)) parts.curves = [text, node]
        else if (text.includes("the memory of stored water")) parts.memory = [text, node]
      } else if (node.classList.contains("sentence")) parts.sentence = [node.textContent, null]
      else if (node.classList.contains("caption")) parts.title ??= [node.shadowRoot?.querySelector("b")?.textContent ?? "", null]
      else if (node.ariaLabel?.startsWith("Legend:")) parts.legend ??= [node.ariaLabel, null]
      else if (node.type === "range" && node.ariaLabel === "Month") parts.player ??= [node.ariaValueText ?? "", null]
    })
    return parts
  }
  const texts = (parts) => Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part[0]]))

  // After the frame that is being made has been painted.
  const afterPaint = (then) => {
    const channel = new MessageChannel()
    channel.port1.onmessage = then
    channel.port2.postMessage(0)
  }

  // Resolves with performance.now() once every named plot says something and holds pixels.
  bench.filled = (names, limit) => new Promise((resolve, reject) => {
    const look = () => {
      const parts = bench.parts()
      const done = names.every((name) => parts[name]?.[0] && (!parts[name][1] || ink(parts[name][1])))
      if (done) afterPaint(() => resolve(performance.now()))
      else if (performance.now() > limit) reject(new Error(`not filled: ${JSON.stringify(texts(parts))}`))
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })

  // goals: name -> {part: JavaScript of `now` and `was`, what the part says}. A goal is reached when every part's test
  // holds and its plot, if it is one, has been painted since. `bench.seen` resolves with the milliseconds of each from the
  // act to after the frame.
  bench.watch = (goals, limit) => {
    const was = texts(bench.parts())
    const open = Object.entries(goals).map(([name, tests]) => ({ name, tests: Object.entries(tests).map(([part, test]) => (
      { part, test: new Function("now", "was", `return ${test}`), since: null }
    )) }))
    const begun = performance.now()
    bench.act = Infinity
    bench.seen = new Promise((resolve, reject) => {
      const took = {}
      let last = begun
      const says = (parts, { part, test }) => part in parts && test(parts[part][0], was[part] ?? "")
      const painted = (parts, { part, since }) => !parts[part][1] || paintedAt(parts[part][1]) >= since
      const look = () => {
        const parts = bench.parts()
        const waiting = open.filter((goal) => !(goal.name in took))
        for (const one of waiting.flatMap((goal) => goal.tests)) {
          // it came true after the frame before this one, and after the act
          const true_now = bench.act < Infinity && says(parts, one)
          one.since = true_now ? one.since ?? Math.max(last, bench.act) : null
        }
        last = performance.now()
        // canvases are drawn in this very frame, after this look
        afterPaint(() => {
          const seen = waiting.filter((goal) => goal.tests.every((one) => one.since !== null && painted(parts, one)))
          for (const goal of seen) took[goal.name] = performance.now() - bench.act
          if (open.every((goal) => goal.name in took)) resolve(took)
          else if (last - begun > limit) reject(new Error(`not seen: ${JSON.stringify([goals, texts(parts)])}`))
          else requestAnimationFrame(look)
        })
      }
      requestAnimationFrame(look)
    })
    bench.seen.catch(() => {})
  }
  // Whether something is drawn in a plot that is seen, or there is none (Learn).
  const shows = () => {
    const plots = []
    walk(document.body, (node) => { if (node.getAttribute("role") === "img" && seen(node)) plots.push(node) })
    return !plots.length || plots.some(ink)
  }

  // Resolves with the milliseconds from the act to the last change (text, elements, canvases) before the page, once the
  // `test` of the document holds, has rested for `quiet` milliseconds.
  bench.rest = (test, quiet, limit) => {
    const holds = new Function(`return ${test}`)
    const begun = performance.now()
    bench.act = Infinity
    bench.whole = null
    bench.rested = new Promise((resolve, reject) => {
      let [held, changed] = ["", begun]
      const look = () => {
        const now = performance.now()
        let [text, nodes, skeleton] = [0, 0, false]
        walk(document.body, (node) => {
          nodes += 1
          skeleton ||= node.classList.contains("skeleton")
          if (node.shadowRoot) text += node.shadowRoot.textContent.length
        })
        const print = [text, nodes, bench.painted].join()
        if (print !== held) [held, changed] = [print, now]
        const there = bench.act !== Infinity && !skeleton && holds()
        if (there && bench.whole === null && shows()) {
          const looking = performance.now() - now // pixels are read back, which no visitor waits for
          bench.whole = 0
          afterPaint(() => { bench.whole = performance.now() - looking - bench.act })
        }
        if (there && now - Math.max(changed, bench.act) > quiet) resolve(Math.max(0, changed - bench.act))
        else if (now - begun > limit) reject(new Error(`no rest: ${test}`))
        else requestAnimationFrame(look)
      }
      requestAnimationFrame(look)
    })
    bench.rested.catch(() => {})
  }

  // Counts, until `bench.stopped()`, the frames in which what the part says changed and its plot was painted since.
  bench.count = (part) => {
    let [said, frames, going, since] = [bench.parts()[part][0], 0, true, Infinity]
    const look = () => {
      if (!going) return
      const [text, plot] = bench.parts()[part] ?? [said, null]
      if (text !== said) [said, since] = [text, Math.min(since, performance.now() - 40)]
      if (since < Infinity && plot && paintedAt(plot) >= since) [frames, since] = [frames + 1, Infinity]
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
    bench.stopped = () => { going = false; return frames }
  }
  return bench
})()
