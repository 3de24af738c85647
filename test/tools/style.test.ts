/** The house style, as far as a program can judge it. Each check says why it is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, join, relative } from "node:path"
import { describe, expect, it } from "vitest"
import { manifest, root } from "./stage.ts"

/** What is built or fetched, and so no one's style. */
const generated = new Set(["node_modules", "dist", "coverage", ".git", ".leasehold", "package-lock.json"])

const walk = (folder: string): ReadonlyArray<string> =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
        if (generated.has(entry.name)) return []
        const path = relative(root, join(root, folder, entry.name))
        return entry.isDirectory() ? walk(path) : entry.isFile() ? [path] : []
      })
    : []

const read = (path: string): string => readFileSync(join(root, path), "utf8")
const exists = (path: string): boolean => existsSync(join(root, path))

const all = walk(".")
const text = all.filter((path) => /\.(ts|js|json|md|nix|yml|yaml|sh|sql|lua|html|css)$|\.ci\/|LICENSE$/.test(path))
const published = [...walk("src"), ...walk("properties")].filter((path) => path.endsWith(".ts"))

/** `path:line` of every line that matches. */
const lines = (paths: ReadonlyArray<string>, pattern: RegExp): ReadonlyArray<string> =>
  paths.flatMap((path) =>
    read(path)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
  )

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|namespace) (\w+)/
const reexport = /^export (?:\* as \w+|(?:type )?\{[^}]*\}) from "\.\/([^"]+)\.ts"/

/** The docstring that ends right above a line, if there is one. */
const docstringAbove = (source: ReadonlyArray<string>, line: number): string | undefined => {
  if (source[line - 1]?.trimEnd().endsWith("*/") !== true) return undefined
  const start = source.slice(0, line).findLastIndex((it) => it.trimStart().startsWith("/**"))
  return start === -1 ? undefined : source.slice(start, line).join("\n")
}

/** Exports without a complete docstring. Overloads share the first one's. */
const undocumented = (path: string): ReadonlyArray<string> => {
  const source = read(path).split("\n")
  const seen = new Set<string>()
  return source.flatMap((line, index) => {
    const name = declaration.exec(line)?.[1]
    if (name === undefined || seen.has(name)) return []
    seen.add(name)
    const docstring = docstringAbove(source, index)
    if (docstring === undefined) return [`${path}:${index + 1}: ${name} has no docstring`]
    const missing = ["@since", "@category", "@stability"].filter((tag) => !docstring.includes(`${tag} `))
    return missing.length > 0 ? [`${path}:${index + 1}: ${name} lacks ${missing.join(", ")}`] : []
  })
}

describe("house style", () => {
  it("keeps the top level small: a newcomer reads it first", () => {
    const allowed = [
      ...["src", "test", "properties", "bench", "docs", ".ci", ".github"],
      ...["package.json", "tsconfig.json", "tsconfig.build.json", "flake.nix", "flake.lock"],
      ...["README.md", "LICENSE", "CHANGELOG.md"],
      ...[".gitignore", ".npmrc", ".oxfmtrc.json", "oxlint.config.ts", "knip.json", "vitest.config.ts"]
    ]
    const found = new Set(all.map((path) => path.split("/")[0] ?? path))
    expect([...found].filter((name) => !allowed.includes(name))).toEqual([])
  })

  it("keeps source files to 400 lines: past that there is a second concept in them", () => {
    const long = published.map((path) => ({ path, lines: read(path).trimEnd().split("\n").length }))
    expect(long.filter((it) => it.lines > 400)).toEqual([])
  })

  it("names a module's file after its concept, in PascalCase; programs, commands and folders in lower case", () => {
    const misnamed = published.filter((path) => {
      const folders = path.split("/").slice(0, -1)
      const program = path.startsWith("src/cli/") || basename(path) === "index.ts"
      const named = /^[A-Z][A-Za-z0-9]*\.ts$/.test(basename(path)) || (program && /^[a-z]+\.ts$/.test(basename(path)))
      return !named || folders.some((folder) => !/^[a-z][a-z0-9]*$/.test(folder))
    })
    expect(misnamed).toEqual([])
  })

  it("documents every export with its age, category and stability: editors and users read nothing else", () => {
    expect(published.flatMap(undocumented)).toEqual([])
  })

  it("leaves no note to do something later: it is done, or it is an issue", () => {
    // Spelt so that this file does not match itself.
    expect(lines(text, /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/)).toEqual([])
  })

  it("names no directory of the machine it was written on", () => {
    expect(lines(text, /(?<![\w.~:/\\)-])\/(?:root|home|Users|work|workspace|mnt)\/[\w.]/)).toEqual([])
  })

  it("names no package registry: any will do", () => {
    expect(lines([...text, "package-lock.json"], /registry\.[a-z]+\.|"resolv[e]d": "http|npmmirro[r]/)).toEqual([])
  })

  it("imports files by their real name, as Node runs them", () => {
    const scripts = all.filter((path) => path.endsWith(".ts"))
    expect(lines(scripts, /^(?:import|export)\b.* from "\.{1,2}\/[^"]*(?<!\.ts)"$/)).toEqual([])
  })
})

describe("the package", () => {
  const { bin = {}, exports, peerDependencies, version } = manifest()
  const source = (built: string): string => built.replace(/^(?:\.\/)?dist\//, "").replace(/(?:\.d\.ts|\.js)$/, ".ts")
  const targets = Object.values(exports).flatMap((it) => (typeof it === "string" ? [] : [it.types, it.default]))

  it("has a source for each entry point", () => {
    expect([...targets, ...Object.values(bin)].map(source).filter((path) => !exists(path))).toEqual([])
  })

  it("gives each module of the facade an entry point of its own, so that nobody pays for the rest", () => {
    expect(exists("src/index.ts"), "src/index.ts").toBe(true)
    const wanted = read("src/index.ts")
      .split("\n")
      .flatMap((line) => {
        const path = reexport.exec(line)?.[1]
        return path === undefined ? [] : [[`./${basename(path)}`, `./dist/src/${path}`] as const]
      })
    expect(wanted.length).toBeGreaterThan(0)
    const expected = [[".", "./dist/src/index"] as const, ...wanted].map(
      ([name, path]) => [name, { types: `${path}.d.ts`, default: `${path}.js` }] as const
    )
    expect(exports).toMatchObject(Object.fromEntries(expected))
  })

  it("starts its command with Node", () => {
    expect(Object.keys(bin)).toEqual(["leasehold"])
    for (const path of Object.values(bin)) expect(read(source(path)).startsWith("#!/usr/bin/env node\n")).toBe(true)
  })

  it("describes its version in the changelog", () => {
    expect(read("CHANGELOG.md")).toMatch(new RegExp(`^## ${version.replaceAll(".", "\\.")}$`, "m"))
  })

  it("locks the binaries of every platform: npm drops those of others when it locks beside an installed tree", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as {
      readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>
    }
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages))
        .map((name) => `${path}: ${name}`)
    )
    expect(missing).toEqual([])
  })

  it("pins every tool, and tests with a version its users may have", () => {
    const { devDependencies } = JSON.parse(read("package.json")) as {
      readonly devDependencies: Readonly<Record<string, string>>
    }
    expect(Object.entries(devDependencies).filter(([, pin]) => !/^\d+\.\d+\.\d+$/.test(pin))).toEqual([])
    expect(Object.keys(peerDependencies).filter((name) => !(name in devDependencies))).toEqual([])
  })
})

describe("the two commands", () => {
  const commands = ["npm ci && npm run demo", "npm ci && npm test"]

  it.each(commands)("%s stands in the README and is what CI runs", (command) => {
    expect(exists("README.md"), "README.md").toBe(true)
    expect(read("README.md")).toContain(command)
    expect(read(".ci/run")).toContain(command)
  })
})
