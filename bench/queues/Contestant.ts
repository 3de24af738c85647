/** Who is measured, and how each is set up. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Adapter } from "./Adapter.ts"

export const peersDirectory = resolve(import.meta.dirname, "../peers")

/** A limit is written by hand for exactly this work; a peer is another project's queue. */
type Kind = "own" | "limit" | "peer"

interface Loader {
  /** Whether the packages of bench/peers are needed. */
  readonly isForeign: boolean
  /** Loads only what the contestant needs. */
  readonly load: () => Promise<{ readonly adapter: Adapter }>
}

export interface Contestant extends Loader {
  readonly name: string
  readonly kind: Kind
  /** Whose versions are printed. */
  readonly packages: ReadonlyArray<string>
  readonly configuration: string
}

export const fromHere = (load: Loader["load"]): Loader => ({ isForeign: false, load })

/** A module of bench/peers that exports an adapter. The compiler must not follow those: their packages may be missing. */
export const fromPeers = (file: string): Loader => ({
  isForeign: true,
  load: async () => (await import(new URL(`../peers/${file}`, import.meta.url).href)) as { readonly adapter: Adapter }
})

/** `name version` of each package that a contestant uses. */
export const versionsOf = ({ isForeign, packages }: Contestant): ReadonlyArray<string> => {
  const base = isForeign ? peersDirectory : resolve(import.meta.dirname, "../..")
  return packages.map((name) => {
    const path = resolve(base, "node_modules", name, "package.json")
    // every package's own file has its version
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }
    return `${name} ${version}`
  })
}
