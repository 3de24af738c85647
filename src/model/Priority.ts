/**
 * Priorities are integers, lower runs sooner; three have names.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const Priority = { fast: -100, normal: 0, bulk: 100 } as const

/**
 * A named priority, or an integer from -1000 to 1000.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Priority = keyof typeof Priority | number

/**
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const toInteger = (priority: Priority): number => (typeof priority === "number" ? priority : Priority[priority])
