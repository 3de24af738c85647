/** The code that docs/writing-a-log.md prints, laid out as a project of someone who follows it. */
import { execFile } from "node:child_process"
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { linkDependencies, manifest, remove, root, temporaryDirectory, toolEnvironment } from "../tools/stage.ts"

export const page = join(root, "docs/writing-a-log.md")

/** A fenced block: what stands behind its opening fence, and what is in it. */
interface Block {
  readonly info: string
  readonly text: string
}

const blocks = (markdown: string): ReadonlyArray<Block> =>
  [...markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info = "", text = ""]) => ({ info, text }))

/** The page's files by name: a block marked `ts NAME` is a part of one, and its parts come in order. */
export const files = (markdown: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const { info, text } of blocks(markdown)) {
    const [, name] = /^ts (\S+\.ts)$/.exec(info) ?? []
    if (name === undefined) continue
    const before = found.get(name)
    found.set(name, before === undefined ? text : `${before}\n${text}`)
  }
  return found
}

/** The blocks of one kind. */
export const marked = (markdown: string, info: string): ReadonlyArray<string> =>
  blocks(markdown).flatMap((block) => (block.info === info ? [block.text] : []))

/** A source with the changes of a `diff` block made: its other lines must occur exactly once. */
export const changed = (source: string, diff: string): string => {
  const lines = diff.trimEnd().split("\n")
  const side = (mark: string): string =>
    lines
      .filter((line) => line.startsWith(mark) || line.startsWith(" "))
      .map((line) => `${line.slice(1)}\n`)
      .join("")
  const parts = source.split(side("-"))
  if (parts.length !== 2) throw new Error(`a change fits ${parts.length - 1} times:\n${diff}`)
  return parts.join(side("+"))
}

/** A project in a temporary directory, in which `leasehold` is this checkout's sources. */
export interface Project {
  readonly directory: string
  readonly write: (name: string, text: string) => void
  /** Runs a program there. */
  readonly run: (
    program: string,
    ...args: ReadonlyArray<string>
  ) => Promise<{ readonly code: number; readonly out: string; readonly err: string }>
  readonly remove: () => void
}

export const makeProject = (): Project => {
  const directory = temporaryDirectory("manual")
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text)
  linkDependencies(directory, ["effect", "fast-check", "@types/node"])
  const installed = join(directory, "node_modules/leasehold")
  mkdirSync(installed)
  for (const folder of ["src", "properties"]) symlinkSync(join(root, folder), join(installed, folder))
  const { exports, name } = manifest()
  const source = (built: string): string => built.replace("./dist/", "./").replace(/\.js$/, ".ts")
  const entries = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === "string" ? [] : [[path, source(target.default)] as const]
  )
  write(
    "node_modules/leasehold/package.json",
    JSON.stringify({ name, type: "module", exports: Object.fromEntries(entries) })
  )
  write("package.json", JSON.stringify({ private: true, type: "module" }))
  return {
    directory,
    write,
    run: (program, ...args) =>
      new Promise((resolve) => {
        const options = { cwd: directory, env: toolEnvironment(), maxBuffer: 64 * 1024 * 1024 }
        execFile(program, args, options, (error, out, err) => {
          resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err })
        })
      }),
    remove: () => remove(directory)
  }
}

export const readPage = (): string => readFileSync(page, "utf8")
