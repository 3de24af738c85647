/** The peers' packages, in a folder of their own. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { type Contestant, peersDirectory } from "./Contestant.ts"

const read = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

/** Whether each package of the manifest is there in its exact version. */
const isInstalled = (): boolean => {
  // the manifest of this very folder
  const { dependencies } = read(join(peersDirectory, "package.json")) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  return Object.entries(dependencies).every(([name, version]) => {
    const found = read(join(peersDirectory, "node_modules", name, "package.json"))
    return typeof found === "object" && found !== null && "version" in found && found.version === version
  })
}

/** Installs what is missing, if one of them needs it. Throws what npm says. */
export const installFor = (contestants: ReadonlyArray<Contestant>, say: (line: string) => void): void => {
  if (!contestants.some(({ isForeign }) => isForeign) || isInstalled()) return
  say("installing the peers")
  // not `npm ci`: it refuses a lock that lacks optional packages for other platforms, which some registries do not have
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
  const { error, status, stderr } = spawnSync("npm", args, {
    cwd: peersDirectory,
    encoding: "utf8",
    // npm runs on the Node that measures
    env: { ...process.env, PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) }
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`npm install: ${stderr.slice(-2_000)}`)
}
