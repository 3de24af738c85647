/**
 * Runs once before all tests: gets `strace` from Debian's packages where it is missing and that is allowed. Where it is
 * not, the tests that need it say so by name.
 */
import { spawnSync } from "node:child_process"

const has = (command: string, ...words: ReadonlyArray<string>): boolean =>
  spawnSync(command, words, { stdio: "ignore", timeout: 10_000 }).error === undefined

const apt = (...words: ReadonlyArray<string>): boolean =>
  spawnSync("apt-get", ["--quiet", "--yes", ...words], {
    stdio: "ignore",
    timeout: 120_000,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  }).status === 0

export default function install(): void {
  if (process.platform !== "linux" || has("strace", "-V")) return
  if (process.getuid?.() !== 0 || !has("apt-get", "--version")) return
  const get = (): boolean => apt("install", "--no-install-recommends", "strace")
  // a fresh machine has no lists of packages yet
  if (get() || (apt("update") && get())) return
  process.stderr.write("strace is missing and Debian's packages do not give it: install it to run every fault\n")
}
