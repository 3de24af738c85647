/**
 * Damage that synced bytes take by themselves: what a log must notice rather than survive.
 *
 * @since 0.1.0
 */
import type { Inode } from "./Change.ts"
import type { FaultKind } from "./DiskFault.ts"
import type { PagedBytes } from "./PagedBytes.ts"

const sectorBytes = 512

/**
 * One case of damage. Offsets and lengths in bytes; a sector has 512.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Damage =
  /** One bit, 0 to 7, of the byte at an offset is the other way round. */
  | { readonly _tag: "BitFlip"; readonly offset: number; readonly bit: number }
  /** The sector around an offset reads as zeros. */
  | { readonly _tag: "ZeroSector"; readonly offset: number }
  /** The sector around an offset reads as it was before the last sync that changed the file. */
  | { readonly _tag: "StaleSector"; readonly offset: number }
  /** The file ends here. */
  | { readonly _tag: "CutFile"; readonly length: number }

/**
 * How the damage is counted.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const kindOfDamage = (damage: Damage): FaultKind => {
  switch (damage._tag) {
    case "BitFlip":
      return "bitFlip"
    case "ZeroSector":
      return "zeroSector"
    case "StaleSector":
      return "staleSector"
    case "CutFile":
      return "cutFile"
  }
}

const sectorOf = (content: PagedBytes, from: number, length: number): Buffer => {
  const sector = Buffer.alloc(length)
  content.read(sector, 0, length, from)
  return sector
}

const damaged = (inode: Inode, damage: Damage): PagedBytes => {
  const content = inode.durable.clone()
  if (damage._tag === "CutFile") {
    if (damage.length < content.length) content.truncate(damage.length)
    return content
  }
  if (damage.offset >= content.length) return content
  if (damage._tag === "BitFlip") {
    const byte = sectorOf(content, damage.offset, 1)
    byte[0]! ^= 1 << damage.bit
    content.write(damage.offset, byte)
    return content
  }
  const from = damage.offset - (damage.offset % sectorBytes)
  const length = Math.min(sectorBytes, content.length - from)
  if (damage._tag === "ZeroSector") content.writeZeros(from, length)
  else if (inode.previous !== undefined) content.write(from, sectorOf(inode.previous, from, length))
  return content
}

/**
 * Damages a file none of whose bytes wait for a sync, on the device and in the cache; answers whether that changed
 * any byte.
 *
 * @since 0.1.0
 * @category combinators
 * @stability unstable
 */
export const inflict = (inode: Inode, damage: Damage): boolean => {
  if (inode.changes.length > 0) throw new Error("only synced bytes can rot")
  const content = damaged(inode, damage)
  if (content.fingerprint() === inode.durable.fingerprint()) return false
  inode.durable = content
  inode.cached = content.clone()
  return true
}
