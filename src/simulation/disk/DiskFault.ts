/**
 * The faults that a simulated disk can be told to have.
 *
 * @since 0.1.0
 */

/**
 * Operations that faults can be planned for.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Operation =
  | "open"
  | "write"
  | "read"
  | "datasync"
  | "sync"
  | "truncate"
  | "rename"
  | "remove"
  | "syncDirectory"
  | "list"

/**
 * Fails the `nth` call (1-based) of an operation from now on, or all from the nth on.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Fault {
  readonly operation: Operation
  readonly nth: number
  readonly code: string
  readonly forever?: boolean | undefined
  /** Bytes of the write that still reach the page cache. Default: none. */
  readonly written?: number | undefined
  /**
   * What a failed sync does to the file's dirty pages. `keep`: they stay dirty. `forget` (default): they are clean
   * now, so the cache shows bytes that the disk does not hold. `revert`: the cache shows the disk's bytes again.
   */
  readonly dirtyPages?: "keep" | "forget" | "revert" | undefined
}
