/**
 * `node test/tools/redisMatrix.ts [program | suite/package ...]`: the tests of the Redis log on several servers, by
 * default the one of this machine and those of Debian's suites that are newer. A program is a path; a package, such as
 * `trixie/redis-tools`, is unpacked with the libraries it was built for into a folder of its own, which is removed
 * afterwards. Nothing is installed.
 */
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as PrivateRedis from "../../src/cli/demo/PrivateRedis.ts"

const packages = ["bookworm-backports/valkey-tools", "trixie/redis-tools", "trixie/valkey-tools", "forky/valkey-tools"]
const tests = ["test/properties/redis", "test/backends/redis"]
const root = join(import.meta.dirname, "..", "..")

const run = (command: string, words: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): boolean => {
  const { error, status } = spawnSync(command, words, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } })
  if (error !== undefined) throw error
  return status === 0
}

const must = (command: string, ...words: ReadonlyArray<string>): void => {
  if (!run(command, words)) throw new Error(`${command} ${words.join(" ")} failed`)
}

/** Where this machine gets Debian's packages from. */
const mirror = (): string => {
  const words = ["indextargets", "--format", "$(REPO_URI) $(RELEASE)"]
  const { stdout } = spawnSync("apt-get", words, { encoding: "utf8" })
  const [uri] = stdout.split("\n").flatMap((line) => /^(\S+) [a-z]+$/.exec(line)?.[1] ?? [])
  if (uri === undefined) throw new Error("apt-get knows no source of packages: give the path of a server's program")
  return uri
}

/** Unpacks a package with all that it depends on, and answers a program that runs it. */
const unpack = (suite: string, name: string, directory: string): string => {
  const [lists, archives, system] = ["lists", "archives", "system"].map((folder) => join(directory, folder))
  if (lists === undefined || archives === undefined || system === undefined) throw new Error("no folders")
  for (const folder of [lists, archives, system]) mkdirSync(join(folder, "partial"), { recursive: true })
  // as if nothing were installed, so that libraries come along
  const status = join(directory, "status")
  const sources = join(directory, "sources.list")
  const suites = suite.endsWith("-backports") ? [suite.replace("-backports", ""), suite] : [suite]
  writeFileSync(status, "")
  writeFileSync(sources, suites.map((each) => `deb ${mirror()} ${each} main\n`).join(""))
  // whom it would otherwise become may not enter the folder
  const settings = {
    "APT::Sandbox::User": "root",
    "Dir::Cache": directory,
    "Dir::Cache::archives": archives,
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State::lists": lists,
    "Dir::State::status": status
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`])
  must("apt-get", "-qq", ...options, "update")
  const from = suites.length > 1 ? ["--target-release", suite] : []
  must("apt-get", "-qq", ...options, ...from, "--yes", "--no-install-recommends", "--download-only", "install", name)
  for (const file of readdirSync(archives).filter((each) => each.endsWith(".deb"))) {
    must("dpkg-deb", "--extract", join(archives, file), system)
  }
  const programs = ["valkey-check-rdb", "redis-check-rdb"].map((each) => join(system, "usr", "bin", each))
  const found = programs.find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${name} has no server`)
  // the server is the same program as the one that checks its files, and goes by how it is called
  const own = found.replace("check-rdb", "server")
  if (!existsSync(own)) must("cp", found, own)
  // where a distribution has them: at the root in older ones
  const folders = ["usr/lib", "lib"].flatMap((folder) => {
    const parent = join(system, folder)
    const names = existsSync(parent) ? readdirSync(parent) : []
    return names.filter((each) => each.endsWith("-linux-gnu")).map((each) => join(parent, each))
  })
  const loader = folders
    .flatMap((folder) => readdirSync(folder).map((each) => join(folder, each)))
    .find((path) => /\/ld-linux[^/]*\.so\.\d+$/.test(path))
  if (loader === undefined) throw new Error(`${suite} has no loader`)
  const program = join(directory, own.endsWith("valkey-server") ? "valkey-server" : "redis-server")
  const words = [loader, "--argv0", program, "--library-path", folders.join(":"), own]
  writeFileSync(program, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`)
  chmodSync(program, 0o755)
  return program
}

const test = (program: string): boolean => {
  run(program, ["--version"])
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs")
  return run(process.execPath, [vitest, "run", ...tests], { LEASEHOLD_TEST_REDIS: program })
}

const given = process.argv.slice(2)
const own = PrivateRedis.find()
const usual = [...(own === undefined ? [] : [own]), ...packages]
const results = (given.length > 0 ? given : usual).map((server) => {
  const [, suite, name] = /^([a-z-]+)\/([a-z-]+)$/.exec(server) ?? []
  if (suite === undefined || name === undefined) return { server, passed: test(server) }
  const directory = mkdtempSync(join(tmpdir(), "leasehold-redis-"))
  try {
    return { server, passed: test(unpack(suite, name, directory)) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
for (const { passed, server } of results) console.log(`${passed ? "passed" : "FAILED"} ${server}`)
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1
