/**
 * The job log in PostgreSQL.
 *
 * @since 0.1.0
 */

/**
 * The log itself: its layer, options and capabilities.
 *
 * @since 0.1.0
 * @category logs
 * @stability unstable
 */
export * as PostgresLog from "./PostgresLog.ts"
