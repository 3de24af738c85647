/**
 * What was asked for, as one string that the server keeps as it is: the id, the optional parts as JSON, the name, the
 * payload's version, the payload. The first three lines end with line feeds, which none of these can contain.
 *
 * @since 0.1.0
 */
import type { EnqueueItem } from "../../log/JobLog.ts"
import { isSameRest, parseRest, restOf } from "../../log/StoredRequest.ts"
import type { Rest } from "../../log/StoredRequest.ts"
import { fromShort, toShort } from "./JobId.ts"

const idLength = 22

/**
 * A request as a body.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toBody = (item: EnqueueItem): string =>
  `${toShort(item.id)}${restOf(item) ?? ""}\n${item.name}\n${item.version}\n${item.payload}`

/**
 * The parts of a body.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Parts {
  /** As the server has it. */
  readonly short: string
  readonly id: string
  readonly rest: Rest
  readonly name: string
  readonly version: number
  readonly payload: string
}

/**
 * What {@link toBody} has put together.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const fromBody = (body: string): Parts => {
  const rest = body.indexOf("\n", idLength)
  const name = body.indexOf("\n", rest + 1)
  const version = body.indexOf("\n", name + 1)
  const short = body.slice(0, idLength)
  return {
    short,
    id: fromShort(short),
    rest: parseRest(rest === idLength ? null : body.slice(idLength, rest)),
    name: body.slice(rest + 1, name),
    version: Number(body.slice(name + 1, version)),
    payload: body.slice(version + 1)
  }
}

/**
 * Whether a request asks for the very same job as a body in a queue.
 *
 * @since 0.1.0
 * @category equality
 * @stability unstable
 */
export const isSame = (item: EnqueueItem, queue: string, body: string): boolean => {
  if (item.queue !== queue) return false
  const own = toBody(item)
  if (own === body) return true
  const known = body.indexOf("\n", idLength)
  const asked = own.indexOf("\n", idLength)
  const restIn = (text: string, end: number): string | null => (end === idLength ? null : text.slice(idLength, end))
  return (
    own.slice(0, idLength) === body.slice(0, idLength) &&
    own.slice(asked) === body.slice(known) &&
    isSameRest(restIn(own, asked), restIn(body, known))
  )
}
