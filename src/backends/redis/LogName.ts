/**
 * What a log in Redis may be called, and the keys that follow from its name.
 *
 * @since 0.1.0
 */

const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$/

/**
 * The name of a log that is not given one.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const defaultLogName = "leasehold"

/**
 * Names of logs, in words.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const logNameExpected =
  "a name of at most 48 letters, digits, dots, hyphens and underscores that begins with a letter or a digit"

/**
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isLogName = (name: string): boolean => pattern.test(name)

/**
 * What a log is found under. The braces make a Cluster keep all of it in one slot, so that one script may use it all.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface LogKeys {
  /** The key that every call names first, so that a Cluster sends it to the log's node. */
  readonly first: string
  /**
   * A key that never exists. While a Cluster moves the slot, a call that names it beside {@link first} is refused
   * wherever the log is not whole: keys that are there and keys that are not, in one call.
   */
  readonly none: string
  /** The channel of the log's news. With a colon and a listener's id behind it, that of the listener alone. */
  readonly news: string
}

/**
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const keysOf = (name: string): LogKeys => ({
  first: `{${name}}:m`,
  none: `{${name}}:none`,
  news: `{${name}}:news`
})
