/** Where the messages of Redis' protocol end, in its second version, for a proxy in between. */
import type { Splitter } from "../../faults/Proxy.ts"

const carriageReturn = 13

/** Where the value that begins here ends; 0 while it is incomplete. */
const endOf = (bytes: Buffer, at: number): number => {
  const line = bytes.indexOf(carriageReturn, at)
  if (line === -1 || line + 2 > bytes.length) return 0
  const after = line + 2
  const count = Number(bytes.toString("latin1", at + 1, line))
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case "$": {
      const end = count < 0 ? after : after + count + 2
      return end > bytes.length ? 0 : end
    }
    case "*": {
      let end = after
      for (let i = 0; i < count && end > 0; i++) end = end < bytes.length ? endOf(bytes, end) : 0
      return end
    }
    default:
      return after
  }
}

/** A command, or an answer. */
export const byValue: Splitter = (bytes) => (bytes.length === 0 ? 0 : endOf(bytes, 0))
