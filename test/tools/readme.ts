/**
 * The programs a Markdown text prints: what stands in its fences marked exactly `ts`. A fence with anything after `ts`
 * is part of a program and left out.
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
