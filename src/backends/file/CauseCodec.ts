/**
 * The stored form of a failure's cause.
 *
 * @since 0.1.0
 */
import { FailureKind } from "../../model/FailureCause.ts"
import type { FailureCause } from "../../model/FailureCause.ts"
import { type ByteReader, MalformedBytes } from "./journal/ByteReader.ts"
import type { ByteWriter } from "./journal/ByteWriter.ts"

/**
 * Kind, tag and message of a cause.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const putCause = (writer: ByteWriter, cause: FailureCause): void => {
  writer.u8(FailureKind.literals.indexOf(cause.kind) * 2 + (cause.tag === undefined ? 0 : 1))
  if (cause.tag !== undefined) writer.string(cause.tag)
  writer.string(cause.message)
}

/**
 * Kind, tag and message of a cause, as `putCause` wrote them.
 *
 * @since 0.1.0
 * @category operations
 * @stability unstable
 */
export const takeCause = (reader: ByteReader): FailureCause => {
  const code = reader.u8()
  const kind = FailureKind.literals[code >>> 1]
  if (kind === undefined) throw new MalformedBytes(`failure kind ${code >>> 1}`)
  return code % 2 === 1 ? { kind, tag: reader.string(), message: reader.string() } : { kind, message: reader.string() }
}
