/**
 * Runs once before all tests: the many processes that tests start share what Node compiled, which halves the start of
 * each. A fresh folder for each run, since files in temporary directories would fill a lasting one.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export default function shareCompiledCode(): void {
  const directory = mkdtempSync(join(tmpdir(), "leasehold-compiled-"))
  // the workers that run the tests inherit it, and so do the processes that they start
  process.env["NODE_COMPILE_CACHE"] = directory
  // the last of them write into it after the tests
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }))
}
