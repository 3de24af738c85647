/**
 * Job ids as the server keeps them: 22 characters instead of 36.
 *
 * @since 0.1.0
 */
import { Buffer } from "node:buffer"

/**
 * A UUID in lower case as base64url of its bytes.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const toShort = (id: string): string => Buffer.from(id.replaceAll("-", ""), "hex").toString("base64url")

/**
 * What {@link toShort} was given.
 *
 * @since 0.1.0
 * @category conversions
 * @stability unstable
 */
export const fromShort = (short: string): string => {
  const hex = Buffer.from(short, "base64url").toString("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
