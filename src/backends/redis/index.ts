/**
 * The job log on Redis Streams.
 *
 * @since 0.1.0
 */

/**
 * The log itself: its layers, options and capabilities.
 *
 * @since 0.1.0
 * @category logs
 * @stability unstable
 */
export * as RedisLog from "./RedisLog.ts"
