/** Runs a program whose disk is a small file system in memory that nobody else sees and that ends with it. */
import { spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { ownMounts } from "./Fault.ts"
import { type Line, parse } from "./Line.ts"

export interface Ran {
  readonly code: number | null
  readonly errors: string
  readonly lines: ReadonlyArray<Line>
  /** Where the program copied its log to. */
  readonly copy: string
}

/** Runs a program of this folder with the words `mount` and `copy`, both within `place`. */
export const runOnTmpfs = async (script: string, place: string, bytes: number): Promise<Ran> => {
  const mount = join(place, "mount")
  const copy = join(place, "copy")
  const told = join(place, "told")
  mkdirSync(mount)
  const output = openSync(told, "a")
  const [command, ...words] = ownMounts
  const path = fileURLToPath(new URL(script, import.meta.url))
  const inside = 'mount -t tmpfs -o "size=$1" none "$2" && exec "$3" "$4" "$2" "$5"'
  const parameters = ["sh", String(bytes), mount, process.execPath, path, copy]
  const child = spawn(command, [...words, "sh", "-c", inside, ...parameters], { stdio: ["ignore", output, "pipe"] })
  closeSync(output)
  let errors = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  return { code, errors, lines: parse(readFileSync(told, "utf8")), copy }
}
