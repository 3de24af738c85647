/**
 * What the schema of a log may be called: a name that needs no quotes, so that every program finds it.
 *
 * @since 0.1.0
 */

const pattern = /^[a-z_][a-z0-9_]{0,47}$/

/**
 * Names of schemas, in words.
 *
 * @since 0.1.0
 * @category formatting
 * @stability unstable
 */
export const schemaNameExpected = "a lower-case identifier of at most 48 characters"

/**
 * @since 0.1.0
 * @category guards
 * @stability unstable
 */
export const isSchemaName = (name: string): boolean => pattern.test(name)
