/** Runs in the page: relative luminance of a colour, as WCAG defines it. */
export const luminance = `
  const luminance = (color) => {
    const [red, green, blue] = color.match(/[\\d.]+/g).map(Number)
    const linear = (value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }`

/** Runs in the page: the texts with a contrast below 4.5 to their background. */
export const faintTexts = `(() => {${luminance}
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor
      if (!color.startsWith('rgba(0, 0, 0, 0')) return color
    }
    return 'rgb(255, 255, 255)'
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const faint = []
  while (walker.nextNode()) {
    const { parentElement: element, textContent } = walker.currentNode
    if (textContent.trim() === '' || ['title', 'desc'].includes(element.tagName)) continue
    const style = getComputedStyle(element)
    const color = element instanceof SVGElement ? style.fill : style.color
    const pair = [luminance(color), luminance(groundOf(element))].sort((a, b) => b - a)
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05)
    if (contrast < 4.5) faint.push([textContent.trim().slice(0, 40), color, contrast])
  }
  return faint
})()`
