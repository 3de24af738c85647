/**
 * Runs once before all tests: gets the programs that tests need from Debian's packages where they are missing and that
 * is allowed. Where it is not, the tests that need them say so by name.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import * as PrivatePostgres from "../../src/cli/demo/PrivatePostgres.ts"
import * as PrivateRedis from "../../src/cli/demo/PrivateRedis.ts"
import * as PgBouncer from "../support/servers/PgBouncer.ts"

const has = (command: string, ...words: ReadonlyArray<string>): boolean =>
  spawnSync(command, words, { stdio: "ignore", timeout: 10_000 }).error === undefined

const apt = (...words: ReadonlyArray<string>): boolean =>
  spawnSync("apt-get", ["--quiet", "--yes", ...words], {
    stdio: "ignore",
    timeout: 120_000,
    // no package starts its service: the tests start their own
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  }).status === 0

/** The package makes a server's data of its own unless it is told not to. */
const withoutCluster = (): void => {
  const folder = "/etc/postgresql-common"
  if (existsSync(folder)) return
  mkdirSync(folder)
  writeFileSync(`${folder}/createcluster.conf`, "create_main_cluster = false\n")
}

export default function install(): void {
  const missing = [
    ...(process.platform !== "linux" || has("strace", "-V") ? [] : ["strace"]),
    ...(PrivatePostgres.find() === undefined ? ["postgresql"] : []),
    ...(PgBouncer.find() === undefined ? ["pgbouncer"] : []),
    ...(PrivateRedis.find() === undefined ? ["redis-server"] : [])
  ]
  if (missing.length === 0) return
  const get = (): boolean => apt("install", "--no-install-recommends", ...missing)
  if (process.platform === "linux" && process.getuid?.() === 0 && has("apt-get", "--version")) {
    if (missing.includes("postgresql")) withoutCluster()
    // a fresh machine has no lists of packages yet
    if (get() || (apt("update") && get())) return
  }
  process.stderr.write(`missing: ${missing.join(", ")}. Install what is missing to run every test\n`)
}
