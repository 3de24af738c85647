/** Where private servers keep what they share and what is theirs: one folder for each run of the tests. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const variable = "LEASEHOLD_TEST_SERVERS"

const make = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "leasehold-servers-"))
  // servers that do not run as root have to get through
  chmodSync(directory, 0o711)
  return directory
}

let own: string | undefined

/** The folder of this run; a program that no run of the tests started makes its own, gone with its process. */
export const place = (): string => {
  const given = process.env[variable]
  if (given !== undefined) return given
  if (own === undefined) {
    const directory = make()
    own = directory
    process.once("exit", () => rmSync(directory, { recursive: true, force: true }))
  }
  return own
}

/** Runs once before all tests. A server that outlived its test ends by itself when its data are gone. */
export default function shareServers(): () => void {
  const directory = make()
  // the workers that run the tests inherit it
  process.env[variable] = directory
  return () => rmSync(directory, { recursive: true, force: true })
}
