// A number as the server writes it (`number` in selection.py): three digits, two below ten, thousands set apart, a true minus.
globalThis.hdlNumber = (value) => {
  const size = Math.abs(value), digits = size >= 10 ? 3 : 2
  let text = ""
  if (size >= 1e9 || (size > 0 && Number(size.toPrecision(digits)) < 1e-4)) {
    const [part, power] = value.toExponential(digits - 1).split("e")
    text = `${Number(part)}e${power[0]}${power.slice(1).padStart(2, "0")}`
  } else text = size >= 100 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(digits)))
  return text.replaceAll("-", "−")
}
