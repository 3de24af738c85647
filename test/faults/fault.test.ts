import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, assert, beforeEach, it, vi } from "vitest"
import { sampleOf } from "./Sample.ts"
import { nameOf, pointsOf } from "./SyscallMatrix.ts"

let empty: string
beforeEach(() => {
  empty = mkdtempSync(join(tmpdir(), "leasehold-no-means-"))
  vi.resetModules()
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(empty, { recursive: true, force: true })
})

it("a missing means fails the test and names its package, or is reported where that is asked for", async () => {
  vi.stubEnv("PATH", empty)
  vi.stubEnv("LEASEHOLD_FAULTS", undefined)
  // probed anew, with nothing in the path
  const { FaultAccount, lacks } = await import("./Fault.ts")
  assert.match(lacks("syscalls") ?? "", /ENOENT.*Debian package strace/)
  assert.match(lacks("tmpfs") ?? "", /ENOENT.*Debian package util-linux/)
  const account = new FaultAccount()
  if (process.platform === "linux")
    assert.throws(() => account.can("EIO once"), /cannot inject "EIO once".*Debian package/)
  vi.stubEnv("LEASEHOLD_FAULTS", "available")
  assert.isFalse(account.can("EIO once"))
  assert.isTrue(account.can("connection reset"))
  account.fired("connection reset", 2)
  assert.match(account.summary(), /that fired: connection reset 2\nNOT INJECTED: EIO once: .*strace/)
  const { fired, unavailable } = account.toJSON()
  assert.deepStrictEqual(fired, { "connection reset": 2 })
  assert.deepStrictEqual(Object.keys(unavailable), ["EIO once"])
})

it("every fault of the catalogue is injected by a test", async () => {
  const { faults } = await import("./Fault.ts")
  const folder = fileURLToPath(new URL(".", import.meta.url))
  const sources = readdirSync(folder)
    .filter((name) => (name.endsWith(".test.ts") && name !== "fault.test.ts") || name === "SyscallMatrix.ts")
    .map((name) => readFileSync(join(folder, name), "utf8"))
  for (const fault of Object.keys(faults))
    assert.isTrue(
      sources.some((text) => text.includes(`"${fault}"`)),
      fault
    )
})

it("a sample takes every cell and every scenario, the same for the same seed", () => {
  const calls = { pwrite64: 9, fdatasync: 7, rename: 2, tell: 20 }
  const counts = { roll: { calls, paths: [] }, retry: { calls, paths: [] }, control: { calls, paths: [] } }
  const points = pointsOf(counts)
  assert.strictEqual(new Set(points.map(nameOf)).size, points.length)
  const cellsOf = (of: typeof points) => new Set(of.map(({ kind, syscall }) => `${kind}, ${syscall}`))
  const sample = sampleOf(points, 1, 30)
  assert.strictEqual(sample.length, 30)
  assert.deepStrictEqual(cellsOf(sample), cellsOf(points))
  assert.strictEqual(new Set(sample.map(({ scenario }) => scenario)).size, 3)
  assert.deepStrictEqual(sampleOf(points, 1, 30), sample)
  assert.notDeepEqual(sampleOf(points, 2, 30), sample)
})
