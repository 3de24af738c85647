/**
 * What a Markdown text prints in its fences marked exactly `ts`, as printed, in order. Of the README's, the first is a
 * whole program; later ones may be parts of one.
 */
export const readmePrograms = (markdown: string): ReadonlyArray<string> => {
  const lines = markdown.split("\n")
  const programs: Array<string> = []
  for (let index = 0; index < lines.length; index++) {
    const [, fence, language] = /^(`{3,})(.*)$/.exec(lines[index] ?? "") ?? []
    if (fence === undefined) continue
    const end = lines.indexOf(fence, index + 1)
    if (end === -1) throw new Error(`the fence that begins in line ${index + 1} never ends`)
    if (language === "ts") programs.push(`${lines.slice(index + 1, end).join("\n")}\n`)
    index = end
  }
  return programs
}
