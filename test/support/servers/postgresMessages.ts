/** Where the messages of Postgres' protocol end, for a proxy in between: a request is what asks for one answer. */
import type { Splitter } from "../../faults/Proxy.ts"

const sync = 0x53
const query = 0x51
const terminate = 0x58
const ready = 0x5a

/** As far as and with the first message of one of these types; 0 while it is incomplete. */
const through =
  (types: ReadonlyArray<number>): Splitter =>
  (bytes) => {
    for (let at = 0; at + 5 <= bytes.length;) {
      const end = at + 1 + bytes.readUInt32BE(at + 1)
      if (end > bytes.length) return 0
      if (types.includes(bytes[at] ?? 0)) return end
      at = end
    }
    return 0
  }

const statement = through([sync, query, terminate])

/** A statement with all that belongs to it, or the beginning of a connection, which alone has no type. */
export const byStatement: Splitter = (bytes) => {
  if (bytes.length < 4) return 0
  if (bytes[0] !== 0) return statement(bytes)
  const length = bytes.readUInt32BE(0)
  return length > bytes.length ? 0 : length
}

/** All that the server says until it is ready for the next. */
export const byReady: Splitter = through([ready])
