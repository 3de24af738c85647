/**
 * Loads our sources with one place changed, without writing anything: the changed module and all that import it exist
 * once more under a query of their own, everything else is shared with the unchanged program.
 */
import * as fs from "node:fs"
import { registerHooks } from "node:module"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { SourceMutant } from "./SourceMutant.ts"

const root = path.resolve(import.meta.dirname, "../..")

const filesBelow = (folder: string): ReadonlyArray<string> =>
  fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.join(root, folder, name))

/** Imports that exist at run time. */
const importPattern = /^(?:import|export) (?!type )[^;"]*?from "(\.[^"]+)"|import\("(\.[^"]+)"\)/gm

/** Who imports a file, by its path. */
const importers = (): Map<string, Set<string>> => {
  const found = new Map<string, Set<string>>()
  for (const file of ["src", "properties", "test"].flatMap(filesBelow)) {
    for (const [, from, lazily] of fs.readFileSync(file, "utf8").matchAll(importPattern)) {
      const target = path.resolve(path.dirname(file), from ?? lazily ?? "")
      const known = found.get(target) ?? new Set()
      found.set(target, known.add(file))
    }
  }
  return found
}

let graph: Map<string, Set<string>> | undefined

/** The file and all that import it, directly or not. */
const affectedBy = (file: string): ReadonlySet<string> => {
  graph ??= importers()
  const affected = new Set([file])
  for (const each of affected) for (const importer of graph.get(each) ?? []) affected.add(importer)
  return affected
}

interface Changed {
  readonly file: string
  readonly text: string
  readonly affected: ReadonlySet<string>
}

const changes: Array<Changed> = []

const query = "?mutant="

const changeOf = (url: string | undefined): number | undefined => {
  const at = url?.indexOf(query) ?? -1
  return url === undefined || at === -1 ? undefined : Number(url.slice(at + query.length))
}

let hooked = false

const hook = (): void => {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const index = changeOf(context.parentURL)
      if (index === undefined || !found.url.startsWith("file:")) return found
      const affected = changes[index]?.affected.has(fileURLToPath(found.url)) === true
      return affected ? { ...found, url: `${found.url}${query}${index}` } : found
    },
    load: (url, context, next) => {
      const found = next(url, context)
      const index = changeOf(url)
      const changed = index === undefined ? undefined : changes[index]
      return changed !== undefined && fileURLToPath(url.slice(0, url.indexOf(query))) === changed.file
        ? { ...found, source: changed.text }
        : found
    }
  })
}

/** The file's text with the mutant's place changed. Throws unless that place occurs exactly once. */
export const textOf = (mutant: Pick<SourceMutant, "name" | "file" | "find" | "replace">): string => {
  const parts = fs.readFileSync(path.join(root, mutant.file), "utf8").split(mutant.find)
  if (parts.length !== 2) {
    throw new Error(`mutant "${mutant.name}": its place occurs ${parts.length - 1} times in ${mutant.file}; adapt it`)
  }
  return parts.join(mutant.replace)
}

/** Imports modules, given from the repository's root, as they are with this place changed. */
export type Load = (module: string) => Promise<unknown>

/** Prepares a mutant for loading. Not within a test runner that transforms modules by itself. */
export const loading = (mutant: SourceMutant): Load => {
  const file = path.join(root, mutant.file)
  const index = changes.push({ file, text: textOf(mutant), affected: affectedBy(file) }) - 1
  hook()
  return (module) => {
    const entry = path.join(root, module)
    if (changes[index]?.affected.has(entry) !== true) {
      throw new Error(`mutant "${mutant.name}": ${module} does not depend on ${mutant.file}`)
    }
    return import(`${pathToFileURL(entry).href}${query}${index}`)
  }
}
